/* SPDX-License-Identifier: MIT */
/*
 * Requests that are not carried through: a long one that is interrupted and never asked for again, and a second vcpu
 * whose description is refused half-way. Neither keeps a page from being what the guest wants it to be next.
 */
#include "hypercalls/hypercalls.h"
#include "tests/unit/support/tables.h"
#include <string.h>
#include <xen/vcpu.h>

static struct tables a;
static enum domain_paging paging;
static struct vcpu_guest_context context;

/* Of the live root that both trees are mapped by: 0x1000 * pfn maps pfn. */
enum { ROOT = 30, ROOT_L3, ROOT_L2, ROOT_L1 };
/* A second tree. */
enum { USER_L4 = 24, USER_L3, USER_L2, USER_L1 };
enum { GDT = 20 };

static void link_tree(u64 from)
{
    for (u64 pfn = from; pfn < from + 3; pfn++)
        tables_page(&a, pfn)[0] = tables_entry(&a, pfn + 1, RW_FLAGS);
}

static void world(void)
{
    world_config.vcpus = 2;
    tables_reset(320);
    tables_make(&a, "a", paging, 40);
    fake_guest_pointer(&context, sizeof(context));
    link_tree(ROOT);
    link_tree(USER_L4);
    tables_page(&a, USER_L1)[0] = tables_entry(&a, DATA, RW_FLAGS);
    for (u64 pfn = 0; pfn < 40; pfn++)
        tables_page(&a, ROOT_L1)[pfn] = tables_entry(&a, pfn, RO_FLAGS);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, ROOT)), 0);
    tables_tree(&a);
}
static int setup(void **state)
{
    (void)state;
    paging = PAGING_DIRECT;
    world();
    return 0;
}
static int setup_rewrite(void **state)
{
    (void)state;
    paging = PAGING_REWRITE;
    world();
    return 0;
}
/* Whatever was abandoned, the end of the domain gives it back. */
static int the_end(void **state)
{
    (void)state;
    int wrong = arch_audit() != 0;
    u64 before = frame_free_count();
    tables_destroy(&a);
    return wrong || arch_audit() != 0 || frame_free_count() < before + 40;
}

static bool is_table(u64 pfn)
{
    u64 w = tables_word(&a, pfn);
    return word_type_count(w) && word_type(w) >= FRAME_L1 && word_type(w) <= FRAME_L4;
}

static bool none_is_table(u64 from)
{
    return !is_table(from) && !is_table(from + 1) && !is_table(from + 2) && !is_table(from + 3);
}

/* ---- interrupted, and never asked for again -------------------------------------------------------------------- */

/* A hypercall that is interrupted at the point-th look, on whose way out the guest turns to something else. */
static long abandon(u32 number, u64 a1, u64 a2, u64 a3, u64 a4, u64 point)
{
    fake_interrupt_after = point;
    long rc = hypercall_table[number](a1, a2, a3, a4, 0);
    fake_interrupt_after = 0;
    a.v->vcpu.restart.wanted = false;
    this_cpu()->softirq = 0;
    return rc;
}

static long abandon_pin(u64 point)
{
    *(struct mmuext_op *)tables_room = (struct mmuext_op){.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = tables_number(&a, L4)};
    return abandon(__HYPERVISOR_mmuext_op, (u64)tables_room, 1, 0, DOMID_SELF, point);
}

/* Each a use of the page L1 that excludes its being a table. */
static long plain_store(void)
{
    return mmu_update(tables_slot(&a, L1, 9), 0x1234);
}
static long writable_by_hypercall(void)
{
    return mmu_update(tables_slot(&a, ROOT_L1, L1), tables_entry(&a, L1, RW_FLAGS));
}
static long writable_by_address(void)
{
    return update_va(L1 * PAGE_SIZE, tables_entry(&a, L1, RW_FLAGS), 0);
}
/* The first mmuext_op may be refused, as what was kept is let go behind it; the second finds nothing. */
static long table_of_another_level(void)
{
    long rc = pin(&a, 3, L1);
    return rc ? pin(&a, 3, L1) : 0;
}
static long page_cleared(void)
{
    long rc = mmuext(MMUEXT_CLEAR_PAGE, tables_number(&a, L1));
    return rc ? mmuext(MMUEXT_CLEAR_PAGE, tables_number(&a, L1)) : 0;
}

static void a_pin_that_is_given_up_leaves_its_tables_free(void **state)
{
    static long (*const uses[])(void) = {plain_store, writable_by_hypercall, writable_by_address, table_of_another_level,
                                         page_cleared};
    u64 stopped = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
        for (u64 point = 1; point < 12; point++) {
            world();
            if (uses[i] == table_of_another_level)
                memset(tables_page(&a, L1), 0, PAGE_SIZE);
            if (abandon_pin(point) != -XEN_ERESTART)
                continue;
            stopped += is_table(L1);
            assert_answer(uses[i](), 0);
            assert_int_equal(arch_audit(), 0);
            assert_true(!is_table(L4) && !is_table(L3) && !is_table(L2));
            assert_int_equal(is_table(L1), uses[i] == table_of_another_level);
        }
    assert_in_range(stopped, ARRAY_SIZE(uses), ~0u);
}

/* Two of the table's own: what was kept for the first pin is no use for the second, and nothing remains of either. */
static void another_pin_takes_its_place(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_take();
    assert_answer(abandon_pin(1), -XEN_ERESTART);
    assert_true(is_table(L1));
    assert_answer(pin(&a, 4, USER_L4), 0);
    assert_true(none_is_table(L4));
    assert_answer(unpin(&a, USER_L4), 0);
    assert_true(same_since(s));
}

/* The domain ends instead: what the pin had kept goes with it. */
static void a_domain_that_ends_in_the_middle_of_a_pin_gives_all_back(void **state)
{
    u64 stopped = 0;

    (void)state;
    for (u64 point = 1; point < 12; point++) {
        tables_reset(320);
        u64 free_before = frame_free_count();
        tables_make(&a, "a", paging, 40);
        tables_tree(&a);
        if (abandon_pin(point) == -XEN_ERESTART)
            stopped += is_table(L1);
        tables_destroy(&a);
        assert_int_equal(arch_audit(), 0);
        assert_int_equal(frame_free_count(), free_before);
    }
    assert_in_range(stopped, 1, 11);
    world();
}

/* ---- a second vcpu --------------------------------------------------------------------------------------------- */

static void describe(u64 root, u64 user_root)
{
    context = (struct vcpu_guest_context){.flags = VGCF_in_kernel};
    context.user_regs.rip = context.user_regs.rsp = context.kernel_sp = 0x1000;
    context.user_regs.cs = 0xe033;
    context.user_regs.ss = 0xe02b;
    context.kernel_ss = 0xe02b;
    context.ctrlreg[3] = tables_number(&a, root) << PAGE_SHIFT;
    context.ctrlreg[1] = user_root ? tables_number(&a, user_root) << PAGE_SHIFT : 0;
    context.gdt_frames[0] = tables_number(&a, GDT);
    context.gdt_ents = 16;
    memset(tables_page(&a, GDT), 0, PAGE_SIZE);
}

static long initialise(void)
{
    return tables_call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (u64)&context, 0);
}

static void bad_root(void)
{
    describe(L4, 0);
    tables_page(&a, L2)[300] = tables_entry(&a, 16, RW_FLAGS | PTE_PSE);
}
static void bad_user_root(void)
{
    describe(L4, USER_L4);
    tables_page(&a, USER_L2)[300] = tables_entry(&a, 16, RW_FLAGS | PTE_PSE);
}
static void bad_ldt(void)
{
    describe(L4, USER_L4);
    context.ldt_base = 0x5000; /* nothing is there */
    context.ldt_ents = 8;
}
static void bad_register(void)
{
    describe(L4, USER_L4);
    context.debugreg[0] = ~0ull << 47;
}
static void bad_callback(void)
{
    describe(L4, USER_L4);
    context.event_callback_eip = 1ull << 47;
}

/* Nothing remains: no table, no descriptor page, no reference; wherever it was interrupted. */
static void a_refused_vcpu_leaves_no_frame_typed(void **state)
{
    static const struct {
        void (*describe)(void);
        long answer;
    } descriptions[] = {{bad_root, -XEN_EINVAL}, {bad_user_root, -XEN_EINVAL}, {bad_ldt, -XEN_EINVAL},
                        {bad_register, -XEN_EPERM}, {bad_callback, -XEN_EINVAL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(descriptions); i++)
        for (u64 point = 0; point < 12; point++) {
            world();
            descriptions[i].describe();
            struct snapshot *s = snapshot_take();
            fake_interrupt_after = point;
            assert_answer(initialise(), descriptions[i].answer);
            fake_interrupt_after = 0;
            assert_int_equal(arch_audit(), 0);
            if (!same_since(s))
                fail_msg("description %zu, interrupted at %lu: something remained", i, point);
            assert_answer(tables_call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0), -XEN_EINVAL);
            /* The same vcpu, described well. */
            describe(ROOT, 0);
            assert_answer(initialise(), 0);
            assert_int_equal(word_type_count(tables_word(&a, ROOT)), 2);
            assert_true(none_is_table(L4));
        }
}

/* Interrupted, and the guest thinks better of it: the vcpu that asked lets go, as the other never runs. */
static void a_vcpu_that_is_given_up_half_way_keeps_no_tables(void **state)
{
    u64 stopped = 0;

    (void)state;
    for (u64 point = 1; point < 4; point++) {
        world();
        describe(L4, 0);
        if (abandon(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (u64)&context, 0, point) != -XEN_ERESTART)
            continue;
        stopped++;
        assert_true(is_table(L1));
        assert_answer(plain_store(), 0);
        assert_true(none_is_table(L4));
        assert_int_equal(arch_audit(), 0);
    }
    assert_in_range(stopped, 1, 3);
}

#define BOTH(test) {#test " (direct)", test, setup, the_end, NULL}, {#test " (rewrite)", test, setup_rewrite, the_end, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_pin_that_is_given_up_leaves_its_tables_free),
        BOTH(another_pin_takes_its_place),
        BOTH(a_domain_that_ends_in_the_middle_of_a_pin_gives_all_back),
        BOTH(a_refused_vcpu_leaves_no_frame_typed),
        BOTH(a_vcpu_that_is_given_up_half_way_keeps_no_tables),
    };
    return cmocka_run_group_tests_name("what is not carried through", tests, NULL, NULL);
}
