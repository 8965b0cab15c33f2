/* SPDX-License-Identifier: MIT */
/*
 * Memory and text. Blocks move by 8-byte string instructions; the odd bytes at the end are covered by one
 * more word that overlaps the last one, so there is no loop over bytes. Relies on the direction flag being
 * clear (the entry code's promise, and the C calling convention's).
 */
#include "lib/string.h"
#include "lib/types.h"

/* A word at any address. */
struct unaligned16 {
    u16 value;
} __attribute__((packed, may_alias));
struct unaligned32 {
    u32 value;
} __attribute__((packed, may_alias));
struct unaligned64 {
    u64 value;
} __attribute__((packed, may_alias));

#define LOAD(bits, p)     (((const struct unaligned##bits *)(p))->value)
#define STORE(bits, p, v) (((struct unaligned##bits *)(p))->value = (v))

/* The compiler would make a call to memcpy or memset, this very function, of a loop that it recognises. */
#define NOT_A_PATTERN() __asm__ volatile("" ::: "memory")

/* Fewer than 16 bytes: everything is loaded before anything is stored, so the two may overlap. */
static inline void copy_small(u8 *to, const u8 *from, size_t n)
{
    if (n >= 8) {
        u64 first = LOAD(64, from), last = LOAD(64, from + n - 8);
        STORE(64, to, first);
        STORE(64, to + n - 8, last);
    } else if (n >= 4) {
        u32 first = LOAD(32, from), last = LOAD(32, from + n - 4);
        STORE(32, to, first);
        STORE(32, to + n - 4, last);
    } else if (n >= 2) {
        u16 first = LOAD(16, from), last = LOAD(16, from + n - 2);
        STORE(16, to, first);
        STORE(16, to + n - 2, last);
    } else if (n != 0) {
        *to = *from;
    }
}

/* 16 bytes or more, upwards: right where the two do not overlap and where `to` lies below `from`. */
static inline void copy_up(u8 *to, const u8 *from, size_t n)
{
    u64 last = LOAD(64, from + n - 8);
    u8 *end = to + n - 8;
    size_t words = n / 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    STORE(64, end, last);
}

static inline void copy_down(u8 *to, const u8 *from, size_t n)
{
    u64 first = LOAD(64, from);
    size_t i = n;

    for (; i >= 8; i -= 8) {
        NOT_A_PATTERN();
        STORE(64, to + i - 8, LOAD(64, from + i - 8));
    }
    if (i != 0)
        STORE(64, to, first);
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    if (n < 16)
        copy_small(to, from, n);
    else
        copy_up(to, from, n);
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if (n < 16)
        copy_small(to, from, n);
    else if ((uintptr_t)to - (uintptr_t)from >= n) /* below it, or behind its end */
        copy_up(to, from, n);
    else
        copy_down(to, from, n);
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    u8 *p = to;
    u64 word = (u8)byte * 0x0101010101010101ull;

    if (n >= 8) {
        u8 *end = p + n - 8;
        size_t words = n / 8;
        __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(word) : "memory");
        STORE(64, end, word);
    } else if (n >= 4) {
        STORE(32, p, (u32)word);
        STORE(32, p + n - 4, (u32)word);
    } else if (n >= 2) {
        STORE(16, p, (u16)word);
        STORE(16, p + n - 2, (u16)word);
    } else if (n != 0) {
        *p = (u8)word;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *p = a, *q = b;

    for (; n >= 8 && LOAD(64, p) == LOAD(64, q); n -= 8) {
        p += 8;
        q += 8;
    }
    for (; n != 0; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p != 0) {
        NOT_A_PATTERN();
        p++;
    }
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n] != 0)
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a != 0 && *a == *b; a++)
        b++;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n != 0; n--, a++, b++) {
        if (*a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        if (*a == 0)
            break;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (*s == 0)
            return NULL;
    }
}
