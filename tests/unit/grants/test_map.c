/* SPDX-License-Identifier: MIT */
/* Maps of grants: what they hold, what they allow, what is refused, and that nothing is left when they end. */
#include "tests/unit/grants/grants.h"
#include "arch/x86/paging/entry.h"
#include <string.h>
#include <xen/memory.h>

#define HOST    GNTMAP_host_map
#define HOST_RO (GNTMAP_host_map | GNTMAP_readonly)
#define BY_PTE  GNTMAP_contains_pte
#define BITS_RW (GTF_reading | GTF_writing)

static u64 l1_entry(unsigned slot)
{
    return tables_page(&a, L1)[slot];
}
/* As an entry of a grant is to stand in a's table. */
static u64 grant_stored(u64 pfn, u64 flags)
{
    return tables_stored(&b, pfn, P | US | PTE_ACCESSED | PTE_DIRTY | PTE_NX | PTE_TAG_KERNEL | flags);
}

static void a_map_holds_what_it_allows_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    assert_int_equal(l1_entry(9), grant_stored(9, RW));
    assert_int_equal(bus, b.frame[9].n << PAGE_SHIFT);
    assert_int_equal(bits(10), BITS_RW);
    assert_int_equal(refs_b(9), 3); /* b's own, the pinned entry's, the L1 entry's */
    assert_int_equal(writers_b(9), 1);
    assert_int_equal(arch_audit(), 0);
    u64 flushes = fake_processor.cr3_loads;
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
    assert_true(fake_processor.cr3_loads > flushes);
    assert_int_equal(l1_entry(9), 0);
    assert_int_equal(bits(10), 0);
    assert_int_equal(refs_b(9), 1);
    assert_int_equal(writers_b(9), 0);
    assert_answer(map(10, tables_slot(&a, L1, 9), HOST_RO | BY_PTE | GNTMAP_application_map | 5u << 16), GNTST_okay);
    assert_int_equal(l1_entry(9), tables_stored(&b, 9, P | US | PTE_ACCESSED | PTE_DIRTY | PTE_NX | 5u << 9));
    assert_int_equal(bits(10), GTF_reading);
    assert_int_equal(refs_b(9), 3);
    assert_int_equal(writers_b(9), 0);
    assert_answer(unmap(handle, tables_slot(&a, L1, 9)), GNTST_okay);
    assert_int_equal(refs_b(9), 1);
}
static void a_map_holds_what_it_allows(void **state)
{
    (void)state;
    in_all_modes(a_map_holds_what_it_allows_);
}

/* Reading and writing are said as long as there is a use of the kind, and no longer (XSA-230). */
static void bits_last_as_long_as_a_pin_of_their_kind_(void)
{
    grant_handle_t rw, ro;
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(10), HOST_RO), GNTST_okay);
    ro = handle;
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    rw = handle;
    assert_int_not_equal(ro, rw);
    assert_int_equal(bits(10), BITS_RW);
    assert_int_equal(refs_b(9), 4);
    assert_answer(unmap(rw, VA(9)), GNTST_okay);
    assert_int_equal(bits(10), GTF_reading);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    assert_int_equal(handle, rw); /* a handle comes back once it is over */
    assert_answer(unmap(ro, VA(10)), GNTST_okay);
    assert_int_equal(bits(10), BITS_RW);
    assert_answer(unmap(rw, VA(9)), GNTST_okay);
    assert_int_equal(bits(10), 0);
}
static void bits_last_as_long_as_a_pin_of_their_kind(void **state)
{
    (void)state;
    in_all_modes(bits_last_as_long_as_a_pin_of_their_kind_);
}

/* What the guest writes to its entry once it is in use means nothing (G1). */
static void the_first_use_fixes_the_frame_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST_RO), GNTST_okay);
    grant_handle_t first = handle;
    entry_of(&b, 10)->frame = (u32)tables_number(&b, 11);
    entry_of(&b, 10)->domid = 77;
    assert_answer(map(10, VA(10), HOST), GNTST_okay);
    assert_int_equal(l1_entry(10), grant_stored(9, RW));
    assert_answer(unmap(handle, VA(10)), GNTST_okay);
    entry_of(&b, 10)->flags |= GTF_readonly;
    assert_answer(map(10, VA(10), HOST), GNTST_general_error);
    assert_answer(map(10, VA(10), HOST_RO), GNTST_okay);
    assert_answer(unmap(handle, VA(10)), GNTST_okay);
    assert_answer(unmap(first, VA(9)), GNTST_okay);
    assert_answer(map(10, VA(10), HOST_RO), GNTST_general_error); /* it is d77's now */
}
static void the_first_use_fixes_the_frame(void **state)
{
    (void)state;
    in_all_modes(the_first_use_fixes_the_frame_);
}

static void expect_refused(long saw, long expected)
{
    assert_answer(saw, expected);
    assert_int_equal(handle, 0xbad);
    assert_int_equal(bus, 0xbad);
}

static void refused_maps_(void)
{
    static const struct {
        u16 flags;
        bool rw, ro;
    } kinds[] = {
        {0, false, false}, {GTF_permit_access, true, true}, {GTF_permit_access | GTF_readonly, false, true},
        {GTF_accept_transfer, false, false}, {GTF_transitive, false, false},
        {GTF_permit_access | GTF_sub_page, false, false}, {GTF_permit_access | GTF_PWT | GTF_PCD | GTF_PAT, true, true},
        {GTF_permit_access | 0xe000, true, true}, {GTF_permit_access | GTF_readonly | GTF_writing, false, true},
    };
    expect_refused(map(11, VA(9), HOST), GNTST_general_error); /* the first handle takes a page for all that come */
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (unsigned ro = 0; ro < 2; ro++) {
            struct snapshot *s = snapshot_take();
            lend(10, 9, kinds[i].flags);
            long rc = map(10, VA(9), ro ? HOST_RO : HOST);
            assert_answer(rc, (ro ? kinds[i].ro : kinds[i].rw) ? GNTST_okay : GNTST_general_error);
            if (rc == 0)
                assert_answer(unmap(handle, VA(9)), GNTST_okay);
            else
                assert_int_equal(entry_of(&b, 10)->flags, kinds[i].flags);
            tables_page(&a, L1)[9] = 0;
            memset((void *)(uintptr_t)entry_of(&b, 10), 0, 8);
            assert_true(same_since(s));
        }
    lend(10, 9, GTF_permit_access);
    struct snapshot *s = snapshot_take();
    expect_refused(map(10, VA(9), 0), GNTST_bad_gntref);
    expect_refused(map(10, VA(9), GNTMAP_readonly | BY_PTE), GNTST_bad_gntref);
    expect_refused(map(512, VA(9), HOST), GNTST_bad_gntref);
    expect_refused(map(~0u, VA(9), HOST), GNTST_bad_gntref);
    expect_refused(map(11, VA(9), HOST), GNTST_general_error);
    expect_refused(map(10, 1ull << 39, HOST), GNTST_general_error);
    expect_refused(map(10, 1ull << 63, HOST), GNTST_general_error);
    expect_refused(map(10, 0xffff800000000000ull, HOST), GNTST_general_error);
    expect_refused(map(10, tables_slot(&a, L1, 9) - 2, HOST | BY_PTE), GNTST_general_error); /* XSA-227 */
    expect_refused(map(10, tables_slot(&a, L2, 9), HOST | BY_PTE), GNTST_general_error);
    expect_refused(map(10, tables_slot(&a, DATA, 0), HOST | BY_PTE), GNTST_general_error);
    expect_refused(map(10, ~0xfffull, HOST | BY_PTE), GNTST_general_error);
    if (mode_a == PAGING_DIRECT)
        expect_refused(map(10, b.frame[4].n << PAGE_SHIFT, HOST | BY_PTE), GNTST_general_error);
    assert_int_equal(bits(10), 0);
    entry_of(&b, 10)->domid = b.d->id;
    expect_refused(map(10, VA(9), HOST), GNTST_general_error);
    lend(10, 9, GTF_permit_access);
    room.map[1] = (struct gnttab_map_grant_ref){.host_addr = VA(9), .flags = HOST, .ref = 10, .dom = 0x7000};
    assert_answer(grant_op(GNTTABOP_map_grant_ref, &room.map[1], 1), 0);
    assert_answer(room.map[1].status, GNTST_bad_domain);
    room.map[1].dom = DOMID_SELF;
    assert_answer(grant_op(GNTTABOP_map_grant_ref, &room.map[1], 1), 0);
    assert_answer(room.map[1].status, GNTST_bad_domain);
    assert_true(same_since(s));
}
static void refused_maps(void **state)
{
    (void)state;
    in_all_modes(refused_maps_);
}

/* Frames that are not the granter's, tables, and what the hypervisor shares. */
static void which_frames_can_be_granted_(void)
{
    const u64 odd[] = {0xffffffff, mode_b == PAGING_DIRECT ? a.frame[9].n : PAGES + 5, mode_b == PAGING_DIRECT ? 0 : PAGES + 1};
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        lend(10, 9, GTF_permit_access);
        entry_of(&b, 10)->frame = (u32)odd[i];
        expect_refused(map(10, VA(9), HOST), GNTST_bad_page);
        assert_int_equal(bits(10), 0);
    }
    /* A table: for reading only (G13), and what is writable to another cannot become one. */
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 12), 0);
    world_enter(&a.v->vcpu);
    lend(11, 12, GTF_permit_access);
    expect_refused(map(11, VA(9), HOST), GNTST_general_error);
    expect_refused(map(11, VA(9), GNTMAP_device_map), GNTST_general_error);
    assert_int_equal(bits(11), 0);
    assert_answer(map(11, VA(9), HOST_RO), GNTST_okay);
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
    lend(12, 13, GTF_permit_access);
    assert_answer(map(12, VA(9), HOST), GNTST_okay);
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 13), -XEN_EINVAL);
    world_enter(&a.v->vcpu);
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 13), 0);
    world_enter(&a.v->vcpu);
    entry_of(&b, 12)->frame = (u32)(mode_b == PAGING_DIRECT ? b.d->shared_info_mfn.n : PAGES);
    assert_answer(map(12, VA(9), HOST), GNTST_okay);
    assert_int_equal(arch_audit(), 0);
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
}
static void which_frames_can_be_granted(void **state)
{
    (void)state;
    in_all_modes(which_frames_can_be_granted_);
}

/* An unmap names an entry that is the grant's: frame, presence and right of writing (XSA-234). */
static void refused_unmaps_(void)
{
    grant_handle_t rw, ro;
    lend(10, 9, GTF_permit_access);
    lend(11, 10, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    rw = handle;
    assert_answer(map(10, VA(10), HOST_RO), GNTST_okay);
    ro = handle;
    assert_answer(map(11, tables_slot(&a, L1, 11), HOST | BY_PTE), GNTST_okay);
    grant_handle_t pte = handle;
    struct snapshot *s = snapshot_take();
    assert_answer(unmap(rw, VA(10)), GNTST_general_error); /* read-only */
    assert_answer(unmap(ro, VA(9)), GNTST_general_error);
    assert_answer(unmap(rw, VA(11)), GNTST_general_error); /* another frame */
    assert_answer(unmap(rw, VA(1)), GNTST_general_error);
    assert_answer(unmap(rw, VA(20)), GNTST_general_error); /* not present */
    assert_answer(unmap(rw, 1ull << 39), GNTST_general_error);
    assert_answer(unmap(rw, 0xffff800000000000ull), GNTST_general_error);
    assert_answer(unmap(rw, tables_slot(&a, L1, 9)), GNTST_general_error);
    assert_answer(unmap(pte, VA(11)), GNTST_general_error);
    assert_answer(unmap(pte, tables_slot(&a, L1, 11) + 1), GNTST_general_error);
    assert_answer(unmap(pte + 1, VA(9)), GNTST_bad_handle);
    assert_answer(unmap(~0u, VA(9)), GNTST_bad_handle);
    assert_answer(unmap(rw, 0), GNTST_okay); /* nothing was asked for */
    assert_answer(unmap_bus(rw, 0, 0x1000), GNTST_okay);
    assert_answer(replace(pte, tables_slot(&a, L1, 11), VA(1)), GNTST_general_error);
    assert_answer(replace(rw, VA(10), VA(1)), GNTST_general_error);
    assert_answer(replace(rw, VA(9), 1ull << 39), GNTST_general_error);
    assert_true(same_since(s));
    assert_answer(unmap(rw, VA(9) + 0xfff), GNTST_okay);
    assert_answer(unmap(rw, VA(9)), GNTST_bad_handle);
    assert_answer(unmap(pte, tables_slot(&a, L1, 11)), GNTST_okay);
    assert_answer(unmap(ro, VA(10)), GNTST_okay);
}
static void refused_unmaps(void **state)
{
    (void)state;
    in_all_modes(refused_unmaps_);
}

/* As on Xen: the entry drops what it held like any other, the handle keeps its pin, and another entry for the same frame
 * with the same rights can be given in its place. */
static void an_overwritten_entry_leaves_the_pin_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    grant_handle_t lost = handle;
    assert_answer(update_va(VA(9), tables_entry(&a, 9, RW_FLAGS), 0), 0);
    assert_int_equal(refs_b(9), 2);
    assert_int_equal(writers_b(9), 0);
    assert_int_equal(bits(10), BITS_RW);
    assert_answer(unmap(lost, VA(9)), GNTST_general_error);
    assert_int_equal(refs_b(9), 2);
    u64 gfn = tables_number(&b, 9); /* b cannot make it go: the pin holds it */
    world_enter(&b.v->vcpu);
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 1);
    world_enter(&a.v->vcpu);
    assert_int_equal(tables_frame(&b, 9)->owner, b.d->id);
    assert_answer(map(10, VA(10), HOST), GNTST_okay);
    assert_answer(unmap(lost, VA(10)), GNTST_okay);
    assert_int_equal(bits(10), BITS_RW); /* the second one's, whose entry is gone now */
    assert_int_equal(arch_audit(), 0);
    assert_answer(map(10, VA(10), HOST), GNTST_okay);
    end_of(&a);
    assert_int_equal(bits(10), 0);
    assert_int_equal(tables_frame(&b, 9)->owner, OWNER_NONE);
}
static void an_overwritten_entry_leaves_the_pin(void **state)
{
    (void)state;
    in_all_modes(an_overwritten_entry_leaves_the_pin_);
}

/* A table with entries of grants is given up and taken again: in rewrite mode they are gone from it, in direct mode they
 * are refused, as nobody but a grant may name another's frame. */
static void a_table_that_is_given_up_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    assert_answer(mmu_update(tables_slot(&a, L2, 0), 0), 0);
    assert_int_equal(refs_b(9), 2);
    assert_int_equal(arch_audit(), 0);
    long rc = mmu_update(tables_slot(&a, L2, 0), tables_entry(&a, L1, RW_FLAGS));
    assert_answer(rc, mode_a == PAGING_REWRITE ? 0 : -XEN_EINVAL);
    if (mode_a == PAGING_REWRITE)
        assert_int_equal(l1_entry(9), 0);
}
static void a_table_that_is_given_up(void **state)
{
    (void)state;
    in_all_modes(a_table_that_is_given_up_);
}

/* Flags of a grant's entry may be changed where no check is needed; its right to write may not. */
static void an_entry_of_a_grant_stays_what_it_is_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST_RO), GNTST_okay);
    struct snapshot *s = snapshot_take();
    u64 number = mode_a == PAGING_DIRECT ? b.frame[9].n : 9;
    if (mode_a == PAGING_DIRECT) {
        assert_answer(update_va(VA(9), number << PAGE_SHIFT | RW_FLAGS, 0), -XEN_EBUSY);
        assert_answer(update_va(VA(10), number << PAGE_SHIFT | RO_FLAGS, 0), -XEN_EBUSY);
        assert_answer(mmu_update(tables_slot(&a, L2, 1), number << PAGE_SHIFT | RW_FLAGS), -XEN_EINVAL);
    }
    assert_true(same_since(s));
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
}
static void an_entry_of_a_grant_stays_what_it_is(void **state)
{
    (void)state;
    in_all_modes(an_entry_of_a_grant_stays_what_it_is_);
}

/* The halves of a map end one by one, and each holds its own (XSA-224). */
static void device_halves_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST | GNTMAP_device_map), GNTST_okay);
    assert_int_equal(refs_b(9), 4);
    assert_int_equal(writers_b(9), 2);
    assert_int_equal(arch_audit(), 0);
    assert_answer(unmap_bus(handle, VA(9), bus + 0x1000), GNTST_bad_dev_addr);
    assert_int_equal(refs_b(9), 4);
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
    assert_int_equal(writers_b(9), 1);
    assert_int_equal(bits(10), BITS_RW);
    assert_int_equal(arch_audit(), 0);
    assert_answer(unmap(handle, VA(9)), GNTST_okay); /* that half is over: nothing is done */
    assert_int_equal(writers_b(9), 1);
    assert_answer(unmap_bus(handle, 0, bus), GNTST_okay);
    assert_int_equal(refs_b(9), 1);
    assert_int_equal(bits(10), 0);
    assert_answer(unmap_bus(handle, 0, bus), GNTST_bad_handle);
    assert_answer(map(10, 0, GNTMAP_device_map | GNTMAP_readonly), GNTST_okay);
    assert_int_equal(refs_b(9), 2);
    assert_int_equal(bits(10), GTF_reading);
    assert_answer(unmap_bus(handle, VA(9), bus), GNTST_okay);
    struct snapshot *s = snapshot_take();
    expect_refused(map(10, 1ull << 39, HOST | GNTMAP_device_map), GNTST_general_error);
    assert_true(same_since(s));
    assert_answer(map(10, VA(9), HOST | GNTMAP_device_map), GNTST_okay); /* left to the end of a */
}
static void device_halves(void **state)
{
    (void)state;
    in_all_modes(device_halves_);
}

static void replacing_moves_an_entry_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    u64 moved = l1_entry(2);
    assert_answer(replace(handle, VA(9), VA(2)), GNTST_okay);
    assert_int_equal(l1_entry(9), moved);
    assert_int_equal(l1_entry(2), 0);
    assert_int_equal(refs_b(9), 1);
    assert_int_equal(arch_audit(), 0);
    assert_answer(map(10, VA(10), HOST), GNTST_okay);
    assert_answer(replace(handle, VA(10), VA(30)), GNTST_okay); /* nothing moves there */
    assert_int_equal(l1_entry(10), 0);
    assert_answer(map(10, VA(10), HOST), GNTST_okay);
    assert_answer(replace(handle, VA(10), 0), GNTST_okay); /* the same as an unmap */
    assert_answer(map(10, VA(10), HOST), GNTST_okay);
    assert_answer(replace(handle, VA(10), VA(10)), GNTST_general_error); /* as on Xen it is gone, and the handle is not */
    assert_int_equal(l1_entry(10), 0);
    assert_int_equal(refs_b(9), 2);
}
static void replacing_moves_an_entry(void **state)
{
    (void)state;
    in_all_modes(replacing_moves_an_entry_);
}

/* 128 of a kind, as on Xen; the kinds do not count together. */
static void pins_do_not_overflow_(void)
{
    lend(10, 9, GTF_permit_access);
    for (unsigned i = 0; i < 128; i++)
        assert_answer(map(10, VA(100 + i), HOST), GNTST_okay);
    expect_refused(map(10, VA(99), HOST), GNTST_general_error);
    for (unsigned i = 0; i < 128; i++)
        assert_answer(map(10, VA(300 + i), HOST_RO), GNTST_okay);
    expect_refused(map(10, VA(99), HOST_RO), GNTST_general_error);
    assert_int_equal(refs_b(9), 2 + 256);
    assert_answer(unmap(0, VA(100)), GNTST_okay);
    assert_answer(map(10, VA(100), HOST), GNTST_okay);
    expect_refused(map(10, VA(99), HOST), GNTST_general_error);
}
static void pins_do_not_overflow(void **state)
{
    (void)state;
    in_all_modes(pins_do_not_overflow_);
}

/* Two pages of records were allowed (grants.c): 1024 handles. */
static void handles_run_out_(void)
{
    for (grant_ref_t ref = 0; ref < 8; ref++)
        lend(ref, 8 + ref, GTF_permit_access);
    for (unsigned i = 0; i < 1024; i++)
        assert_answer(map(i / 128, VA(200), HOST_RO), GNTST_okay);
    lend(10, 9, GTF_permit_access);
    expect_refused(map(10, VA(201), HOST), GNTST_no_space);
    assert_int_equal(bits(10), 0);
    assert_answer(unmap(1023, VA(200)), GNTST_okay);
    assert_answer(map(10, VA(201), HOST), GNTST_okay);
    assert_int_equal(handle, 1023);
    expect_refused(map(10, VA(201), HOST), GNTST_no_space);
}
static void handles_run_out(void **state)
{
    (void)state;
    in_all_modes(handles_run_out_);
}

/* A domain that grants to itself, by its own number. */
static void to_oneself_(void)
{
    assert_int_equal(grant_grow(a.d, 1), 0);
    volatile struct grant_entry_v1 *e = entry_of(&a, 3);
    e->frame = (u32)tables_number(&a, 9);
    e->domid = a.d->id;
    e->flags = GTF_permit_access;
    room.map[0] = (struct gnttab_map_grant_ref){.host_addr = VA(9), .flags = HOST, .ref = 3, .dom = a.d->id};
    assert_answer(grant_op(GNTTABOP_map_grant_ref, room.map, 1), 0);
    assert_answer(room.map[0].status, GNTST_okay);
    assert_int_equal(l1_entry(9), tables_stored(&a, 9, P | RW | US | PTE_ACCESSED | PTE_DIRTY | PTE_NX | PTE_TAG_KERNEL));
    assert_int_equal(arch_audit(), 0);
    assert_answer(unmap(room.map[0].handle, VA(9)), GNTST_okay);
    assert_int_equal(e->flags, GTF_permit_access);
    assert_answer(grant_op(GNTTABOP_map_grant_ref, room.map, 1), 0); /* left to its end */
}
static void to_oneself(void **state)
{
    (void)state;
    in_all_modes(to_oneself_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_holds_what_it_allows),
        cmocka_unit_test(bits_last_as_long_as_a_pin_of_their_kind),
        cmocka_unit_test(the_first_use_fixes_the_frame),
        cmocka_unit_test(refused_maps),
        cmocka_unit_test(which_frames_can_be_granted),
        cmocka_unit_test(refused_unmaps),
        cmocka_unit_test(an_overwritten_entry_leaves_the_pin),
        cmocka_unit_test(a_table_that_is_given_up),
        cmocka_unit_test(an_entry_of_a_grant_stays_what_it_is),
        cmocka_unit_test(device_halves),
        cmocka_unit_test(replacing_moves_an_entry),
        cmocka_unit_test(pins_do_not_overflow),
        cmocka_unit_test(handles_run_out),
        cmocka_unit_test(to_oneself),
    };
    return cmocka_run_group_tests_name("grants: maps", tests, NULL, NULL);
}
