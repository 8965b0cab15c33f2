/* SPDX-License-Identifier: MIT */
/* Batches of grant operations: every element is carried out once and answered, wherever the batch is interrupted. */
#include "tests/unit/grants/grants.h"
#include <string.h>

#define COUNT 6u
#define UNANSWERED 77

static void lend_pages(void)
{
    for (u32 i = 0; i < COUNT; i++)
        lend(8 + i, 8 + i, GTF_permit_access);
}

static void fill_maps(void)
{
    for (u32 i = 0; i < COUNT; i++)
        room.map[i] = (struct gnttab_map_grant_ref){
            .host_addr = VA(100 + i), .flags = GNTMAP_host_map, .ref = 8 + i, .dom = b.d->id, .status = UNANSWERED};
}
static void fill_unmaps(void)
{
    for (u32 i = 0; i < COUNT; i++)
        room.unmap[i] = (struct gnttab_unmap_grant_ref){
            .host_addr = VA(100 + i), .handle = room.map[i].handle, .status = UNANSWERED};
}
/* From a's own page 16 into what b lends, a byte each. */
static void fill_copies(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        room.copy[i] = (struct gnttab_copy){.flags = GNTCOPY_dest_gref, .len = 1, .status = UNANSWERED};
        room.copy[i].source.domid = DOMID_SELF;
        room.copy[i].source.u.gmfn = tables_number(&a, 16);
        room.copy[i].source.offset = (u16)i;
        room.copy[i].dest.domid = b.d->id;
        room.copy[i].dest.u.ref = 8 + i;
    }
}

/* 0: never interrupted; 1 and up: at that look; ~0: always. Returns how often it had to be asked for again. */
static u32 run(u32 command, void *list, u64 point)
{
    tables_always_interrupted = point == ~0ull;
    fake_interrupt_after = point == ~0ull ? 1 : point;
    assert_answer(grant_op(command, list, COUNT), 0);
    fake_interrupt_after = 0;
    tables_always_interrupted = false;
    return world_restarts;
}

static void every_element_is_answered_(void)
{
    u32 stopped = 0;
    lend_pages();
    for (u64 i = 0; i <= 40; i++) {
        const u64 point = i == 40 ? ~0ull : i;
        fill_maps();
        stopped += run(GNTTABOP_map_grant_ref, room.map, point);
        for (u32 k = 0; k < COUNT; k++) {
            assert_int_equal(room.map[k].status, GNTST_okay);
            assert_int_equal(pte_frame(tables_page(&a, L1)[100 + k]), b.frame[8 + k].n);
            assert_int_equal(writers_b(8 + k), 1);
        }
        fill_unmaps();
        stopped += run(GNTTABOP_unmap_grant_ref, room.unmap, point);
        for (u32 k = 0; k < COUNT; k++) {
            assert_int_equal(room.unmap[k].status, GNTST_okay);
            assert_int_equal(refs_b(8 + k), 1);
            assert_int_equal(bits(8 + k), 0);
        }
        fill_copies();
        for (u32 k = 0; k < COUNT; k++) {
            ((u8 *)tables_page(&a, 16))[k] = (u8)(k + 1 + point);
            tables_page(&b, 8 + k)[0] = 0;
        }
        stopped += run(GNTTABOP_copy, room.copy, point);
        for (u32 k = 0; k < COUNT; k++) {
            assert_int_equal(room.copy[k].status, GNTST_okay);
            assert_int_equal(((u8 *)tables_page(&b, 8 + k))[0], (u8)(k + 1 + point));
        }
    }
    assert_in_range(stopped, COUNT, ~0u);
}
static void every_element_is_answered(void **state)
{
    (void)state;
    in_all_modes(every_element_is_answered_);
}

/* Two elements of one batch share a flush, and with it a time when the map is half gone: nobody gets at it a second time. */
static void a_handle_is_unmapped_once_(void)
{
    lend(8, 8, GTF_permit_access);
    assert_int_equal(map(8, VA(100), GNTMAP_host_map), GNTST_okay);
    for (u32 i = 0; i < 3; i++)
        room.unmap[i] = (struct gnttab_unmap_grant_ref){.host_addr = VA(100), .handle = handle, .status = UNANSWERED};
    assert_answer(grant_op(GNTTABOP_unmap_grant_ref, room.unmap, 3), GNTST_okay);
    assert_int_equal(room.unmap[0].status, GNTST_okay);
    assert_int_equal(room.unmap[1].status, GNTST_bad_handle);
    assert_int_equal(room.unmap[2].status, GNTST_bad_handle);
    assert_int_equal(refs_b(8), 1);
    assert_int_equal(bits(8), 0);
    assert_int_equal(unmap(handle, VA(100)), GNTST_bad_handle);
}
static void a_handle_is_unmapped_once(void **state)
{
    (void)state;
    in_all_modes(a_handle_is_unmapped_once_);
}

/*
 * A batch keeps the table of the element before locked, and which addresses it maps: an element that names its entry by the
 * entry's own address, in another table, ends that.
 */
#define OTHER 20 /* maps the second 2 MiB */
static void each_element_finds_its_own_table_(void)
{
    const u64 places[] = {VA(100), tables_slot(&a, OTHER, 3), VA(101), VA(512 + 5), VA(102), tables_slot(&a, L1, 103)};
    const struct {
        u64 table;
        unsigned slot;
    } expected[] = {{L1, 100}, {OTHER, 3}, {L1, 101}, {OTHER, 5}, {L1, 102}, {L1, 103}};

    assert_answer(mmu_update(tables_slot(&a, L2, 1), tables_entry(&a, OTHER, RW_FLAGS)), 0);
    lend_pages();
    fill_maps();
    for (u32 i = 0; i < COUNT; i++) {
        room.map[i].host_addr = places[i];
        room.map[i].flags |= i == 1 || i == 5 ? GNTMAP_contains_pte : 0;
    }
    run(GNTTABOP_map_grant_ref, room.map, 0);
    fill_unmaps();
    for (u32 i = 0; i < COUNT; i++) {
        assert_int_equal(room.map[i].status, GNTST_okay);
        assert_int_equal(pte_frame(tables_page(&a, expected[i].table)[expected[i].slot]), b.frame[8 + i].n);
        room.unmap[i].host_addr = places[i];
    }
    run(GNTTABOP_unmap_grant_ref, room.unmap, 0);
    for (u32 i = 0; i < COUNT; i++) {
        assert_int_equal(room.unmap[i].status, GNTST_okay);
        assert_int_equal(tables_page(&a, expected[i].table)[expected[i].slot], 0);
    }
}
static void each_element_finds_its_own_table(void **state)
{
    (void)state;
    in_all_modes(each_element_finds_its_own_table_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_is_answered),
        cmocka_unit_test(a_handle_is_unmapped_once),
        cmocka_unit_test(each_element_finds_its_own_table),
    };
    return cmocka_run_group_tests_name("batches of grants", tests, NULL, NULL);
}
