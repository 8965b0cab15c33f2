/* SPDX-License-Identifier: MIT */
/*
 * map_grant_ref, unmap_grant_ref, unmap_and_replace. Order of a map: pin, entry, handle; of an unmap: entry, flush, what
 * the entry held, pin. Unmaps go in groups that share one flush.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/grant_table.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/grant_table_op.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>

#define UNMAP_GROUP 32u

/* What the map holds besides its pin; all or nothing. */
__always_inline_fn bool map_hold(struct vcpu *v, const struct gnttab_map_grant_ref *op, const struct domain *granter, mfn_t mfn)
{
    bool device_writes = (op->flags & GNTMAP_device_map) && !(op->flags & GNTMAP_readonly);
    struct frame *f = frame_of(mfn);

    if (unlikely(device_writes) && !arch_hold_writable(f, granter->id)) {
        guest_log(v->domain, LOG_DEBUG, "grant %#x of d%u: not for a device, it is in use as a table\n", op->ref, granter->id);
        return false;
    }
    if (unlikely(!(op->flags & GNTMAP_host_map)))
        return true;
    if (likely(arch_grant_map(v, op->host_addr, op->flags, mfn, granter->id) == 0))
        return true;
    if (device_writes)
        arch_put_writable(f);
    return false;
}

__always_inline_fn int map(struct vcpu *v, struct gnttab_map_grant_ref *op)
{
    struct domain *d = v->domain, *granter;
    grant_handle_t handle;
    mfn_t mfn;

    if (unlikely(!(op->flags & (GNTMAP_host_map | GNTMAP_device_map))))
        return guest_refuse(d, -GNTST_bad_gntref, "grant map: flags %#x name neither a host nor a device map\n", op->flags);
    granter = op->dom == DOMID_SELF ? NULL : domain_named(d, op->dom); /* as on Xen: oneself by one's number only */
    if (unlikely(!granter))
        return guest_refuse(d, -GNTST_bad_domain, "grant map: there is no domain %#x\n", op->dom);
    int status = grant_map_begin(d, granter, op->ref, op->flags, &handle, &mfn);
    if (unlikely(status != GNTST_okay))
        return status;
    if (unlikely(!map_hold(v, op, granter, mfn))) {
        grant_map_cancel(d, granter, op->ref, op->flags, handle);
        return GNTST_general_error;
    }
    grant_map_commit(d, granter, op->ref, op->flags, handle);
    op->handle = handle;
    op->dev_bus_addr = mfn.n << PAGE_SHIFT;
    return GNTST_okay;
}

long grant_op_map(struct vcpu *v, vaddr_t list, u32 count)
{
    struct gnttab_map_grant_ref op;
    u32 done;

    for (done = 0; done < count; done++) {
        vaddr_t at = list + (u64)done * sizeof(op);
        if (unlikely(done && preempt_pending()))
            break;
        if (unlikely(copy_from_guest(&op, at, sizeof(op))))
            return -XEN_EFAULT;
        op.status = (int16_t)map(v, &op);
        /* From `dom` on, which is as it was: whole words. */
        if (unlikely(copy_to_guest(at + offsetof(struct gnttab_map_grant_ref, dom), &op.dom,
                                   sizeof(op) - offsetof(struct gnttab_map_grant_ref, dom))))
            return -XEN_EFAULT;
    }
    return done;
}

/* One handle, up to the point where the flush is due. new_address 0: nothing moves there. */
__always_inline_fn int unmap(struct vcpu *v, u64 host_addr, u64 dev_bus_addr, u64 new_address, struct grant_unmap *u)
{
    if (dev_bus_addr && (u->flags & GNTMAP_device_map) && unlikely(dev_bus_addr != u->mfn.n << PAGE_SHIFT))
        return guest_refuse(v->domain, -GNTST_bad_dev_addr, "grant unmap: bus address %#llx, expected %#llx\n",
                                  (unsigned long long)dev_bus_addr, (unsigned long long)u->mfn.n << PAGE_SHIFT);
    if (likely(host_addr && (u->flags & GNTMAP_host_map))) {
        if (unlikely(arch_grant_unmap(v, host_addr, new_address, u->flags, u->mfn) != 0))
            return GNTST_general_error;
        u->done |= GNTMAP_host_map;
    }
    if (dev_bus_addr && (u->flags & GNTMAP_device_map))
        u->done |= GNTMAP_device_map;
    return GNTST_okay;
}

/* One element of the batch. False: its argument cannot be read or answered. */
__always_inline_fn bool unmap_one(struct vcpu *v, u32 command, vaddr_t at, struct grant_unmap *u, bool *begun)
{
    union {
        struct gnttab_unmap_grant_ref plain;
        struct gnttab_unmap_and_replace replace;
    } op;
    bool plain = command == GNTTABOP_unmap_grant_ref;
    _Static_assert(sizeof(op.plain) == sizeof(op.replace), "both are elements of the same size");
    _Static_assert(offsetof(struct gnttab_unmap_grant_ref, status) == offsetof(struct gnttab_unmap_and_replace, status) &&
                       offsetof(struct gnttab_unmap_grant_ref, handle) == offsetof(struct gnttab_unmap_and_replace, handle),
                   "and differ in one field only");

    if (copy_from_guest(&op, at, sizeof(op)))
        return false;
    int status = grant_unmap_begin(v->domain, op.plain.handle, u);
    int16_t answer;
    *begun = status == GNTST_okay;
    if (likely(*begun))
        status = unmap(v, op.plain.host_addr, plain ? op.plain.dev_bus_addr : 0, plain ? 0 : op.replace.new_addr, u);
    answer = (int16_t)status;
    return copy_to_guest(at + offsetof(struct gnttab_unmap_grant_ref, status), &answer, sizeof(answer)) == 0;
}

/* Up to UNMAP_GROUP elements, with one flush; returns how many, *fault: the one after them cannot be read or answered. */
__always_inline_fn u32 unmap_group(struct vcpu *v, u32 command, vaddr_t list, u32 count, bool *fault)
{
    struct grant_unmap group[UNMAP_GROUP];
    u32 done, fill = 0;

    *fault = false;
    for (done = 0; done < count && done < UNMAP_GROUP && !*fault; done++) {
        bool begun = false;
        *fault = !unmap_one(v, command, list + done * sizeof(struct gnttab_unmap_grant_ref), &group[fill], &begun);
        fill += begun;
    }
    arch_mmu_update_end(v);
    arch_flush_tlb(v->domain, ~0ull);
    grant_unmap_end(v->domain, group, fill);
    return done;
}

long grant_op_unmap(struct vcpu *v, u32 command, vaddr_t list, u32 count)
{
    u32 done = 0;
    bool fault = false;

    while (done < count && !fault) {
        if (done && preempt_pending())
            break;
        done += unmap_group(v, command, list + done * sizeof(struct gnttab_unmap_grant_ref), count - done, &fault);
    }
    return fault ? -XEN_EFAULT : (long)done;
}
