/* SPDX-License-Identifier: MIT */
/*
 * What stands at which pseudo-physical number: add_to_physmap, its batch, remove_from_physmap, and giving a frame up.
 * In direct mode numbers are machine frames and nothing can be placed.
 */
#include "common/cpu.h"
#include "common/printk.h"
#include "common/spinlock.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/memory_op.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/memory.h>

bool memory_release(struct domain *d, u64 gfn, const char *what)
{
    struct frame *f = arch_get_gfn(d, gfn_make(gfn));
    bool done = false;

    if (!f) {
        guest_log(d, LOG_DEBUG, "%s: frame %#llx is not the domain's\n", what, (unsigned long long)gfn);
        return false;
    }
    if (frame_word(f) & FRAME_SPECIAL)
        guest_log(d, LOG_DEBUG, "%s: frame %#llx is shared with the hypervisor\n", what, (unsigned long long)gfn);
    else
        done = !arch_domain_translated(d) || arch_p2m_swap(d, gfn_make(gfn), frame_mfn(f), MFN_INVALID);
    if (done)
        frame_drop_alloc_and_ref(f);
    else
        frame_put(f);
    return done;
}

/*
 * The frame that the hypervisor shares with d as number `index` of a space; MFN_INVALID: there is none. A grant table grows
 * for it, as on Xen: -XEN_ERESTART, not there yet.
 */
static int shared_frame(struct domain *d, u32 space, u64 index, mfn_t *mfn)
{
    int rc = 0;

    *mfn = MFN_INVALID;
    if (space == XENMAPSPACE_shared_info && index == 0) {
        *mfn = d->shared_info_mfn;
    } else if (space == XENMAPSPACE_grant_table && index < grant_max_frames()) {
        rc = grant_grow(d, (u32)index + 1);
        *mfn = grant_frame(d, (u32)index);
    }
    return rc;
}

/* Held while a frame that the hypervisor shares moves from one number to another: it has one way back. */
static struct spinlock place_lock = SPINLOCK(LOCK_PHYSMAP);

/* The frame that stands at gpfn gives way to another in one step; what the domain had there is given back. */
static bool place_at(struct domain *d, u64 gpfn, mfn_t mfn)
{
    struct frame *f = arch_get_gfn(d, gfn_make(gpfn));
    bool ok = !(f && (frame_word(f) & FRAME_SPECIAL)) &&
              arch_p2m_swap(d, gfn_make(gpfn), f ? frame_mfn(f) : MFN_INVALID, mfn);

    if (ok && f)
        frame_drop_alloc(f);
    if (f)
        frame_put(f);
    return ok;
}

/*
 * What stands at gpfn now gives way, as on Xen; the shared frame leaves the place where it was, once it has its new one.
 */
static long place_shared(struct domain *d, u64 gpfn, mfn_t shared)
{
    long rc = 0;

    spinlock_lock(&place_lock);
    u64 before = m2p_table[shared.n];
    if (arch_gfn_to_mfn(d, gfn_make(gpfn)).n != shared.n) {
        if (!place_at(d, gpfn, shared))
            rc = guest_refuse(d, XEN_EINVAL, "add_to_physmap: frame %#llx is out of range, shared, or changing\n",
                              (unsigned long long)gpfn);
        else if (before != ~0ull)
            arch_p2m_swap(d, gfn_make(before), shared, MFN_INVALID);
    }
    spinlock_unlock(&place_lock);
    return rc;
}

static long place(struct domain *d, u32 space, u64 index, u64 gpfn)
{
    mfn_t shared;
    int rc = shared_frame(d, space, index, &shared);

    if (rc)
        return rc;
    if (mfn_is_invalid(shared))
        return guest_refuse(d, XEN_EINVAL,
                            "add_to_physmap: space %u index %llu, expected shared_info 0 or a frame of the grant table\n",
                            space, (unsigned long long)index);
    return place_shared(d, gpfn, shared);
}

/* The domain whose map is to be changed. -XEN_ESRCH, -XEN_EPERM, -XEN_EACCES: direct mode. */
static long physmap_of(struct domain *self, u16 domid, struct domain **d)
{
    *d = domain_named(self, domid);
    if (!*d)
        return guest_refuse(self, XEN_ESRCH, "physmap: there is no domain %u\n", domid);
    if (!domain_may_act_on(self, *d))
        return guest_refuse(self, XEN_EPERM, "physmap of d%u\n", (*d)->id);
    if (!arch_domain_translated(*d))
        return guest_refuse(self, XEN_EACCES, "physmap: frame numbers of d%u are not translated\n", (*d)->id);
    return 0;
}

long memory_op_add_to_physmap(struct vcpu *v, vaddr_t argument)
{
    struct xen_add_to_physmap add;
    struct domain *d;
    long rc;

    if (copy_from_guest(&add, argument, sizeof(add)))
        return -XEN_EFAULT;
    rc = physmap_of(v->domain, add.domid, &d);
    if (rc == 0)
        rc = place(d, add.space, add.idx, add.gpfn);
    if (rc == -XEN_ERESTART)
        return vcpu_restart(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, argument, 0, 0, 0);
    return rc;
}

/* Element i of the lists; its answer goes to the third of them. */
static long batch_one(struct domain *d, const struct xen_add_to_physmap_batch *b, u64 i)
{
    vaddr_t index_at, gpfn_at, error_at;
    u64 index, gpfn;
    s32 error;

    if (!guest_element((vaddr_t)b->idxs.p, i, sizeof(u64), &index_at) ||
        !guest_element((vaddr_t)b->gpfns.p, i, sizeof(u64), &gpfn_at) ||
        !guest_element((vaddr_t)b->errs.p, i, sizeof(s32), &error_at) ||
        copy_from_guest(&index, index_at, sizeof(index)) || copy_from_guest(&gpfn, gpfn_at, sizeof(gpfn)))
        return -XEN_EFAULT;
    error = (s32)place(d, b->space, index, gpfn);
    if (error == -XEN_ERESTART)
        return error;
    return copy_to_guest(error_at, &error, sizeof(error));
}

long memory_op_add_to_physmap_batch(struct vcpu *v, u64 start, vaddr_t argument)
{
    struct xen_add_to_physmap_batch b;
    struct domain *d;
    long rc;

    if (start > 0xffff)
        return guest_refuse(v->domain, XEN_EDOM, "add_to_physmap_batch: goes on at %llu\n", (unsigned long long)start);
    if (copy_from_guest(&b, argument, sizeof(b)))
        return -XEN_EFAULT;
    if (b.space == XENMAPSPACE_gmfn_range)
        return guest_refuse(v->domain, XEN_EOPNOTSUPP, "add_to_physmap_batch: ranges are not for batches\n");
    rc = physmap_of(v->domain, b.domid, &d);
    if (rc)
        return rc;
    if (start > b.size || (start && start == b.size))
        return guest_refuse(v->domain, XEN_EILSEQ, "add_to_physmap_batch: goes on at %llu of %u\n",
                            (unsigned long long)start, b.size);
    for (u64 i = start; i < b.size && rc == 0; i++) {
        if (i != start && preempt_pending())
            return vcpu_restart(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch | i << 6, argument, 0, 0, 0);
        rc = batch_one(d, &b, i);
        if (rc == -XEN_ERESTART)
            return vcpu_restart(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch | i << 6, argument, 0, 0, 0);
    }
    return rc;
}

/*
 * The number means nothing from now on. The memory stays the domain's and charged to it, as on Xen: what gives memory
 * back is decrease_reservation.
 */
long memory_op_remove_from_physmap(struct vcpu *v, vaddr_t argument)
{
    struct xen_remove_from_physmap remove;
    struct domain *d;
    struct frame *f;
    long rc;

    if (copy_from_guest(&remove, argument, sizeof(remove)))
        return -XEN_EFAULT;
    rc = physmap_of(v->domain, remove.domid, &d);
    if (rc)
        return rc;
    f = arch_get_gfn(d, gfn_make(remove.gpfn));
    if (!f)
        return guest_refuse(d, XEN_ENOENT, "remove_from_physmap: frame %#llx is not the domain's\n",
                            (unsigned long long)remove.gpfn);
    arch_p2m_swap(d, gfn_make(remove.gpfn), frame_mfn(f), MFN_INVALID);
    frame_put(f);
    return 0;
}
