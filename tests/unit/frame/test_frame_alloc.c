/* SPDX-License-Identifier: MIT */
/* The frame allocator against a model: a byte for each frame that says who has it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "common/frame.h"

#define FRAMES 700

static u64 random_state;

static u64 next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void assert_zeroed(mfn_t m)
{
    static const u8 zeroes[PAGE_SIZE];

    assert_memory_equal(mfn_to_ptr(m), zeroes, PAGE_SIZE);
}

/* Takes what the allocator gave into the model: it must have been free, in range and zero; then it is made dirty. */
static void model_take(bool *used, mfn_t first, u64 count)
{
    for (u64 n = first.n; n < first.n + count; n++) {
        assert_in_range(n, 1, FRAMES - 1);
        assert_false(used[n]);
        used[n] = true;
        assert_zeroed(mfn_make(n));
        memset(mfn_to_ptr(mfn_make(n)), 0xee, PAGE_SIZE);
    }
}

static u64 longest_run(const bool *used)
{
    u64 best = 0, run = 0;

    for (u64 n = 1; n < FRAMES; n++) {
        run = used[n] ? 0 : run + 1;
        best = run > best ? run : best;
    }
    return best;
}

/* Allocations of one and of runs, and frees of parts of them, in random order, until full and back again. */
static void history(u64 seed, u64 scatter)
{
    static bool used[FRAMES];
    u64 in_use = 0;

    fake_reset(FRAMES);
    frame_alloc_scatter(scatter);
    random_state = seed;
    memset(used, 0, sizeof(used));
    for (int step = 0; step < 4000; step++) {
        u64 action = next_random() % 16, phase = (u64)(step / 1000) % 2;
        if (action < (phase == 0 ? 8u : 3u)) {
            mfn_t m = frame_alloc_host();
            assert_int_equal(mfn_is_invalid(m), in_use == FRAMES - 1);
            if (!mfn_is_invalid(m)) {
                model_take(used, m, 1);
                in_use++;
            }
        } else if (action < (phase == 0 ? 9u : 4u)) {
            u64 count = 1 + next_random() % 80;
            u64 longest = longest_run(used);
            mfn_t m = frame_alloc_host_run(count);
            assert_int_equal(mfn_is_invalid(m), count > longest);
            if (!mfn_is_invalid(m)) {
                model_take(used, m, count);
                in_use += count;
            }
        } else {
            u64 n = 1 + next_random() % (FRAMES - 1);
            if (used[n]) {
                used[n] = false;
                in_use--;
                frame_free_host(mfn_make(n), 1);
            }
        }
        assert_int_equal(frame_free_count(), FRAMES - 1 - in_use);
    }
}

static void random_histories_agree_with_a_model(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 6; seed++) {
        history(seed * 77, 0);
        history(seed * 99, seed);
    }
}

static void neighbours_come_in_order_unless_scattered(void **state)
{
    u64 neighbours = 0, last;

    (void)state;
    fake_reset(FRAMES);
    for (u64 n = 1; n < 200; n++)
        assert_int_equal(frame_alloc_host().n, n);
    fake_reset(FRAMES);
    frame_alloc_scatter(12345);
    last = frame_alloc_host().n;
    for (u64 n = 1; n < 200; n++) {
        u64 now = frame_alloc_host().n;
        neighbours += now == last + 1;
        last = now;
    }
    assert_in_range(neighbours, 0, 20);
}

static void the_same_seed_gives_the_same_order(void **state)
{
    u64 first[100];

    (void)state;
    for (int round = 0; round < 2; round++) {
        fake_reset(FRAMES);
        frame_alloc_scatter(42);
        for (int i = 0; i < 100; i++) {
            u64 n = frame_alloc_host().n;
            if (round == 0)
                first[i] = n;
            else
                assert_int_equal(n, first[i]);
        }
    }
}

static void odd_sizes_of_ram_work_to_the_last_frame(void **state)
{
    static const u64 sizes[] = {2, 3, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097, 8193};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        fake_reset(sizes[i]);
        assert_int_equal(frame_free_count(), sizes[i] - 1);
        assert_true(mfn_is_invalid(frame_alloc_host_run(sizes[i])));
        mfn_t all = frame_alloc_host_run(sizes[i] - 1);
        assert_int_equal(all.n, 1);
        assert_true(mfn_is_invalid(frame_alloc_host()));
        frame_free_host(mfn_make(sizes[i] - 1), 1);
        assert_int_equal(frame_alloc_host().n, sizes[i] - 1);
        frame_free_host(all, sizes[i] - 1);
        for (u64 n = 1; n < sizes[i]; n++)
            assert_false(mfn_is_invalid(frame_alloc_host()));
        assert_int_equal(frame_free_count(), 0);
    }
}

static void impossible_runs_are_refused(void **state)
{
    (void)state;
    fake_reset(FRAMES);
    assert_true(mfn_is_invalid(frame_alloc_host_run(0)));
    assert_true(mfn_is_invalid(frame_alloc_host_run(~0ull)));
    assert_int_equal(frame_free_count(), FRAMES - 1);
}

static void free_twice(void *data)
{
    frame_free_host(*(mfn_t *)data, 1);
    frame_free_host(*(mfn_t *)data, 1);
}
static void free_what_a_domain_uses(void *data)
{
    atomic_store(&frame_of(*(mfn_t *)data)->word, FRAME_REF_ONE);
    frame_free_host(*(mfn_t *)data, 1);
}
static void free_beyond_ram(void *data)
{
    (void)data;
    frame_free_host(mfn_make(FRAMES), 1);
}
static void give_beyond_ram(void *data)
{
    (void)data;
    frame_alloc_give(mfn_make(2), ~0ull);
}
static void give_twice(void *data)
{
    (void)data;
    frame_alloc_give(mfn_make(FRAMES - 1), 1);
}

static void misuse_is_our_own_mistake(void **state)
{
    (void)state;
    fake_reset(FRAMES);
    mfn_t m = frame_alloc_host();
    assert_true(fake_panics(free_twice, &m));
    assert_true(fake_console_has("BUG at common/frame_alloc.c"));
    assert_true(fake_panics(free_what_a_domain_uses, &m));
    assert_true(fake_panics(free_beyond_ram, NULL));
    assert_true(fake_panics(give_beyond_ram, NULL));
    assert_true(fake_panics(give_twice, NULL));
}

/* A frame that was written while it was free would carry that to its next owner: in scattered runs it is looked at. */
static void write_behind(void *data)
{
    ((u8 *)mfn_to_ptr(*(mfn_t *)data))[100] = 1;
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
}
static void a_write_to_a_free_frame_is_noticed(void **state)
{
    (void)state;
    fake_reset(FRAMES);
    frame_alloc_scatter(3);
    mfn_t m = frame_alloc_host();
    memset(mfn_to_ptr(m), 0, PAGE_SIZE);
    frame_of(m)->note = FRAME_NOTE_ZEROED;
    frame_alloc_return(m);
    assert_true(fake_panics(write_behind, &m));
    assert_true(fake_console_has("words[i] != 0"));
}

#define THREADS 3

static u8 taken[FRAMES];

static void give_back(mfn_t m)
{
    __atomic_store_n(&taken[m.n], 0, __ATOMIC_RELAXED);
    frame_free_host(m, 1);
}

/* Returns data where a frame was given that somebody has, NULL at the end. */
static void *allocate_and_free(void *data)
{
    mfn_t mine[64];
    u64 count = 0;

    fake_cpu_select((unsigned)(uintptr_t)data);
    for (int i = 0; i < 20000; i++) {
        if (count < 64 && (count == 0 || i % 3 != 0)) {
            mfn_t m = frame_alloc_host();
            if (mfn_is_invalid(m) || __atomic_exchange_n(&taken[m.n], 1, __ATOMIC_RELAXED) != 0)
                return data;
            mine[count++] = m;
        } else {
            give_back(mine[--count]);
        }
    }
    while (count != 0)
        give_back(mine[--count]);
    return NULL;
}

static void processors_share_the_allocator(void **state)
{
    pthread_t thread[THREADS];

    (void)state;
    fake_reset(FRAMES);
    memset(taken, 0, sizeof(taken));
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, allocate_and_free, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *complaint;
        assert_int_equal(pthread_join(thread[i], &complaint), 0);
        assert_ptr_equal(complaint, NULL);
    }
    assert_int_equal(frame_free_count(), FRAMES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_agree_with_a_model),
        cmocka_unit_test(neighbours_come_in_order_unless_scattered),
        cmocka_unit_test(the_same_seed_gives_the_same_order),
        cmocka_unit_test(odd_sizes_of_ram_work_to_the_last_frame),
        cmocka_unit_test(impossible_runs_are_refused),
        cmocka_unit_test(misuse_is_our_own_mistake),
        cmocka_unit_test(a_write_to_a_free_frame_is_noticed),
        cmocka_unit_test(processors_share_the_allocator),
    };
    return cmocka_run_group_tests_name("frame_alloc", tests, NULL, NULL);
}
