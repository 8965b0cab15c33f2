/* SPDX-License-Identifier: MIT */
/* A virtual processor, the part that is the same on any machine. The arch part contains this one (see <arch/vcpu.h>). */
#ifndef XL_COMMON_VCPU_H
#define XL_COMMON_VCPU_H

#include "common/timer.h"
#include "lib/types.h"
#include <xen/xen.h>
#include <xen/vcpu.h>

struct domain;

/* A request that was interrupted: its arguments as they are to be given again. */
struct restart {
    u32 op;
    u64 args[5];
};

struct vcpu {
    struct domain *domain;
    u32 id;
    bool initialised; /* has registers to start with */
    bool online;      /* up (vcpu_op up/down) */
    bool blocked;     /* waits for an event (sched_op block or poll) */
    bool polling;     /* waits for one of poll_ports, whatever the mask says */
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
    struct vcpu *run_next;              /* scheduler's ring */

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

#endif
