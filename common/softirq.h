/* SPDX-License-Identifier: MIT */
/* The work between a guest's request or an interrupt and the return to a guest; the bits stand in common/cpu.h. */
#ifndef XL_COMMON_SOFTIRQ_H
#define XL_COMMON_SOFTIRQ_H

#include "lib/types.h"

/*
 * Called by the entry code on the way out, interrupts off, while cpu->softirq is not 0. Does all that is pending until
 * nothing is left and somebody can run; waits where nobody can. When it returns, the registers of cpu->current are
 * where the entry code takes them from.
 */
void softirq_run(void);

/* The end of start(): the first vcpu is chosen and entered the way that all others are. */
__noreturn void sched_start(void);

#endif
