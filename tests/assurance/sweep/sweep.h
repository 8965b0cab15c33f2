/* SPDX-License-Identifier: MIT */
/* Failures of what can fail for reasons that are not the request's own: counted, and made to happen. */
#ifndef XL_ASSURANCE_SWEEP_H
#define XL_ASSURANCE_SWEEP_H

#include "lib/types.h"

enum failure { FAIL_NONE, FAIL_ALLOC, FAIL_COPY_FROM, FAIL_COPY_TO, FAIL_KINDS };

/* Of those that come up while it is on, number `at` of one kind fails (0: none does). */
struct failures {
    bool on;
    enum failure kind;
    unsigned at;
    unsigned count[FAIL_KINDS]; /* how many of each came up */
};
extern struct failures failures;

#endif
