/* SPDX-License-Identifier: MIT */
/*
 * Who runs: a ring of all vcpus, each in its turn for a slice of time while others wait. Nobody is switched here and
 * now: these functions note what changed, and the way out to the guest (softirq.h) acts on it.
 */
#ifndef XL_COMMON_SCHED_H
#define XL_COMMON_SCHED_H

#include "lib/types.h"

struct vcpu;
struct vcpu_runstate_info;

#define SCHED_SLICE 10000000ull /* ns */

void sched_init(void); /* nobody in the ring; before any other use */
/* Into the ring, behind all others / out of it. Who is out of it must not be runnable. */
void sched_add(struct vcpu *v);
void sched_remove(struct vcpu *v);

/* Whether it may run has changed (went up or down, was paused or let go): its account and the choice follow. */
void sched_changed(struct vcpu *v);
/* It waits from now on. The caller looks again whether there is still a reason to, and otherwise unblocks it. */
void sched_block(struct vcpu *v, bool polling, u32 poll_port);
/* What it waited for has come, or may have. Nothing where it does not wait. */
void sched_unblock(struct vcpu *v);
/* The rest of the slice of who runs goes to the next. */
void sched_yield(void);

/* SOFTIRQ_SCHEDULE: chooses and switches. Interrupts off. cpu->idle tells whether there is nobody. */
void sched_run(void);
/* Nobody's registers stay loaded: before the domain of the vcpu that ran last is destroyed. Only while idle. */
void sched_unload(void);

/* The account of v up to now. */
void sched_runstate(const struct vcpu *v, struct vcpu_runstate_info *out);
/*
 * Writes the guest's copies (runstate area, second time record) of the vcpu that is loaded. What the present tables do
 * not let us write (guest user mode) is tried again on a later way out.
 */
void sched_write_areas(struct vcpu *v);

#endif
