/* SPDX-License-Identifier: MIT */
/* Entries of live tables change: mmu_update, update_va_mapping, mmuext_op; one by one and in batches. */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/entry.h"
#include "hypercalls/hypercalls.h"
#include "tests/unit/support/tables.h"
#include <string.h>

static struct tables a, b;
static enum domain_paging paging;

/* A tree with its root loaded: address i << 12 is L1[i], which maps frame DATA + i, i < 4. */
static void world(void)
{
    tables_reset(320);
    tables_make(&b, "b", paging, 4);
    tables_make(&a, "a", paging, 40);
    tables_tree(&a);
    tables_page(&a, L2)[1] = tables_entry(&a, 20, RW_FLAGS); /* one more L1, which maps all tables */
    for (u64 pfn = L4; pfn <= L1; pfn++)
        tables_page(&a, 20)[pfn] = tables_entry(&a, pfn, RO_FLAGS);
    if (mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)))
        fake_fail("the tree is refused");
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
static int audit(void **state)
{
    (void)state;
    return arch_audit() != 0;
}

static u64 count_of(u64 pfn)
{
    return word_type_count(tables_word(&a, pfn));
}
static u64 refs_of(u64 pfn)
{
    return word_refs(tables_word(&a, pfn));
}

/* ---- one entry ------------------------------------------------------------------------------------------------ */

static void an_entry_takes_what_it_needs_and_gives_back_what_it_had(void **state)
{
    (void)state;
    u64 *entry = &tables_page(&a, L1)[0];
    assert_answer(mmu_update(tables_slot(&a, L1, 0), tables_entry(&a, 16, RW_FLAGS)), 0);
    assert_int_equal(*entry, tables_stored(&a, 16, RW_FLAGS));
    assert_int_equal(count_of(16), 1);
    assert_int_equal(refs_of(16), 2);
    assert_int_equal(count_of(DATA), 0);
    assert_int_equal(refs_of(DATA), 1);
    assert_answer(mmu_update(tables_slot(&a, L1, 0), tables_entry(&a, 16, RO_FLAGS)), 0);
    assert_int_equal(count_of(16), 0);
    assert_int_equal(refs_of(16), 2);
    assert_answer(mmu_update(tables_slot(&a, L1, 0), tables_entry(&a, 16, RO_FLAGS | PTE_NX)), 0);
    assert_int_equal(refs_of(16), 2);
    assert_int_equal(*entry, tables_stored(&a, 16, RO_FLAGS | PTE_NX));
    assert_answer(mmu_update(tables_slot(&a, L1, 0), 0), 0);
    assert_int_equal(refs_of(16), 1);
    assert_int_equal(*entry, 0);
}

static void what_is_not_present_may_be_anything_and_is_kept_as_it_is(void **state)
{
    static const u64 values[] = {0, 2, ~1ull, 0x8000000000000000ull, 0x1ff8, PTE_ADDR, PTE_PSE | PTE_PCD | PTE_PWT};
    (void)state;
    for (u64 table = L4; table <= L1; table++)
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            assert_answer(mmu_update(tables_slot(&a, table, 100), values[i]), 0);
            assert_int_equal(tables_page(&a, table)[100], values[i]);
            assert_int_equal(arch_audit(), 0);
        }
}

/*
 * All bits but the present one, and a frame that is in use: neither promotion nor demotion nor what takes its place may take
 * it for an entry. What replaces it holds what it must, once.
 */
static void what_is_not_present_holds_nothing(void **state)
{
    (void)state;
    for (u64 table = L4; table <= L1; table++) {
        u64 below = table == L1 ? DATA : table + 1, flags = RW_FLAGS | PTE_ACCESSED | PTE_DIRTY;
        u64 absent = tables_stored(&a, below, flags | PTE_AVAIL) & ~P, *page = tables_page(&a, table);
        struct snapshot *s = snapshot_take();
        u64 before = tables_word(&a, below);
        assert_answer(mmu_update(tables_slot(&a, table, 100), absent), 0);
        assert_int_equal(tables_word(&a, below), before);
        assert_answer(mmu_update(tables_slot(&a, table, 100), tables_entry(&a, below, flags)), 0);
        assert_int_equal(tables_word(&a, below), before + FRAME_REF_ONE + FRAME_TC_ONE);
        assert_answer(mmu_update(tables_slot(&a, table, 100), absent), 0);
        assert_int_equal(tables_word(&a, below), before);
        assert_int_equal(arch_audit(), 0);
        assert_answer(mmu_update(tables_slot(&a, table, 100), 0), 0);
        assert_true(same_since(s));
        /* The same in a page that becomes a table and is one no more. */
        page = tables_page(&a, 32);
        for (unsigned i = 0; i < 512; i++)
            page[i] = is_hypervisor_slot((unsigned)(5 - table), i) ? 0 : absent;
        s = snapshot_take();
        assert_answer(pin(&a, (unsigned)(5 - table), 32), 0);
        assert_int_equal(tables_word(&a, below), before);
        assert_int_equal(arch_audit(), 0);
        assert_answer(unpin(&a, 32), 0);
        if (table != L4) /* a root's slots of the hypervisor are cleared */
            assert_true(same_since(s));
        else
            snapshot_free(s);
        memset(page, 0, PAGE_SIZE);
    }
}

/* All flags of an entry, in any combination, from any to any: the same frame throughout. */
static const u64 flag_bits[] = {PTE_RW, PTE_USER, PTE_PWT, PTE_PCD, PTE_ACCESSED, PTE_DIRTY, PTE_PSE, PTE_GLOBAL,
                                1ull << 9, 1ull << 52, 1ull << 62, PTE_NX};
static u64 flags_of(unsigned set)
{
    u64 flags = P;
    for (unsigned i = 0; i < ARRAY_SIZE(flag_bits); i++)
        flags |= set >> i & 1 ? flag_bits[i] : 0;
    return flags;
}
/* PWT, PCD, PAT; above level 1 a large page and GLOBAL as well. */
static u64 forbidden_bits(u64 table)
{
    return table == L1 ? 0x98 : 0x198;
}
static void one_flag_change(u64 table, u64 target, u64 old, u64 new)
{
    const u64 forbidden = forbidden_bits(table);
    u64 *entry = &tables_page(&a, table)[200];
    assert_answer(mmu_update(tables_slot(&a, table, 200), tables_entry(&a, target, old)), 0);
    u64 before = *entry, word = tables_word(&a, target);
    long rc = mmu_update(tables_slot(&a, table, 200), tables_entry(&a, target, new));
    if (new & forbidden) {
        assert_answer(rc, -XEN_EINVAL);
        assert_int_equal(*entry, before);
        assert_int_equal(tables_word(&a, target), word);
        return;
    }
    assert_answer(rc, 0);
    u64 expected = tables_stored(&a, target, new & ~PTE_GLOBAL);
    if (!(expected & PTE_USER))
        expected |= PTE_USER | (table == L1 || arch_domain_translated(a.d) ? PTE_TAG_KERNEL : 0);
    assert_int_equal(*entry, expected);
    if (table == L1)
        assert_int_equal(count_of(target), (new & RW) != 0);
    assert_int_equal(refs_of(target), word_refs(word));
}
static void flags_change_only_within_what_is_allowed(void **state)
{
    (void)state;
    for (u64 table = L4; table <= L1; table++) {
        u64 target = table == L1 ? 16 : table + 1;
        const u64 forbidden = forbidden_bits(table);
        for (unsigned from = 0; from < 1u << ARRAY_SIZE(flag_bits); from += 7) {
            if (flags_of(from) & forbidden)
                continue;
            for (unsigned bit = 0; bit < ARRAY_SIZE(flag_bits); bit++)
                one_flag_change(table, target, flags_of(from), flags_of(from ^ 1u << bit));
            one_flag_change(table, target, flags_of(from), flags_of(from * 2654435761u >> 8 & 0xfff));
        }
    }
}

/* XSA-148: the same frame, but as a large page, which would map what nobody checked. */
static void a_live_entry_does_not_become_a_large_page(void **state)
{
    (void)state;
    for (u64 table = L4; table < L1; table++) {
        u64 live = tables_page(&a, table)[0];
        struct snapshot *s = snapshot_take();
        static const u64 flags[] = {PTE_PSE, PTE_PSE | PTE_RW, PTE_GLOBAL, PTE_PCD, PTE_PWT};
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
            assert_answer(mmu_update(tables_slot(&a, table, 0), tables_entry(&a, table + 1, RO_FLAGS | flags[i])), -XEN_EINVAL);
            assert_answer(mmu_update(tables_slot(&a, table, 5), tables_entry(&a, 16, RO_FLAGS | flags[i])), -XEN_EINVAL);
        }
        assert_int_equal(tables_page(&a, table)[0], live);
        assert_true(same_since(s));
    }
}

/* XSA-182 and its family: no table is its own, read-only or not, and none of the level above or beside. */
static void no_entry_names_a_table_of_the_wrong_level(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_take();
    for (u64 table = L4; table < L1; table++)
        for (u64 target = L4; target <= L1; target++)
            for (unsigned rw = 0; rw < 2; rw++)
                if (target != table + 1)
                    assert_answer(mmu_update(tables_slot(&a, table, 300), tables_entry(&a, target, RO_FLAGS | rw * RW)),
                                  -XEN_EINVAL);
    assert_true(same_since(s));
    for (u64 target = L4; target <= L1; target++) {
        assert_answer(mmu_update(tables_slot(&a, L1, 300), tables_entry(&a, target, RW_FLAGS)), -XEN_EBUSY);
        assert_answer(update_va(0x5000, tables_entry(&a, target, RW_FLAGS), 0), -XEN_EBUSY);
        assert_answer(mmu_update(tables_slot(&a, L1, 300), tables_entry(&a, target, RO_FLAGS)), 0);
        assert_answer(mmu_update(tables_slot(&a, L1, 300), tables_entry(&a, target, RW_FLAGS)), -XEN_EBUSY);
        assert_int_equal(tables_page(&a, L1)[300], tables_stored(&a, target, RO_FLAGS));
    }
}

static void frames_of_others_and_of_nobody_are_refused(void **state)
{
    (void)state;
    u64 other = paging == PAGING_DIRECT ? b.frame[1].n : a.count + 7;
    mfn_t host = frame_alloc_host();
    struct snapshot *s = snapshot_take();
    for (u64 table = L4; table <= L1; table++)
        for (unsigned rw = 0; rw < 2; rw++) {
            u64 flags = RO_FLAGS | rw * RW, slot = tables_slot(&a, table, 9);
            long mine = table == L1 ? -XEN_EBUSY : -XEN_EINVAL, none = table == L1 ? -XEN_EPERM : -XEN_EINVAL;
            assert_answer(mmu_update(slot, other << PAGE_SHIFT | flags), paging == PAGING_DIRECT ? mine : none);
            assert_answer(mmu_update(slot, PTE_ADDR | flags), none);
            assert_answer(mmu_update(slot, frame_count << PAGE_SHIFT | flags), none);
            if (paging == PAGING_DIRECT)
                assert_answer(mmu_update(slot, host.n << PAGE_SHIFT | flags), mine);
        }
    /* Their tables, too. */
    assert_answer(mmu_update(other << PAGE_SHIFT, 1), -XEN_EINVAL);
    assert_answer(mmu_update(PTE_ADDR, 0), -XEN_EINVAL);
    assert_answer(mmu_update(~0ull << PAGE_SHIFT, 0), -XEN_EINVAL);
    assert_true(same_since(s));
}

/* Another domain's live table is not written, whatever it says of itself. */
static void a_table_of_another_domain_is_not_updated(void **state)
{
    (void)state;
    world_enter(&b.v->vcpu);
    for (unsigned level = 1; level <= 3; level++)
        assert_answer(pin(&b, level, level), 0);
    world_enter(&a.v->vcpu);
    struct snapshot *s = snapshot_take();
    for (unsigned level = 1; level <= 3; level++) {
        assert_answer(mmu_update(tables_slot(&b, level, 3), 0), -XEN_EINVAL);
        assert_answer(mmu_update(tables_slot(&b, level, 3), tables_entry(&a, 16, RW_FLAGS)), -XEN_EINVAL);
        assert_answer(mmu_update(tables_slot(&a, 4 - level, 9), tables_entry(&b, level, RO_FLAGS)), -XEN_EINVAL);
        assert_answer(unpin(&b, level), -XEN_EINVAL);
    }
    assert_answer(mmu_update(tables_slot(&b, 0, 3), 5), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_CLEAR_PAGE, tables_number(&b, 0)), -XEN_EINVAL);
    assert_answer(mmuext_pair(MMUEXT_COPY_PAGE, tables_number(&a, 16), tables_number(&b, 0)), -XEN_EINVAL);
    assert_true(same_since(s));
}

/* ---- tables below that are not validated yet ------------------------------------------------------------------- */

static void an_entry_for_a_plain_page_makes_it_a_table(void **state)
{
    (void)state;
    tables_page(&a, 24)[0] = tables_entry(&a, 25, RW_FLAGS); /* 24 as L2, 25 as L1 */
    tables_page(&a, 25)[0] = tables_entry(&a, 26, RW_FLAGS);
    struct snapshot *s = snapshot_take();
    assert_answer(mmu_update(tables_slot(&a, L3, 4), tables_entry(&a, 24, RW_FLAGS)), 0);
    assert_int_equal(word_type(tables_word(&a, 24)), FRAME_L2);
    assert_int_equal(word_type(tables_word(&a, 25)), FRAME_L1);
    assert_int_equal(count_of(24), 1);
    assert_int_equal(count_of(25), 1);
    assert_int_equal(count_of(26), 1);
    assert_int_equal(arch_audit(), 0);
    assert_answer(mmu_update(tables_slot(&a, L3, 4), 0), 0);
    assert_true(same_since(s));
}

static void a_bad_page_below_is_refused_and_untouched(void **state)
{
    (void)state;
    tables_page(&a, 24)[0] = tables_entry(&a, 25, RW_FLAGS);
    for (unsigned slot = 0; slot < 512; slot += 73) {
        tables_page(&a, 25)[slot] = tables_entry(&a, L1, RW_FLAGS);
        struct snapshot *s = snapshot_take();
        assert_answer(mmu_update(tables_slot(&a, L3, 4), tables_entry(&a, 24, RW_FLAGS)), -XEN_EINVAL);
        assert_answer(mmu_update(tables_slot(&a, L2, 4), tables_entry(&a, 25, RW_FLAGS)), -XEN_EINVAL);
        assert_answer(mmu_update(tables_slot(&a, L2, 0), tables_entry(&a, 25, RW_FLAGS)), -XEN_EINVAL); /* a live one */
        assert_answer(mmu_update(tables_slot(&a, L2, 4), tables_entry(&a, DATA, RW_FLAGS)), -XEN_EINVAL); /* mapped */
        assert_true(same_since(s));
        tables_page(&a, 25)[slot] = 0;
    }
}

static void the_last_entry_for_a_table_frees_the_page_for_anything(void **state)
{
    (void)state;
    assert_answer(mmu_update(tables_slot(&a, L2, 0), 0), 0);
    assert_int_equal(count_of(L1), 0);
    assert_int_equal(count_of(DATA), 0);
    u64 flushes = this_cpu()->tlb_flushes;
    assert_answer(mmu_update(tables_slot(&a, 20, 100), tables_entry(&a, L1, RW_FLAGS)), 0);
    assert_int_equal(this_cpu()->tlb_flushes - flushes, 1); /* a processor may still walk it */
    assert_answer(pin(&a, 1, L1), -XEN_EINVAL);
}

/* ---- pages that are no tables --------------------------------------------------------------------------------- */

static void a_plain_page_takes_a_plain_store(void **state)
{
    (void)state;
    u64 word = tables_word(&a, 16) & ~FRAME_TYPE_MASK;
    assert_answer(mmu_update(tables_slot(&a, 16, 511), ~0ull), 0);
    assert_int_equal(tables_page(&a, 16)[511], ~0ull);
    assert_int_equal(tables_page(&a, 16)[510], 0);
    assert_int_equal(tables_word(&a, 16) & ~FRAME_TYPE_MASK, word);
    assert_answer(mmu_update(tables_slot(&a, DATA, 0), 77), 0); /* one that is mapped writable */
    assert_int_equal(tables_page(&a, DATA)[0], 77);
    tables_room[0] = tables_number(&a, 16);
    assert_answer(mmu_update(tables_slot(&a, 16, 511), 0), 0);
    assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 512, 0, 0), 0);
    assert_answer(mmu_update(tables_slot(&a, 16, 511), 77), -XEN_EINVAL); /* descriptors */
    assert_int_equal(tables_page(&a, 16)[511], 0);
}

static void an_address_in_the_middle_of_an_entry_is_refused(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_take();
    for (u64 table = L4; table <= L1; table++)
        for (u64 command = 0; command < 4; command++)
            if (command != MMU_MACHPHYS_UPDATE)
                assert_answer(mmu_update(tables_slot(&a, table, 0) + 4 + command, 0), -XEN_EINVAL);
    assert_answer(mmu_update(tables_slot(&a, 16, 0) + 4, 0), -XEN_EINVAL);
    assert_true(same_since(s));
}

static void accessed_and_dirty_are_kept_where_that_is_asked_for(void **state)
{
    (void)state;
    for (u64 table = L4; table <= L1; table++) {
        u64 *entry = &tables_page(&a, table)[0], target = table == L1 ? DATA : table + 1;
        u64 slot = tables_slot(&a, table, 0);
        *entry |= PTE_ACCESSED | PTE_DIRTY; /* the processor's doing */
        assert_answer(mmu_update(slot | MMU_PT_UPDATE_PRESERVE_AD, tables_entry(&a, target, RO_FLAGS)), 0);
        assert_int_equal(*entry, tables_stored(&a, target, RO_FLAGS | PTE_ACCESSED | PTE_DIRTY));
        assert_answer(mmu_update(slot | MMU_PT_UPDATE_PRESERVE_AD, tables_entry(&a, target, RO_FLAGS | PTE_NX)), 0);
        assert_int_equal(*entry, tables_stored(&a, target, RO_FLAGS | PTE_NX | PTE_ACCESSED | PTE_DIRTY));
        assert_answer(mmu_update(slot | MMU_NORMAL_PT_UPDATE, tables_entry(&a, target, RO_FLAGS)), 0);
        assert_int_equal(*entry, tables_stored(&a, target, RO_FLAGS));
        assert_answer(mmu_update(slot | MMU_PT_UPDATE_PRESERVE_AD, tables_entry(&a, target, RO_FLAGS | PTE_PCD)), -XEN_EINVAL);
        assert_int_equal(*entry, tables_stored(&a, target, RO_FLAGS));
    }
}

static void the_guests_hint_is_taken_for_its_own_frames_only(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_take();
    u64 own = a.frame[16].n << PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
    assert_answer(mmu_update(b.frame[1].n << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 5), -XEN_EINVAL);
    assert_answer(mmu_update(frame_count << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 5), -XEN_EINVAL);
    assert_answer(mmu_update(~0ull << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 5), -XEN_EINVAL);
    if (paging == PAGING_REWRITE)
        assert_answer(mmu_update(own, 12345), -XEN_EINVAL);
    assert_true(same_since(s));
    if (paging == PAGING_REWRITE)
        return;
    static const u64 hints[] = {0, 12345, ~0ull, 0x5555555555555555ull}; /* XSA-251: any of them */
    for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
        assert_answer(mmu_update(own, hints[i]), 0);
        assert_int_equal(m2p_table[a.frame[16].n], hints[i]);
        assert_answer(mmu_update(tables_slot(&a, L1, 7), tables_entry(&a, 16, RW_FLAGS)), 0);
        assert_int_equal(tables_page(&a, L1)[7], tables_stored(&a, 16, RW_FLAGS));
    }
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

#define LIST_MAX 200
#define list     ((struct mmu_update *)tables_room)
#define done     (*(u32 *)&tables_room[511])

static long batch(u32 n, bool tell)
{
    done = 0xabcdef;
    return tables_call(__HYPERVISOR_mmu_update, (u64)list, n, tell ? (u64)&done : 0, DOMID_SELF);
}

/* Over several tables, so that the one at hand changes. */
static void fill_list(u32 n)
{
    for (u32 i = 0; i < n; i++) {
        static const u64 tables[] = {L1, L1, 20, L1, L2, 21, 16};
        u64 table = tables[i % 7];
        list[i].ptr = tables_slot(&a, table, 30 + i);
        list[i].val = table == L2 ? tables_entry(&a, L1, RW_FLAGS) : tables_entry(&a, 24 + i % 9, i & 1 ? RW_FLAGS : RO_FLAGS);
    }
}

static void what_stands_before_a_refused_entry_is_done(void **state)
{
    (void)state;
    for (u32 bad = 0; bad < 20; bad++) {
        world();
        fill_list(20);
        list[bad].ptr = tables_slot(&a, L1, 3);
        list[bad].val = tables_entry(&a, L1, RW_FLAGS);
        assert_answer(batch(20, true), -XEN_EBUSY);
        assert_int_equal(done, bad);
        assert_int_equal(tables_page(&a, L1)[3], tables_stored(&a, DATA + 3, RW_FLAGS));
        for (u32 i = 0; i < 20; i++) {
            u64 table = i % 7 == 2 ? 20 : i % 7 == 4 ? L2 : i % 7 == 5 ? 21 : i % 7 == 6 ? 16 : L1;
            if (i != bad)
                assert_int_equal(tables_page(&a, table)[30 + i] != 0, i < bad);
        }
        assert_null(a.v->cursor);
        assert_int_equal(tables_word(&a, L1) & FRAME_LOCKED, 0);
        assert_int_equal(arch_audit(), 0);
    }
}

static void an_interrupted_batch_goes_on_behind_what_was_done(void **state)
{
    (void)state;
    for (int tell = 0; tell < 2; tell++) {
        world();
        fill_list(60);
        assert_answer(batch(60, tell != 0), 0);
        struct snapshot *s = snapshot_take();
        for (u32 after = 0; after < 12; after++) {
            world();
            fill_list(60);
            tables_always_interrupted = after == 0;
            fake_interrupt_after = after ? after * 17 : 1;
            assert_answer(batch(60, tell != 0), 0);
            fake_interrupt_after = 0;
            assert_int_equal(done, tell ? 60 : 0xabcdef);
            if (after == 0)
                assert_in_range(world_restarts, 55, 65);
            assert_true(snapshot_same(s));
            assert_int_equal(arch_audit(), 0);
            tables_always_interrupted = false;
        }
        snapshot_free(s);
    }
}

static void an_interrupted_batch_with_a_bad_entry_counts_all_that_was_done(void **state)
{
    (void)state;
    fill_list(60);
    list[41].val = PTE_ADDR | RW_FLAGS;
    list[41].ptr = tables_slot(&a, L1, 400);
    tables_always_interrupted = true;
    fake_interrupt_after = 1;
    assert_answer(batch(60, true), -XEN_EPERM);
    assert_int_equal(done, 41);
    assert_in_range(world_restarts, 38, 45);
}

static void a_list_that_ends_early_is_done_as_far_as_it_goes(void **state)
{
    static struct mmu_update short_list[3];
    (void)state;
    fake_guest_pointer(short_list, sizeof(short_list[0]) * 2);
    fill_list(3);
    memcpy(short_list, list, sizeof(short_list));
    done = 9;
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)short_list, 3, (u64)&done, DOMID_SELF), -XEN_EFAULT);
    assert_int_equal(done, 2);
    assert_answer(tables_call(__HYPERVISOR_mmu_update, 0x8000000000ull, 1, 0, DOMID_SELF), -XEN_EFAULT);
    assert_answer(tables_call(__HYPERVISOR_mmu_update, 0xffff830000000000ull, 1, 0, DOMID_SELF), -XEN_EFAULT);
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)list, 2, 0xffff830000000000ull, DOMID_SELF), -XEN_EFAULT);
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)list, 0, (u64)&done, DOMID_SELF), 0);
    assert_int_equal(done, 0);
}

/* A table that an earlier entry of the batch took out of use, and the same one put back by a later one. */
static void a_batch_may_take_a_table_out_and_put_it_back(void **state)
{
    (void)state;
    u64 free_before = frame_free_count();
    list[0] = (struct mmu_update){tables_slot(&a, L1, 9), tables_entry(&a, 16, RW_FLAGS)};
    list[1] = (struct mmu_update){tables_slot(&a, L2, 0), 0};
    list[2] = (struct mmu_update){tables_slot(&a, L1, 10), tables_entry(&a, 17, RW_FLAGS)};
    list[3] = (struct mmu_update){tables_slot(&a, L2, 3), tables_entry(&a, L1, RW_FLAGS)};
    list[4] = (struct mmu_update){tables_slot(&a, L1, 11), tables_entry(&a, L1, RO_FLAGS)};
    list[5] = (struct mmu_update){tables_slot(&a, L1, 11), tables_entry(&a, L1, RW_FLAGS)};
    assert_answer(batch(6, true), -XEN_EBUSY);
    assert_int_equal(done, 5);
    assert_int_equal(count_of(L1), 1);
    assert_int_equal(refs_of(L1), 1 + 1 + 2); /* own, L2[3], L1[11] and 20[4] */
    assert_int_equal(count_of(17), 1);
    assert_int_equal(frame_free_count(), free_before);
}

static void whose_memory_it_is_about(void **state)
{
    (void)state;
    const u32 other = b.d->id;
    struct snapshot *s = snapshot_take();
    static const u32 numbers[] = {__HYPERVISOR_mmu_update, __HYPERVISOR_mmuext_op};
    list[0] = (struct mmu_update){tables_slot(&a, L1, 0), 0};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        assert_answer(tables_call(numbers[i], (u64)list, 1, 0, other), -XEN_EPERM);
        assert_answer(tables_call(numbers[i], (u64)list, 1, 0, 0x7000), -XEN_ESRCH);
        assert_answer(tables_call(numbers[i], (u64)list, 1, 0, 0), -XEN_ESRCH);
        assert_answer(tables_call(numbers[i], (u64)list, 1, 0, a.d->id), -XEN_ESRCH); /* oneself is DOMID_SELF */
    }
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)list, 1, 0, DOMID_SELF | (other + 1) << 16), -XEN_EPERM);
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)list, 1, 0, DOMID_SELF | 0x7001u << 16), -XEN_ESRCH);
    assert_true(same_since(s));
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)list, 1, 0, DOMID_SELF | (a.d->id + 1u) << 16), 0);
}

/* ---- update_va_mapping ---------------------------------------------------------------------------------------- */

static void an_address_names_its_entry(void **state)
{
    (void)state;
    assert_answer(update_va(0x1000, tables_entry(&a, 16, RW_FLAGS), 0), 0);
    assert_int_equal(tables_page(&a, L1)[1], tables_stored(&a, 16, RW_FLAGS));
    assert_answer(update_va(0x1fff, tables_entry(&a, 17, RO_FLAGS), 0), 0);
    assert_int_equal(tables_page(&a, L1)[1], tables_stored(&a, 17, RO_FLAGS));
    assert_answer(update_va(0x200000 + 5 * 4096, tables_entry(&a, 18, RW_FLAGS), 0), 0);
    assert_int_equal(tables_page(&a, 20)[5], tables_stored(&a, 18, RW_FLAGS));
    assert_answer(update_va(0x200000 + 5 * 4096, tables_entry(&a, L2, RW_FLAGS), 0), -XEN_EBUSY);
    assert_answer(update_va(0x200000 + 5 * 4096, tables_entry(&a, 18, RW_FLAGS | PTE_PWT), 0), -XEN_EINVAL);
    assert_int_equal(tables_page(&a, 20)[5], tables_stored(&a, 18, RW_FLAGS));
    assert_answer(update_va(0x200000 + 5 * 4096, 0x1234, 0), 0);
    assert_int_equal(tables_page(&a, 20)[5], 0x1234);
}

/* XSA-279: nothing is done with an address before it is known to be good, and nothing after a refusal. */
static void an_address_without_an_entry_is_refused_and_nothing_is_flushed(void **state)
{
    static const vaddr_t addresses[] = {0x400000, 0x40000000, 0x8000000000, 0x800000000000, 0xffff7fffffffffff,
                                        0xffff800000000000, 0xffff830000000000, 0xffff87fffffff000, 0xffff880000000000,
                                        0xffffffffffffffff, 0x0000ffffffffffff,
                                        /* The low 48 bits have an entry. */
                                        0x0001000000001000, 0xfff0000000001000, 0x8000000000001000, 0xffff000000001000};
    (void)state;
    struct snapshot *s = snapshot_take();
    u64 pages = fake_processor.page_flushes, all = this_cpu()->tlb_flushes;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
        for (u64 flags = 0; flags < 8; flags++)
            assert_answer(update_va(addresses[i], tables_entry(&a, 16, RW_FLAGS), flags), -XEN_EINVAL);
    assert_answer(update_va(0x1000, tables_entry(&a, L1, RW_FLAGS), UVMF_TLB_FLUSH | UVMF_ALL), -XEN_EBUSY);
    assert_int_equal(fake_processor.page_flushes, pages);
    assert_int_equal(this_cpu()->tlb_flushes, all);
    assert_true(same_since(s));
}

static void the_flush_that_is_asked_for(void **state)
{
    (void)state;
    u64 entry = tables_entry(&a, 16, RW_FLAGS);
    tables_room[0] = 1;
    const struct {
        u64 flags;
        u64 page, all;
        long answer;
    } rows[] = {
        {UVMF_NONE, 0, 0, 0},
        {UVMF_INVLPG | UVMF_LOCAL, 1, 0, 0},
        {UVMF_INVLPG | UVMF_ALL, 1, 0, 0},
        {UVMF_INVLPG | (u64)tables_room, 1, 0, 0},
        {UVMF_TLB_FLUSH | UVMF_LOCAL, 0, 1, 0},
        {UVMF_TLB_FLUSH | UVMF_ALL, 0, 1, 0},
        {UVMF_TLB_FLUSH | (u64)tables_room, 0, 1, 0},
        {UVMF_TLB_FLUSH | 0x10000000, 0, 0, -XEN_EFAULT},
        {UVMF_INVLPG | 0xffff830000000000, 0, 0, -XEN_EFAULT},
        {3, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 pages = fake_processor.page_flushes, all = this_cpu()->tlb_flushes;
        assert_answer(update_va(0x3000, entry, rows[i].flags), rows[i].answer);
        assert_int_equal(fake_processor.page_flushes - pages, rows[i].page);
        assert_int_equal(this_cpu()->tlb_flushes - all, rows[i].all);
        if (rows[i].page)
            assert_int_equal(fake_processor.last_page_flushed, 0x3000);
    }
}

/* ---- mmuext_op ------------------------------------------------------------------------------------------------ */

static void flushes_by_name(void **state)
{
    (void)state;
    tables_room[0] = 1;
    const struct {
        u32 cmd;
        u64 arg1, arg2, page, all;
        long answer;
    } rows[] = {
        {MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 0, 1, 0},
        {MMUEXT_TLB_FLUSH_ALL, 0, 0, 0, 1, 0},
        {MMUEXT_TLB_FLUSH_MULTI, 0, (u64)tables_room, 0, 1, 0},
        {MMUEXT_TLB_FLUSH_MULTI, 0, 0x500000, 0, 0, -XEN_EFAULT},
        {MMUEXT_INVLPG_LOCAL, 0x1000, 0, 1, 0, 0},
        {MMUEXT_INVLPG_ALL, 0x1000, 0, 1, 0, 0},
        {MMUEXT_INVLPG_MULTI, 0x1000, (u64)tables_room, 1, 0, 0},
        {MMUEXT_INVLPG_MULTI, 0x1000, 0x500000, 0, 0, -XEN_EFAULT},
        {MMUEXT_INVLPG_LOCAL, 0x800000000000, 0, 0, 0, 0},
        {MMUEXT_INVLPG_ALL, 0xffff830000000000, 0, 0, 0, 0},
        {MMUEXT_FLUSH_CACHE, 0, 0, 0, 0, -XEN_EACCES},
        {MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0, 0, 0, -XEN_EACCES},
        {MMUEXT_MARK_SUPER, 0xffffffffffe00000, 0, 0, 0, -XEN_EOPNOTSUPP},
        {MMUEXT_UNMARK_SUPER, 0, 0, 0, 0, -XEN_EOPNOTSUPP},
        {14, 0, 0, 0, 0, -XEN_ENOSYS},
        {22, 0, 0, 0, 0, -XEN_ENOSYS},
        {~0u, 0, 0, 0, 0, -XEN_ENOSYS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 pages = fake_processor.page_flushes, all = this_cpu()->tlb_flushes;
        assert_answer(mmuext_pair(rows[i].cmd, rows[i].arg1, rows[i].arg2), rows[i].answer);
        assert_int_equal(fake_processor.page_flushes - pages, rows[i].page);
        assert_int_equal(this_cpu()->tlb_flushes - all, rows[i].all);
    }
    assert_int_equal(fake_processor.cache_flushes, 0);
}

static void pages_are_cleared_and_copied_where_they_could_be_written(void **state)
{
    (void)state;
    memset(tables_page(&a, 16), 0x55, PAGE_SIZE);
    assert_answer(mmuext_pair(MMUEXT_COPY_PAGE, tables_number(&a, 17), tables_number(&a, 16)), 0);
    assert_memory_equal(tables_page(&a, 17), tables_page(&a, 16), PAGE_SIZE);
    assert_answer(mmuext_pair(MMUEXT_COPY_PAGE, tables_number(&a, 17), tables_number(&a, 17)), 0);
    assert_answer(mmuext_pair(MMUEXT_COPY_PAGE, tables_number(&a, 17), tables_number(&a, L1)), 0); /* reading is fine */
    assert_memory_equal(tables_page(&a, 17), tables_page(&a, L1), PAGE_SIZE);
    assert_answer(mmuext(MMUEXT_CLEAR_PAGE, tables_number(&a, 16)), 0);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(tables_page(&a, 16)[i], 0);
    struct snapshot *s = snapshot_take();
    for (u64 pfn = L4; pfn <= L1; pfn++) {
        assert_answer(mmuext(MMUEXT_CLEAR_PAGE, tables_number(&a, pfn)), -XEN_EINVAL);
        assert_answer(mmuext_pair(MMUEXT_COPY_PAGE, tables_number(&a, pfn), tables_number(&a, 17)), -XEN_EINVAL);
    }
    assert_true(same_since(s));
}

static void a_batch_of_operations_tells_how_far_it_came(void **state)
{
    struct mmuext_op *ops = (struct mmuext_op *)tables_room;
    (void)state;
    for (int always = 0; always < 2; always++) {
        world();
        memset(tables_room, 0, sizeof(tables_room));
        for (u32 i = 0; i < 12; i++) {
            ops[i].cmd = i & 1 ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L2_TABLE;
            ops[i].arg1.mfn = tables_number(&a, 24 + i / 2);
        }
        ops[9].arg1.mfn = tables_number(&a, 24); /* not pinned any more */
        tables_always_interrupted = always;
        fake_interrupt_after = (u64)always;
        struct snapshot *s = snapshot_take();
        assert_answer(tables_call(__HYPERVISOR_mmuext_op, (u64)ops, 12, (u64)&done, DOMID_SELF), -XEN_EINVAL);
        assert_int_equal(done, 9);
        tables_always_interrupted = false;
        assert_int_equal(count_of(28), 1);
        assert_answer(unpin(&a, 28), 0);
        assert_true(same_since(s));
    }
    assert_answer(tables_call(__HYPERVISOR_mmuext_op, 0x8000000000, 1, 0, DOMID_SELF), -XEN_EFAULT);
}

/* Refusals say what they saw; what they say is not the test's business, that they do it is. */
static void refusals_are_told(void **state)
{
    enum log_level before = guest_log_threshold;
    (void)state;
    guest_log_threshold = LOG_DEBUG;
    fake_console_clear();
    assert_answer(mmu_update(tables_slot(&a, L1, 0), tables_entry(&a, L1, RW_FLAGS)), -XEN_EBUSY);
    assert_true(fake_console_has("type 1"));
    assert_answer(mmu_update(tables_slot(&a, L2, 0), tables_entry(&a, L1, RW_FLAGS | PTE_PSE)), -XEN_EINVAL);
    assert_true(fake_console_has("PSE"));
    assert_answer(mmu_update(PTE_ADDR, 0), -XEN_EINVAL);
    assert_true(fake_console_has("there is no frame"));
    fake_clock_advance(5000000000ull);
    assert_answer(pin(&a, 1, DATA), -XEN_EINVAL);
    assert_true(fake_console_has("expected an unused frame"));
    assert_answer(update_va(0x400000, 0, 0), -XEN_EINVAL);
    assert_true(fake_console_has("no L1 table maps this address"));
    guest_log_threshold = before;
}

/*
 * The frame of a plain store is held until the store is done: another processor that gives it back meanwhile (here, inside
 * the flush of the frame's new type) must find it clear when the allocator gets it.
 */
static void give_back_meanwhile(void)
{
    if (arch_domain_translated(a.d))
        arch_p2m_set(a.d, tables_gfn(&a, 30), MFN_INVALID);
    frame_drop_alloc(tables_frame(&a, 30));
}
static void a_store_ends_before_its_frame_is_given_up(void **state)
{
    (void)state;
    memset(tables_page(&a, 30), 0, PAGE_SIZE);
    assert_answer(pin(&a, 1, 30), 0);
    assert_answer(unpin(&a, 30), 0);
    u64 free_before = frame_free_count();
    *(struct mmu_update *)tables_room = (struct mmu_update){tables_slot(&a, 30, 7), 0x5ec7e7};
    fake_on_interrupt = give_back_meanwhile;
    fake_interrupt_after = 2; /* the look before is for the vcpu */
    assert_answer(hypercall_table[__HYPERVISOR_mmu_update]((u64)tables_room, 1, 0, DOMID_SELF, 0), 0);
    assert_int_equal(fake_interrupt_after, 0);
    assert_int_equal(frame_free_count(), free_before + 1);
    assert_int_equal(tables_page(&a, 30)[7], 0);
}

#define BOTH(test) {#test " (direct)", test, setup, audit, NULL}, {#test " (rewrite)", test, setup_rewrite, audit, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(an_entry_takes_what_it_needs_and_gives_back_what_it_had),
        BOTH(what_is_not_present_may_be_anything_and_is_kept_as_it_is),
        BOTH(what_is_not_present_holds_nothing),
        BOTH(flags_change_only_within_what_is_allowed),
        BOTH(a_live_entry_does_not_become_a_large_page),
        BOTH(no_entry_names_a_table_of_the_wrong_level),
        BOTH(frames_of_others_and_of_nobody_are_refused),
        /* In rewrite mode it has no name. */
        cmocka_unit_test_setup_teardown(a_table_of_another_domain_is_not_updated, setup, audit),
        BOTH(an_entry_for_a_plain_page_makes_it_a_table),
        BOTH(a_bad_page_below_is_refused_and_untouched),
        BOTH(the_last_entry_for_a_table_frees_the_page_for_anything),
        BOTH(a_plain_page_takes_a_plain_store),
        BOTH(a_store_ends_before_its_frame_is_given_up),
        BOTH(an_address_in_the_middle_of_an_entry_is_refused),
        BOTH(accessed_and_dirty_are_kept_where_that_is_asked_for),
        BOTH(the_guests_hint_is_taken_for_its_own_frames_only),
        BOTH(what_stands_before_a_refused_entry_is_done),
        BOTH(an_interrupted_batch_goes_on_behind_what_was_done),
        BOTH(an_interrupted_batch_with_a_bad_entry_counts_all_that_was_done),
        BOTH(a_list_that_ends_early_is_done_as_far_as_it_goes),
        BOTH(a_batch_may_take_a_table_out_and_put_it_back),
        BOTH(whose_memory_it_is_about),
        BOTH(an_address_names_its_entry),
        BOTH(an_address_without_an_entry_is_refused_and_nothing_is_flushed),
        BOTH(the_flush_that_is_asked_for),
        BOTH(flushes_by_name),
        BOTH(pages_are_cleared_and_copied_where_they_could_be_written),
        BOTH(a_batch_of_operations_tells_how_far_it_came),
        BOTH(refusals_are_told),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
