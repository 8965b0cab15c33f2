/* SPDX-License-Identifier: MIT */
/* From page to table and back: alone, as a tree, refused at any place, interrupted at any point, changed meanwhile. */
#include "arch/x86/paging/host_map.h"
#include "hypercalls/hypercalls.h"
#include "tests/unit/support/tables.h"
#include <arch/domain.h>
#include <string.h>

static struct tables a, b;
static enum domain_paging paging;

static void world(void)
{
    tables_reset(128);
    tables_make(&b, "b", paging, 4);
    tables_make(&a, "a", paging, 40);
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

static unsigned is_level(u64 pfn)
{
    u64 w = tables_word(&a, pfn);
    return (w & FRAME_VALIDATED) && word_type_count(w) ? word_type(w) : 0;
}

static void each_level_alone(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        struct snapshot *s = snapshot_take();
        assert_answer(pin(&a, level, 9), 0);
        assert_int_equal(is_level(9), level);
        assert_int_equal(arch_audit(), 0);
        assert_answer(unpin(&a, 9), 0);
        assert_true(same_since(s));
    }
}

static void a_whole_tree_by_one_pin(void **state)
{
    (void)state;
    tables_tree(&a);
    struct snapshot *s = snapshot_take();
    assert_answer(pin(&a, 4, L4), 0);
    for (u64 pfn = L4; pfn <= L1; pfn++) {
        assert_int_equal(is_level(pfn), 5 - pfn);
        assert_int_equal(word_type_count(tables_word(&a, pfn)), 1);
        assert_int_equal(word_refs(tables_word(&a, pfn)), 2);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(word_type(tables_word(&a, DATA + i)), FRAME_WRITABLE);
        assert_int_equal(tables_page(&a, L1)[i], tables_stored(&a, DATA + i, RW_FLAGS));
    }
    assert_int_equal(arch_audit(), 0);
    assert_answer(unpin(&a, L4), 0);
    assert_true(same_since(s));
    assert_int_equal(arch_audit(), 0);
}

/* What a guest left in the hypervisor's slots is neither checked nor given back, where a later entry is refused. */
static void a_refused_root_keeps_what_stood_in_the_hypervisors_slots(void **state)
{
    (void)state;
    tables_tree(&a);
    for (unsigned i = 256; i <= 271; i++)
        tables_page(&a, L4)[i] = tables_entry(&a, DATA, RW_FLAGS) + i;
    tables_page(&a, L4)[300] = tables_entry(&a, DATA, RW_FLAGS | PTE_PSE);
    struct snapshot *s = snapshot_take();
    assert_answer(pin(&a, 4, L4), -XEN_EINVAL);
    assert_true(same_since(s));
    assert_int_equal(arch_audit(), 0);
}

/*
 * A batch whose first entry takes the last use from a whole tree, and whose second is refused at first sight: the tree is
 * taken down before the second look, which an interruption at any point may leave unfinished.
 */
static void a_second_look_is_interrupted_anywhere(void **state)
{
    (void)state;
    for (u64 n = 1; n < 40; n++) {
        world();
        tables_tree(&a);
        assert_answer(pin(&a, 4, L4), 0);
        tables_room[0] = tables_slot(&a, L4, 0);
        tables_room[1] = 0;
        tables_room[2] = tables_slot(&a, L4, 1);
        tables_room[3] = tables_entry(&a, 200, RW_FLAGS); /* no frame of the domain's */
        fake_interrupt_after = n;
        long rc = tables_call(__HYPERVISOR_mmu_update, (u64)tables_room, 2, 0, DOMID_SELF);
        fake_interrupt_after = 0;
        assert_answer(rc, -XEN_EINVAL);
        for (u64 pfn = L3; pfn <= L1; pfn++)
            assert_int_equal(is_level(pfn), 0);
        assert_int_equal(arch_audit(), 0);
    }
}

/* What is refused in the end is refused after a bounded number of rounds, though an interrupt is always due. */
static void a_refused_update_ends_though_always_interrupted(void **state)
{
    (void)state;
    tables_tree(&a);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, 20)), 0);
    tables_page(&a, L3)[1] = tables_entry(&a, 20, RW_FLAGS); /* the root is no L2 */
    struct snapshot *s = snapshot_take();
    tables_always_interrupted = true;
    softirq_raise(SOFTIRQ_TIMER);
    assert_answer(mmu_update(tables_slot(&a, 20, 0), tables_entry(&a, L3, RW_FLAGS)), -XEN_EINVAL);
    tables_always_interrupted = false;
    this_cpu()->softirq = 0;
    assert_true(same_since(s));
    assert_int_equal(arch_audit(), 0);
}

/* Every slot of every level, full tables: 512 references of one table to another. */
static void full_tables(void **state)
{
    (void)state;
    for (u64 pfn = L4; pfn < L1; pfn++)
        for (unsigned i = 0; i < 512; i++)
            tables_page(&a, pfn)[i] = pfn == L4 && i >= 256 && i <= 271 ? 0 : tables_entry(&a, pfn + 1, RW_FLAGS);
    for (unsigned i = 0; i < 512; i++)
        tables_page(&a, L1)[i] = tables_entry(&a, DATA + i % 8, RW_FLAGS);
    struct snapshot *s = snapshot_take();
    assert_answer(pin(&a, 4, L4), 0);
    assert_int_equal(word_type_count(tables_word(&a, L3)), 496);
    assert_int_equal(word_type_count(tables_word(&a, L2)), 512);
    assert_int_equal(word_type_count(tables_word(&a, L1)), 512);
    assert_int_equal(word_type_count(tables_word(&a, DATA)), 64);
    assert_int_equal(arch_audit(), 0);
    assert_answer(unpin(&a, L4), 0);
    assert_true(same_since(s));
}

/* ---- refusals ------------------------------------------------------------------------------------------------- */

/*
 * The tree again, with tables in the middle of others: a bad entry at a slot of one table, and good ones before and
 * behind it.
 */
static void wide_tree(void)
{
    tables_tree(&a);
    for (unsigned i = 0; i < 3; i++) {
        u64 l1 = 20 + i; /* three more L1 below L2[1], [100], [511] */
        static const unsigned at[] = {1, 100, 511};
        tables_page(&a, L2)[at[i]] = tables_entry(&a, l1, RO_FLAGS);
        tables_page(&a, l1)[0] = tables_entry(&a, 24 + i, RW_FLAGS);
        tables_page(&a, l1)[511] = tables_entry(&a, l1, RO_FLAGS);
    }
    tables_page(&a, L3)[511] = tables_entry(&a, 12, RW_FLAGS); /* an empty L2 */
    tables_page(&a, L4)[272] = tables_entry(&a, 13, RW_FLAGS); /* an empty L3 */
    tables_page(&a, L4)[511] = tables_entry(&a, L3, RW_FLAGS); /* shared */
    tables_page(&a, L4)[255] = 0xdead000;                      /* not present: anything goes */
}

struct bad_entry {
    unsigned levels; /* bit per level for which it is bad */
    u64 flags;
    enum { OWN_DATA, OTHERS, ABSENT, TABLE_L1, TABLE_L2, TABLE_L3, TABLE_L4, DESCRIPTORS, MAPPED, SHARED } frame;
    long error_l1; /* above level 1 it is always -EINVAL */
};
static const struct bad_entry bad_entries[] = {
    {0xf, RW_FLAGS | PTE_PWT, OWN_DATA, -XEN_EINVAL},
    {0xf, RW_FLAGS | PTE_PCD, OWN_DATA, -XEN_EINVAL},
    {0xf, RW_FLAGS | PTE_PSE, OWN_DATA, -XEN_EINVAL},
    {0xe, RW_FLAGS | PTE_GLOBAL, OWN_DATA, 0},
    {0xf, RO_FLAGS, OTHERS, -XEN_EBUSY},
    {0xf, RW_FLAGS, OTHERS, -XEN_EBUSY},
    {0xf, RO_FLAGS, ABSENT, -XEN_EPERM},
    {0xf, RW_FLAGS, ABSENT, -XEN_EPERM},
    {0x1, RW_FLAGS, TABLE_L1, -XEN_EBUSY},
    {0x1, RW_FLAGS, TABLE_L2, -XEN_EBUSY},
    {0x1, RW_FLAGS, TABLE_L3, -XEN_EBUSY},
    {0x1, RW_FLAGS, TABLE_L4, -XEN_EBUSY},
    {0x1, RW_FLAGS, DESCRIPTORS, -XEN_EBUSY},
    {0xd & ~1u, RO_FLAGS, TABLE_L1, 0},
    {0xb & ~1u, RO_FLAGS, TABLE_L2, 0},
    {0x6, RO_FLAGS, TABLE_L3, 0},
    {0xe, RO_FLAGS, TABLE_L4, 0},
    {0xe, RO_FLAGS, DESCRIPTORS, 0},
    {0xe, RO_FLAGS, MAPPED, 0},
    {0xe, RO_FLAGS, SHARED, 0},
};

/* Frames in use as everything: 30 L1, 31 L2, 32 L3, 33 L4, 34 descriptors, 35 mapped writable (by 30). */
static void frames_in_use(void)
{
    for (unsigned level = 1; level <= 4; level++) {
        if (level == 1)
            tables_page(&a, 30)[5] = tables_entry(&a, 35, RW_FLAGS);
        assert_answer(pin(&a, level, 29 + level), 0);
    }
    tables_room[0] = tables_number(&a, 34);
    assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 100, 0, 0), 0);
}

static u64 bad_value(const struct bad_entry *e)
{
    static const u64 pfn[] = {[OWN_DATA] = 16, [TABLE_L1] = 30, [TABLE_L2] = 31, [TABLE_L3] = 32, [TABLE_L4] = 33,
                              [DESCRIPTORS] = 34, [MAPPED] = 35};
    switch (e->frame) {
    case OTHERS:
        /* In rewrite mode there is no number for it. */
        return paging == PAGING_DIRECT ? tables_stored(&b, 1, e->flags) : (a.count + 5) << PAGE_SHIFT | e->flags;
    case ABSENT:
        return PTE_ADDR | e->flags;
    case SHARED:
        return (paging == PAGING_DIRECT ? a.d->shared_info_mfn.n : a.count) << PAGE_SHIFT | e->flags;
    default:
        return tables_entry(&a, pfn[e->frame], e->flags);
    }
}

static long error_of(const struct bad_entry *e, unsigned level)
{
    if (level > 1)
        return -XEN_EINVAL;
    return paging == PAGING_REWRITE && e->frame == OTHERS ? -XEN_EPERM : e->error_l1;
}

static void one_bad_entry(const struct bad_entry *e, unsigned level, u64 table, unsigned slot)
{
    u64 *entry = &tables_page(&a, table)[slot], good = *entry;
    *entry = bad_value(e);
    struct snapshot *s = snapshot_take();
    long rc = pin(&a, 4, L4);
    if (rc != (level == 1 ? error_of(e, 1) : -XEN_EINVAL))
        fail_msg("entry %#lx at L%u[%u]: answer %ld", *entry, level, slot, rc);
    if (!same_since(s))
        fail_msg("entry %#lx at L%u[%u]: something remained", *entry, level, slot);
    /* The table alone, and each in the middle. */
    s = snapshot_take();
    assert_answer(pin(&a, level, table), error_of(e, level));
    assert_true(same_since(s));
    *entry = good;
}

/* A table with a bad entry is byte for byte what it was; so is all that stood before and above it, and every count. */
static void one_bad_entry_refuses_the_tree_and_leaves_no_trace(void **state)
{
    static const unsigned slots[] = {0, 1, 2, 100, 254, 255, 272, 300, 510, 511};
    (void)state;
    frames_in_use();
    wide_tree();
    for (size_t i = 0; i < ARRAY_SIZE(bad_entries); i++)
        for (unsigned level = 1; level <= 4; level++)
            for (size_t k = 0; (bad_entries[i].levels >> (level - 1) & 1) && k < ARRAY_SIZE(slots); k++)
                one_bad_entry(&bad_entries[i], level, 5 - level, slots[k]);
    assert_answer(pin(&a, 4, L4), 0); /* without them it is good */
    assert_int_equal(arch_audit(), 0);
}

/* A table as its own table, a level above, or as a page that it maps writable. */
static void loops_are_refused(void **state)
{
    (void)state;
    for (u64 from = L4; from <= L1; from++)
        for (u64 to = L4; to <= L1; to++) {
            if (to == from + 1)
                continue;
            tables_tree(&a);
            tables_page(&a, from)[7] = tables_entry(&a, to, RW_FLAGS);
            struct snapshot *s = snapshot_take();
            for (unsigned level = 1; level <= 4; level++) {
                long rc = pin(&a, level, 5 - level);
                if (rc == 0)
                    assert_answer(unpin(&a, 5 - level), 0);
                assert_true(snapshot_same(s));
                /* An L4 page whose entries name data is a good L1. */
                if (5 - level == from && level > 1 && !(from == L2 && to == L4))
                    assert_answer(rc, -XEN_EINVAL);
            }
            assert_answer(pin(&a, 4, L4), from == L1 ? -XEN_EBUSY * (to == L1) - XEN_EINVAL * (to != L1) : -XEN_EINVAL);
            assert_true(same_since(s));
            tables_page(&a, from)[7] = 0;
        }
}

static void a_page_that_two_levels_would_need_is_refused(void **state)
{
    (void)state;
    struct snapshot *s;
    /* X is L3 below L4[0] and L2 below the L3 that L4[1] names. */
    tables_page(&a, L4)[0] = tables_entry(&a, L3, RW_FLAGS);
    tables_page(&a, L4)[1] = tables_entry(&a, 10, RW_FLAGS);
    tables_page(&a, 10)[0] = tables_entry(&a, L3, RW_FLAGS);
    s = snapshot_take();
    assert_answer(pin(&a, 4, L4), -XEN_EINVAL);
    assert_true(same_since(s));
    /* A ring of two over three levels: A[0] = B, B[0] = A. */
    tables_page(&a, 10)[0] = tables_entry(&a, 11, RW_FLAGS);
    tables_page(&a, 11)[0] = tables_entry(&a, 10, RW_FLAGS);
    s = snapshot_take();
    for (unsigned level = 2; level <= 4; level++)
        assert_answer(pin(&a, level, 10), level == 2 ? -XEN_EINVAL : -XEN_EINVAL);
    assert_true(same_since(s));
}

/* An L1 that maps a table of the tree writable: whichever is validated first, the other is refused. */
static void no_table_of_the_tree_is_mapped_writable_by_it(void **state)
{
    (void)state;
    for (u64 table = L4; table <= L1; table++) {
        tables_tree(&a);
        tables_page(&a, L1)[9] = tables_entry(&a, table, RW_FLAGS);
        struct snapshot *s = snapshot_take();
        assert_int_not_equal(pin(&a, 4, L4), 0);
        assert_true(same_since(s));
        tables_page(&a, L1)[9] = tables_entry(&a, table, RO_FLAGS);
        s = snapshot_take();
        assert_answer(pin(&a, 4, L4), 0);
        assert_int_equal(arch_audit(), 0);
        assert_answer(unpin(&a, L4), 0);
        assert_true(same_since(s));
    }
}

/* ---- shared tables, roots, the hypervisor's slots -------------------------------------------------------------- */

static void roots_share_tables(void **state)
{
    (void)state;
    u64 user = 14;
    tables_tree(&a);
    for (unsigned i = 0; i < 256; i++)
        tables_page(&a, L4)[i] = tables_entry(&a, L3, RW_FLAGS);
    memcpy(tables_page(&a, user), tables_page(&a, L4), PAGE_SIZE / 2);
    struct snapshot *s = snapshot_take();
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
    assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, tables_number(&a, user)), 0);
    assert_int_equal(fake_processor.cr3, a.frame[L4].n << PAGE_SHIFT);
    assert_int_equal(word_type_count(tables_word(&a, L3)), 512);
    assert_int_equal(arch_audit(), 0);
    /* The user root as the kernel's: both uses are counted. */
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, user)), 0);
    assert_int_equal(word_type_count(tables_word(&a, user)), 2);
    assert_int_equal(is_level(L4), 0);
    assert_int_equal(word_type_count(tables_word(&a, L3)), 256);
    assert_int_equal(arch_audit(), 0);
    assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    assert_int_equal(word_type_count(tables_word(&a, user)), 1);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, 15)), 0); /* an empty root */
    assert_int_equal(is_level(user), 0);
    assert_int_equal(is_level(L1), 0);
    assert_int_equal(fake_processor.cr3, a.frame[15].n << PAGE_SHIFT);
    assert_int_equal(arch_audit(), 0);
    a.v->kernel_root = MFN_INVALID;
    table_put(tables_frame(&a, 15), &a.v->work);
    while (!table_work_run(&a.v->work))
        ;
    assert_true(same_since(s));
}

static void a_refused_root_leaves_the_old_one(void **state)
{
    (void)state;
    tables_tree(&a);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
    struct snapshot *s = snapshot_take();
    u64 cr3 = fake_processor.cr3;
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L3)), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, DATA)), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, tables_number(&a, L1)), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, ~0ull), -XEN_EINVAL);
    if (paging == PAGING_DIRECT)
        assert_answer(mmuext(MMUEXT_NEW_BASEPTR, b.frame[1].n), -XEN_EINVAL);
    assert_int_equal(fake_processor.cr3, cr3);
    assert_int_equal(a.v->kernel_root.n, a.frame[L4].n);
    assert_true(mfn_is_invalid(a.v->user_root));
    assert_true(same_since(s));
    /* The same root again changes nothing either. */
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
    assert_int_equal(word_type_count(tables_word(&a, L4)), 1);
}

static void the_hypervisors_slots_of_a_root_are_its_own(void **state)
{
    (void)state;
    u64 *root = tables_page(&a, L4);
    tables_tree(&a);
    for (unsigned i = 250; i < 280; i++)
        root[i] = i >= 256 && i <= 271 ? tables_stored(&b, 1, RW_FLAGS) : 0; /* never looked at */
    assert_answer(pin(&a, 4, L4), 0);
    for (unsigned i = 256; i <= 271; i++) {
        assert_int_equal(root[i], host_l4_slots[i - 256]);
        assert_answer(mmu_update(tables_slot(&a, L4, i), 0), -XEN_EINVAL);
        assert_answer(mmu_update(tables_slot(&a, L4, i), tables_entry(&a, L3, RW_FLAGS)), -XEN_EINVAL);
        assert_int_equal(root[i], host_l4_slots[i - 256]);
    }
    assert_answer(mmu_update(tables_slot(&a, L4, 255), tables_entry(&a, L3, RW_FLAGS)), 0);
    assert_answer(mmu_update(tables_slot(&a, L4, 272), tables_entry(&a, L3, RW_FLAGS)), 0);
    assert_int_equal(word_type_count(tables_word(&a, L3)), 3);
    assert_int_equal(arch_audit(), 0);
    assert_answer(unpin(&a, L4), 0);
    for (unsigned i = 256; i <= 271; i++)
        assert_int_equal(root[i], 0);
    assert_int_equal(word_refs(tables_word(&b, 1)), 1);
    /* Only a root has such slots. */
    for (unsigned level = 1; level < 4; level++) {
        tables_page(&a, 16)[260] = 0x1234000;
        assert_answer(pin(&a, level, 16), 0);
        assert_answer(unpin(&a, 16), 0);
        assert_int_equal(tables_page(&a, 16)[260], 0x1234000);
    }
}

/* What a guest leaves in them is nobody's hold: neither taken when a root is promoted nor given back when it is refused. */
static void a_refusal_leaves_what_the_hypervisors_slots_named(void **state)
{
    (void)state;
    tables_tree(&a);
    for (unsigned i = 256; i <= 271; i++)
        tables_page(&a, L4)[i] = tables_entry(&a, L3, RW_FLAGS);
    tables_page(&a, L4)[300] = tables_entry(&a, 16, RW_FLAGS | PTE_PSE);
    struct snapshot *s = snapshot_take();
    assert_answer(pin(&a, 4, L4), -XEN_EINVAL);
    assert_true(same_since(s));
    assert_int_equal(arch_audit(), 0);
    assert_answer(pin(&a, 3, L3), 0); /* its uses are counted on */
    s = snapshot_take();
    assert_answer(pin(&a, 4, L4), -XEN_EINVAL);
    assert_true(same_since(s));
    assert_int_equal(arch_audit(), 0);
    /* Refused only when the entries are taken: below stand valid tables, and one of them is another domain's. */
    if (paging == PAGING_REWRITE)
        return;
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 3, 1), 0);
    world_enter(&a.v->vcpu);
    tables_page(&a, L4)[300] = tables_stored(&b, 1, RW_FLAGS);
    s = snapshot_take();
    assert_answer(pin(&a, 4, L4), -XEN_EINVAL);
    assert_true(same_since(s));
    assert_int_equal(arch_audit(), 0);
}

/* ---- interruptions -------------------------------------------------------------------------------------------- */

/* An operation, and the state in which it begins. */
struct story {
    void (*prepare)(void);
    long (*act)(void);
    long answer;
};

static void prepare_tree(void)
{
    wide_tree();
}
static void prepare_bad_leaf(void)
{
    wide_tree();
    tables_page(&a, 21)[300] = tables_entry(&a, L2, RW_FLAGS);
}
static void prepare_bad_middle(void)
{
    wide_tree();
    tables_page(&a, L2)[300] = tables_entry(&a, 16, RW_FLAGS | PTE_PSE);
}
static void prepare_pinned(void)
{
    wide_tree();
    assert_answer(pin(&a, 4, L4), 0);
}
static void prepare_root(void)
{
    wide_tree();
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
}
static void prepare_grow(void)
{
    wide_tree();
    tables_page(&a, L4)[0] = tables_page(&a, L4)[511] = 0;
    assert_answer(pin(&a, 4, L4), 0);
}
static long act_pin(void)
{
    return pin(&a, 4, L4);
}
static long act_unpin(void)
{
    return unpin(&a, L4);
}
static long act_root(void)
{
    return mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4));
}
static long act_user_root(void)
{
    return mmuext(MMUEXT_NEW_USER_BASEPTR, tables_number(&a, L4));
}
static long act_leave_root(void)
{
    return mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, 18));
}
static long act_grow(void)
{
    return mmu_update(tables_slot(&a, L4, 5), tables_entry(&a, L3, RW_FLAGS));
}
static long act_shrink(void)
{
    return mmu_update(tables_slot(&a, L4, 511), 0);
}
static long act_replace(void)
{
    return mmu_update(tables_slot(&a, L4, 0), tables_entry(&a, 19, RW_FLAGS));
}

static const struct story stories[] = {
    {prepare_tree, act_pin, 0},
    {prepare_bad_leaf, act_pin, -XEN_EINVAL},
    {prepare_bad_middle, act_pin, -XEN_EINVAL},
    {prepare_pinned, act_unpin, 0},
    {prepare_tree, act_root, 0},
    {prepare_tree, act_user_root, 0},
    {prepare_root, act_leave_root, 0},
    {prepare_grow, act_grow, 0},
    {prepare_pinned, act_shrink, 0},
    {prepare_pinned, act_replace, 0},
};

/*
 * What an interruption may not change: the answer and all memory. Each look at the processor's pending work is a point
 * where one comes; the run without any tells how many there are.
 */
static void the_outcome_is_the_same_wherever_it_is_interrupted(void **state)
{
    u64 stopped = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(stories); i++) {
        const struct story *story = &stories[i];
        world();
        story->prepare();
        fake_interrupt_after = 1ull << 40;
        assert_answer(story->act(), story->answer);
        u64 points = (1ull << 40) - fake_interrupt_after;
        fake_interrupt_after = 0;
        struct snapshot *s = snapshot_take();
        assert_int_equal(arch_audit(), 0);
        for (u64 point = 1; point <= points + 1; point++) {
            world();
            story->prepare();
            /* The last round: never anything but interrupted. */
            tables_always_interrupted = point == points + 1;
            fake_interrupt_after = tables_always_interrupted ? 1 : point;
            assert_answer(story->act(), story->answer);
            fake_interrupt_after = 0;
            stopped += world_restarts > 0;
            if (!snapshot_same(s) || arch_audit() != 0)
                fail_msg("story %zu interrupted at %lu of %lu", i, point, points);
        }
        snapshot_free(s);
    }
    assert_in_range(stopped, 20, ~0u);
}

/* Two interruptions, every pair of points. */
static u64 second_after;
static void interrupt_again(void)
{
    fake_interrupt_after = second_after;
    second_after = 0;
}
static void two_interruptions_change_nothing_either(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(stories); i += 2) {
        const struct story *story = &stories[i];
        world();
        story->prepare();
        assert_answer(story->act(), story->answer);
        struct snapshot *s = snapshot_take();
        for (u64 first = 1; first < 24; first += 2)
            for (u64 second = 1; second < 16; second += 3) {
                world();
                story->prepare();
                tables_between_restarts = interrupt_again;
                second_after = second;
                fake_interrupt_after = first;
                assert_answer(story->act(), story->answer);
                fake_interrupt_after = 0;
                assert_true(snapshot_same(s));
            }
        snapshot_free(s);
    }
}

/* Between two rounds of an interrupted pin the guest does something else: what was kept is let go. */
static void something_else(void)
{
    fake_interrupt_after = 0;
    tables_between_restarts = NULL;
    struct restart kept = a.v->vcpu.restart;
    struct mmuext_op *op = (struct mmuext_op *)tables_room;
    *op = (struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    assert_in_range(is_level(L1) + is_level(20) + is_level(21), 1, 3);
    assert_answer(tables_call(__HYPERVISOR_mmuext_op, (u64)op, 1, 0, DOMID_SELF), 0);
    assert_int_equal(is_level(L1) + is_level(20) + is_level(21) + is_level(L2) + is_level(L3), 0);
    a.v->vcpu.restart = kept;
}
static void what_was_kept_for_a_restart_is_let_go_when_none_comes(void **state)
{
    (void)state;
    wide_tree();
    struct snapshot *before = snapshot_take();
    for (u64 point = 3; point < 20; point += 4) {
        tables_between_restarts = something_else;
        fake_interrupt_after = point;
        assert_answer(pin(&a, 4, L4), 0);
        fake_interrupt_after = 0;
        assert_int_equal(arch_audit(), 0);
        assert_answer(unpin(&a, L4), 0);
        assert_true(snapshot_same(before));
    }
    snapshot_free(before);
}

/* ---- changes meanwhile ---------------------------------------------------------------------------------------- */

/*
 * Another processor writes an entry at every point of a promotion in turn. The pin may succeed or be refused, but what
 * is registered then holds, and a table that is registered is not changed by that writer (the engine's flush sees to
 * it on the real machine; here the writer looks at the type as the processor would).
 */
static struct {
    u64 table, val;
    unsigned slot;
    bool wrote;
} writer;
static void write_entry(void)
{
    u64 w = tables_word(&a, writer.table);
    bool table = word_type_count(w) && word_type(w) != FRAME_WRITABLE;
    if (!table) {
        tables_page(&a, writer.table)[writer.slot] = writer.val;
        writer.wrote = true;
    }
}

static void what_changes_meanwhile_is_seen_or_refused(void **state)
{
    const u64 values[] = {0, tables_entry(&a, 16, RW_FLAGS), tables_entry(&a, L1, RO_FLAGS), tables_entry(&a, 21, RW_FLAGS),
                          tables_entry(&a, L4, RW_FLAGS), PTE_ADDR | RW_FLAGS};
    u64 seen[3] = {0};

    (void)state;
    for (u64 table = L4; table <= L1; table++)
        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
            for (u64 point = 1; point < 14; point++) {
                world();
                wide_tree();
                writer.table = table;
                writer.slot = point & 1 ? 100 : 0;
                writer.val = values[i];
                writer.wrote = false;
                fake_on_interrupt = write_entry;
                fake_interrupt_after = point;
                struct snapshot *s = snapshot_take();
                long rc = pin(&a, 4, L4);
                fake_interrupt_after = 0;
                seen[rc == 0 ? 0 : 1]++;
                seen[2] += writer.wrote;
                assert_int_equal(arch_audit(), 0);
                if (rc) {
                    assert_true(rc == -XEN_EINVAL || rc == -XEN_EBUSY || rc == -XEN_EPERM);
                    if (!writer.wrote)
                        assert_true(snapshot_same(s));
                } else {
                    assert_answer(unpin(&a, L4), 0);
                }
                assert_int_equal(is_level(L1) + is_level(L2) + is_level(L3) + is_level(L4), 0);
                assert_int_equal(arch_audit(), 0);
                snapshot_free(s);
            }
    assert_in_range(seen[0], 10, ~0u);
    assert_in_range(seen[1], 10, ~0u);
    assert_in_range(seen[2], 10, ~0u);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static void a_domain_gives_back_all_it_had(void **state)
{
    (void)state;
    tables_destroy(&b);
    tables_destroy(&a);
    u64 free_before = frame_free_count();
    for (unsigned round = 0; round < 4; round++) {
        tables_make(&a, "a", paging, 40);
        frames_in_use();
        wide_tree();
        assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
        if (round & 1)
            assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, tables_number(&a, 33)), 0);
        if (round & 2) {
            u64 gfn = tables_number(&a, L2);
            assert_int_equal(reservation(1, &gfn), 1);
        }
        assert_int_equal(arch_audit(), 0);
        tables_destroy(&a);
        assert_int_equal(frame_free_count(), free_before);
        assert_int_equal(arch_audit(), 0);
    }
}

/*
 * Taking down gives way as often as building up: an unpin that somebody interrupts at once does one table, says that there is
 * more, and each further step does one more.
 */
static void a_tree_is_taken_down_one_table_at_a_time(void **state)
{
    unsigned rounds = 0;

    (void)state;
    tables_tree(&a);
    assert_answer(pin(&a, 4, L4), 0);
    *(struct mmuext_op *)tables_room = (struct mmuext_op){.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = tables_number(&a, L4)};
    this_cpu()->softirq = SOFTIRQ_TIMER;
    assert_answer(hypercall_table[__HYPERVISOR_mmuext_op]((u64)tables_room, 1, 0, DOMID_SELF, 0), 0);
    assert_int_equal(word_type_count(tables_word(&a, L4)), 0);
    assert_int_not_equal(word_type_count(tables_word(&a, L1)), 0);
    for (; table_work_pending(&a.v->work); rounds++) {
        assert_true(this_cpu()->softirq & SOFTIRQ_TABLES);
        this_cpu()->softirq = SOFTIRQ_TIMER;
        arch_tables_softirq(&a.v->vcpu);
    }
    assert_int_equal(rounds, 3);
    assert_int_equal(word_type_count(tables_word(&a, L1)), 0);
    assert_int_equal(arch_audit(), 0);
    this_cpu()->softirq = 0;
}

#define BOTH(test) {#test " (direct)", test, setup, NULL, NULL}, {#test " (rewrite)", test, setup_rewrite, NULL, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(each_level_alone),
        BOTH(a_whole_tree_by_one_pin),
        BOTH(full_tables),
        BOTH(one_bad_entry_refuses_the_tree_and_leaves_no_trace),
        BOTH(loops_are_refused),
        BOTH(a_page_that_two_levels_would_need_is_refused),
        BOTH(no_table_of_the_tree_is_mapped_writable_by_it),
        BOTH(roots_share_tables),
        BOTH(a_refused_root_leaves_the_old_one),
        BOTH(the_hypervisors_slots_of_a_root_are_its_own),
        BOTH(a_refusal_leaves_what_the_hypervisors_slots_named),
        BOTH(a_refused_root_keeps_what_stood_in_the_hypervisors_slots),
        BOTH(a_second_look_is_interrupted_anywhere),
        BOTH(a_refused_update_ends_though_always_interrupted),
        BOTH(the_outcome_is_the_same_wherever_it_is_interrupted),
        BOTH(two_interruptions_change_nothing_either),
        BOTH(what_was_kept_for_a_restart_is_let_go_when_none_comes),
        BOTH(what_changes_meanwhile_is_seen_or_refused),
        BOTH(a_tree_is_taken_down_one_table_at_a_time),
        BOTH(a_domain_gives_back_all_it_had),
    };
    return cmocka_run_group_tests_name("promotion", tests, NULL, NULL);
}
