/* SPDX-License-Identifier: MIT */
/* References to frames: who gets one, what the last one does, and the charge to the owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"

#define FRAMES 256

static struct domain a, b;

static int setup(void **state)
{
    (void)state;
    fake_reset(FRAMES);
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    a.max_pages = 10;
    b.max_pages = 10;
    return domain_table_add(&a) != 0 || domain_table_add(&b) != 0;
}

static int is_zero(const void *page)
{
    static const u8 zeroes[PAGE_SIZE];

    return memcmp(page, zeroes, PAGE_SIZE) == 0;
}

static void a_fresh_frame_is_zero_and_has_one_reference(void **state)
{
    (void)state;
    struct frame *f = frame_alloc_domain(&a);
    assert_non_null(f);
    assert_true(is_zero(frame_ptr(f)));
    assert_int_equal(frame_word(f), FRAME_ALLOC | 1);
    assert_int_equal(f->owner, a.id);
    assert_int_equal(f->link, FRAME_LIST_END);
    assert_int_equal(m2p_table[frame_mfn(f).n], ~0ull);
    assert_int_equal(a.tot_pages, 1);
    assert_ptr_equal(frame_of(frame_mfn(f)), f);
    assert_int_equal(ptr_to_mfn(frame_ptr(f)).n, frame_mfn(f).n);
}

static void the_maximum_is_kept_and_nothing_is_charged_beyond(void **state)
{
    struct frame *f[10];

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_non_null(f[i] = frame_alloc_domain(&a));
    assert_null(frame_alloc_domain(&a));
    assert_int_equal(a.tot_pages, 10);
    assert_true(frame_drop_alloc(f[3]));
    assert_int_equal(a.tot_pages, 9);
    assert_non_null(frame_alloc_domain(&a));
}

static void a_dying_domain_gets_nothing(void **state)
{
    (void)state;
    a.dying = true;
    assert_null(frame_alloc_domain(&a));
    assert_int_equal(a.tot_pages, 0);
}

static void empty_ram_charges_nobody(void **state)
{
    (void)state;
    a.max_pages = FRAMES;
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    assert_null(frame_alloc_domain(&a));
    assert_null(frame_alloc_shared(&a));
    assert_int_equal(a.tot_pages, 0);
}

static void a_reference_is_for_the_owner_alone(void **state)
{
    (void)state;
    struct frame *f = frame_alloc_domain(&a);
    assert_true(frame_get(f, a.id));
    assert_int_equal(word_refs(frame_word(f)), 2);
    assert_false(frame_get(f, b.id));
    assert_false(frame_get(f, OWNER_NONE));
    assert_int_equal(frame_word(f), FRAME_ALLOC | 2);
    frame_put(f);
    assert_int_equal(frame_word(f), FRAME_ALLOC | 1);
}

static void a_free_frame_gives_no_reference(void **state)
{
    (void)state;
    mfn_t m = frame_alloc_host();
    assert_false(frame_get(frame_of(m), OWNER_NONE));
    assert_false(frame_get(frame_of(m), 0));
    frame_free_host(m, 1);
    assert_false(frame_get(frame_of(m), OWNER_NONE));
    assert_int_equal(frame_word(frame_of(m)), 0);
}

static void the_count_never_wraps(void **state)
{
    (void)state;
    struct frame *f = frame_alloc_domain(&a);
    u64 gotten = 0;
    atomic_store(&f->word, FRAME_ALLOC | (FRAME_REF_MASK - 8));
    while (frame_get(f, a.id) && gotten < 100)
        gotten++;
    assert_in_range(gotten, 1, 8);
    assert_int_equal(frame_word(f) & ~FRAME_REF_MASK, FRAME_ALLOC);
    u64 full = frame_word(f);
    assert_false(frame_get(f, b.id));
    assert_int_equal(frame_word(f), full);
    atomic_store(&f->word, FRAME_ALLOC | 1);
}

static void the_last_reference_scrubs_and_frees(void **state)
{
    (void)state;
    u64 free_before = frame_free_count();
    struct frame *f = frame_alloc_domain(&a);
    mfn_t m = frame_mfn(f);
    memset(frame_ptr(f), 0x77, PAGE_SIZE);
    m2p_table[m.n] = 5;
    assert_true(frame_get(f, a.id));
    assert_true(frame_drop_alloc(f));
    assert_false(frame_drop_alloc(f));
    assert_int_equal(frame_word(f), 1);
    assert_int_equal(fake_flushes_before_reuse + fake_processor.cr3_loads, 0);
    assert_int_equal(frame_free_count(), free_before - 1);
    frame_put(f);
    assert_int_equal(fake_flushes_before_reuse + fake_processor.cr3_loads, 1);
    assert_true(is_zero(mfn_to_ptr(m)));
    assert_int_equal(m2p_table[m.n], ~0ull);
    assert_int_equal(f->owner, OWNER_NONE);
    assert_int_equal(frame_word(f), 0);
    assert_int_equal(a.tot_pages, 0);
    assert_int_equal(frame_free_count(), free_before);
}

static void the_last_frame_of_a_zombie_has_its_record_looked_at(void **state)
{
    (void)state;
    struct frame *f = frame_alloc_domain(&a), *shared = frame_alloc_shared(&a);
    a.zombie = true;
    assert_true(frame_drop_alloc(f));
    assert_false(this_cpu()->softirq & SOFTIRQ_DOMAIN);
    assert_true(frame_drop_alloc(shared));
    assert_true(this_cpu()->softirq & SOFTIRQ_DOMAIN);
}

static void a_shared_frame_is_special_and_not_charged(void **state)
{
    (void)state;
    u64 free_before = frame_free_count();
    struct frame *f = frame_alloc_shared(&a);
    assert_int_equal(frame_word(f), FRAME_SPECIAL | FRAME_ALLOC | 1);
    assert_int_equal(a.tot_pages, 0);
    assert_true(frame_get(f, a.id));
    assert_true(frame_drop_alloc(f));
    frame_put(f);
    assert_int_equal(a.tot_pages, 0);
    assert_int_equal(frame_free_count(), free_before);
}

static void put_with_word(void *data)
{
    struct frame *f = frame_alloc_domain(&a);
    atomic_store(&f->word, *(u64 *)data | 1);
    frame_put(f);
}
static void nothing_may_be_left_when_the_last_reference_goes(void **state)
{
    static u64 words[] = {FRAME_TC_ONE, FRAME_VALIDATED, FRAME_PINNED, FRAME_ALLOC, FRAME_LOCKED, FRAME_LISTED};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        assert_true(fake_panics(put_with_word, &words[i]));
        assert_true(fake_console_has("FRAME_HELD"));
        fake_console_clear();
    }
    u64 none = 0;
    assert_false(fake_panics(put_with_word, &none));
}

static void charge_underflows(void *data)
{
    struct frame *f = frame_alloc_domain(data);
    a.tot_pages = 0;
    frame_drop_alloc(f);
}
static void a_wrong_charge_is_our_own_mistake(void **state)
{
    (void)state;
    assert_true(fake_panics(charge_underflows, &a));
    assert_true(fake_console_has("BUG at common/frame.c"));
}

/* The types of the word do not reach into each other. */
static void fields_of_the_word_are_apart(void **state)
{
    static const u64 fields[] = {FRAME_REF_MASK,  FRAME_TC_MASK, FRAME_TYPE_MASK, FRAME_VALIDATED, FRAME_PINNED,
                                 FRAME_ALLOC,     FRAME_LOCKED,  FRAME_LISTED,    FRAME_SPECIAL};
    u64 all = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        assert_int_equal(all & fields[i], 0);
        all |= fields[i];
    }
    u64 w = 3 | 7 * FRAME_TC_ONE | (u64)FRAME_L3 << FRAME_TYPE_SHIFT | FRAME_PINNED;
    assert_int_equal(word_refs(w), 3);
    assert_int_equal(word_type_count(w), 7);
    assert_int_equal(word_type(w), FRAME_L3);
}

static void domains_are_found_by_number(void **state)
{
    static struct domain many[DOMAINS_MAX];
    unsigned added = 0;

    (void)state;
    assert_ptr_equal(domain_find(a.id), &a);
    assert_ptr_equal(domain_find(b.id), &b);
    assert_int_equal(b.id, a.id + 1);
    assert_null(domain_find((u16)(b.id + 1)));
    assert_null(domain_find((u16)(a.id + DOMAINS_MAX)));
    while (added < DOMAINS_MAX && domain_table_add(&many[added]) == 0)
        added++;
    assert_int_equal(added, DOMAINS_MAX - 2);
    u16 last = 0;
    unsigned seen = 0;
    for (struct domain *d = NULL; (d = domain_next(d)) != NULL; seen++) {
        assert_in_range(d->id, last + 1, 0xffff);
        last = d->id;
    }
    assert_int_equal(seen, DOMAINS_MAX);
    u16 old = many[5].id;
    domain_table_remove(&many[5]);
    assert_null(domain_find(old));
    struct domain again = {0};
    assert_int_equal(domain_table_add(&again), 0);
    assert_int_not_equal(again.id, old);
    assert_ptr_equal(domain_find(again.id), &again);
    domain_table_remove(&again);
    /* Through all numbers: never 0, never a reserved one, never one that is in use. */
    for (unsigned i = 0; i < 0x9000; i++) {
        assert_int_equal(domain_table_add(&again), 0);
        assert_in_range(again.id, 1, 0x7fef);
        assert_ptr_equal(domain_find(again.id), &again);
        domain_table_remove(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fresh_frame_is_zero_and_has_one_reference, setup),
        cmocka_unit_test_setup(the_maximum_is_kept_and_nothing_is_charged_beyond, setup),
        cmocka_unit_test_setup(a_dying_domain_gets_nothing, setup),
        cmocka_unit_test_setup(empty_ram_charges_nobody, setup),
        cmocka_unit_test_setup(a_reference_is_for_the_owner_alone, setup),
        cmocka_unit_test_setup(a_free_frame_gives_no_reference, setup),
        cmocka_unit_test_setup(the_count_never_wraps, setup),
        cmocka_unit_test_setup(the_last_reference_scrubs_and_frees, setup),
        cmocka_unit_test_setup(the_last_frame_of_a_zombie_has_its_record_looked_at, setup),
        cmocka_unit_test_setup(a_shared_frame_is_special_and_not_charged, setup),
        cmocka_unit_test_setup(nothing_may_be_left_when_the_last_reference_goes, setup),
        cmocka_unit_test_setup(a_wrong_charge_is_our_own_mistake, setup),
        cmocka_unit_test_setup(fields_of_the_word_are_apart, setup),
        cmocka_unit_test_setup(domains_are_found_by_number, setup),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
