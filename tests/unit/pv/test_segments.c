/* SPDX-License-Identifier: MIT */
/* GDT and LDT: what their frames are held as, where they are mapped; update_descriptor; selectors and bases. */
#include "guest.h"

#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/pv/descriptor.h"
#include "hypercalls/hypercalls.h"
#include <arch/paging.h>
#include <arch/pv.h>
#include <string.h>
#include <xen/errno.h>
#include <xen/xen.h>

#define DATA0   0x00cf92000000ffffull /* DPL 0, not accessed */
#define DATA3   0x00cff3000000ffffull
#define CODE64  0x00affb000000ffffull
#define CODE32  0x00cffb000000ffffull
#define GATE    0x0000ec0000000000ull
#define RO      (1ull << 63 | 0x21)

static u64 entry(unsigned page)
{
    return this_x86_cpu()->gdt_l1[page];
}
static u64 mapped(const struct frame *f)
{
    return frame_mfn(f).n << PAGE_SHIFT | RO;
}
static long set_gdt(const u64 *gfns, u32 entries)
{
    fake_guest_forget();
    return hypercall_set_gdt(fake_guest_pointer((void *)gfns, 14 * sizeof(*gfns)), entries, 0, 0, 0);
}
static void assert_held(const struct frame *f, enum frame_type type, u64 count)
{
    assert_int_equal(word_type_count(frame_word(f)), count);
    if (count)
        assert_int_equal(word_type(frame_word(f)), type);
    assert_int_equal(word_refs(frame_word(f)), 1 + count);
}

static void test_set_gdt(void **state)
{
    struct frame *a = guest_frame(), *b = guest_frame();
    u64 gfns[14] = {frame_mfn(a).n, frame_mfn(b).n};
    (void)state;
    guest_frame_words(a)[2] = DATA0;
    assert_int_equal(set_gdt(gfns, 513), 0);
    assert_int_equal(guest_frame_words(a)[2], DATA3);
    assert_held(a, FRAME_DESCRIPTOR, 1);
    assert_held(b, FRAME_DESCRIPTOR, 1);
    assert_int_equal(entry(0), mapped(a));
    assert_int_equal(entry(1), mapped(b));
    for (unsigned i = 2; i < 14; i++) { /* an empty page, not a hole */
        assert_int_equal(entry(i), entry(2));
        assert_int_equal(entry(i) & 0x8000000000000fff, RO);
    }
    /* A shorter one: the second page is flushed before it is given back. */
    fake_processor.page_flushes = 0;
    assert_int_equal(set_gdt(gfns, 512), 0);
    assert_held(a, FRAME_DESCRIPTOR, 1);
    assert_held(b, FRAME_NONE, 0);
    assert_int_equal(entry(1), entry(2));
    assert_int_equal(fake_processor.page_flushes, 1);
    assert_int_equal(fake_processor.last_page_flushed, CPU_TABLES_START + PAGE_SIZE);
    /* None. */
    assert_int_equal(set_gdt(gfns, 0), 0);
    assert_held(a, FRAME_NONE, 0);
    assert_int_equal(entry(0), entry(1));
}

static void test_set_gdt_refusals(void **state)
{
    struct frame *good = guest_frame(), *bad = guest_frame(), *writable = guest_frame();
    u64 gfns[14] = {frame_mfn(good).n, frame_mfn(bad).n};
    (void)state;
    guest_frame_words(good)[0] = DATA0;
    assert_int_equal(set_gdt(gfns, 7169), -XEN_EINVAL);
    assert_int_equal(set_gdt(gfns, ~0u), -XEN_EINVAL);
    assert_int_equal(hypercall_set_gdt(HYPERVISOR_START, 1, 0, 0, 0), -XEN_EFAULT);

    guest_frame_words(bad)[511] = GATE;
    assert_int_equal(set_gdt(gfns, 1024), -XEN_EINVAL);
    assert_held(good, FRAME_NONE, 0);
    assert_held(bad, FRAME_NONE, 0);
    assert_int_equal(guest_frame_words(bad)[511], GATE);
    assert_int_equal(guest.gdt_entries, 0);

    assert_ptr_equal(arch_get_writable_gfn(&guest_domain.domain, gfn_make(frame_mfn(writable).n)), writable);
    gfns[1] = frame_mfn(writable).n;
    assert_int_equal(set_gdt(gfns, 1024), -XEN_EINVAL);
    assert_held(good, FRAME_NONE, 0);
    arch_put_writable(writable);
    assert_int_equal(set_gdt(gfns, 1024), 0);
    assert_null(arch_get_writable_gfn(&guest_domain.domain, gfn_make(gfns[1]))); /* and not the other way round */

    gfns[1] = FAKE_FRAMES + 5; /* no such frame */
    assert_int_equal(set_gdt(gfns, 1024), -XEN_EINVAL);
    gfns[1] = frame_alloc_host().n; /* not the guest's */
    assert_int_equal(set_gdt(gfns, 1024), -XEN_EINVAL);
    assert_held(good, FRAME_DESCRIPTOR, 1); /* the table of before stays */
    assert_int_equal(entry(1), mapped(writable));
}

/* The same frame in every place, and of two vcpus. */
static void test_set_gdt_one_frame_many_times(void **state)
{
    static struct x86_vcpu other;
    struct frame *f = guest_frame();
    u64 gfns[14];
    (void)state;
    for (unsigned i = 0; i < 14; i++)
        gfns[i] = frame_mfn(f).n;
    assert_int_equal(set_gdt(gfns, 7168), 0);
    assert_held(f, FRAME_DESCRIPTOR, 14);
    guest_vcpu_init(&other, 1);
    assert_int_equal(arch_set_gdt(&other.vcpu, gfns, 16), 0);
    assert_held(f, FRAME_DESCRIPTOR, 15);
    pv_load_descriptor_tables(&other);
    assert_int_equal(entry(0), mapped(f));
    assert_int_not_equal(entry(1), mapped(f));
    pv_release_descriptor_tables(&guest);
    assert_held(f, FRAME_DESCRIPTOR, 1);
    assert_ptr_equal(this_x86_cpu()->loaded_tables, &other);
    pv_release_descriptor_tables(&other);
    assert_held(f, FRAME_NONE, 0);
    assert_null(this_x86_cpu()->loaded_tables);
    assert_int_not_equal(entry(0), mapped(f));
}

/* Four levels that map one page at VA and the next at VA + 4096. */
#define VA 0xffff880012345000ull
static void tables_build(const struct frame *first, const struct frame *second)
{
    struct frame *table[5];
    for (unsigned level = 1; level <= 4; level++)
        table[level] = guest_frame();
    for (unsigned level = 4; level > 1; level--)
        guest_frame_words(table[level])[pt_index(VA, level)] = frame_mfn(table[level - 1]).n << PAGE_SHIFT | 7;
    guest_frame_words(table[1])[pt_index(VA, 1)] = frame_mfn(first).n << PAGE_SHIFT | 5;
    if (second)
        guest_frame_words(table[1])[pt_index(VA, 1) + 1] = frame_mfn(second).n << PAGE_SHIFT | 5;
    guest.kernel_root = frame_mfn(table[4]);
}

static void test_set_ldt(void **state)
{
    struct frame *a = guest_frame(), *b = guest_frame();
    u64 *ours = mfn_to_ptr(mfn_make(pte_frame(entry(14))));
    (void)state;
    guest_frame_words(a)[0] = DATA0;
    tables_build(a, b);
    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 600), 0);
    assert_held(a, FRAME_DESCRIPTOR, 1);
    assert_held(b, FRAME_DESCRIPTOR, 1);
    assert_int_equal(guest_frame_words(a)[0], DATA3);
    assert_int_equal(entry(16), mapped(a));
    assert_int_equal(entry(17), mapped(b));
    assert_int_equal(entry(18), 0);
    assert_int_equal(fake_processor.ldtr, SEL_LDT);
    /* base 0xffff82d0d0010000, limit 4799, present, type 2 */
    assert_int_equal(ours[0xa], 0xd000820100000000 | 4799);
    assert_int_equal(ours[0xb], 0xffff82d0);

    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 16), 0);
    assert_held(b, FRAME_NONE, 0);
    assert_int_equal(entry(17), 0);
    assert_int_equal(ours[0xa] & 0xffff, 127);
    assert_int_equal(arch_set_ldt(&guest.vcpu, 0, 0), 0);
    assert_held(a, FRAME_NONE, 0);
    assert_int_equal(entry(16), 0);
    assert_int_equal(fake_processor.ldtr, 0);
}

static void test_set_ldt_refusals(void **state)
{
    struct frame *a = guest_frame(), *bad = guest_frame();
    struct frame *foreign = frame_of(frame_alloc_host());
    (void)state;
    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 1), -XEN_EINVAL); /* no tables at all */
    tables_build(a, NULL);
    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 512), 0);
    static const struct {
        u64 base;
        u32 entries;
    } table[] = {
        {VA + 8, 1}, {VA, 8193}, {VA, ~0u}, {VA, 513}, {VA - PAGE_SIZE, 1}, {NOT_CANONICAL, 1}, {HYPERVISOR_START, 1},
        {HYPERVISOR_START - PAGE_SIZE, 513}, {0x00007ffffffff000, 513},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(arch_set_ldt(&guest.vcpu, table[i].base, table[i].entries), -XEN_EINVAL);
        assert_held(a, FRAME_DESCRIPTOR, 1); /* the one of before stays */
        assert_int_equal(entry(16), mapped(a));
    }
    guest_frame_words(bad)[7] = GATE;
    tables_build(a, bad);
    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 513), -XEN_EINVAL);
    tables_build(a, foreign);
    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 513), -XEN_EINVAL);
    assert_held(a, FRAME_DESCRIPTOR, 1);
}

static long update(u64 address, u64 descriptor)
{
    return hypercall_update_descriptor(address, descriptor, 0, 0, 0);
}

static void test_update_descriptor(void **state)
{
    struct frame *table = guest_frame(), *plain = guest_frame();
    u64 gfns[14] = {frame_mfn(table).n};
    u64 table_address = frame_mfn(table).n << PAGE_SHIFT, plain_address = frame_mfn(plain).n << PAGE_SHIFT;
    (void)state;
    assert_int_equal(set_gdt(gfns, 16), 0);
    assert_int_equal(update(table_address + 24, DATA0), 0);
    assert_int_equal(guest_frame_words(table)[3], DATA3);
    assert_int_equal(update(table_address + 24, GATE), -XEN_EINVAL);
    assert_int_equal(guest_frame_words(table)[3], DATA3);
    assert_int_equal(update(table_address + 24, GATE & ~(1ull << 47)), 0); /* not present: anything */
    assert_held(table, FRAME_DESCRIPTOR, 1);

    assert_int_equal(update(plain_address + 4088, CODE64), 0); /* a page that could be mapped writable */
    assert_int_equal(guest_frame_words(plain)[511], CODE64);
    assert_held(plain, FRAME_NONE, 0);

    assert_int_equal(update(plain_address + 4, DATA0), -XEN_EINVAL);
    assert_int_equal(update((u64)FAKE_FRAMES << PAGE_SHIFT, DATA0), -XEN_EINVAL);
    assert_int_equal(update(~7ull, DATA0), -XEN_EINVAL);
    assert_int_equal(update(frame_alloc_host().n << PAGE_SHIFT, DATA0), -XEN_EINVAL);
}

static void test_selector_is_code64(void **state)
{
    struct frame *f = guest_frame(), *l = guest_frame();
    u64 gfns[14] = {frame_mfn(f).n};
    (void)state;
    guest_frame_words(f)[2] = CODE64;
    guest_frame_words(f)[3] = CODE32;
    guest_frame_words(f)[4] = CODE64 & ~(1ull << 47);
    guest_frame_words(f)[5] = DATA3 | 1ull << 53;
    guest_frame_words(f)[16] = CODE64;
    guest_frame_words(l)[1] = CODE64;
    assert_int_equal(set_gdt(gfns, 16), 0);
    tables_build(l, NULL);
    assert_int_equal(arch_set_ldt(&guest.vcpu, VA, 2), 0);
    for (u32 selector = 0; selector < 0x10000; selector++) {
        bool expected = (selector | 3) == 0xe033 || (selector | 3) == 0x13 || (selector | 3) == 0xf;
        if (pv_selector_is_code64(&guest, (u16)selector) != expected)
            fail_msg("selector %#x", selector);
    }
}

/* Selectors and bases ----------------------------------------------------------------------------------------------*/

static u64 msr(u32 number)
{
    return *fake_msr_find(number);
}

static void test_segment_bases(void **state)
{
    static const struct {
        u32 which, msr;
    } table[] = {
        {SEGBASE_FS, MSR_FS_BASE}, {SEGBASE_GS_USER, MSR_KERNEL_GS_BASE}, {SEGBASE_GS_KERNEL, MSR_GS_BASE}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(hypercall_set_segment_base(table[i].which, 0x7f0000001000 + i, 0, 0, 0), 0);
        assert_int_equal(msr(table[i].msr), 0x7f0000001000 + i);
        assert_int_equal(hypercall_set_segment_base(table[i].which, NOT_CANONICAL, 0, 0, 0), -XEN_EINVAL);
        assert_int_equal(hypercall_set_segment_base(table[i].which, 1ull << 63, 0, 0, 0), -XEN_EINVAL);
        assert_int_equal(msr(table[i].msr), 0x7f0000001000 + i);
    }
    assert_int_equal(hypercall_set_segment_base(4, 0, 0, 0, 0), -XEN_EINVAL);
}

static bool only_2b(u16 selector)
{
    return selector <= 3 || selector == 0x2b;
}

static void test_user_gs_selector(void **state)
{
    (void)state;
    fake_msr_set(MSR_GS_BASE, 0x1000); /* the kernel's, in use */
    fake_msr_set(MSR_KERNEL_GS_BASE, 0x2000);
    fake_processor.selector_ok = only_2b;
    assert_int_equal(hypercall_set_segment_base(SEGBASE_GS_USER_SEL, 0x28, 0, 0, 0), 0);
    assert_int_equal(fake_processor.gs, 0x2b); /* RPL 3 */
    assert_int_equal(msr(MSR_GS_BASE), 0x1000);
    assert_int_equal(hypercall_set_segment_base(SEGBASE_GS_USER_SEL, 0x33, 0, 0, 0), 0); /* names nothing: 0 */
    assert_int_equal(fake_processor.gs, 0);
    assert_int_equal(msr(MSR_GS_BASE), 0x1000);
    assert_int_equal(msr(MSR_KERNEL_GS_BASE), 0);
    fake_msr_set(MSR_KERNEL_GS_BASE, 0x2000);
    assert_int_equal(hypercall_set_segment_base(SEGBASE_GS_USER_SEL, 0, 0, 0, 0), 0);
    assert_int_equal(msr(MSR_KERNEL_GS_BASE), 0); /* also where the processor would keep it */
    assert_false(fake_processor.gs_swapped);
}

static void test_save_and_load(void **state)
{
    static struct x86_vcpu other;
    (void)state;
    guest_vcpu_init(&other, 1);
    for (int user = 0; user < 2; user++) {
        guest.in_kernel = !user;
        fake_processor.ds = 0x2b;
        fake_processor.es = 0x33;
        fake_processor.fs = 0x3b;
        fake_processor.gs = 0x43;
        fake_msr_set(MSR_FS_BASE, 0x1000);
        fake_msr_set(MSR_GS_BASE, 0x2000);
        fake_msr_set(MSR_KERNEL_GS_BASE, 0x3000);
        pv_save_segments(&guest);
        assert_int_equal(guest.gs_base, user ? 0x3000 : 0x2000);
        assert_int_equal(guest.gs_base_user, user ? 0x2000 : 0x3000);
        assert_true(pv_load_segments(&other)); /* nothing of it is left */
        assert_int_equal(fake_processor.ds | fake_processor.es | fake_processor.fs | fake_processor.gs, 0);
        assert_int_equal(msr(MSR_FS_BASE) | msr(MSR_GS_BASE) | msr(MSR_KERNEL_GS_BASE), 0);
        assert_true(pv_load_segments(&guest));
        assert_int_equal(fake_processor.ds, 0x2b);
        assert_int_equal(fake_processor.es, 0x33);
        assert_int_equal(fake_processor.fs, 0x3b);
        assert_int_equal(fake_processor.gs, 0x43);
        assert_int_equal(msr(MSR_FS_BASE), 0x1000);
        assert_int_equal(msr(MSR_GS_BASE), 0x2000);
        assert_int_equal(msr(MSR_KERNEL_GS_BASE), 0x3000);
    }
    guest.in_kernel = true;
}

static void test_a_selector_that_is_gone_becomes_0(void **state)
{
    u16 *selectors[] = {&guest.ds, &guest.es, &guest.fs, &guest.gs};
    const u16 *loaded[] = {&fake_processor.ds, &fake_processor.es, &fake_processor.fs, &fake_processor.gs};
    (void)state;
    fake_processor.selector_ok = only_2b;
    for (unsigned gone = 0; gone < 4; gone++) {
        for (unsigned i = 0; i < 4; i++)
            *selectors[i] = i == gone ? 0x33 : 0x2b;
        assert_false(pv_load_segments(&guest));
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(*loaded[i], i == gone ? 0 : 0x2b);
        assert_int_equal(*selectors[gone], 0x33); /* for the failsafe frame */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_set_gdt, guest_setup),
        cmocka_unit_test_setup(test_set_gdt_refusals, guest_setup),
        cmocka_unit_test_setup(test_set_gdt_one_frame_many_times, guest_setup),
        cmocka_unit_test_setup(test_set_ldt, guest_setup),
        cmocka_unit_test_setup(test_set_ldt_refusals, guest_setup),
        cmocka_unit_test_setup(test_update_descriptor, guest_setup),
        cmocka_unit_test_setup(test_selector_is_code64, guest_setup),
        cmocka_unit_test_setup(test_segment_bases, guest_setup),
        cmocka_unit_test_setup(test_user_gs_selector, guest_setup),
        cmocka_unit_test_setup(test_save_and_load, guest_setup),
        cmocka_unit_test_setup(test_a_selector_that_is_gone_becomes_0, guest_setup),
    };
    return cmocka_run_group_tests_name("segments", tests, NULL, NULL);
}
