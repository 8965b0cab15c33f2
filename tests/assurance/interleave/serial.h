/* SPDX-License-Identifier: MIT */
/*
 * What may come of requests that are under way at the same time: what comes of them one after the other, in some order. Some
 * may be refused instead, and then have done nothing; and a frame that is given back may stay until the other request,
 * which looked it up, is through.
 */
#ifndef XL_ASSURANCE_SERIAL_H
#define XL_ASSURANCE_SERIAL_H

#include "tests/assurance/interleave/cpus.h"

/* What came of a run: the state, and what each request was answered. */
struct outcome {
    u64 digest;
    long rc[PARTS_ALL];
    bool skipped[PARTS_ALL]; /* in a serial order: was not made */
};

enum explanation {
    OUTCOME_SERIAL,  /* as one after the other */
    OUTCOME_REFUSED, /* the same, but something was refused that no order refuses */
    OUTCOME_WRONG
};

struct outcome outcome_now(void);
/* Runs all serial orders of cpus_run.operation, and looks at the end of each. */
void serial_orders(void);
enum explanation serial_explains(const struct outcome *saw);
/* Whatever their answers: is this state one that serial orders come to? */
bool serial_comes_to(u64 digest);

/* Nothing is left undone; and, unless this outcome was looked at before: audit, oracle, the domains' end. True: it was new. */
bool outcome_check(const struct outcome *saw);
void outcome_forget(void);
/* Ends looked at so far. */
u64 outcome_ends(void);

/* The next list of choices of cpus_choices, depth first: how many of them are fixed; 0: that was the last. */
unsigned next_choices(void);

#endif
