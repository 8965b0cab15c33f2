/* SPDX-License-Identifier: MIT
 * A buffer that the hypervisor fills, with known bytes inside and around: what of it was written, and with what. */
#ifndef SURROUNDINGS_H
#define SURROUNDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "guest/string.h"

#define SURROUNDINGS_ROOM  2048u
#define SURROUNDINGS_FRONT 256u

static uint8_t surroundings[SURROUNDINGS_ROOM];

/* The buffer, all poison. */
static inline void *poisoned(uint8_t poison)
{
    memset(surroundings, poison, sizeof(surroundings));
    return surroundings + SURROUNDINGS_FRONT;
}

/* Bytes of the buffer from `from` up to `to` that are not that byte. */
static inline unsigned long bytes_not(uint8_t byte, unsigned long from, unsigned long to)
{
    unsigned long count = 0;

    for (unsigned long i = from; i < to; i++)
        count += surroundings[SURROUNDINGS_FRONT + i] != byte;
    return count;
}

/* Bytes in front of the buffer, and from `size` on behind it, that are not poison any more. */
static inline unsigned long bytes_spilt(uint8_t poison, unsigned long size)
{
    return bytes_not(poison, -(unsigned long)SURROUNDINGS_FRONT, 0) +
           bytes_not(poison, size, SURROUNDINGS_ROOM - SURROUNDINGS_FRONT);
}

#endif
