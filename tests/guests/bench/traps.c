/* SPDX-License-Identifier: MIT
 * Traps that come back to the guest: from kernel mode by the barest handlers, and from user mode with its own
 * root. */
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"
#include "bench.h"

#define FIX_ADDRESS  0x0000018000000000ul /* L4 slot 3, in an L1 of this file's own */
#define NONCANONICAL 0x8000000000000000ul

extern uint8_t bench_plain_entry[], bench_sysret_entry[], bench_skip_entry[], bench_skip_error_entry[];
extern uint8_t bench_fix_page_entry[];
extern uint8_t bench_user_code[], bench_user_nothing[], bench_user_syscall[], bench_user_int80[],
    bench_user_fault[];
uint64_t bench_fix_address = FIX_ADDRESS, bench_fix_entry;

static long raise_int3(void)
{
    __asm__ volatile("int3" : : : "memory");
    return 0;
}

static long raise_int80(void)
{
    __asm__ volatile("int $0x80" : : : "memory");
    return 0;
}

static long raise_int_n(void)
{
    __asm__ volatile("int $0x40" : : : "memory");
    return 0;
}

static long raise_undefined(void)
{
    __asm__ volatile("ud2" : : : "memory");
    return 0;
}

/* Three bytes: mov %rax, (%rdi). */
static inline long store_at(uint64_t address)
{
    __asm__ volatile("mov %%rax, (%%rdi)" : : "D"(address), "a"(0) : "memory");
    return 0;
}

/* Likewise three bytes. A read, which no kind of writable page table can be meant by. */
static inline long load_at(uint64_t address)
{
    uint64_t value;

    __asm__ volatile("mov (%%rdi), %%rax" : "=a"(value) : "D"(address) : "memory");
    return 0;
}

static long raise_protection(void)
{
    return store_at(NONCANONICAL);
}

static long raise_page_fault(void)
{
    return load_at(0x1000);
}

static long raise_fixed_fault(void)
{
    return store_at(FIX_ADDRESS);
}

static long fix_clear(void)
{
    return hypercall_update_va_mapping(FIX_ADDRESS, 0, UVMF_INVLPG);
}

static long fix_prepare(void)
{
    trap_set_entry(TRAP_PF, bench_fix_page_entry, 0);
    return fix_clear();
}

static const struct bench_row rows[] = {
    {"int3 to the guest kernel and back", 1, raise_int3, NULL, NULL},
    {"int 0x80 direct trap", 1, raise_int80, NULL, NULL},
    {"int n by way of #GP", 1, raise_int_n, NULL, NULL},
    {"#UD bounced, skipped", 1, raise_undefined, NULL, NULL},
    {"#GP bounced, skipped", 1, raise_protection, NULL, NULL},
    {"#PF bounced, skipped", 1, raise_page_fault, NULL, NULL},
    {"#PF, fixed by update_va_mapping, retried", 1, raise_fixed_fault, fix_prepare, fix_clear},
};

/* A place in the boot root where update_va_mapping finds an L1. */
static void make_fix_place(void)
{
    uint64_t *below = page_alloc(), *table;

    for (unsigned int level = 2; level <= 3; level++) {
        table = page_alloc();
        table[table_index(FIX_ADDRESS, level)] = entry_make(below, ENTRY_TABLE);
        report_quiet("table read-only", page_readonly(below), 0);
        below = table;
    }
    report_quiet("table read-only", page_readonly(below), 0);
    report_quiet(
        "L4 entry",
        entry_update(&paging_boot_root()[table_index(FIX_ADDRESS, 4)], entry_make(below, ENTRY_TABLE)), 0);
    bench_fix_entry = entry_make(page_alloc(), ENTRY_RW);
}

void bench_traps(void)
{
    make_fix_place();
    trap_set_entry(TRAP_BP, bench_plain_entry, 3);
    trap_set_entry(0x80, bench_plain_entry, 3);
    trap_set_entry(0x40, bench_plain_entry, 3);
    trap_set_entry(TRAP_UD, bench_skip_entry, 0);
    trap_set_entry(TRAP_GP, bench_skip_error_entry, 0);
    trap_set_entry(TRAP_PF, bench_skip_error_entry, 0);
    BENCH_ROWS(rows);
    trap_init();
}

static bool user_ends(struct trap_regs *regs)
{
    if (!trap_from_user(regs))
        return false;
    user_leave(regs);
    return true;
}

static void user_row(const struct user_space *user, const char *name, const uint8_t *program,
                     uint32_t overhead)
{
    user_space_run(bench_user_code, program, 0);
    bench_samples(name, (const uint32_t *)user->data, BENCH_RUNS, overhead);
}

void bench_user(void)
{
    static struct user_space user;
    uint32_t overhead;

    if (!report_quiet("user space", user_space_make(&user, bench_user_code, 1), 0))
        return;
    trap_handle(TRAP_UD, user_ends);
    user_space_run(bench_user_code, bench_user_nothing, 0);
    overhead = ((const uint32_t *)user.data)[BENCH_RUNS / 2] - 1; /* the nop was one instruction */
    trap_set_callback(CALLBACKTYPE_syscall, bench_plain_entry, CALLBACKF_mask_events);
    user_row(&user, "user SYSCALL, return by iret", bench_user_syscall, overhead);
    trap_set_callback(CALLBACKTYPE_syscall, bench_sysret_entry, CALLBACKF_mask_events);
    user_row(&user, "user SYSCALL, return by VGCF_in_syscall iret", bench_user_syscall, overhead);
    trap_set_entry(0x80, bench_plain_entry, 3);
    user_row(&user, "user int 0x80", bench_user_int80, overhead);
    trap_set_entry(TRAP_PF, bench_skip_error_entry, 0);
    user_row(&user, "user #PF bounced", bench_user_fault, overhead);
    trap_init();
    trap_handle(TRAP_UD, NULL);
    root_load_user(NULL);
}
