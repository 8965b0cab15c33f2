/* SPDX-License-Identifier: MIT */
/*
 * Rewrite mode: the guest's tables hold pseudo-physical frames until they are registered and machine frames as long as
 * they are; both ways are exact, and no processor ever takes the one for the other.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/paging/host_map.h"
#include "tests/unit/support/tables.h"
#include <string.h>
#include <xen/memory.h>

static struct tables a, b;

static int setup(void **state)
{
    (void)state;
    tables_reset(320);
    tables_make(&b, "b", PAGING_REWRITE, 8);
    tables_make(&a, "a", PAGING_REWRITE, 40);
    return 0;
}
static int audit(void **state)
{
    (void)state;
    return arch_audit() != 0;
}

/* All that a guest may put into an entry and get back. GLOBAL and bit 52 are the hypervisor's (entry.h). */
static u64 any_flags(unsigned i, bool l1)
{
    u64 flags = P | (i & 1 ? RW : 0) | (i & 2 ? US : 0) | (i & 4 ? PTE_ACCESSED : 0) | (i & 8 ? PTE_DIRTY : 0);
    flags |= (u64)(i >> 4 & 7) << 9 | (u64)(i * 37 & 0x3ff) << 53 | (i & 16 ? PTE_NX : 0);
    return l1 && i % 9 == 0 ? flags & ~P : flags;
}

static void the_guests_own_bytes_come_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 512; i++) {
        u64 data = 16 + i % 20;
        tables_page(&a, L1)[i] = tables_entry(&a, data, any_flags(i, true));
        for (u64 table = L4; table < L1; table++)
            if (table != L4 || i < HYPERVISOR_FIRST_SLOT || i > HYPERVISOR_LAST_SLOT)
                tables_page(&a, table)[i] = i % 7 ? tables_entry(&a, table + 1, any_flags(i, false)) : i << 1;
    }
    struct snapshot *s = snapshot_take();
    assert_answer(pin(&a, 4, L4), 0);
    assert_int_equal(arch_audit(), 0);
    for (unsigned i = 0; i < 512; i++) {
        u64 flags = any_flags(i, true), data = 16 + i % 20;
        u64 kernel = flags & US ? 0 : US | PTE_TAG_KERNEL;
        assert_int_equal(tables_page(&a, L1)[i],
                         flags & P ? tables_stored(&a, data, flags | kernel) : tables_entry(&a, data, flags));
    }
    assert_answer(unpin(&a, L4), 0);
    assert_true(same_since(s));
}

/* Where nothing of a guest's entry would come back as it was: those two bits, and only they. */
static void what_does_not_come_back(void **state)
{
    (void)state;
    u64 entry = tables_entry(&a, 16, RW_FLAGS);
    tables_page(&a, L1)[0] = entry | PTE_GLOBAL;
    tables_page(&a, L1)[1] = (entry & ~US) | PTE_TAG_KERNEL;
    assert_answer(pin(&a, 1, L1), 0);
    assert_answer(unpin(&a, L1), 0);
    assert_int_equal(tables_page(&a, L1)[0], entry);
    assert_int_equal(tables_page(&a, L1)[1], entry & ~US);
}

/* What the processor wrote meanwhile comes back with it. */
static void accessed_and_dirty_come_back(void **state)
{
    (void)state;
    tables_tree(&a);
    assert_answer(pin(&a, 4, L4), 0);
    for (u64 table = L4; table <= L1; table++)
        tables_page(&a, table)[0] |= PTE_ACCESSED | PTE_DIRTY;
    assert_answer(unpin(&a, L4), 0);
    for (u64 table = L4; table < L1; table++)
        assert_int_equal(tables_page(&a, table)[0], tables_entry(&a, table + 1, RW_FLAGS | PTE_ACCESSED | PTE_DIRTY));
    assert_int_equal(tables_page(&a, L1)[0], tables_entry(&a, DATA, RW_FLAGS | PTE_ACCESSED | PTE_DIRTY));
}

static void a_refused_registration_leaves_every_byte(void **state)
{
    (void)state;
    for (unsigned bad = 0; bad < 512; bad += 31) {
        for (unsigned i = 0; i < 512; i++)
            tables_page(&a, L1)[i] = tables_entry(&a, 16 + i % 20, any_flags(i, true));
        static const unsigned kinds = 4;
        for (unsigned kind = 0; kind < kinds; kind++) {
            const u64 values[] = {tables_entry(&a, L1, RW_FLAGS), (a.count + 1) << PAGE_SHIFT | RO_FLAGS, PTE_ADDR | RO_FLAGS,
                                  tables_entry(&a, 16, RO_FLAGS | PTE_PWT)};
            tables_page(&a, L1)[bad] = values[kind];
            struct snapshot *s = snapshot_take();
            assert_int_not_equal(pin(&a, 1, L1), 0);
            assert_true(same_since(s));
        }
    }
}

static void a_machine_frame_means_nothing_to_the_hypercalls(void **state)
{
    (void)state;
    tables_reset(320);
    for (unsigned i = 0; i < 64; i++)
        frame_alloc_host();
    tables_make(&b, "b", PAGING_REWRITE, 8);
    tables_make(&a, "a", PAGING_REWRITE, 40);
    tables_tree(&a);
    assert_answer(pin(&a, 4, L4), 0);
    u64 own = a.frame[16].n, other = b.frame[1].n;
    assert_true(own > a.count && other > a.count); /* no pfn is that large */
    struct snapshot *s = snapshot_take();
    for (size_t i = 0; i < 2; i++) {
        u64 mfn = i ? own : other;
        for (u32 cmd = MMUEXT_PIN_L1_TABLE; cmd <= MMUEXT_NEW_BASEPTR; cmd++)
            assert_answer(mmuext(cmd, mfn), -XEN_EINVAL);
        assert_answer(mmu_update(tables_slot(&a, L1, 9), mfn << PAGE_SHIFT | RO_FLAGS), -XEN_EPERM);
        assert_answer(mmu_update(tables_slot(&a, L2, 9), mfn << PAGE_SHIFT | RO_FLAGS), -XEN_EINVAL);
        assert_answer(mmu_update(mfn << PAGE_SHIFT, 0), -XEN_EINVAL);
        assert_answer(mmu_update(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 5), -XEN_EINVAL);
        tables_room[0] = mfn;
        assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 1, 0, 0), -XEN_EINVAL);
    }
    assert_true(same_since(s));
}

/*
 * The frame goes, the entry stays: it keeps the frame alive, and it can still be turned back to the number that the
 * guest had for it, even when another frame stands there now.
 */
static void a_frame_whose_number_was_taken_back_is_still_turned_back(void **state)
{
    (void)state;
    u64 entry = tables_entry(&a, 16, RW_FLAGS), gfn = 16;
    mfn_t old = a.frame[16];
    tables_page(&a, L1)[0] = entry;
    assert_answer(pin(&a, 1, L1), 0);
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 1);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(a.d, gfn_make(16))));
    assert_int_equal(frame_of(old)->owner, a.d->id);
    assert_int_equal(arch_audit(), 0);
    /* The number does not name it any more... */
    assert_answer(mmu_update(tables_slot(&a, L1, 1), entry), -XEN_EPERM);
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 0);
    /* ... but is free for another frame, */
    gfn = 16;
    assert_int_equal(reservation(XENMEM_populate_physmap, &gfn), 0); /* when one is left to the domain: */
    assert_answer(mmu_update(tables_slot(&a, L1, 0), 0), 0);
    assert_int_equal(frame_of(old)->owner, OWNER_NONE);
    assert_int_equal(reservation(XENMEM_populate_physmap, &gfn), 1);
    a.d->max_pages++;
    assert_answer(mmu_update(tables_slot(&a, L1, 0), entry), 0);
    mfn_t second = arch_gfn_to_mfn(a.d, gfn_make(16));
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 1);
    assert_int_equal(reservation(XENMEM_populate_physmap, &gfn), 1);
    assert_int_not_equal(arch_gfn_to_mfn(a.d, gfn_make(16)).n, second.n);
    assert_int_equal(tables_page(&a, L1)[0], second.n << PAGE_SHIFT | RW_FLAGS);
    assert_answer(unpin(&a, L1), 0);
    assert_int_equal(tables_page(&a, L1)[0], entry);
    assert_int_equal(frame_of(second)->owner, OWNER_NONE);
}

static void binding_is_one_to_one_and_within_bounds(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_take();
    mfn_t spare = frame_alloc_host();
    assert_answer(arch_p2m_set(a.d, gfn_make(41), spare), -XEN_EINVAL);
    assert_answer(arch_p2m_set(a.d, gfn_make(~0ull), spare), -XEN_EINVAL);
    assert_answer(arch_p2m_set(a.d, gfn_make(1ull << 32), MFN_INVALID), -XEN_EINVAL);
    assert_answer(arch_p2m_set(a.d, gfn_make(5), spare), -XEN_EEXIST);
    assert_answer(arch_p2m_set(a.d, gfn_make(5), a.frame[5]), -XEN_EEXIST);
    frame_free_host(spare, 1);
    assert_true(same_since(s));
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(a.d, gfn_make(41))));
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(a.d, gfn_make(~0ull))));
    for (u64 pfn = 0; pfn < a.count; pfn++) {
        assert_int_equal(arch_gfn_to_mfn(a.d, gfn_make(pfn)).n, a.frame[pfn].n);
        assert_int_equal(mfn_to_guest(a.d, a.frame[pfn]), pfn);
    }
    /* A direct domain has none. */
    struct tables direct;
    tables_make(&direct, "direct", PAGING_DIRECT, 2);
    assert_answer(arch_p2m_set(direct.d, gfn_make(0), direct.frame[0]), -XEN_EOPNOTSUPP);
    assert_false(arch_domain_translated(direct.d));
    assert_true(arch_domain_translated(a.d));
    assert_int_equal(arch_gfn_to_mfn(direct.d, gfn_make(5)).n, 5);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(direct.d, gfn_make(frame_count))));
}

static void without_memory_for_the_map_there_is_none(void **state)
{
    (void)state;
    struct tables direct;
    tables_make(&direct, "direct", PAGING_DIRECT, 2);
    assert_answer(p2m_create(direct.d, frame_count * 1024), -XEN_ENOMEM);
    assert_false(arch_domain_translated(direct.d));
    u64 free_before = frame_free_count();
    assert_answer(p2m_create(direct.d, 1025), 0);
    assert_int_equal(free_before - frame_free_count(), 2);
    p2m_destroy(direct.d);
    p2m_destroy(direct.d);
    assert_int_equal(frame_free_count(), free_before);
}

/* Shared_info has a number there as well, and may be mapped. */
static void shared_info_is_mapped_by_its_number(void **state)
{
    (void)state;
    assert_answer(pin(&a, 1, L1), 0);
    assert_answer(mmu_update(tables_slot(&a, L1, 0), a.count << PAGE_SHIFT | RW_FLAGS), 0);
    assert_int_equal(tables_page(&a, L1)[0], a.d->shared_info_mfn.n << PAGE_SHIFT | RW_FLAGS);
    u64 gfn = a.count;
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 0);
    assert_answer(unpin(&a, L1), 0);
    assert_int_equal(tables_page(&a, L1)[0], a.count << PAGE_SHIFT | RW_FLAGS);
}

/*
 * A table that goes out of use gets the guest's numbers back, and a processor that still has the way to it in its caches
 * would take them for machine frames. So the flush comes before the first of them is written: at each step of the
 * work, either nothing was turned back or the flush has been.
 */
static u64 turned_back_before_a_flush, flushes_at_start;
static void watch_entries(void)
{
    if (this_cpu()->tlb_flushes == flushes_at_start && tables_page(&a, L1)[0] == tables_entry(&a, DATA, RW_FLAGS))
        turned_back_before_a_flush++;
    fake_interrupt_after = 1;
}
static void the_flush_comes_before_entries_are_turned_back(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        setup(NULL);
        tables_tree(&a);
        assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
        flushes_at_start = this_cpu()->tlb_flushes;
        turned_back_before_a_flush = 0;
        fake_on_interrupt = watch_entries;
        fake_interrupt_after = 1;
        if (way == 0)
            assert_answer(mmu_update(tables_slot(&a, L2, 0), 0), 0);
        else if (way == 1)
            assert_answer(mmu_update(tables_slot(&a, L3, 0), 0x5000), 0);
        else if (way == 2)
            assert_answer(mmu_update(tables_slot(&a, L2, 0), tables_entry(&a, 20, RW_FLAGS)), 0);
        else
            assert_answer(mmu_update(tables_slot(&a, L4, 0), 0), 0);
        fake_interrupt_after = 0;
        assert_int_equal(tables_page(&a, L1)[0], tables_entry(&a, DATA, RW_FLAGS));
        assert_int_equal(turned_back_before_a_flush, 0);
        assert_true(this_cpu()->tlb_flushes > flushes_at_start);
    }
}

/* The other way round: what becomes a table holds machine frames only once nobody can write to it. */
static void a_page_that_was_writable_is_flushed_before_it_is_rewritten(void **state)
{
    (void)state;
    tables_tree(&a);
    assert_answer(mmuext(MMUEXT_CLEAR_PAGE, tables_number(&a, 30)), 0);
    tables_page(&a, 30)[0] = tables_entry(&a, 31, RW_FLAGS);
    u64 before = this_cpu()->tlb_flushes;
    assert_answer(pin(&a, 1, 30), 0);
    assert_int_equal(this_cpu()->tlb_flushes - before, 1);
    assert_int_equal(tables_page(&a, 30)[0], tables_stored(&a, 31, RW_FLAGS));
}

/* Registered again and again, in any order of levels, with and without use by others: always the same bytes. */
static void round_and_round(void **state)
{
    (void)state;
    tables_tree(&a);
    for (unsigned i = 0; i < 40; i++)
        tables_page(&a, L1)[100 + i] = tables_entry(&a, i, (i & 1 && i > 4 ? RW : 0) | P | (i & 2 ? US : 0));
    struct snapshot *s = snapshot_take();
    for (unsigned order = 0; order < 24; order++) {
        u64 left[4] = {L4, L3, L2, L1}, up[4];
        for (unsigned i = 0, rest = order; i < 4; i++) {
            unsigned k = rest % (4 - i);
            rest /= 4 - i;
            up[i] = left[k];
            memmove(&left[k], &left[k + 1], (3 - k) * sizeof(left[0]));
        }
        for (unsigned i = 0; i < 4; i++)
            assert_answer(pin(&a, (unsigned)(5 - up[i]), up[i]), 0);
        for (unsigned i = 0; i < 40; i++)
            assert_int_equal(pte_frame(tables_page(&a, L1)[100 + i]), a.frame[i].n);
        for (unsigned i = 0; i < 4; i++)
            assert_answer(unpin(&a, up[(i + order) % 4]), 0);
        assert_true(snapshot_same(s));
    }
    snapshot_free(s);
}

/* What is refused leaves the way back as it was, too. */
static void a_number_that_is_taken_changes_nothing(void **state)
{
    (void)state;
    mfn_t mfn = frame_alloc_host();
    assert_false(mfn_is_invalid(mfn));
    m2p_table[mfn.n] = 0x1234;
    assert_answer(arch_p2m_set(a.d, tables_gfn(&a, 16), mfn), -XEN_EEXIST);
    assert_answer(arch_p2m_set(a.d, gfn_make(1ull << 32), mfn), -XEN_EINVAL);
    assert_int_equal(m2p_table[mfn.n], 0x1234);
    assert_int_equal(arch_gfn_to_mfn(a.d, tables_gfn(&a, 16)).n, a.frame[16].n);
    frame_free_host(mfn, 1);
}

/* A map that fills its pages to the last entry: what lies behind it in memory is not asked. */
static void a_number_behind_the_map_has_no_frame(void **state)
{
    (void)state;
    struct domain *d = world_domain("c", 1);
    assert_int_equal(p2m_create(d, PAGE_SIZE / sizeof(u32)), 0);
    mfn_t behind = frame_alloc_host();
    assert_int_equal(behind.n, ptr_to_mfn(x86_domain(d)->p2m).n + 1);
    *(u32 *)mfn_to_ptr(behind) = 16;
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(PAGE_SIZE / sizeof(u32)))));
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(PAGE_SIZE / sizeof(u32) - 1))));
    frame_free_host(behind, 1);
}

/* An extent whose second page is taken: the first one is given back. */
static void an_extent_that_does_not_fit_leaves_nothing(void **state)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .extent_order = 1, .domid = DOMID_SELF};
    u64 gfn = 16;

    (void)state;
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 1);
    struct snapshot *s = snapshot_take();
    u64 free_before = frame_free_count(), pages = a.d->tot_pages;
    tables_room[0] = 16;
    r.extent_start.p = tables_room;
    memcpy(&tables_room[8], &r, sizeof(r));
    assert_answer(tables_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&tables_room[8], 0, 0), 0);
    assert_int_equal(frame_free_count(), free_before);
    assert_int_equal(a.d->tot_pages, pages);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(a.d, gfn_make(16))));
    assert_true(same_since(s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_guests_own_bytes_come_back, setup, audit),
        cmocka_unit_test_setup_teardown(what_does_not_come_back, setup, audit),
        cmocka_unit_test_setup_teardown(accessed_and_dirty_come_back, setup, audit),
        cmocka_unit_test_setup_teardown(a_refused_registration_leaves_every_byte, setup, audit),
        cmocka_unit_test_setup_teardown(a_machine_frame_means_nothing_to_the_hypercalls, setup, audit),
        cmocka_unit_test_setup_teardown(a_frame_whose_number_was_taken_back_is_still_turned_back, setup, audit),
        cmocka_unit_test_setup_teardown(binding_is_one_to_one_and_within_bounds, setup, audit),
        cmocka_unit_test_setup_teardown(without_memory_for_the_map_there_is_none, setup, audit),
        cmocka_unit_test_setup_teardown(shared_info_is_mapped_by_its_number, setup, audit),
        cmocka_unit_test_setup_teardown(the_flush_comes_before_entries_are_turned_back, setup, audit),
        cmocka_unit_test_setup_teardown(a_page_that_was_writable_is_flushed_before_it_is_rewritten, setup, audit),
        cmocka_unit_test_setup_teardown(a_number_that_is_taken_changes_nothing, setup, audit),
        cmocka_unit_test_setup_teardown(a_number_behind_the_map_has_no_frame, setup, audit),
        cmocka_unit_test_setup_teardown(an_extent_that_does_not_fit_leaves_nothing, setup, audit),
        cmocka_unit_test_setup_teardown(round_and_round, setup, audit),
    };
    return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
