/* SPDX-License-Identifier: MIT */
/* The heap: sizes, alignment, zeroes, random histories, and what it does with a wrong free. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "common/frame.h"
#include "common/heap.h"

static const size_t sizes[] = {1, 8, 31, 32, 33, 63, 64, 65, 100, 128, 129, 255, 256, 257, 512, 513, 1000, 1024,
                               1025, 2048, 2049, 4095, 4096, 4097, 8192, 20000};

static void check_memory(const u8 *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(p[i], 0);
    assert_int_equal((uintptr_t)p % 32, 0);
    if (size > 32)
        assert_int_equal((uintptr_t)p % 64, 0);
    if (size > 1024)
        assert_int_equal((uintptr_t)p % PAGE_SIZE, 0);
}

static void every_size_is_zeroed_and_aligned(void **state)
{
    (void)state;
    u64 frames = frame_free_count();
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            void *p = heap_alloc(sizes[i]), *q = heap_alloc(sizes[i]);
            check_memory(p, sizes[i]);
            check_memory(q, sizes[i]);
            memset(p, 0xff, sizes[i]);
            memset(q, 0xff, sizes[i]);
            heap_free(p);
            heap_free(q);
        }
    assert_int_equal(heap_frames(), 0);
    assert_int_equal(frame_free_count(), frames);
    heap_free(NULL);
}

static void what_cannot_be_had_is_null(void **state)
{
    (void)state;
    assert_null(heap_alloc(0));
    assert_null(heap_alloc(~0ul));
    assert_null(heap_alloc(~0ul - 4095));
    assert_null(heap_alloc((FAKE_FRAMES + 1) * PAGE_SIZE));
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    assert_null(heap_alloc(32));
    assert_null(heap_alloc(5000));
}

static void small_ones_share_a_frame(void **state)
{
    void *p[127];

    (void)state;
    for (int i = 0; i < 127; i++)
        assert_non_null(p[i] = heap_alloc(32));
    assert_int_equal(heap_frames(), 1);
    void *more = heap_alloc(20);
    assert_int_equal(heap_frames(), 2);
    heap_free(more);
    for (int i = 0; i < 127; i++)
        heap_free(p[i]);
    assert_int_equal(heap_frames(), 0);
}

/* Each allocation holds its own number throughout; nothing else may ever write there. */
static void random_histories_keep_what_was_written(void **state)
{
    static struct {
        u8 *p;
        size_t size;
        u8 mark;
    } held[300];
    u64 random = 88172645463325252ull;

    (void)state;
    memset(held, 0, sizeof(held));
    for (int step = 0; step < 60000; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t slot = random % ARRAY_SIZE(held);
        if (held[slot].p != NULL) {
            for (size_t i = 0; i < held[slot].size; i++)
                assert_int_equal(held[slot].p[i], held[slot].mark);
            heap_free(held[slot].p);
            held[slot].p = NULL;
            continue;
        }
        held[slot].size = 1 + (random >> 20) % (random % 50 == 0 ? 9000 : 300);
        held[slot].mark = (u8)step;
        held[slot].p = heap_alloc(held[slot].size);
        assert_non_null(held[slot].p);
        for (size_t i = 0; i < held[slot].size; i++)
            assert_int_equal(held[slot].p[i], 0);
        memset(held[slot].p, held[slot].mark, held[slot].size);
    }
    for (size_t i = 0; i < ARRAY_SIZE(held); i++)
        heap_free(held[i].p);
    assert_int_equal(heap_frames(), 0);
    assert_int_equal(frame_free_count(), FAKE_FRAMES - 1);
}

static void free_it(void *p)
{
    heap_free(p);
}
static void free_it_twice(void *p)
{
    heap_free(p);
    heap_free(p);
}

static void a_wrong_free_is_our_own_mistake(void **state)
{
    u8 outside;

    (void)state;
    u8 *small = heap_alloc(100), *neighbour = heap_alloc(100), *large = heap_alloc(10000);
    assert_true(fake_panics(free_it_twice, small));
    assert_true(fake_panics(free_it_twice, large));
    assert_true(fake_panics(free_it, small + 8));
    assert_true(fake_panics(free_it, small + 1));
    assert_true(fake_panics(free_it, large + 16));
    assert_true(fake_panics(free_it, large + PAGE_SIZE));
    assert_true(fake_panics(free_it, (u8 *)((uintptr_t)small & PAGE_MASK)));
    assert_true(fake_panics(free_it, (u8 *)((uintptr_t)small & PAGE_MASK) + 32));
    assert_true(fake_panics(free_it, mfn_to_ptr(frame_alloc_host())));
    assert_true(fake_panics(free_it, direct_map + FAKE_FRAMES * PAGE_SIZE));
    assert_true(fake_panics(free_it, &outside));
    assert_false(fake_panics(free_it, neighbour));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_size_is_zeroed_and_aligned, fake_setup),
        cmocka_unit_test_setup(what_cannot_be_had_is_null, fake_setup),
        cmocka_unit_test_setup(small_ones_share_a_frame, fake_setup),
        cmocka_unit_test_setup(random_histories_keep_what_was_written, fake_setup),
        cmocka_unit_test_setup(a_wrong_free_is_our_own_mistake, fake_setup),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
