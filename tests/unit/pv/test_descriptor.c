/* SPDX-License-Identifier: MIT */
/* Which descriptors a guest may have: every combination of type, S, DPL and P, and whole pages of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/pv/descriptor.h"

/* Base, limit, AVL, L, D, G: everything that the rules must leave alone. */
#define REST 0x00f500ffffffffffull
#define RESTS_TRIED 4

static const uint64_t rests[RESTS_TRIED] = {0, REST, 0xa0f51234deadbeefull, 0xffafffabcdef0123ull & ~(0xffull << 40)};

static uint64_t descriptor_make(unsigned type, unsigned s, unsigned dpl, unsigned p, uint64_t rest)
{
    return (rest & ~(0xffull << 40)) | (uint64_t)(type | s << 4 | dpl << 5 | p << 7) << 40;
}

static void test_every_kind(void **state)
{
    unsigned accepted = 0;
    (void)state;
    for (unsigned access = 0; access < 256; access++) {
        unsigned type = access & 15, s = access >> 4 & 1, dpl = access >> 5 & 3, p = access >> 7;
        for (unsigned i = 0; i < RESTS_TRIED; i++) {
            uint64_t before = descriptor_make(type, s, dpl, p, rests[i]), after = before;
            bool ok = pv_fix_descriptor(&after);
            assert_int_equal(ok, !p || s);
            accepted += ok;
            if (!ok || !p)
                assert_true(after == before);
            else
                assert_true(after == descriptor_make(type | 1, 1, 3, 1, rests[i]));
        }
    }
    assert_int_equal(accepted, (128 + 64) * RESTS_TRIED);
}

static void test_fixing_twice_changes_nothing(void **state)
{
    (void)state;
    for (unsigned access = 0; access < 256; access++) {
        uint64_t once = descriptor_make(access & 15, access >> 4 & 1, access >> 5 & 3, access >> 7, REST);
        if (!pv_fix_descriptor(&once))
            continue;
        uint64_t twice = once;
        assert_true(pv_fix_descriptor(&twice));
        assert_true(twice == once);
    }
}

static void test_gates_are_refused(void **state)
{
    static const unsigned system_types[] = {0x2, 0x5, 0x9, 0xb, 0xc, 0xe, 0xf}; /* LDT, task, TSS, call, traps */
    (void)state;
    for (size_t i = 0; i < sizeof(system_types) / sizeof(system_types[0]); i++) {
        for (unsigned dpl = 0; dpl < 4; dpl++) {
            uint64_t d = descriptor_make(system_types[i], 0, dpl, 1, 0);
            assert_false(pv_fix_descriptor(&d));
        }
    }
}

/* A page of descriptors that are all accepted and all in need of a change. */
static void page_fill(uint64_t page[DESCRIPTORS_PER_PAGE])
{
    for (unsigned i = 0; i < DESCRIPTORS_PER_PAGE; i++)
        page[i] = descriptor_make(i & 0xe, 1, i % 3, i % 5 != 0, REST);
}

static void test_a_page_is_fixed(void **state)
{
    uint64_t page[DESCRIPTORS_PER_PAGE], before[DESCRIPTORS_PER_PAGE];
    (void)state;
    page_fill(page);
    memcpy(before, page, sizeof(page));
    assert_true(pv_check_descriptor_page(page));
    for (unsigned i = 0; i < DESCRIPTORS_PER_PAGE; i++) {
        uint64_t expected = before[i];
        assert_true(pv_fix_descriptor(&expected));
        assert_true(page[i] == expected);
    }
}

static void test_one_bad_descriptor_anywhere_leaves_the_page_as_it_was(void **state)
{
    uint64_t page[DESCRIPTORS_PER_PAGE], before[DESCRIPTORS_PER_PAGE];
    (void)state;
    for (unsigned bad = 0; bad < DESCRIPTORS_PER_PAGE; bad++) {
        page_fill(page);
        page[bad] = descriptor_make(0xc, 0, 3, 1, REST);
        memcpy(before, page, sizeof(page));
        assert_false(pv_check_descriptor_page(page));
        assert_memory_equal(page, before, sizeof(page));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_fixing_twice_changes_nothing),
        cmocka_unit_test(test_gates_are_refused),
        cmocka_unit_test(test_a_page_is_fixed),
        cmocka_unit_test(test_one_bad_descriptor_anywhere_leaves_the_page_as_it_was),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
