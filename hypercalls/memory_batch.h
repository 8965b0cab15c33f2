/* SPDX-License-Identifier: MIT */
/* What mmu_update and mmuext_op have in common: whose memory they are about, and how a batch ends or goes on. */
#ifndef XL_HYPERCALLS_MEMORY_BATCH_H
#define XL_HYPERCALLS_MEMORY_BATCH_H

#include "common/domain.h"
#include "common/printk.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>

/*
 * Whose frames a memory hypercall names. Others than oneself are for privileged callers. As on Xen, oneself is DOMID_SELF and
 * never one's own number. The domain stays what it is until the hypercall ends: it is taken down on the way out to a guest.
 * -XEN_EPERM, -XEN_ESRCH.
 */
static inline long memory_frames_of(struct domain *self, u16 number, struct domain **frames)
{
    *frames = self;
    if (likely(number == DOMID_SELF))
        return 0;
    *frames = number == self->id ? NULL : domain_named(self, number);
    if (!*frames)
        return guest_refuse(self, XEN_ESRCH, "domain %#x: there is no such other domain\n", number);
    if (!domain_may_act_on(self, *frames))
        return guest_refuse(self, XEN_EPERM, "memory of d%u: another domain's memory is for privileged ones\n",
                            (*frames)->id);
    return 0;
}

/*
 * The domain argument of mmu_update: low half: whose frames the entries name; high half: whose tables they are, plus
 * one (0: the caller's). Errors as above.
 */
static inline long memory_target(struct domain *self, u32 argument, struct domain **tables, struct domain **frames)
{
    u16 owner = (u16)(argument >> 16);

    *tables = self;
    if (unlikely(owner != 0 && (u16)(owner - 1) != self->id)) {
        long rc = memory_frames_of(self, (u16)(owner - 1), tables);
        if (rc)
            return rc;
    }
    return memory_frames_of(self, (u16)argument, frames);
}

/* The arguments of a batch, as they were given. */
struct batch {
    u32 op;
    u64 list;
    u32 count;        /* with BATCH_GOES_ON */
    u64 done_address; /* u32 of the guest: how many were done; 0: not wanted */
    u64 domains;
};

/* The count's top bit marks a batch that goes on: what was done before is added to *done, as Xen does it. */
#define BATCH_GOES_ON (1u << 31)

static inline u32 batch_count(const struct batch *b)
{
    return b->count & ~BATCH_GOES_ON;
}

/* After `done` elements of the given size: tells the guest, and has the rest asked for again on -XEN_ERESTART. */
static inline long batch_end(struct vcpu *v, const struct batch *b, u32 done, size_t size, long rc)
{
    u32 total = done, before = 0;

    if (b->done_address) {
        if ((b->count & BATCH_GOES_ON) && copy_from_guest(&before, b->done_address, sizeof(before)))
            return -XEN_EFAULT;
        total += before;
        if (copy_to_guest(b->done_address, &total, sizeof(total)))
            return -XEN_EFAULT;
    }
    if (rc != -XEN_ERESTART)
        return rc;
    return vcpu_restart(v, b->op, b->list + done * size,
                        (batch_count(b) - done) | (b->done_address ? BATCH_GOES_ON : 0), b->done_address, b->domains, 0);
}

#endif
