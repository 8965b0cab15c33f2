/* SPDX-License-Identifier: MIT */
/*
 * A bucket of tokens: holds `burst` at most, gains `per_second` of them each second of system time, starts
 * full. Each line that a guest causes takes one; what finds none is counted, so that it can be said how much
 * is missing.
 */
#ifndef XL_COMMON_RATE_LIMIT_H
#define XL_COMMON_RATE_LIMIT_H

#include "lib/types.h"

struct rate_limit {
    u64 spent;   /* tokens missing from a full bucket */
    u64 stamp;   /* system time, ns, up to which the refill has been reckoned */
    u64 dropped; /* refused since the last that was allowed */
};

/* Takes a token at time now. False: none left, counted in `dropped`. */
bool rate_limit_allow(struct rate_limit *limit, u64 now, u64 burst, u64 per_second);

#endif
