/* SPDX-License-Identifier: MIT */
/* Words of command lines, and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/words.h"

/* All words of the text joined by '|', then how it ended if not well. */
static const char *split(const char *text, size_t size)
{
    static char joined[256];
    char word[64];

    joined[0] = 0;
    for (;;) {
        enum word_result r = word_next(&text, word, size);
        if (r == WORD_END)
            break;
        if (joined[0] != 0)
            strcat(joined, "|");
        strcat(joined, word);
        strcat(joined, r == WORD_TOO_LONG ? "(long)" : r == WORD_OPEN_QUOTE ? "(open)" : "");
    }
    assert_int_equal(*text, 0);
    return joined;
}

static void words_are_split_as_grub_joins_them(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"  \t\r\n ", ""},
        {"a", "a"},
        {"  a  b\tc\n", "a|b|c"},
        {"name=\"a b\" x", "name=a b|x"},
        {"\"name=a b\" x", "name=a b|x"},
        {"'a b'c\"d e\"", "a bcd e"},
        {"a\\ b c", "a b|c"},
        {"\\\"a\\\\", "\"a\\"},
        {"'\\'", "\\"},
        {"\"a\\\"b\"", "a\"b"},
        {"\"it's\"", "it's"},
        {"a\\", "a\\"},
        {"x \"open", "x|open(open)"},
        {"''", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(split(rows[i][0], 64), rows[i][1]);
}

static void long_words_are_cut_and_passed_over(void **state)
{
    (void)state;
    assert_string_equal(split("abcdefgh i", 4), "abc(long)|i");
    assert_string_equal(split("abc i", 4), "abc|i");
    assert_string_equal(split("abc", 1), "(long)");
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        u64 value;
    } rows[] = {
        {"0", true, 0},
        {"15", true, 15},
        {"007", true, 7},
        {"0x1F", true, 31},
        {"0Xff", true, 255},
        {"18446744073709551615", true, ~0ull},
        {"0xffffffffffffffff", true, ~0ull},
        {"18446744073709551616", false, 0},
        {"0x10000000000000000", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"0x", false, 0},
        {"x", false, 0},
        {"1f", false, 0},
        {"0xg", false, 0},
        {"-1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 value = 4711;
        assert_int_equal(parse_u64(rows[i].text, &value), rows[i].ok);
        assert_int_equal(value, rows[i].ok ? rows[i].value : 4711);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_as_grub_joins_them),
        cmocka_unit_test(long_words_are_cut_and_passed_over),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
