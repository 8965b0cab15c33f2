/* SPDX-License-Identifier: MIT */
/*
 * The door. One row per hypercall in table.def; the entry code calls hypercall_table[number](a1..a5) with the guest's
 * arguments in C's argument registers. Handlers read: copy in, check, one call inward, copy out.
 */
#ifndef XL_HYPERCALLS_H
#define XL_HYPERCALLS_H

#include "lib/types.h"

typedef long (*hypercall_fn)(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);

#define HYPERCALL_COUNT 64 /* numbers 0..63; above: -ENOSYS */
extern const hypercall_fn hypercall_table[HYPERCALL_COUNT];
/* A number beyond the table: says so in the guest's log. -XEN_ENOSYS. */
long hypercall_unknown(u64 number);

/* How it behaves as an element of a multicall. */
enum hypercall_batch { BATCH, ENDS_BATCH, NO_BATCH };
extern const u8 hypercall_batch[HYPERCALL_COUNT];

#define HYPERCALL(number, name, in_batch) long hypercall_##name(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
#include "hypercalls/table.def"
#undef HYPERCALL

#endif
