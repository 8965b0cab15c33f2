/* SPDX-License-Identifier: MIT */
/* Small guest kernels, made in the test: an ELF file with two segments and Xen's notes. */
#ifndef XL_UNIT_BUILDER_IMAGE_H
#define XL_UNIT_BUILDER_IMAGE_H

#include "lib/types.h"

struct image_spec {
    u64 virt_base;
    u64 start;            /* pseudo-physical, page-aligned: text of 2 pages, data of 1.5, then zeroes */
    u64 zeroes;           /* bytes behind the data */
    u64 init_p2m;         /* 0: no such note */
    const char *features; /* NULL: no such note */
    u32 supported;        /* XENFEAT bits; 0: no such note */
    bool no_hypercall_page;
};

#define IMAGE_TEXT  0x2000u
#define IMAGE_DATA  0x1800u
#define IMAGE_ENTRY 0x123u              /* from start */
#define IMAGE_HYPERCALL_PAGE 0x1000u    /* from start */

/* The file, until the next one is made. */
const u8 *image_make(const struct image_spec *spec, size_t *size);
/* The byte at offset n of text and data together. */
u8 image_byte(u64 n);

#endif
