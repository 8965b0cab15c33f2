/* SPDX-License-Identifier: MIT */
/* Timers in nanoseconds of system time (time since the hypervisor started). A timer fires once, in softirq context. */
#ifndef XL_COMMON_TIMER_H
#define XL_COMMON_TIMER_H

#include "lib/types.h"

struct timer {
    u64 expires;               /* ns; meaningful while active */
    void (*fire)(void *data);
    void *data;
    u32 slot;                  /* place in the queue + 1; 0: not active */
};

void timers_init(void); /* no timer is active; before any other use */
void timer_init(struct timer *t, void (*fire)(void *), void *data);
/* Starts or moves it. -XEN_ENOMEM where the queue cannot grow. */
int timer_set(struct timer *t, u64 expires);
void timer_stop(struct timer *t);
static inline bool timer_active(const struct timer *t)
{
    return t->slot != 0;
}
/* Fires what is due and programs the machine's timer for the next (SOFTIRQ_TIMER). */
void timer_run(void);

#endif
