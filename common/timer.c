/* SPDX-License-Identifier: MIT */
/*
 * A binary heap of timers, the earliest on top; the machine's one timer is programmed for that one. An interrupt only
 * raises SOFTIRQ_TIMER; timers fire on the way out to a guest. The heap grows by doubling and never shrinks.
 * One queue: timers of all processors fire on the one that runs timer_run() (there is one for now).
 */
#include "common/timer.h"
#include "common/heap.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/time.h>
#include <xen/errno.h>

#define TIMERS_FIRST 128 /* room at first: one run of the heap's smallest frames */
#define NEVER        (~0ull)

static struct spinlock timer_lock = SPINLOCK(LOCK_TIMER);
static struct timer **queue; /* queue[0 .. used); queue[i]->slot == i + 1 */
static u32 used, room;
static u64 programmed = NEVER; /* what the machine's timer was last told */

static void timer_place(struct timer *t, u32 at)
{
    queue[at] = t;
    t->slot = at + 1;
}

/* Moves the timer up from place `at` until its parent is not later. */
static void timer_rise(struct timer *t, u32 at)
{
    while (at > 0) {
        u32 parent = (at - 1) / 2;
        if (queue[parent]->expires <= t->expires)
            break;
        timer_place(queue[parent], at);
        at = parent;
    }
    timer_place(t, at);
}

/* Moves the timer down from place `at` until neither child is earlier. */
static void timer_sink(struct timer *t, u32 at)
{
    for (;;) {
        u32 child = 2 * at + 1;
        if (child >= used)
            break;
        if (child + 1 < used && queue[child + 1]->expires < queue[child]->expires)
            child++;
        if (t->expires <= queue[child]->expires)
            break;
        timer_place(queue[child], at);
        at = child;
    }
    timer_place(t, at);
}

/* The timer stands at place `at` with a new time: to where it belongs. */
static void timer_settle(struct timer *t, u32 at)
{
    if (at > 0 && t->expires < queue[(at - 1) / 2]->expires)
        timer_rise(t, at);
    else
        timer_sink(t, at);
}

static void timer_take_out(struct timer *t)
{
    u32 at = t->slot - 1;
    struct timer *last = queue[--used];

    BUG_ON(at > used);
    t->slot = 0;
    if (last != t)
        timer_settle(last, at);
}

static int timer_grow(void)
{
    u32 want = room ? room * 2 : TIMERS_FIRST;
    struct timer **bigger = heap_alloc(want * sizeof(*queue));

    if (!bigger)
        return -XEN_ENOMEM;
    if (used)
        memcpy(bigger, queue, used * sizeof(*queue));
    heap_free(queue);
    queue = bigger;
    room = want;
    return 0;
}

/*
 * Tells the machine when the earliest timer has become earlier. That it became later is left to timer_run(): an
 * interrupt too early costs less than a new time for each timer that is stopped.
 */
static void timer_program_earlier(void)
{
    if (used && queue[0]->expires < programmed) {
        programmed = queue[0]->expires;
        arch_timer_program(programmed);
    }
}

void timers_init(void)
{
    queue = NULL;
    used = room = 0;
    programmed = NEVER;
}

void timer_init(struct timer *t, void (*fire)(void *), void *data)
{
    *t = (struct timer){.fire = fire, .data = data};
}

int timer_set(struct timer *t, u64 expires)
{
    int rc = 0;

    spinlock_lock(&timer_lock);
    if (t->slot) {
        t->expires = expires;
        timer_settle(t, t->slot - 1);
    } else {
        if (used == room)
            rc = timer_grow();
        if (rc == 0) {
            t->expires = expires;
            timer_rise(t, used++);
        }
    }
    timer_program_earlier();
    spinlock_unlock(&timer_lock);
    return rc;
}

void timer_stop(struct timer *t)
{
    spinlock_lock(&timer_lock);
    if (t->slot)
        timer_take_out(t);
    spinlock_unlock(&timer_lock);
}

/*
 * The clock is read once: a timer that sets itself anew fires again only when the clock has moved on, so one run ends
 * after as many steps as there are timers, whatever their owners do.
 */
void timer_run(void)
{
    u64 now = system_time();

    spinlock_lock(&timer_lock);
    for (u32 left = used; left > 0 && used > 0 && queue[0]->expires <= now; left--) {
        struct timer *t = queue[0];
        timer_take_out(t);
        spinlock_unlock(&timer_lock);
        t->fire(t->data);
        spinlock_lock(&timer_lock);
    }
    programmed = used ? queue[0]->expires : NEVER;
    arch_timer_program(programmed);
    spinlock_unlock(&timer_lock);
}
