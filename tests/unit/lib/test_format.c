/* SPDX-License-Identifier: MIT */
/* format_text() against the host's snprintf: random conversions of random values into buffers of random sizes. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/format.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-extra-args"

#define ROUNDS 200000

static u64 random_state = 0x9e3779b97f4a7c15ull;

static u64 next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static u64 interesting(void)
{
    static const u64 values[] = {0, 1, 9, 10, 255, 256, INT_MAX, (u64)INT_MIN, UINT_MAX, LONG_MAX, (u64)LONG_MIN, ~0ull};
    u64 r = next_random();

    return r % 3 == 0 ? values[next_random() % ARRAY_SIZE(values)] : next_random() >> next_random() % 64;
}

/* "%", flags, width, precision, length, letter, between two pieces of plain text. */
static void random_format(char *to, const char *letters, bool lengths)
{
    static const char *const length[] = {"", "h", "hh", "l", "ll", "z"};
    char letter = letters[next_random() % strlen(letters)];

    to += sprintf(to, "<%%");
    for (u64 n = next_random() % 3; n-- != 0;)
        *to++ = letter == 'u' || letter == 'd' || letter == 'i' ? "-0"[next_random() % 2] : "-0#"[next_random() % 3];
    if (letter == 's' || letter == 'c') { /* 0 and # mean nothing there */
        while (to[-1] == '0' || to[-1] == '#')
            to--;
    }
    if (next_random() % 2 == 0)
        to += sprintf(to, "%u", (unsigned)(1 + next_random() % 30));
    if (letter != 'c' && next_random() % 3 == 0)
        to += sprintf(to, ".%u", (unsigned)(next_random() % 25));
    sprintf(to, "%s%c>", lengths ? length[next_random() % ARRAY_SIZE(length)] : "", letter);
}

static void compare(const char *fmt, u64 value, size_t size, const char *theirs, int their_length, const char *ours,
                    int our_length)
{
    if (their_length != our_length || (size != 0 && strcmp(theirs, ours) != 0))
        fail_msg("'%s' of %#lx in %zu bytes: expected %d '%s', found %d '%s'", fmt, value, size, their_length, theirs,
                 our_length, ours);
}

static void numbers_agree_with_the_host(void **state)
{
    char fmt[64], theirs[80], ours[80];

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = next_random() % 4 == 0 ? next_random() % 20 : sizeof(ours);
        u64 value = interesting();
        memset(ours, 'z', sizeof(ours));
        random_format(fmt, "diuxX", true);
        int their_length = snprintf(theirs, size, fmt, value);
        int our_length = format_text(ours, size, fmt, value);
        compare(fmt, value, size, theirs, their_length, ours, our_length);
        if (size < sizeof(ours))
            assert_int_equal(ours[size], 'z');
    }
}

static void text_agrees_with_the_host(void **state)
{
    static const char *const texts[] = {"", "a", "some text", "a text that is longer than any field of these"};
    char fmt[64], theirs[80], ours[80];

    (void)state;
    for (int i = 0; i < ROUNDS / 4; i++) {
        size_t size = next_random() % 4 == 0 ? next_random() % 20 : sizeof(ours);
        const char *text = texts[next_random() % ARRAY_SIZE(texts)];
        random_format(fmt, "s", false);
        int their_length = snprintf(theirs, size, fmt, text);
        int our_length = format_text(ours, size, fmt, text);
        compare(fmt, 0, size, theirs, their_length, ours, our_length);
        random_format(fmt, "c", false);
        their_length = snprintf(theirs, size, fmt, 'A' + i % 26);
        our_length = format_text(ours, size, fmt, 'A' + i % 26);
        compare(fmt, 0, size, theirs, their_length, ours, our_length);
    }
}

static void check(const char *expected, const char *fmt, ...)
{
    char text[128];
    va_list args;

    va_start(args, fmt);
    int n = format_text_v(text, sizeof(text), fmt, args);
    va_end(args);
    assert_string_equal(text, expected);
    assert_int_equal(n, strlen(expected));
}

static void what_the_host_does_otherwise(void **state)
{
    (void)state;
    check("0x0 0xffff820000000000", "%p %p", NULL, (void *)0xffff820000000000ull);
    check("(null)|(nu", "%s|%.3s", NULL, NULL);
    check("100%", "%d%%", 100);
    check("a%qb", "a%qb");
    check("end%", "end%");
    check("%l", "%l");
    check("  7|7  |007", "%*d|%*d|%0*d", 3, 7, -3, 7, 3, 7);
    check("abc|abc", "%.*s|%.*s", 3, "abcdef", -1, "abc");
}

/* Text behind the precision is not looked at: it need not end. */
static void precision_bounds_what_is_read(void **state)
{
    char *exact = malloc(3);
    char text[16];

    (void)state;
    memcpy(exact, "xyz", 3);
    format_text(text, sizeof(text), "[%.3s]", exact);
    assert_string_equal(text, "[xyz]");
    free(exact);
}

static void absurd_widths_end(void **state)
{
    char text[8];

    (void)state;
    assert_in_range(format_text(text, sizeof(text), "%*d", 2000000000, 1), 1, 4096);
    assert_string_equal(text, "       ");
    assert_int_equal(format_text(NULL, 0, "%d", 12345), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_agree_with_the_host),   cmocka_unit_test(text_agrees_with_the_host),
        cmocka_unit_test(what_the_host_does_otherwise),  cmocka_unit_test(precision_bounds_what_is_read),
        cmocka_unit_test(absurd_widths_end),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
