/* SPDX-License-Identifier: MIT */
/*
 * xen-lite/lib/string.c under other names, against the host's functions: all small sizes at all alignments, at the very
 * end of a page behind which there is none, and every overlap.
 */
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <cmocka.h>

#define memcpy  under_test_memcpy
#define memmove under_test_memmove
#define memset  under_test_memset
#define memcmp  under_test_memcmp
#define strlen  under_test_strlen
#define strnlen under_test_strnlen
#define strcmp  under_test_strcmp
#define strncmp under_test_strncmp
#define strchr  under_test_strchr
#include "../../../xen-lite/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define ROOM 512

static u8 a[ROOM], b[ROOM], expected[ROOM];

static void fill(u8 *p, unsigned seed)
{
    for (size_t i = 0; i < ROOM; i++)
        p[i] = (u8)(seed + i * 7 + (i >> 3));
}

/* n bytes that end where a page without access begins. */
static u8 *page_end(size_t n)
{
    static u8 *page;

    if (page == NULL) {
        page = mmap(NULL, 3 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(page, MAP_FAILED);
        assert_int_equal(mprotect(page + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    }
    return page + 2 * PAGE_SIZE - n;
}

static void memcpy_copies_exactly_what_it_is_told(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++)
        for (size_t to = 0; to < 9; to++)
            for (size_t from = 0; from < 9; from++) {
                fill(a, 1);
                fill(b, 99);
                fill(expected, 99);
                memcpy(expected + 16 + to, a + 16 + from, n);
                assert_ptr_equal(under_test_memcpy(b + 16 + to, a + 16 + from, n), b + 16 + to);
                assert_memory_equal(b, expected, ROOM);
            }
}

static void memmove_copes_with_every_overlap(void **state)
{
    (void)state;
    for (size_t n = 0; n < 120; n++)
        for (size_t to = 0; to < 100; to++) {
            fill(a, 5);
            fill(expected, 5);
            memmove(expected + 100 + to, expected + 150, n);
            assert_ptr_equal(under_test_memmove(a + 100 + to, a + 150, n), a + 100 + to);
            assert_memory_equal(a, expected, ROOM);
        }
}

static void memset_fills_exactly_what_it_is_told(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++)
        for (size_t to = 0; to < 9; to++) {
            fill(a, 3);
            fill(expected, 3);
            memset(expected + 16 + to, 0xe7, n);
            assert_ptr_equal(under_test_memset(a + 16 + to, 0x1e7, n), a + 16 + to);
            assert_memory_equal(a, expected, ROOM);
        }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void memcmp_tells_order(void **state)
{
    (void)state;
    for (size_t n = 0; n < 64; n++) {
        fill(a, 1);
        fill(b, 1);
        assert_int_equal(under_test_memcmp(a, b, n), 0);
        for (size_t at = 0; at < n; at++) {
            b[at] = (u8)(a[at] ^ 0x80);
            assert_int_equal(sign(under_test_memcmp(a, b, n)), sign(memcmp(a, b, n)));
            assert_int_equal(sign(under_test_memcmp(b, a, n)), sign(memcmp(b, a, n)));
            b[at] = a[at];
        }
    }
}

static void blocks_end_at_the_end_of_memory(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100; n++) {
        u8 *p = page_end(n);
        under_test_memset(p, 0x55, n);
        under_test_memcpy(a, p, n);
        under_test_memcpy(p, a, n);
        under_test_memmove(p, a, n);
        assert_int_equal(under_test_memcmp(p, a, n), 0);
    }
}

static void text_functions_agree_with_the_host(void **state)
{
    static const char *const texts[] = {"", "a", "b", "ab", "abc", "abd", "abcdefgh", "abcdefgi", "\xff", "\x01", "a=b"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const char *s = texts[i];
        u8 *end = page_end(strlen(s) + 1);
        memcpy(end, s, strlen(s) + 1);
        assert_int_equal(under_test_strlen((char *)end), strlen(s));
        for (size_t max = 0; max < 12; max++)
            assert_int_equal(under_test_strnlen(s, max), strnlen(s, max));
        for (int c = 0; c < 256; c++)
            assert_ptr_equal(under_test_strchr(s, c), strchr(s, c));
        for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
            assert_int_equal(sign(under_test_strcmp(s, texts[j])), sign(strcmp(s, texts[j])));
            for (size_t n = 0; n < 12; n++)
                assert_int_equal(sign(under_test_strncmp(s, texts[j], n)), sign(strncmp(s, texts[j], n)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memcpy_copies_exactly_what_it_is_told),
        cmocka_unit_test(memmove_copes_with_every_overlap),
        cmocka_unit_test(memset_fills_exactly_what_it_is_told),
        cmocka_unit_test(memcmp_tells_order),
        cmocka_unit_test(blocks_end_at_the_end_of_memory),
        cmocka_unit_test(text_functions_agree_with_the_host),
    };
    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
