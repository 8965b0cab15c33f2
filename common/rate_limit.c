/* SPDX-License-Identifier: MIT */
/* A bucket of tokens, see rate_limit.h. The caller holds whatever lock guards the bucket. */
#include "common/rate_limit.h"

#define SECOND 1000000000ull

bool rate_limit_allow(struct rate_limit *limit, u64 now, u64 burst, u64 per_second)
{
    u64 elapsed = now - limit->stamp;

    /* Only whole tokens move the stamp: fractions are not lost by asking often. */
    if (elapsed >= limit->spent * SECOND / per_second) {
        limit->stamp = now;
        limit->spent = 0;
    } else {
        u64 gained = elapsed * per_second / SECOND;
        limit->spent -= gained;
        limit->stamp += gained * SECOND / per_second;
    }
    if (limit->spent >= burst) {
        limit->dropped++;
        return false;
    }
    limit->spent++;
    return true;
}
