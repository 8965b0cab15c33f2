/* SPDX-License-Identifier: MIT */
/* What mmu_update and mmuext_op have in common: whose memory they are about, and how a batch ends or goes on. */
#ifndef XL_HYPERCALLS_MEMORY_BATCH_H
#define XL_HYPERCALLS_MEMORY_BATCH_H

#include "common/domain.h"
#include "common/printk.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>

/*
 * The domain argument of mmu_update: low half: whose frames the entries name; high half: whose tables they are, plus
 * one (0: the caller's). Others than oneself are for privileged callers. -XEN_EPERM, -XEN_ESRCH.
 */
static inline long memory_target(struct domain *self, u32 argument, struct domain **tables, struct domain **frames)
{
    u16 frame_domain = (u16)argument, table_domain = (u16)(argument >> 16);

    *tables = *frames = self;
    if (likely(argument == DOMID_SELF))
        return 0;
    if (table_domain)
        *tables = domain_named(self, (u16)(table_domain - 1));
    *frames = domain_named(self, frame_domain);
    if (!*tables || !*frames)
        return guest_refuse(self, XEN_ESRCH, "domain argument %#x: there is no such domain\n", argument);
    if (!domain_may_act_on(self, *tables) || !domain_may_act_on(self, *frames))
        return guest_refuse(self, XEN_EPERM, "domain argument %#x: another domain's memory is for privileged ones\n",
                            argument);
    if (*tables != self || *frames != self)
        return guest_refuse(self, XEN_EOPNOTSUPP, "domain argument %#x: updates across domains are not offered\n",
                            argument);
    return 0;
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
