/* SPDX-License-Identifier: MIT */
/*
 * Random operations on memory by two domains, many on few frames, with interruptions at random points. After each step
 * every reference is recounted (arch_audit) and the oracle looks at what can be reached and what caches may hold.
 *
 * XL_RANDOM_STEPS and XL_RANDOM_SEED choose how many and which; a failure prints the seed, the step and the steps
 * before it.
 */
#ifndef XL_UNIT_MMU_RANDOM_RANDOM_H
#define XL_UNIT_MMU_RANDOM_RANDOM_H

#include "tests/unit/support/tables.h"

/* Steps of all programs of this folder together: a million; fewer where they only show which lines run. */
#ifdef UNIT_SHORT
#define RANDOM_STEPS 60000ull
#else
#define RANDOM_STEPS 1000000ull
#endif

/* count steps by domains of these two modes, in a cmocka test. */
void random_run(enum domain_paging first, enum domain_paging second, u64 count);

#endif
