/* SPDX-License-Identifier: MIT */
/* A virtual processor, the part that is the same on any machine. The arch part contains this one (see <arch/vcpu.h>). */
#ifndef XL_COMMON_VCPU_H
#define XL_COMMON_VCPU_H

#include "common/frame.h"
#include "common/timer.h"
#include "lib/types.h"
#include <xen/xen.h>
#include <xen/vcpu.h>

struct domain;

/* A request that was interrupted: its arguments as they are to be given again. */
struct restart {
    bool wanted; /* tells a restart from a result that merely is the same number (an iret's rax, a debug register) */
    u32 op;
    u64 args[5];
};

/*
 * An extent of several pages that memory_op has begun and that was interrupted. It is kept here and not in the request,
 * where the guest could change it; a request goes on with it only if it is the same in all that stands here.
 */
struct extent_work {
    struct {
        struct domain *d; /* whose memory; NULL: there is no such work */
        u32 command, order;
        vaddr_t argument;
        u64 index, gfn, end; /* which extent; what it names; frames below this number only */
    } of;
    u64 pages;                /* of the extent that are done */
    mfn_t first;              /* the first frame of the extent, once it was found */
    u64 charged;              /* pages that d is charged for and has not been given */
    struct frame_extent taken;
    u32 ready, ready_count;   /* exchange: whole extents taken and cleared, linked by their first frames; of order */
    u32 stolen, stolen_count; /* exchange: frames of d that nobody owns for the moment, linked; d is charged for them */
};

struct vcpu {
    struct domain *domain;
    u32 id;
    bool initialised; /* has registers to start with */
    bool being_initialised; /* a vcpu_op initialise works on it; taken by exchange, so that a second one finds it taken */
    bool online;      /* up (vcpu_op up/down) */
    bool blocked;     /* waits for an event (sched_op block or poll) */
    bool polling;     /* blocked, and a pending port wakes it whatever the masks say */
    u32 poll_port;    /* the one polled port, 0: several or any */
    u32 pause_count;  /* held by the hypervisor (domain shut down, being destroyed) */

    struct vcpu_info *info;   /* the guest's vcpu_info: in shared_info, or where it was registered */
    mfn_t info_mfn;           /* the registered frame (a reference and a writable type are held), else MFN_INVALID */
    u32 virq_port[NR_VIRQS];  /* 0: not bound */

    struct timer oneshot;     /* set_timer_op, VCPUOP_set_singleshot_timer */
    struct timer periodic;    /* VCPUOP_set_periodic_timer */
    u64 period;               /* ns; 0: off */
    struct timer poll_timer;  /* SCHEDOP_poll timeout */

    struct vcpu_runstate_info runstate; /* accumulated by the scheduler; ns */
    vaddr_t runstate_area;              /* guest address registered for it; 0: none */
    vaddr_t time_area;                  /* guest address registered for a second time record; 0: none */
    bool areas_stale;                   /* the two areas above are to be written on the way out to it */
    struct vcpu *run_next;              /* scheduler's ring; NULL: not in it */

    struct extent_work extent;
    struct restart restart; /* meaningful while a hypercall handler returns -XEN_ERESTART */
};

/* May it be given a processor? */
static inline bool vcpu_runnable(const struct vcpu *v)
{
    return v->online && v->initialised && !v->blocked && v->pause_count == 0;
}

/*
 * For hypercall handlers: long work stops here and goes on later with these arguments. Returns -XEN_ERESTART, which
 * the door (or the multicall that the request stands in) turns into "carry it out again".
 */
long vcpu_restart(struct vcpu *v, u32 op, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);

/* Gives up an extent that is under way: what was taken and not given goes back to where it came from. */
void vcpu_extent_drop(struct vcpu *v);

/* The common part of a zeroed vcpu that arch_vcpu_alloc() gave: down, no timers, vcpu_info in shared_info. */
void vcpu_init(struct vcpu *v, struct domain *d, u32 id);
/* Stops what could still act on it: timers, the scheduler, the registered vcpu_info (back to shared_info). */
void vcpu_release(struct vcpu *v);

/* May run from now on / no more; what it is in already is no error. */
void vcpu_up(struct vcpu *v);
void vcpu_down(struct vcpu *v);

/* One-shot timer at system time `when` (past: at once). 0 or -XEN_ENOMEM. */
long vcpu_set_oneshot(struct vcpu *v, u64 when);
/* 0 switches it off. -XEN_EINVAL: shorter than VCPU_PERIOD_MIN or so long that sums could overflow. */
long vcpu_set_periodic(struct vcpu *v, u64 period);
#define VCPU_PERIOD_MIN 1000000ull
#define VCPU_PERIOD_MAX (~0ull >> 2)

/*
 * VCPUOP_register_vcpu_info: the vcpu_info moves to that frame, once in a vcpu's life. Its contents go with it; all
 * ports are marked for a look, so that nothing sent meanwhile is lost. -XEN_ENXIO offset, -XEN_EINVAL frame or state.
 */
long vcpu_register_info(struct vcpu *v, gfn_t gfn, u32 offset);

#endif
