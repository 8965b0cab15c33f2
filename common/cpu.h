/* SPDX-License-Identifier: MIT */
/* What belongs to one processor. this_cpu() comes from <arch/impl.h>: found without memory access where the machine allows. */
#ifndef XL_COMMON_CPU_H
#define XL_COMMON_CPU_H

#include "lib/types.h"

struct vcpu;

/* Work that the way out to a guest must do first. Bits of cpu->softirq. */
#define SOFTIRQ_SCHEDULE (1u << 0)
#define SOFTIRQ_TIMER    (1u << 1)
#define SOFTIRQ_CONSOLE  (1u << 2)
#define SOFTIRQ_DOMAIN   (1u << 3) /* a domain is to be taken down or built again */
#define SOFTIRQ_KEYS     (1u << 6) /* the console may have something to read */
#define SOFTIRQ_AREAS    (1u << 5) /* the current vcpu is in its kernel again, where its registered areas can be written */
#define SOFTIRQ_TABLES   (1u << 4) /* the current vcpu has page tables to invalidate before it goes on */

struct cpu {
    struct vcpu *current;  /* the vcpu whose registers stand on this cpu's stack; while idle the last one that ran, or
                              NULL: before the first, and when the last one's domain has been destroyed */
    volatile u32 softirq;  /* SOFTIRQ_*; set by interrupts, cleared on the way out */
    u32 id;
    bool in_multicall;     /* a hypercall runs as an element of a batch */
    bool idle;             /* no vcpu wants to run */
    u64 tlb_flushes;       /* counted flushes of guest translations */
    u32 locks_held;        /* bit per enum lock_level (spinlock.h) */
    bool freeing;          /* frames that lose their last reference are put aside (frame_batch_begin) */
    u32 freed;             /* these, linked by frame->link */
    u32 freed_count;
    u64 *scratch;          /* one page, for a table while it is being validated */
};

#include <arch/impl.h> /* this_cpu() */

static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}
/* Long work asks this after each bounded step; true: give the processor back, the request will be carried on later. */
static inline bool preempt_pending(void)
{
    return (this_cpu()->softirq & ~(SOFTIRQ_TABLES | SOFTIRQ_AREAS)) != 0;
}
static inline void softirq_raise(u32 bit)
{
    /* One instruction: an interrupt may raise another bit at any moment. */
    __atomic_fetch_or(&this_cpu()->softirq, bit, __ATOMIC_RELAXED);
}

#endif
