// SPDX-License-Identifier: MIT
/*
 * Random instructions, biased to what the decoder knows.
 */
#include "random_insn.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t prefixes[] = {0x66, 0x66, 0x67, 0x67, 0xf0, 0xf0, 0xf2, 0xf3, 0xf3, 0x64,
                                   0x65, 0x26, 0x2e, 0x36, 0x3e, 0x40, 0x41, 0x48, 0x48, 0x4c};

static const uint8_t one_byte[] = {
    0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18, 0x19, 0x20, 0x21, 0x28, 0x29, 0x30, 0x31, 0x6c, 0x6d, 0x6e,
    0x6f, 0x80, 0x81, 0x83, 0x86, 0x87, 0x88, 0x89, 0xa2, 0xa3, 0xa4, 0xa5, 0xaa, 0xab, 0xc6, 0xc7, 0xca,
    0xcb, 0xcf, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xf6, 0xf7, 0xfa, 0xfb, 0xfe, 0xff,
};

static const uint8_t two_byte[] = {
    0x00, 0x01, 0x01, 0x01, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31,
    0x32, 0x33, 0x35, 0xa2, 0xab, 0xb0, 0xb1, 0xb3, 0xba, 0xbb, 0xc0, 0xc1, 0xc3, 0xc7,
};

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* xorshift64*, G. Marsaglia and S. Vigna. */
uint64_t random_number(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t random_below(struct random *r, uint64_t limit)
{
    return (random_number(r) >> 16) % limit;
}

uint64_t random_value(struct random *r)
{
    static const uint64_t edges[] = {
        0,         1,      2,          0x7f,       0x80,       0xff,      0x7fff,
        0x8000,    0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, (uint64_t)INT64_MIN,
        UINT64_MAX};

    switch (random_below(r, 4)) {
    case 0:
        return edges[random_below(r, sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return random_below(r, 16) - 8;
    default:
        return random_number(r);
    }
}

void random_insn(struct random *r, uint8_t bytes[INSN_FETCH_LENGTH])
{
    size_t at = 0;
    uint64_t count = random_below(r, 4);

    if (random_below(r, 200) == 0)
        count = random_below(r, 16); /* near the limit of 15 bytes */
    for (size_t i = 0; i < INSN_FETCH_LENGTH; i++)
        bytes[i] = (uint8_t)(random_number(r) >> 24);
    while (at < count) {
        bytes[at++] = prefixes[random_below(r, sizeof(prefixes))];
    }
    if (random_below(r, 2) == 0)
        bytes[at++] = (uint8_t)(0x40 | random_below(r, 16));
    if (random_below(r, 16) == 0)
        return;
    if (random_below(r, 3) != 0) {
        bytes[at] = one_byte[random_below(r, sizeof(one_byte))];
    } else {
        bytes[at++] = 0x0f;
        bytes[at] = two_byte[random_below(r, sizeof(two_byte))];
    }
}

const char *hex(const uint8_t *bytes, size_t n)
{
    static char text[3 * INSN_FETCH_LENGTH + 1];

    for (size_t i = 0; i < n && i < INSN_FETCH_LENGTH; i++)
        snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
    return text;
}
