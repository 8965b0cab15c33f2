/* SPDX-License-Identifier: MIT */
/*
 * A ticket lock: served in the order of arrival, so nobody starves. Interrupts may come while one is held; their handlers
 * only raise softirqs and take no lock (irq.c), so a lock need not switch them off.
 */
#ifndef XL_COMMON_SPINLOCK_H
#define XL_COMMON_SPINLOCK_H

#include "common/cpu.h"
#include "common/lock_order.h"
#include "lib/bug.h"
#include "lib/types.h"
#include <stdatomic.h>

struct spinlock {
    _Atomic u16 next;    /* the ticket that the next one to come draws */
    _Atomic u16 serving; /* the ticket that holds the lock */
    u32 level;           /* enum lock_level */
};

#define SPINLOCK(lock_level)                                                                                 \
    {                                                                                                        \
        .level = (lock_level)                                                                                \
    }

/*
 * Off while processors have no struct cpu of their own yet: set by the start code once this_cpu() works
 * everywhere.
 */
extern bool lock_order_checked;

static inline void spinlock_lock(struct spinlock *lock)
{
    if (likely(lock_order_checked)) {
        u32 held = this_cpu()->locks_held;
        BUG_ON(held >> lock->level != 0);
        this_cpu()->locks_held = held | 1u << lock->level;
    }
    u16 ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
    while (unlikely(atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket))
        cpu_relax();
}

/* Does this cpu hold it (or one of its level)? For BUG_ON() in what must be called under it. */
static inline bool spinlock_is_held(const struct spinlock *lock)
{
    return !lock_order_checked || (this_cpu()->locks_held >> lock->level & 1);
}

static inline void spinlock_unlock(struct spinlock *lock)
{
    u16 ticket = atomic_load_explicit(&lock->serving, memory_order_relaxed);

    atomic_store_explicit(&lock->serving, (u16)(ticket + 1), memory_order_release);
    if (likely(lock_order_checked))
        this_cpu()->locks_held &= ~(1u << lock->level);
}

#endif
