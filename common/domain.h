/* SPDX-License-Identifier: MIT */
/* A domain: what runs, what it may have, how it ends. The arch part contains this one (see <arch/domain.h>). */
#ifndef XL_COMMON_DOMAIN_H
#define XL_COMMON_DOMAIN_H

#include "common/domain_config.h"
#include "common/event_channel.h"
#include "common/grant_table.h"
#include "common/rate_limit.h"
#include "common/vcpu.h"
#include "lib/types.h"
#include <stdatomic.h>
#include <xen/xen.h>

#define DOMAIN_VCPUS_MAX 32 /* vcpu_info slots of shared_info */
#define DOMAINS_MAX      64

struct domain {
    u16 id;                     /* 1, 2, ... in the order of the modules */
    bool privileged;            /* what Xen allows dom0, in the calls we implement */
    bool dying;                 /* being taken down: no new references */
    bool zombie;                /* nothing of it is left but frames that others hold, and this record */
    bool is_shut_down;
    bool reason_given;          /* shutdown_reason was fixed before the shutdown (SCHEDOP_shutdown_code) */
    u8 shutdown_reason;         /* SHUTDOWN_*; meaningful once is_shut_down */
    struct domain_config config;/* name, sizes, what to do at the end */

    _Atomic u64 tot_pages;      /* frames charged to it */
    _Atomic u64 shared_pages;   /* frames of the hypervisor's that it shares; not charged */
    u64 max_pages;
    u64 claimed;                /* free frames kept for it (frame_claim); guarded by the allocator's lock */

    u32 vcpu_count;
    struct vcpu *vcpu[DOMAIN_VCPUS_MAX];

    struct shared_info *shared_info;
    mfn_t shared_info_mfn;

    struct event_port *ports;   /* [EVENT_PORTS]; guarded by the lock of event_channel.c */
    u32 valid_ports;            /* ports below it can be named; grows only */
    struct grant_table grants;
    u64 vm_assist;              /* bit VMASST_TYPE_*: enabled */

    char crash_reason[128];     /* the first one; "" if it did not crash */
    struct rate_limit log_limit;     /* of guest_printk */
    struct rate_limit console_limit; /* of the guest's own lines */
    char console_line[256];     /* console_io: the line begun and not ended */
    u32 console_fill;

    /* How it ends (domain.c). */
    bool to_destroy;            /* stands for being taken down */
    bool to_restart;            /* ... and built again after that */
    u64 next_frame;             /* taking down: frames below have been given back */
    u64 started_at;             /* system time of domain_start() */
    u32 quick_restarts;         /* how often in a row it was built again after a short life */
    /* Builds and starts the domain once more: set by who built it from its module; NULL: it cannot be restarted.
     * Returns the new domain, NULL with the reason logged (it is counted as not started by the caller). */
    struct domain *(*rebuild)(const struct domain_config *config, const void *source);
    const void *rebuild_source; /* what rebuild needs; outlives the domain */
};

/* domain_table.c: who is there. NULL: no such domain. */
struct domain *domain_find(u16 id);
void domain_table_init(void);           /* numbers begin with 1 again; there is no domain */
int domain_table_add(struct domain *d); /* gives the next number; -XEN_ENOSPC */
void domain_table_remove(struct domain *d);
struct domain *domain_next(const struct domain *after); /* in order of numbers; NULL to begin with, NULL at the end */

/* The domain that a hypercall of `caller` names: DOMID_SELF or a number. NULL: no such domain, or not for long. */
static inline struct domain *domain_named(struct domain *caller, u16 id)
{
    struct domain *d = id == DOMID_SELF || id == caller->id ? caller : domain_find(id);

    return d && likely(!d->dying || d == caller) ? d : NULL;
}
/* May `caller` act upon d? Itself, and any where it is privileged. */
static inline bool domain_may_act_on(const struct domain *caller, const struct domain *d)
{
    return caller == d || caller->privileged;
}

/* Is any frame its own, charged or shared with the hypervisor? While one is, its number belongs to nobody else. */
static inline bool domain_owns_frames(const struct domain *d)
{
    return atomic_load_explicit(&d->tot_pages, memory_order_acquire) != 0 ||
           atomic_load_explicit(&d->shared_pages, memory_order_acquire) != 0;
}

/* domain.c: life and death. */
void domains_init(void); /* nothing counted; before any other use */
/* A domain without memory or registers, vcpus down. NULL with the reason logged. */
struct domain *domain_create(const struct domain_config *config);
/* Its vcpu 0, made ready by the builder, may run from now on. Counted in the last line and the exit status. */
void domain_start(struct domain *d);
/*
 * Frees all it has: every frame scrubbed and given back. The domain must not be running. Frames that other domains still
 * hold (grants, what a privileged domain has mapped) stay its own: the record is kept for them, as a zombie, and goes with
 * the last one.
 */
void domain_destroy(struct domain *d);
/* The guest's own end (sched_op shutdown) or ours. Stops all its vcpus; acts by on_poweroff/on_reboot/on_crash. */
void domain_shutdown(struct domain *d, u8 reason);
/* Fixes the reason of a shutdown to come, once; whatever the shutdown says then does not count. */
void domain_set_reason(struct domain *d, u8 reason);
/*
 * The guest cannot go on: a sentence with the reason (the first is kept), registers and a walk of the faulting
 * address are printed, and the domain is shut down as crashed. Returns; the vcpu will not run again.
 */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
/* SOFTIRQ_DOMAIN: takes ended domains down, a bounded step at a time, builds again what is to be restarted, and lets go
 * of zombies whose last frame is gone. */
void domain_work(void);
/* Nobody runs, and nobody will by himself: the idle loop asks this, then calls domain_finish(). */
bool domain_all_shut_down(void);
/* Tells how many domains were asked for and could not be started (counts as failure in the exit status). */
void domain_note_failed_start(void);
/* Says "all domains have shut down" and how; acts by debug-exit= and idle=. */
__noreturn void domain_finish(void);

#endif
