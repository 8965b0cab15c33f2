/* SPDX-License-Identifier: MIT */
/*
 * The console page that a guest shares with whoever serves its console: two rings. Indices run freely and are
 * masked on use.
 */
#ifndef XL_ABI_IO_CONSOLE_H
#define XL_ABI_IO_CONSOLE_H

#include <stdint.h>

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024]; /* towards the guest */
    char out[2048];
    XENCONS_RING_IDX in_cons, in_prod;
    XENCONS_RING_IDX out_cons, out_prod;
};

#endif
