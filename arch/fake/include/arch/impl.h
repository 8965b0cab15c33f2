/* SPDX-License-Identifier: MIT */
/* The fake machine's answers that must be inline: the processor is the one that the test has selected. */
#ifndef XL_ARCH_IMPL_H
#define XL_ARCH_IMPL_H

#include "lib/types.h"

#define CPU_AREA_SIZE   0x10000ull
#define CPU_STRUCT_SIZE 512ull

struct cpu;

extern _Thread_local struct cpu *fake_this_cpu; /* a thread of the test program is a processor */

/*
 * An interrupt in the middle of work: the fake_interrupt_after-th look at this_cpu() from now on finds SOFTIRQ_TIMER
 * raised (or what fake_on_interrupt does instead: another processor's work). 0: none. As preempt_pending() is such a
 * look, a test that counts up from 1 stops long work at every point where it can be stopped.
 */
extern u64 fake_interrupt_after;
extern void (*fake_on_interrupt)(void);
void fake_interrupt(void);

static inline struct cpu *this_cpu(void)
{
    if (unlikely(fake_interrupt_after) && --fake_interrupt_after == 0)
        fake_interrupt();
    return fake_this_cpu;
}

void fake_cpu_relax(void);
static inline void cpu_relax(void)
{
    fake_cpu_relax();
}

/* The flush of all other processors' translations, where a test keeps a model of these. NULL: nobody does. */
extern void (*fake_on_flush_others)(void);
static inline void flush_other_cpus(void)
{
    if (unlikely(fake_on_flush_others != NULL))
        fake_on_flush_others();
}

#endif
