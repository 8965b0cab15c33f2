/* SPDX-License-Identifier: MIT */
/*
 * The order of locks, written once: a cpu that holds a lock may only take one further down this list, and
 * never two of the same level. spinlock_lock() checks it against the cpu's `locks_held` once
 * lock_order_checked is set. The page lock (FRAME_LOCKED in a frame's word) stands above them all: whoever
 * holds it may take any of these; it is never taken while one of these is held.
 */
#ifndef XL_COMMON_LOCK_ORDER_H
#define XL_COMMON_LOCK_ORDER_H

enum lock_level {
    LOCK_DOMAIN_TABLE,
    LOCK_DOMAIN,    /* life and death of one domain */
    LOCK_PHYSMAP,   /* where shared frames stand among a domain's numbers */
    LOCK_GRANT,     /* a grant table */
    LOCK_EVENT,     /* the ports of all domains: a pair needs no order of two locks */
    LOCK_SCHEDULER, /* who runs next */
    LOCK_TIMER,
    LOCK_HEAP,
    LOCK_FRAMES,     /* the frame allocator */
    LOCK_GUEST_LINE, /* the lines that guests have begun */
    LOCK_CONSOLE,    /* last: anybody may print */
    LOCK_LEVELS
};

#endif
