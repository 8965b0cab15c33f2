/* SPDX-License-Identifier: MIT */
/*
 * Two processors (threads) at the same frames: types exclude one another at every moment, counts come out even, the page
 * lock is waited for. What a thread holds it looks at; asserts are the first thread's alone.
 */
#include "arch/x86/paging/entry.h"
#include "tests/unit/support/tables.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#ifdef UNIT_SHORT
#define ROUNDS 20000u
#else
#define ROUNDS 150000u
#endif
#define SHARED 6 /* frames 0 to 5: 0 is an L2 over 1 and 2, 3 maps 4 writable and 5 read-only */

static struct tables a;
static _Atomic unsigned faults, got[8];

static int setup(void **state)
{
    (void)state;
    tables_reset(256);
    tables_make(&a, "a", PAGING_DIRECT, 16);
    faults = 0;
    return 0;
}

/* ---- the page lock --------------------------------------------------------------------------------------------- */

static void *unlock_later(void *f)
{
    fake_cpu_select(1);
    usleep(20000);
    if (!(frame_word(f) & FRAME_VALIDATED)) /* while it is locked it stays what it is */
        faults++;
    table_unlock(f);
    return NULL;
}

static void a_locked_table_is_waited_for(void **state)
{
    pthread_t thread;
    unsigned level;
    (void)state;
    tables_tree(&a);
    assert_answer(pin(&a, 4, L4), 0);
    struct frame *f = tables_frame(&a, L1);
    assert_true(table_lock(f, a.d->id, &level));
    assert_int_equal(pthread_create(&thread, NULL, unlock_later, f), 0);
    assert_true(table_lock(f, a.d->id, &level));
    assert_int_equal(level, 1);
    pthread_join(thread, NULL);
    assert_int_equal(word_refs(frame_word(f)), 3);
    table_unlock(f);
    /* So is it before it is invalidated. */
    assert_true(table_lock(f, a.d->id, &level));
    assert_int_equal(pthread_create(&thread, NULL, unlock_later, f), 0);
    assert_answer(unpin(&a, L4), 0);
    pthread_join(thread, NULL);
    assert_int_equal(word_type_count(frame_word(f)), 0);
    assert_int_equal(faults, 0);
    assert_int_equal(arch_audit(), 0);
}

/* ---- one entry -------------------------------------------------------------------------------------------------- */

static _Atomic bool reader_ends;
static u64 either[2]; /* what the entry may be */

static void *reader(void *entry)
{
    while (!reader_ends) {
        u64 saw = read_once(*(u64 *)entry);
        if (saw != either[0] && saw != either[1])
            faults++;
        got[0]++;
    }
    return NULL;
}

/* The processor may look at a live entry at any moment: it finds the old one or the new one, never a part of each. */
static void an_entry_is_never_seen_half_written(void **state)
{
    pthread_t thread;
    (void)state;
    tables_tree(&a);
    tables_page(&a, L1)[0] = tables_entry(&a, DATA, RO_FLAGS | PTE_NX);
    assert_answer(pin(&a, 4, L4), 0);
    for (u64 i = 0; i < 2; i++)
        either[i] = tables_stored(&a, DATA + i, RO_FLAGS | PTE_NX);
    got[0] = reader_ends = 0;
    assert_int_equal(pthread_create(&thread, NULL, reader, &tables_page(&a, L1)[0]), 0);
    for (unsigned i = 1; i < ROUNDS || (got[0] < ROUNDS && i < 100 * ROUNDS); i++)
        assert_answer(mmu_update(tables_slot(&a, L1, 0), tables_entry(&a, DATA + i % 2, RO_FLAGS | PTE_NX)), 0);
    reader_ends = true;
    pthread_join(thread, NULL);
    assert_int_equal(faults, 0);
    assert_int_equal(arch_audit(), 0);
}

/* ---- everything at once ---------------------------------------------------------------------------------------- */

static unsigned random_next(u64 *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (unsigned)(*state * 0x2545f4914f6cdd1dull >> 40);
}

/* It is what this thread holds it as, for as long as it looks. */
static void look(const struct frame *f, enum frame_type type, u64 *random)
{
    for (unsigned i = random_next(random) % 40; i > 0; i--) {
        u64 w = frame_word(f);
        if (word_type(w) != type || word_type_count(w) == 0 || word_refs(w) < 2 ||
            (type != FRAME_WRITABLE && !(w & FRAME_VALIDATED)))
            faults++;
    }
    got[type]++;
}

static void use_as_table(struct frame *f, unsigned level, struct table_work *work, u64 *random)
{
    if (!frame_get(f, a.d->id)) {
        faults++;
        return;
    }
    if (table_get(a.d, f, level, work)) {
        frame_put(f);
    } else {
        unsigned locked;
        look(f, (enum frame_type)level, random);
        if (random_next(random) % 4 == 0 && table_lock(f, a.d->id, &locked)) {
            if (locked != level)
                faults++;
            table_unlock(f);
        }
        table_put(f, work);
    }
    work->resume = false;
    while (!table_work_run(work))
        ;
}

static void use(unsigned what, u64 pfn, struct table_work *work, u64 *random)
{
    struct frame *f = tables_frame(&a, pfn);
    switch (what % 8) {
    case 0:
        if (writable_get(f, a.d->id))
            break;
        look(f, FRAME_WRITABLE, random);
        writable_put(f);
        break;
    case 1:
        if (!descriptor_get(a.d, tables_gfn(&a, pfn)))
            break;
        look(f, FRAME_DESCRIPTOR, random);
        descriptor_put(f);
        break;
    case 2:
    case 3:
        use_as_table(tables_frame(&a, 0), 2, work, random);
        break;
    default:
        use_as_table(f, what & 8 ? 1 : pfn ? 1 : 2, work, random);
        break;
    }
}

static void *processor(void *number)
{
    u64 random = (u64)number * 0x9e3779b97f4a7c15ull + 77;
    struct table_work work;
    fake_cpu_select((unsigned)(u64)number);
    table_work_init(&work);
    for (unsigned i = 0; i < ROUNDS; i++)
        use(random_next(&random), random_next(&random) % SHARED, &work, &random);
    return NULL;
}

static void two_processors_at_the_same_frames(void **state)
{
    pthread_t threads[2];
    (void)state;
    tables_page(&a, 0)[0] = tables_entry(&a, 1, RW_FLAGS);
    tables_page(&a, 0)[1] = tables_entry(&a, 2, RW_FLAGS);
    tables_page(&a, 0)[511] = tables_entry(&a, 3, RW_FLAGS);
    tables_page(&a, 3)[0] = tables_entry(&a, 4, RW_FLAGS);
    tables_page(&a, 3)[1] = tables_entry(&a, 5, RO_FLAGS);
    for (u64 i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, processor, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(faults, 0);
    for (u64 pfn = 0; pfn < SHARED; pfn++)
        assert_int_equal(tables_word(&a, pfn) & ~FRAME_TYPE_MASK, FRAME_ALLOC | 1);
    assert_int_equal(arch_audit(), 0);
    assert_true(got[FRAME_L1] > 100 && got[FRAME_L2] > 100 && got[FRAME_WRITABLE] > 100 && got[FRAME_DESCRIPTOR] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_locked_table_is_waited_for, setup),
        cmocka_unit_test_setup(an_entry_is_never_seen_half_written, setup),
        cmocka_unit_test_setup(two_processors_at_the_same_frames, setup),
    };
    return cmocka_run_group_tests_name("smp", tests, NULL, NULL);
}
