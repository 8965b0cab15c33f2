/* SPDX-License-Identifier: MIT */
/* Command lines word by word, see words.h. */
#include "lib/words.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum word_result word_next(const char **cursor, char *out, size_t size)
{
    const char *p = *cursor;
    enum word_result result = WORD_OK;
    char quote = 0;
    size_t n = 0;

    while (is_space(*p))
        p++;
    if (*p == 0) {
        out[0] = 0;
        *cursor = p;
        return WORD_END;
    }
    for (; *p != 0 && (quote != 0 || !is_space(*p)); p++) {
        char c = *p;
        if (c == quote) {
            quote = 0;
            continue;
        }
        if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
            continue;
        }
        if (c == '\\' && quote != '\'' && p[1] != 0)
            c = *++p;
        if (n + 1 < size)
            out[n++] = c;
        else
            result = WORD_TOO_LONG;
    }
    out[n] = 0;
    *cursor = p;
    return quote != 0 ? WORD_OPEN_QUOTE : result;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

bool parse_u64(const char *text, u64 *value)
{
    int base = 10;
    u64 n = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == 0)
        return false;
    for (; *text != 0; text++) {
        int digit = digit_value(*text);
        if (digit >= base || __builtin_mul_overflow(n, (u64)base, &n) ||
            __builtin_add_overflow(n, (u64)digit, &n))
            return false;
    }
    *value = n;
    return true;
}
