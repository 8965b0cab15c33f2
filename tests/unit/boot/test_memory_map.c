/* SPDX-License-Identifier: MIT */
/* Ranges of RAM against a map of one byte per unit; what is taken is aligned, free, and never given twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/paging/memory_map.h"

#define UNITS  96
#define ROUNDS 20000

static u64 random_state = 0x2545f4914f6cdd1dull;

static u64 next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void compare(const struct range_list *list, const u8 *model)
{
    u8 seen[UNITS] = {0};
    u64 before = 0;

    for (u32 i = 0; i < list->count; i++) {
        const struct range *r = &list->range[i];
        assert_true(r->start < r->end && r->end <= UNITS);
        assert_true(i == 0 || r->start > before); /* sorted, and neighbours do not touch */
        before = r->end;
        memset(seen + r->start, 1, r->end - r->start);
    }
    assert_memory_equal(seen, model, UNITS);
}

static void ranges_are_what_was_added_less_what_was_removed(void **state)
{
    (void)state;
    struct range_list *list = calloc(1, sizeof(*list));
    u8 model[UNITS] = {0};

    for (u32 i = 0; i < ROUNDS; i++) {
        u64 start = next_random() % UNITS, end = start + next_random() % (UNITS + 1 - start);
        u8 add = next_random() % 2;
        (add ? range_list_add : range_list_remove)(list, start, end);
        memset(model + start, add, end - start);
        compare(list, model);
    }
    free(list);
}

static void a_full_list_loses_memory_and_never_invents_it(void **state)
{
    (void)state;
    struct range_list *list = calloc(1, sizeof(*list));

    for (u64 i = 0; i < RANGES_MAX + 10; i++)
        range_list_add(list, i * 10, i * 10 + 5);
    assert_int_equal(list->count, RANGES_MAX);
    assert_int_equal(list->dropped, 10);
    range_list_remove(list, 1, 2); /* a split that has no room */
    assert_int_equal(list->count, RANGES_MAX);
    assert_int_equal(list->range[0].start, 0);
    assert_int_equal(list->range[0].end, 1);
    assert_int_equal(list->dropped, 11);
    free(list);
}

static void only_whole_pages_stay(void **state)
{
    (void)state;
    struct range_list *list = calloc(1, sizeof(*list));

    range_list_add(list, 1, 2 * PAGE_SIZE + 1);
    range_list_add(list, 4 * PAGE_SIZE + 1, 5 * PAGE_SIZE + 100);
    range_list_add(list, ~0ull - 5, ~0ull);
    range_list_align(list);
    assert_int_equal(list->count, 1);
    assert_int_equal(list->range[0].start, PAGE_SIZE);
    assert_int_equal(list->range[0].end, 2 * PAGE_SIZE);
    assert_int_equal(range_list_total(list), PAGE_SIZE);
    free(list);
}

static int begin(void **state)
{
    (void)state;
    memset(&memory_ram, 0, sizeof(memory_ram));
    memset(&memory_free, 0, sizeof(memory_free));
    return 0;
}

static void unusable_wins_and_a_size_that_wraps_ends_at_the_limit(void **state)
{
    (void)state;
    memory_map_usable(0, MIB(16));
    memory_map_usable(MIB(32), ~0ull);
    memory_map_unusable(MIB(4) + 1, 1);
    memory_map_unusable(MIB(40), ~0ull);
    memory_map_close(GIB(1));
    assert_int_equal(memory_ram.count, 3);
    assert_int_equal(memory_ram.range[0].end, MIB(4));
    assert_int_equal(memory_ram.range[1].start, MIB(4) + PAGE_SIZE);
    assert_int_equal(memory_ram.range[2].start, MIB(32));
    assert_int_equal(memory_ram.range[2].end, MIB(40));
}

static void what_is_taken_is_free_aligned_and_below_the_limit(void **state)
{
    (void)state;
    memory_map_usable(0, MIB(8));
    memory_map_usable(MIB(16) + PAGE_SIZE, MIB(8));
    memory_map_close(GIB(1));
    memory_map_reserve(0, MIB(1));
    memory_map_reserve(MIB(2) + 1, MIB(2) + 2);
    for (;;) {
        u64 size = (1 + next_random() % 64) * PAGE_SIZE, align = PAGE_SIZE << next_random() % 10;
        u64 below = next_random() % 2 ? ~0ull : MIB(8);
        u64 had = range_list_total(&memory_free);
        paddr_t at = memory_map_take(size, align, below);
        if (at == ~0ull && size == PAGE_SIZE && align == PAGE_SIZE && below == ~0ull)
            break;
        if (at == ~0ull)
            continue;
        assert_int_equal(at % align, 0);
        assert_true(at >= MIB(1) && at + size <= below);
        assert_false(at <= MIB(2) && at + size > MIB(2));
        assert_int_equal(range_list_total(&memory_free), had - size); /* all of it had been free */
    }
    assert_int_equal(range_list_total(&memory_free), 0);
    assert_int_equal(range_list_total(&memory_ram), MIB(16));
}

/* What a loader put into a gap between two parts of the image stays, although the gap is given back as a whole later. */
static void what_is_kept_is_in_nothing_that_is_given_back(void **state)
{
    static struct range_list gap;
    (void)state;

    memory_map_usable(0, MIB(16));
    memory_map_close(~0ull & PAGE_MASK);
    memory_map_reserve(MIB(2), MIB(4));
    memory_map_keep(MIB(2) + 0x1000, MIB(2) + 0xacd8);
    memory_map_keep(MIB(6) + 1, MIB(6) + 2);
    assert_int_equal(range_list_total(&memory_free), MIB(14) - PAGE_SIZE);
    range_list_add(&gap, MIB(2), MIB(3));
    memory_map_without_kept(&gap);
    assert_int_equal(gap.count, 2);
    assert_int_equal(gap.range[0].end, MIB(2) + 0x1000);
    assert_int_equal(gap.range[1].start, MIB(2) + 0xb000);
    assert_int_equal(gap.range[1].end, MIB(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_what_was_added_less_what_was_removed),
        cmocka_unit_test(a_full_list_loses_memory_and_never_invents_it),
        cmocka_unit_test(only_whole_pages_stay),
        cmocka_unit_test_setup(unusable_wins_and_a_size_that_wraps_ends_at_the_limit, begin),
        cmocka_unit_test_setup(what_is_taken_is_free_aligned_and_below_the_limit, begin),
        cmocka_unit_test_setup(what_is_kept_is_in_nothing_that_is_given_back, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
