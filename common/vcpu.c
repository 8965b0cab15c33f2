/* SPDX-License-Identifier: MIT */
/* A virtual processor's life: made, up, down, given up; its timers, and the place of its vcpu_info. */
#include "common/vcpu.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/event_channel.h"
#include "common/frame.h"
#include "common/printk.h"
#include "common/sched.h"
#include "lib/string.h"
#include <arch/paging.h>
#include <arch/time.h>
#include <xen/errno.h>

long vcpu_restart(struct vcpu *v, u32 op, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
    v->restart = (struct restart){.wanted = true, .op = op, .args = {a1, a2, a3, a4, a5}};
    return -XEN_ERESTART;
}

static void extent_reset(struct extent_work *x)
{
    memset(x, 0, sizeof(*x));
    x->first = MFN_INVALID;
    x->taken = FRAME_EXTENT_NONE;
    x->ready = x->stolen = FRAME_LIST_END;
}

/* What they were used as is forgotten, so whatever a processor may still have of that must be too. */
static void extent_restore_stolen(struct extent_work *x)
{
    if (x->stolen != FRAME_LIST_END)
        arch_flush_before_reuse();
    while (x->stolen != FRAME_LIST_END) {
        struct frame *f = frame_of(mfn_make(x->stolen));
        x->stolen = f->link;
        frame_unsteal(f, x->of.d->id);
    }
}

void vcpu_extent_drop(struct vcpu *v)
{
    struct extent_work *x = &v->extent;

    if (!x->of.d)
        return;
    extent_restore_stolen(x);
    domain_uncharge(x->of.d, x->charged);
    frame_extent_drop(&x->taken);
    while (x->ready != FRAME_LIST_END) {
        struct frame_extent whole = {.next = mfn_make(x->ready), .left = 1ull << x->of.order};
        x->ready = frame_of(whole.next)->link;
        frame_extent_drop(&whole);
    }
    extent_reset(x);
}

static void oneshot_fire(void *data)
{
    event_virq(data, VIRQ_TIMER);
}

/* Ticks that were missed are not made up for: the next one is the next multiple of the period that is still to come. */
static void periodic_fire(void *data)
{
    struct vcpu *v = data;
    u64 now = system_time(), last = v->periodic.expires;

    if (v->period == 0)
        return;
    if (timer_set(&v->periodic, last + v->period * (1 + (now - last) / v->period)))
        guest_log(v->domain, LOG_WARNING, "vcpu %u: no memory to go on with its periodic timer\n", v->id);
    event_virq(v, VIRQ_TIMER);
}

static void poll_fire(void *data)
{
    sched_unblock(data);
}

void vcpu_init(struct vcpu *v, struct domain *d, u32 id)
{
    v->domain = d;
    v->id = id;
    v->info = &d->shared_info->vcpu_info[id];
    v->info->evtchn_upcall_mask = 1;
    v->info_mfn = MFN_INVALID;
    extent_reset(&v->extent);
    timer_init(&v->oneshot, oneshot_fire, v);
    timer_init(&v->periodic, periodic_fire, v);
    timer_init(&v->poll_timer, poll_fire, v);
    sched_add(v);
}

static void vcpu_stop_timers(struct vcpu *v)
{
    v->period = 0;
    timer_stop(&v->oneshot);
    timer_stop(&v->periodic);
    timer_stop(&v->poll_timer);
}

void vcpu_release(struct vcpu *v)
{
    v->online = false;
    vcpu_stop_timers(v);
    vcpu_extent_drop(v);
    sched_remove(v);
    if (!mfn_is_invalid(v->info_mfn)) {
        struct frame *f = frame_of(v->info_mfn);
        v->info = &v->domain->shared_info->vcpu_info[v->id];
        v->info_mfn = MFN_INVALID;
        arch_put_writable(f);
    }
}

void vcpu_up(struct vcpu *v)
{
    v->online = true;
    sched_changed(v);
}

void vcpu_down(struct vcpu *v)
{
    v->online = false;
    sched_changed(v);
}

long vcpu_set_oneshot(struct vcpu *v, u64 when)
{
    return timer_set(&v->oneshot, when);
}

long vcpu_set_periodic(struct vcpu *v, u64 period)
{
    if (period == 0) {
        v->period = 0;
        timer_stop(&v->periodic);
        return 0;
    }
    if (period < VCPU_PERIOD_MIN || period > VCPU_PERIOD_MAX)
        return guest_refuse(v->domain, XEN_EINVAL, "periodic timer: %llu ns, expected %llu to %llu\n",
                            (unsigned long long)period, VCPU_PERIOD_MIN, VCPU_PERIOD_MAX);
    v->period = period;
    return timer_set(&v->periodic, system_time() + period);
}

/* Sets the bits that make the guest look at all its ports, at the new place. */
static void vcpu_info_moved(struct vcpu *v, struct vcpu_info *info, mfn_t mfn)
{
    memmove(info, v->info, sizeof(*info)); /* the new place may overlap the old one in shared_info */
    v->info = info;
    v->info_mfn = mfn;
    __atomic_store_n(&info->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
    __atomic_store_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    sched_unblock(v);
    arch_update_vcpu_time(v);
}

long vcpu_register_info(struct vcpu *v, gfn_t gfn, u32 offset)
{
    struct domain *d = v->domain;
    struct frame *f;

    if (offset > PAGE_SIZE - sizeof(struct vcpu_info) || offset % _Alignof(struct vcpu_info))
        return guest_refuse(d, XEN_ENXIO, "vcpu_info at offset %#x: expected a multiple of %zu up to %#zx\n", offset,
                            _Alignof(struct vcpu_info), (size_t)PAGE_SIZE - sizeof(struct vcpu_info));
    if (!mfn_is_invalid(v->info_mfn))
        return guest_refuse(d, XEN_EINVAL, "vcpu %u: its vcpu_info has been registered already\n", v->id);
    if (v != current_vcpu() && v->online)
        return guest_refuse(d, XEN_EINVAL, "vcpu %u: its vcpu_info can be moved by itself or while it is down\n", v->id);
    f = arch_get_writable_gfn(d, gfn);
    if (!f)
        return guest_refuse(d, XEN_EINVAL, "vcpu_info in frame %#llx: expected a writable frame of the domain\n",
                            (unsigned long long)gfn.n);
    vcpu_info_moved(v, (struct vcpu_info *)((u8 *)frame_ptr(f) + offset), frame_mfn(f));
    return 0;
}
