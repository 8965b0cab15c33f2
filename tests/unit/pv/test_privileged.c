/* SPDX-License-Identifier: MIT */
/* Privileged instructions of a guest kernel, from their bytes to what they leave in the registers. */
#include "guest.h"

#include "arch/x86/cpu/layout.h"
#include <arch/guest_memory.h>
#include <string.h>
#include <xen/errno.h>

#define SENTINEL 0x1122334455667788ull

/* General registers with known contents, then the instruction as #GP of the guest. */
static bool run(const u8 *bytes, size_t n)
{
    struct regs *r = guest_regs();
    guest_code(bytes, n);
    for (unsigned i = 0; i < 16; i++)
        r->gpr[i] = SENTINEL + i;
    r->rcx = r->rdx = 0;
    r->error = 0;
    return pv_emulate_privileged(&guest, r);
}
#define RUN(...)                                                                                                     \
    ({                                                                                                               \
        static const u8 code_[] = {__VA_ARGS__};                                                                     \
        run(code_, sizeof(code_));                                                                                   \
    })
/* As RUN, with registers set by hand before. */
static bool run_with(const u8 *bytes, size_t n)
{
    guest_code(bytes, n);
    guest_regs()->error = 0;
    return pv_emulate_privileged(&guest, guest_regs());
}
#define RUN_WITH(...)                                                                                                \
    ({                                                                                                               \
        static const u8 code_[] = {__VA_ARGS__};                                                                     \
        run_with(code_, sizeof(code_));                                                                              \
    })

/* What is carried out for a kernel with IOPL 1, for one with IOPL 0, for its user mode with IOPL 1 and with IOPL 3. */
static const struct {
    const char *name;
    u8 length;
    u8 bytes[8];
    bool kernel1, kernel0, user1, user3;
} table[] = {
    {"cli", 1, {0xfa}, true, false, false, true},
    {"sti", 1, {0xfb}, true, false, false, true},
    {"in al, imm8", 2, {0xe4, 0x60}, true, false, false, true},
    {"in eax, imm8", 2, {0xe5, 0x60}, true, false, false, true},
    {"in ax, imm8", 3, {0x66, 0xe5, 0x60}, true, false, false, true},
    {"out imm8, al", 2, {0xe6, 0x80}, true, false, false, true},
    {"in al, dx", 1, {0xec}, true, false, false, true},
    {"in eax, dx", 1, {0xed}, true, false, false, true},
    {"out dx, al", 1, {0xee}, true, false, false, true},
    {"out dx, eax", 1, {0xef}, true, false, false, true},
    {"hlt", 1, {0xf4}, true, true, false, false},
    {"clts", 2, {0x0f, 0x06}, true, true, false, false},
    {"invd", 2, {0x0f, 0x08}, true, true, false, false},
    {"wbinvd", 2, {0x0f, 0x09}, true, true, false, false},
    {"mov rax, cr0", 3, {0x0f, 0x20, 0xc0}, true, true, false, false},
    {"mov rax, cr2", 3, {0x0f, 0x20, 0xd0}, true, true, false, false},
    {"mov rax, cr3", 3, {0x0f, 0x20, 0xd8}, true, true, false, false},
    {"mov rax, cr4", 3, {0x0f, 0x20, 0xe0}, true, true, false, false},
    {"mov rax, cr8", 4, {0x44, 0x0f, 0x20, 0xc0}, false, false, false, false},
    {"mov cr4, rax", 3, {0x0f, 0x22, 0xe0}, true, true, false, false},
    {"mov cr8, rax", 4, {0x44, 0x0f, 0x22, 0xc0}, false, false, false, false},
    {"mov rax, dr7", 3, {0x0f, 0x21, 0xf8}, true, true, false, false},
    {"smsw eax", 3, {0x0f, 0x01, 0xe0}, true, true, false, false},
    {"lmsw ax", 3, {0x0f, 0x01, 0xf0}, false, false, false, false},
    {"rdmsr 0", 2, {0x0f, 0x32}, false, false, false, false},
    {"wrmsr 0", 2, {0x0f, 0x30}, false, false, false, false},
    {"rdtsc", 2, {0x0f, 0x31}, false, false, false, false},
    {"rdpmc", 2, {0x0f, 0x33}, false, false, false, false},
    {"rdtscp", 3, {0x0f, 0x01, 0xf9}, false, false, false, false},
    {"xsetbv with a bad value", 3, {0x0f, 0x01, 0xd1}, false, false, false, false},
    {"swapgs", 3, {0x0f, 0x01, 0xf8}, false, false, false, false},
    {"sysretq", 3, {0x48, 0x0f, 0x07}, false, false, false, false},
    {"sysexit", 2, {0x0f, 0x35}, false, false, false, false},
    {"iretq", 2, {0x48, 0xcf}, false, false, false, false},
    {"lgdt [rax]", 3, {0x0f, 0x01, 0x10}, false, false, false, false},
    {"lidt [rax]", 3, {0x0f, 0x01, 0x18}, false, false, false, false},
    {"lldt ax", 3, {0x0f, 0x00, 0xd0}, false, false, false, false},
    {"ltr ax", 3, {0x0f, 0x00, 0xd8}, false, false, false, false},
    {"invlpg [rax]", 3, {0x0f, 0x01, 0x38}, false, false, false, false},
    {"vmcall", 3, {0x0f, 0x01, 0xc1}, false, false, false, false},
    {"mov [rax], eax", 2, {0x89, 0x00}, false, false, false, false},
    {"lock hlt", 2, {0xf0, 0xf4}, false, false, false, false},
    {"nop", 1, {0x90}, false, false, false, false},
    {"ud2", 2, {0x0f, 0x0b}, false, false, false, false},
};

static void check_row(size_t i, bool in_kernel, u8 iopl, bool expected)
{
    struct regs *r = guest_regs();
    guest.in_kernel = in_kernel;
    guest.iopl = iopl;
    bool done = run(table[i].bytes, table[i].length);
    if (done != expected)
        print_message("%s, in %s, IOPL %u\n", table[i].name, in_kernel ? "kernel" : "user mode", iopl);
    assert_int_equal(done, expected);
    assert_int_equal(r->rip, GUEST_CODE + (done ? table[i].length : 0));
    assert_int_equal(r->rsp, GUEST_STACK + 4096);
    guest.in_kernel = true;
}

static void test_who_may(void **state)
{
    (void)state;
    guest.kernel_root = frame_mfn(guest_frame());
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        check_row(i, true, 1, table[i].kernel1);
        check_row(i, true, 0, table[i].kernel0);
        check_row(i, false, 1, table[i].user1);
        check_row(i, false, 3, table[i].user3);
    }
}

static void test_control_registers(void **state)
{
    struct regs *r = guest_regs();
    (void)state;
    guest.kernel_root = frame_mfn(guest_frame());
    guest.cr2 = 0x1234567890;
    guest_handlers();
    fake_processor.cr0 = 0x80010033;

    assert_true(RUN(0x0f, 0x20, 0xc3)); /* mov rbx, cr0 */
    assert_int_equal(r->rbx, 0x80010033);
    assert_true(RUN(0x41, 0x0f, 0x20, 0xd7)); /* mov r15, cr2 */
    assert_int_equal(r->r15, 0x1234567890);
    assert_true(RUN(0x0f, 0x20, 0xdc)); /* mov rsp, cr3: the register that is kept elsewhere */
    assert_int_equal(r->rsp, guest.kernel_root.n << PAGE_SHIFT);
    r->rsp = GUEST_STACK + 4096;

    r->rax = 0x8001003b; /* TS */
    assert_true(RUN_WITH(0x0f, 0x22, 0xc0));
    assert_true(guest.task_switched);
    assert_true(fake_processor.cr0 & 8);
    assert_true(RUN(0x0f, 0x20, 0xc0));
    assert_int_equal(r->rax, 0x8001003b);
    assert_true(RUN(0x0f, 0x06)); /* clts */
    assert_false(guest.task_switched);
    assert_false(fake_processor.cr0 & 8);
    for (unsigned bit = 0; bit < 64; bit++) {
        r->rax = 0x80010033 ^ 1ull << bit;
        assert_int_equal(RUN_WITH(0x0f, 0x22, 0xc0), bit == 3);
    }
    assert_int_equal(fake_processor.cr0, 0x8001003b);

    r->rdi = 0xabc; /* mov cr2, rdi */
    assert_true(RUN_WITH(0x0f, 0x22, 0xd7));
    assert_int_equal(guest_info.arch.cr2, 0xabc);
    assert_true(RUN(0x0f, 0x20, 0xd0));
    assert_int_equal(r->rax, 0xabc);

    /* CR4: nothing but DE moves, and the processor's does not move at all. */
    u64 hardware = fake_processor.cr4;
    assert_true(RUN(0x0f, 0x20, 0xe0));
    u64 view = r->rax;
    assert_int_equal(view, 0x40620);
    r->rax = ~0ull;
    assert_true(RUN_WITH(0x0f, 0x22, 0xe0));
    assert_true(RUN(0x0f, 0x20, 0xe0));
    assert_int_equal(r->rax, view | 8);
    r->rax = 0;
    assert_true(RUN_WITH(0x0f, 0x22, 0xe0));
    assert_true(RUN(0x0f, 0x20, 0xe0));
    assert_int_equal(r->rax, view);
    assert_int_equal(fake_processor.cr4, hardware);

    /* CR3: not a page table, not a frame at all. */
    r->rax = 0x123000;
    assert_false(RUN_WITH(0x0f, 0x22, 0xd8));
    r->rax = ~0ull;
    assert_false(RUN_WITH(0x0f, 0x22, 0xd8));
}

static void test_debug_registers(void **state)
{
    struct regs *r = guest_regs();
    (void)state;
    r->rsi = 0x4000;
    assert_true(RUN_WITH(0x0f, 0x23, 0xce)); /* mov dr1, rsi */
    assert_int_equal(guest.dr[1], 0x4000);
    assert_true(RUN(0x0f, 0x21, 0xcb)); /* mov rbx, dr1 */
    assert_int_equal(r->rbx, 0x4000);
    r->rsi = HYPERVISOR_START;
    assert_false(RUN_WITH(0x0f, 0x23, 0xce));
    assert_int_equal(guest.dr[1], 0x4000);
}

static void test_ports(void **state)
{
    struct regs *r = guest_regs();
    (void)state;
    guest.iopl = 1;
    assert_true(RUN(0xe4, 0x60));
    assert_int_equal(r->rax, (SENTINEL | 0xff));
    assert_true(RUN(0x66, 0xe5, 0x60));
    assert_int_equal(r->rax, (SENTINEL | 0xffff));
    assert_true(RUN(0xe5, 0x60));
    assert_int_equal(r->rax, 0xffffffff);
    assert_true(RUN(0xe4, 0x42)); /* timer channel 2 */
    assert_int_equal(r->rax, SENTINEL & ~0xffull);
    assert_true(RUN(0xe5, 0x40));
    assert_int_equal(r->rax, 0xff00ffff);
    r->rdx = 0xffff0042; /* only dx names a port */
    r->rax = SENTINEL;
    assert_true(RUN_WITH(0xec));
    assert_int_equal(r->rax, SENTINEL & ~0xffull);
    r->rdx = 0xfffe;
    assert_true(RUN_WITH(0xed));
    assert_int_equal(r->rax, 0xffffffff);
}

static void test_port_strings(void **state)
{
    static const u8 ins[] = {0xf3, 0x6d}, outs[] = {0xf3, 0x6e};
    u32 buffer[16] = {0};
    struct regs *r = guest_regs();
    (void)state;
    guest.iopl = 1;
    guest_handlers();

    guest_code(ins, sizeof(ins)); /* rep insd */
    fake_guest_range(0x700000, buffer, sizeof(buffer), true);
    r->rdi = 0x700000;
    r->rcx = 3;
    r->rdx = 0x60;
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(r->rcx, 0);
    assert_int_equal(r->rdi, 0x70000c);
    assert_int_equal(r->rip, GUEST_CODE + 2);
    assert_int_equal(buffer[2], 0xffffffff);
    assert_int_equal(buffer[3], 0);

    guest_code(ins, sizeof(ins)); /* the second round meets a page that is not there */
    fake_guest_range(0x700000, buffer, 4, true);
    r->rdi = 0x700000;
    r->rcx = 3;
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(guest_vector(), VECTOR_PF);
    assert_int_equal(guest_info.arch.cr2, 0x700004);
    assert_int_equal(r->rcx, 2);
    assert_int_equal(r->rdi, 0x700004);

    guest_code(ins, sizeof(ins)); /* into the hypervisor */
    r->rdi = HYPERVISOR_START;
    r->rcx = 1;
    assert_false(pv_emulate_privileged(&guest, r));
    assert_int_equal(r->rip, GUEST_CODE);

    guest_code(outs, sizeof(outs)); /* rep outsb, backwards */
    fake_guest_range(0x700000, buffer, sizeof(buffer), false);
    r->rsi = 0x700003;
    r->rcx = 2;
    r->rflags |= RFLAGS_DF;
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(r->rsi, 0x700001);
    assert_int_equal(r->rcx, 0);
    r->rflags &= ~RFLAGS_DF;

    guest_code(outs, sizeof(outs)); /* nothing to do */
    r->rcx = 0;
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(r->rip, GUEST_CODE + 2);
}

/* A long one is given up after a bounded number of rounds and goes on where it was. */
static void test_port_strings_are_bounded(void **state)
{
    static const u8 code[] = {0xf3, 0x6c};
    static u8 buffer[5000];
    struct regs *r = guest_regs();
    (void)state;
    guest.iopl = 1;
    guest_code(code, sizeof(code));
    fake_guest_range(0x700000, buffer, sizeof(buffer), true);
    r->rdi = 0x700000;
    r->rcx = sizeof(buffer);
    unsigned calls = 0;
    for (; r->rcx != 0; calls++) {
        u64 left = r->rcx;
        r->rip = GUEST_CODE;
        assert_true(pv_emulate_privileged(&guest, r));
        assert_in_range(left - r->rcx, 1, 1024);
        assert_int_equal(r->rip, r->rcx ? GUEST_CODE : GUEST_CODE + 2);
    }
    assert_int_equal(calls, 5);
    softirq_raise(SOFTIRQ_SCHEDULE); /* and after one round where the processor is wanted */
    r->rcx = 100;
    r->rdi = 0x700000;
    r->rip = GUEST_CODE;
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(r->rcx, 99);
    assert_int_equal(r->rip, GUEST_CODE);
}

static void test_halt(void **state)
{
    (void)state;
    guest_info.evtchn_upcall_mask = 1;
    assert_true(RUN(0xf4));
    assert_true(guest.vcpu.blocked);
    assert_int_equal(guest_info.evtchn_upcall_mask, 0);
    guest.vcpu.blocked = false;
    guest_info.evtchn_upcall_pending = 1;
    guest_info.evtchn_upcall_mask = 1;
    assert_true(RUN(0xf4)); /* what it would wait for is there */
    assert_false(guest.vcpu.blocked);
}

static void test_xsetbv(void **state)
{
    static const struct {
        u32 index;
        u64 value;
        bool ok;
    } rows[] = {
        {0, 1, true},  {0, 3, true},  {0, 7, true},  {0, 0, false},       {0, 2, false},          {0, 5, false},
        {0, 6, false}, {1, 1, false}, {0, 9, false}, {0, 0x207, false}, {0, 1ull << 63 | 1, false}, {0, 1, true},
    };
    struct regs *r = guest_regs();
    (void)state;
    guest.xcr0 = fake_processor.xcr0 = 1;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 before = guest.xcr0;
        r->rcx = rows[i].index;
        r->rax = SENTINEL << 32 | (u32)rows[i].value;
        r->rdx = rows[i].value >> 32;
        assert_int_equal(RUN_WITH(0x0f, 0x01, 0xd1), rows[i].ok);
        assert_int_equal(guest.xcr0, rows[i].ok ? rows[i].value : before);
        assert_int_equal(fake_processor.xcr0, guest.xcr0);
    }
}

static void test_smsw(void **state)
{
    struct regs *r = guest_regs();
    u16 word[2] = {0, 0xffff};
    (void)state;
    fake_processor.cr0 = 0x80010033;
    assert_true(RUN(0x66, 0x0f, 0x01, 0xe3)); /* smsw bx */
    assert_int_equal(r->rbx, ((SENTINEL + 3) & ~0xffffull) | 0x33);
    static const u8 to_memory[] = {0x0f, 0x01, 0x20};
    guest_code(to_memory, sizeof(to_memory));
    fake_guest_range(0x700000, word, sizeof(word), true);
    r->rax = 0x700000;
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(word[0], 0x33);
    assert_int_equal(word[1], 0xffff);
}

/* A kernel that single-steps stops behind the instruction. */
static void test_single_step(void **state)
{
    struct regs *r = guest_regs();
    (void)state;
    guest_handlers();
    r->rflags |= RFLAGS_TF | RFLAGS_RF;
    assert_true(RUN(0x0f, 0x09));
    assert_int_equal(guest_vector(), VECTOR_DB);
    assert_int_equal(guest.dr6 & 1 << 14, 1 << 14);
    assert_false(r->rflags & (RFLAGS_TF | RFLAGS_RF));
    u64 frame[5]; /* rcx r11 rip cs rflags */
    assert_int_equal(copy_from_guest(frame, r->rsp, sizeof(frame)), 0);
    assert_int_equal(frame[2], GUEST_CODE + 2);
    assert_int_equal(frame[4] & (RFLAGS_TF | RFLAGS_RF), RFLAGS_TF);
}

static void test_where_code_comes_from(void **state)
{
    static const u8 wbinvd[] = {0x66, 0x66, 0x66, 0x66, 0x0f, 0x09};
    struct regs *r = guest_regs();
    (void)state;
    u8 page[64];
    memcpy(page + 60, wbinvd + 2, 4);
    fake_guest_range(0x800000, page, sizeof(page), false);
    r->error = 0;
    r->rip = 0x800000 + 60; /* the last bytes of what is mapped */
    assert_true(pv_emulate_privileged(&guest, r));
    assert_int_equal(r->rip, 0x800000 + 64);
    r->rip = 0x800000 + 63; /* one byte of two */
    assert_false(pv_emulate_privileged(&guest, r));
    r->rip = 0x900000;
    assert_false(pv_emulate_privileged(&guest, r));
    r->rip = HYPERVISOR_START;
    assert_false(pv_emulate_privileged(&guest, r));

    assert_true(RUN(0x0f, 0x09));
    guest_code(wbinvd, sizeof(wbinvd));
    r->error = 0x10; /* a selector's fault */
    assert_false(pv_emulate_privileged(&guest, r));
    r->error = 0;
    r->cs = SEL_RING3_CS32;
    assert_false(pv_emulate_privileged(&guest, r));
    r->cs = 0x33; /* not in a table */
    assert_false(pv_emulate_privileged(&guest, r));
}

/* Memory that changes while it is looked at is looked at once. */
static void test_one_fetch(void **state)
{
    (void)state;
    fake_guest_reads = 0;
    assert_true(RUN(0x0f, 0x09));
    assert_int_equal(fake_guest_reads, 1);
}

static void test_forced_cpuid(void **state)
{
    static const u8 good[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
    struct regs *r = guest_regs();
    (void)state;
    for (int user = 0; user < 2; user++) {
        guest.in_kernel = !user;
        guest_code(good, sizeof(good));
        r->rax = SENTINEL << 32 | 0x40000000;
        r->rcx = SENTINEL;
        assert_true(pv_emulate_invalid_op(&guest, r));
        assert_int_equal(r->rip, GUEST_CODE + 7);
        assert_int_equal(r->rax, 0x40000005);
        assert_int_equal(r->rbx, 0x566e6558);
        assert_int_equal(r->rcx, 0x65584d4d);
        assert_int_equal(r->rdx, 0x4d4d566e);
    }
    for (size_t i = 0; i < sizeof(good); i++) {
        u8 bad[sizeof(good)];
        memcpy(bad, good, sizeof(bad));
        bad[i] ^= 1;
        guest_code(bad, sizeof(bad));
        assert_false(pv_emulate_invalid_op(&guest, r));
        assert_int_equal(r->rip, GUEST_CODE);
    }
    /* It may be the last thing in a page; six of its bytes are not it. */
    fake_guest_range(0xa00000, (void *)good, sizeof(good), false);
    r->rip = 0xa00000;
    assert_true(pv_emulate_invalid_op(&guest, r));
    assert_int_equal(r->rip, 0xa00007);
    fake_guest_range(0xb00000, (void *)good, sizeof(good) - 1, false);
    r->rip = 0xb00000;
    assert_false(pv_emulate_invalid_op(&guest, r));
    r->rip = HYPERVISOR_START;
    assert_false(pv_emulate_invalid_op(&guest, r));
    /* Under #GP it is not what it seems. */
    guest.in_kernel = true;
    assert_false(RUN(0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_who_may, guest_setup),
        cmocka_unit_test_setup(test_control_registers, guest_setup),
        cmocka_unit_test_setup(test_debug_registers, guest_setup),
        cmocka_unit_test_setup(test_ports, guest_setup),
        cmocka_unit_test_setup(test_port_strings, guest_setup),
        cmocka_unit_test_setup(test_port_strings_are_bounded, guest_setup),
        cmocka_unit_test_setup(test_halt, guest_setup),
        cmocka_unit_test_setup(test_xsetbv, guest_setup),
        cmocka_unit_test_setup(test_smsw, guest_setup),
        cmocka_unit_test_setup(test_single_step, guest_setup),
        cmocka_unit_test_setup(test_where_code_comes_from, guest_setup),
        cmocka_unit_test_setup(test_one_fetch, guest_setup),
        cmocka_unit_test_setup(test_forced_cpuid, guest_setup),
    };
    return cmocka_run_group_tests_name("privileged", tests, NULL, NULL);
}
