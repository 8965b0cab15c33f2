/* SPDX-License-Identifier: MIT */
/* What the fuzzers share: the entry that libFuzzer calls, and a check that ends the program where it fails. */
#ifndef XL_FUZZ_CHECK_H
#define XL_FUZZ_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                                  \
    do {                                                                                                             \
        if (!(what)) {                                                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                                       \
            abort();                                                                                                 \
        }                                                                                                            \
    } while (0)

#endif
