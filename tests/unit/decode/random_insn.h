// SPDX-License-Identifier: MIT
/*
 * Random bytes that look like the instructions the decoder knows: for the differential tests. The same seed
 * gives the same bytes.
 */
#ifndef XL_TESTS_DECODE_RANDOM_INSN_H
#define XL_TESTS_DECODE_RANDOM_INSN_H

#include <stddef.h>
#include <stdint.h>

#include "arch/x86/emulate/decode.h"

struct random {
    uint64_t state;
};

/* SEED and ROUNDS of the environment, or the default given. */
uint64_t setting(const char *name, uint64_t otherwise);

uint64_t random_number(struct random *r);

/* A number below limit. */
uint64_t random_below(struct random *r, uint64_t limit);

/* Often small, often with the high bit: values at which flags change. */
uint64_t random_value(struct random *r);

/* INSN_FETCH_LENGTH bytes: some prefixes, most often an opcode that the decoder knows, then anything. */
void random_insn(struct random *r, uint8_t bytes[INSN_FETCH_LENGTH]);

/* The bytes in hexadecimal, for messages; a static buffer. */
const char *hex(const uint8_t *bytes, size_t n);

#endif
