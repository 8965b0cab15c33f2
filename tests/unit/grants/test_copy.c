/* SPDX-License-Identifier: MIT */
/* Copies; and batches longer than a group of unmaps, with elements that are refused among them. */
#include "tests/unit/grants/grants.h"
#include <string.h>

#define HOST GNTMAP_host_map

/* ---- copies --------------------------------------------------------------------------------------------------- */

static struct gnttab_copy_ptr granted(grant_ref_t ref, u16 offset)
{
    return (struct gnttab_copy_ptr){.u.ref = ref, .domid = b.d->id, .offset = offset};
}
static struct gnttab_copy_ptr own(u64 pfn, u16 offset)
{
    return (struct gnttab_copy_ptr){.u.gmfn = tables_number(&a, pfn), .domid = DOMID_SELF, .offset = offset};
}
static long copy(struct gnttab_copy_ptr from, struct gnttab_copy_ptr to, u16 len, u16 flags)
{
    room.copy[0] = (struct gnttab_copy){.source = from, .dest = to, .len = len, .flags = flags, .status = 1};
    long rc = grant_op(GNTTABOP_copy, room.copy, 1);
    return rc ? rc - 1000 : room.copy[0].status;
}
#define FROM GNTCOPY_source_gref
#define TO   GNTCOPY_dest_gref

static void copies_go_both_ways_(void)
{
    u8 *lent = (u8 *)tables_page(&b, 9), *other_lent = (u8 *)tables_page(&b, 10), *mine = (u8 *)tables_page(&a, 16);
    lend(10, 9, GTF_permit_access);
    lend(11, 10, GTF_permit_access | GTF_sub_page); /* means nothing in version 1, to a copy */
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        lent[i] = (u8)(i * 7);
    assert_answer(copy(granted(10, 0), own(16, 0), PAGE_SIZE, FROM), GNTST_okay);
    assert_memory_equal(mine, lent, PAGE_SIZE);
    assert_answer(copy(own(16, 100), granted(11, 3), 50, TO), GNTST_okay);
    assert_memory_equal(other_lent + 3, mine + 100, 50);
    assert_int_equal(other_lent[2], 0);
    assert_int_equal(other_lent[53], 0);
    assert_answer(copy(granted(10, 1), granted(11, 60), 9, FROM | TO), GNTST_okay);
    assert_memory_equal(other_lent + 60, lent + 1, 9);
    assert_answer(copy(own(16, 0), own(17, 0), 64, 0), GNTST_okay);
    assert_memory_equal(tables_page(&a, 17), mine, 64);
    assert_answer(copy(granted(10, 0), granted(10, 3), 40, FROM | TO), GNTST_okay); /* overlapping */
    assert_memory_equal(lent + 3, mine, 40);
    assert_int_equal(bits(10) | bits(11), 0);
    assert_int_equal(refs_b(9), 1);
    assert_int_equal(writers_b(10), 0);
}
static void copies_go_both_ways(void **state)
{
    (void)state;
    in_all_modes(copies_go_both_ways_);
}

static void refused_copies_(void)
{
    struct gnttab_copy_ptr stranger = granted(10, 0), named = own(16, 0);
    stranger.domid = 0x7000;
    named.domid = a.d->id;
    lend(10, 9, GTF_permit_access);
    lend(11, 10, GTF_permit_access | GTF_readonly);
    lend(12, 11, GTF_permit_access);
    entry_of(&b, 12)->frame = 0xffffffff;
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 12), 0);
    world_enter(&a.v->vcpu);
    lend(13, 12, GTF_permit_access);
    struct snapshot *s = snapshot_take();
    assert_answer(copy(stranger, own(16, 0), 8, FROM), GNTST_bad_domain);
    assert_answer(copy(own(16, 0), stranger, 8, TO), GNTST_bad_domain);
    assert_answer(copy(stranger, own(16, 0), 8, 0), GNTST_bad_domain);
    assert_answer(copy(named, own(17, 0), 8, 0), GNTST_permission_denied);
    assert_answer(copy(own(17, 0), named, 8, 0), GNTST_permission_denied);
    assert_answer(copy(granted(10, 0), own(16, 0), 8, 0), GNTST_permission_denied);
    assert_answer(copy(granted(10, 4090), own(16, 0), 8, FROM), GNTST_bad_copy_arg);
    assert_answer(copy(granted(10, 0), own(16, 4089), 8, FROM), GNTST_bad_copy_arg);
    assert_answer(copy(granted(10, 0), own(16, 0), 4097, FROM), GNTST_bad_copy_arg);
    assert_answer(copy(granted(10, 0xffff), own(16, 0), 0xffff, FROM), GNTST_bad_copy_arg);
    assert_answer(copy(granted(512, 0), own(16, 0), 8, FROM), GNTST_bad_gntref);
    assert_answer(copy(granted(20, 0), own(16, 0), 4097, FROM), GNTST_general_error); /* the claim comes first */
    assert_answer(copy(granted(12, 0), own(16, 0), 8, FROM), GNTST_bad_page);
    assert_answer(copy(own(16, 0), granted(11, 0), 8, TO), GNTST_general_error);
    assert_answer(copy(own(16, 0), granted(13, 0), 8, TO), GNTST_general_error); /* a table */
    assert_answer(copy(own(16, 0), own(L1, 0), 8, 0), GNTST_general_error);
    struct gnttab_copy_ptr nowhere = own(16, 0);
    nowhere.u.gmfn = ~0ull;
    assert_answer(copy(nowhere, own(16, 0), 8, 0), GNTST_bad_page);
    assert_answer(copy(granted(10, 0), nowhere, 8, FROM), GNTST_bad_page);
    nowhere.u.gmfn = mode_a == PAGING_DIRECT ? b.frame[9].n : PAGES + 3;
    assert_answer(copy(own(16, 0), nowhere, 8, 0), GNTST_bad_page);
    assert_true(same_since(s));
    assert_answer(copy(granted(13, 0), own(16, 0), 8, FROM), GNTST_okay); /* a table may be read */
    assert_answer(copy(granted(10, 0), own(16, 4096), 0, FROM), GNTST_okay);
}
static void refused_copies(void **state)
{
    (void)state;
    in_all_modes(refused_copies_);
}

/* XSA-230: a copy ends, a map of the same grant does not. */
static void a_copy_leaves_a_map_alone_(void)
{
    lend(10, 9, GTF_permit_access);
    assert_answer(map(10, VA(9), HOST), GNTST_okay);
    entry_of(&b, 10)->frame = (u32)tables_number(&b, 11); /* the map fixed it (XSA-500) */
    tables_page(&b, 9)[0] = 0x1234;
    assert_answer(copy(granted(10, 0), own(16, 0), 8, FROM), GNTST_okay);
    assert_int_equal(tables_page(&a, 16)[0], 0x1234);
    assert_int_equal(bits(10), GTF_reading | GTF_writing);
    assert_answer(copy(own(16, 0), granted(10, 8), 8, TO), GNTST_okay);
    assert_int_equal(bits(10), GTF_reading | GTF_writing);
    assert_int_equal(refs_b(9), 3);
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
    assert_int_equal(bits(10), 0);
}
static void a_copy_leaves_a_map_alone(void **state)
{
    (void)state;
    in_all_modes(a_copy_leaves_a_map_alone_);
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

#define COUNT 70u /* more than two groups of an unmap */

static void fill_maps(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        room.map[i] = (struct gnttab_map_grant_ref){.host_addr = VA(100 + i), .ref = i % 16, .dom = b.d->id, .status = 1,
                                                    .flags = HOST | (i % 3 ? 0 : GNTMAP_readonly)};
    room.map[5].ref = 600;
    room.map[40].host_addr = 1ull << 39;
}
static long expected_map(unsigned i)
{
    return i == 5 ? GNTST_bad_gntref : i == 40 ? GNTST_general_error : GNTST_okay;
}
static void fill_unmaps(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        room.unmap[i] = (struct gnttab_unmap_grant_ref){.host_addr = VA(100 + i), .status = 1,
                                                        .handle = expected_map(i) ? ~0u : room.map[i].handle};
    room.unmap[33] = room.unmap[32]; /* once more in the same group, and in another */
    room.unmap[69] = room.unmap[3];
}
static long expected_unmap(unsigned i)
{
    return expected_map(i) || i == 33 || i == 69 ? GNTST_bad_handle : GNTST_okay;
}
static void fill_copies(void)
{
    for (unsigned i = 0; i < COUNT; i++) {
        room.copy[i] = (struct gnttab_copy){.source = granted(i % 16, 0), .dest = own(16 + i % 8, (u16)(i * 8)), .len = 8,
                                            .flags = FROM, .status = 1};
        tables_page(&b, 8 + i % 16)[0] = 1000 + i % 16;
    }
    room.copy[7].len = 5000;
}

static u32 stops; /* how many rounds a batch took besides the first */
static void count_stops(void)
{
    stops++;
}

/* Every element is answered whatever comes between (XSA-318), and the end is the same. */
static void batches_(void)
{
    for (grant_ref_t ref = 0; ref < 16; ref++)
        lend(ref, 8 + ref, GTF_permit_access);
    tables_between_restarts = count_stops;
    for (u64 after = 0; after <= COUNT + 2; after = after < 4 ? after + 1 : after + 13) {
        tables_always_interrupted = after == 2;
        stops = 0;
        fill_maps();
        fake_interrupt_after = after;
        assert_answer(grant_op(GNTTABOP_map_grant_ref, room.map, COUNT), 0);
        for (unsigned i = 0; i < COUNT; i++)
            assert_answer(room.map[i].status, expected_map(i));
        assert_true((after == 0) == (stops == 0) || after > COUNT);
        assert_int_equal(arch_audit(), 0);
        fill_unmaps();
        fake_interrupt_after = after;
        assert_answer(grant_op(GNTTABOP_unmap_grant_ref, room.unmap, COUNT), 0);
        for (unsigned i = 0; i < COUNT; i++)
            assert_answer(room.unmap[i].status, expected_unmap(i));
        assert_int_equal(arch_audit(), 0);
        /* Left: the one that was named twice in the place of another. */
        assert_answer(unmap(room.map[33].handle, VA(133)), GNTST_okay);
        assert_answer(unmap(room.map[69].handle, VA(169)), GNTST_okay);
        fill_copies();
        fake_interrupt_after = after;
        assert_answer(grant_op(GNTTABOP_copy, room.copy, COUNT), 0);
        for (unsigned i = 0; i < COUNT; i++) {
            assert_answer(room.copy[i].status, i == 7 ? GNTST_bad_copy_arg : GNTST_okay);
            if (i != 7)
                assert_int_equal(tables_page(&a, 16 + i % 8)[i], 1000 + i % 16);
            tables_page(&a, 16 + i % 8)[i] = 0;
        }
        fake_interrupt_after = 0;
        tables_always_interrupted = false;
        for (grant_ref_t ref = 0; ref < 16; ref++) {
            assert_int_equal(refs_b(8 + ref), 1);
            assert_int_equal(bits(ref), 0);
        }
    }
    tables_between_restarts = NULL;
}
static void batches(void **state)
{
    (void)state;
    in_all_modes(batches_);
}

/* A list whose end the guest does not have: what came before is done and stays done, and nothing is left half way. */
static void a_list_that_breaks_off_(void)
{
    static struct gnttab_unmap_grant_ref two[2];
    static struct gnttab_map_grant_ref maps[2];
    lend(10, 9, GTF_permit_access);
    fake_guest_range(0x600000000000ull, maps, sizeof(maps), true);
    maps[0] = maps[1] = (struct gnttab_map_grant_ref){.host_addr = VA(100), .flags = HOST, .ref = 10, .dom = b.d->id};
    maps[1].host_addr = VA(101);
    assert_answer(grant_op(GNTTABOP_map_grant_ref, (void *)0x600000000000ull, 3), -XEN_EFAULT);
    assert_int_equal(maps[1].status, GNTST_okay);
    assert_int_equal(refs_b(9), 4);
    fake_guest_range(0x610000000000ull, two, sizeof(two), true);
    two[0] = (struct gnttab_unmap_grant_ref){.host_addr = VA(100), .handle = maps[0].handle};
    two[1] = (struct gnttab_unmap_grant_ref){.host_addr = VA(101), .handle = maps[1].handle};
    assert_answer(grant_op(GNTTABOP_unmap_grant_ref, (void *)0x610000000000ull, 3), -XEN_EFAULT);
    assert_int_equal(refs_b(9), 1);
    assert_int_equal(bits(10), 0);
    fake_guest_range(0x620000000000ull, maps, sizeof(maps), false); /* no answer can be given: the map is there all the same */
    assert_answer(grant_op(GNTTABOP_map_grant_ref, (void *)0x620000000000ull, 1), -XEN_EFAULT);
    assert_int_equal(refs_b(9), 3);
}
static void a_list_that_breaks_off(void **state)
{
    (void)state;
    in_all_modes(a_list_that_breaks_off_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_go_both_ways),
        cmocka_unit_test(refused_copies),
        cmocka_unit_test(a_copy_leaves_a_map_alone),
        cmocka_unit_test(batches),
        cmocka_unit_test(a_list_that_breaks_off),
    };
    return cmocka_run_group_tests_name("grants: copies", tests, NULL, NULL);
}
