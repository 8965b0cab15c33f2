/* SPDX-License-Identifier: MIT */
/*
 * Round robin over a ring of all vcpus, and the account of what each does with its time. One processor for now: the
 * ring is one, its lock is there for the others to come. The ring holds those that wait too, so that no list has to
 * follow each wake-up; a choice costs a walk over it.
 */
#include "common/sched.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/spinlock.h"
#include "common/timer.h"
#include "common/vcpu.h"
#include "lib/bug.h"
#include <arch/domain.h>
#include <arch/guest_memory.h>
#include <arch/time.h>

static struct spinlock sched_lock = SPINLOCK(LOCK_SCHEDULER);
static struct vcpu *ring; /* the one that was added last: ring->run_next is the first; NULL: nobody */
static bool slice_over;   /* who runs has had his turn */
static struct timer slice_timer;

static void slice_end(void *data)
{
    (void)data;
    sched_yield();
}

/* Is it on the processor (not merely left loaded while nobody runs)? */
static bool sched_is_running(const struct vcpu *v)
{
    const struct cpu *cpu = this_cpu();

    return v == cpu->current && !cpu->idle;
}

static int sched_waiting_state(const struct vcpu *v)
{
    if (!v->online || !v->initialised)
        return RUNSTATE_offline;
    if (v->blocked)
        return RUNSTATE_blocked;
    return v->pause_count ? RUNSTATE_offline : RUNSTATE_runnable;
}

static void sched_account(struct vcpu *v, int state, u64 now)
{
    struct vcpu_runstate_info *r = &v->runstate;

    if (r->state == state)
        return;
    r->time[r->state] += now - r->state_entry_time;
    r->state = state;
    r->state_entry_time = now;
}

void sched_init(void)
{
    ring = NULL;
    slice_over = false;
    timer_init(&slice_timer, slice_end, NULL);
}

void sched_add(struct vcpu *v)
{
    spinlock_lock(&sched_lock);
    BUG_ON(v->run_next);
    if (ring) {
        v->run_next = ring->run_next;
        ring->run_next = v;
    } else {
        v->run_next = v;
    }
    ring = v;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = system_time();
    spinlock_unlock(&sched_lock);
}

void sched_remove(struct vcpu *v)
{
    spinlock_lock(&sched_lock);
    if (v->run_next) {
        struct vcpu *before = v;
        BUG_ON(vcpu_runnable(v));
        while (before->run_next != v)
            before = before->run_next;
        before->run_next = v->run_next;
        if (ring == v)
            ring = before == v ? NULL : before;
        v->run_next = NULL;
    }
    spinlock_unlock(&sched_lock);
}

void sched_changed(struct vcpu *v)
{
    spinlock_lock(&sched_lock);
    if (!sched_is_running(v))
        sched_account(v, sched_waiting_state(v), system_time());
    spinlock_unlock(&sched_lock);
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void sched_block(struct vcpu *v, bool polling, u32 poll_port)
{
    v->polling = polling;
    v->poll_port = poll_port;
    __atomic_store_n(&v->blocked, true, __ATOMIC_SEQ_CST); /* before the caller looks for a reason not to */
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void sched_unblock(struct vcpu *v)
{
    if (!__atomic_exchange_n(&v->blocked, false, __ATOMIC_SEQ_CST))
        return;
    v->polling = false;
    timer_stop(&v->poll_timer);
    sched_changed(v);
}

void sched_yield(void)
{
    slice_over = true;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

/* The next after v (NULL: from the beginning) that may run, v itself being the last to be asked. */
static struct vcpu *sched_next(struct vcpu *v)
{
    struct vcpu *start = v && v->run_next ? v : ring;

    if (!start)
        return NULL;
    v = start;
    do {
        v = v->run_next;
        if (vcpu_runnable(v))
            return v;
    } while (v != start);
    return NULL;
}

/* A slice is measured only while somebody else waits for his turn. */
static void slice_begin(struct vcpu *runs, bool anew, u64 now)
{
    if (!runs || sched_next(runs) == runs)
        timer_stop(&slice_timer);
    else if ((anew || !timer_active(&slice_timer)) && timer_set(&slice_timer, now + SCHED_SLICE))
        slice_over = true; /* no room for the timer: turns change at every occasion instead */
}

static void sched_switch(struct vcpu *from, struct vcpu *to)
{
    this_cpu()->current = to;
    arch_context_switch(from, to);
}

void sched_run(void)
{
    struct cpu *cpu = this_cpu();
    struct vcpu *from = cpu->current, *to;
    bool was_idle = cpu->idle;
    u64 now = system_time();

    spinlock_lock(&sched_lock);
    to = from && !slice_over && vcpu_runnable(from) ? from : sched_next(from);
    bool anew = slice_over || to != from;
    slice_over = false;
    slice_begin(to, anew, now);
    if (from && from != to)
        sched_account(from, sched_waiting_state(from), now);
    if (to)
        sched_account(to, RUNSTATE_running, now);
    cpu->idle = !to;
    spinlock_unlock(&sched_lock);

    if (!to || (to == from && !was_idle))
        return;
    if (to != from)
        sched_switch(from, to);
    arch_update_vcpu_time(to);
    to->areas_stale = to->runstate_area || to->time_area;
}

void sched_unload(void)
{
    struct cpu *cpu = this_cpu();

    BUG_ON(!cpu->idle);
    if (cpu->current)
        sched_switch(cpu->current, NULL);
}

void sched_runstate(const struct vcpu *v, struct vcpu_runstate_info *out)
{
    spinlock_lock(&sched_lock);
    *out = v->runstate;
    out->time[out->state] += system_time() - out->state_entry_time;
    spinlock_unlock(&sched_lock);
}

/* The record as the guest shall see it; with the assist, marked while it is half written (xen/vcpu.h). */
static int sched_write_runstate(const struct vcpu *v)
{
    struct vcpu_runstate_info copy = v->runstate;
    const size_t at = offsetof(struct vcpu_runstate_info, state_entry_time);
    int rc = 0;

    if (v->domain->vm_assist & (1ull << VMASST_TYPE_runstate_update_flag)) {
        u64 marked = copy.state_entry_time | XEN_RUNSTATE_UPDATE;
        rc = copy_to_guest(v->runstate_area + at, &marked, sizeof(marked));
        copy.state_entry_time = marked;
    }
    if (rc == 0)
        rc = copy_to_guest(v->runstate_area, &copy, sizeof(copy));
    if (rc == 0 && copy.state_entry_time != v->runstate.state_entry_time)
        rc = copy_to_guest(v->runstate_area + at, &v->runstate.state_entry_time, sizeof(u64));
    return rc;
}

/* The guest's own time record once more, by the version protocol of xen/xen.h: odd while it is half written. */
static int sched_write_time(const struct vcpu *v)
{
    struct vcpu_time_info copy = v->info->time;
    u32 version = copy.version & ~1u;
    int rc;

    copy.version = version | 1u;
    rc = copy_to_guest(v->time_area, &copy.version, sizeof(copy.version));
    if (rc == 0)
        rc = copy_to_guest(v->time_area, &copy, sizeof(copy));
    if (rc == 0)
        rc = copy_to_guest(v->time_area, &version, sizeof(version));
    return rc;
}

void sched_write_areas(struct vcpu *v)
{
    int rc = 0;

    if (v->runstate_area)
        rc = sched_write_runstate(v);
    if (v->time_area)
        rc |= sched_write_time(v);
    v->areas_stale = rc != 0;
}
