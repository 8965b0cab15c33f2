/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op(command, arguments, count): memory lent between domains, version 1 of the tables. Each element
 * of a batch is copied in once, carried out and answered by its own status; a batch that stops half way goes on with the
 * elements that are left. Answers are those of Xen 4.17 with gnttab=max-ver:1,transfer=0.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/grant_table.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/grant_table_op.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>

#define COMMANDS 4096u /* above stands what cache_flush would go on with */

/* ---- batches -------------------------------------------------------------------------------------------------- */

static long grant_op_swap(struct vcpu *v, vaddr_t list, u32 count)
{
    struct gnttab_swap_grant_ref op;
    u32 done;

    for (done = 0; done < count; done++) {
        vaddr_t at = list + (u64)done * sizeof(op);
        if (done && preempt_pending())
            break;
        if (copy_from_guest(&op, at, sizeof(op)))
            return -XEN_EFAULT;
        op.status = (int16_t)grant_swap(v->domain, op.ref_a, op.ref_b);
        if (copy_to_guest(at + offsetof(struct gnttab_swap_grant_ref, status), &op.status, sizeof(op.status)))
            return -XEN_EFAULT;
    }
    return done;
}

/* A batch of elements of that size, of which `done` are done (negative: an error): over, or to be gone on with. */
static long batch_end(struct vcpu *v, u32 command, vaddr_t list, u32 count, size_t size, long done)
{
    arch_mmu_update_end(v);
    if (likely(done == (long)count))
        return 0;
    if (done < 0)
        return done;
    return vcpu_restart(v, __HYPERVISOR_grant_table_op, command, list + (u64)done * size, count - (u32)done, 0, 0);
}

/* ---- about a whole table -------------------------------------------------------------------------------------- */

/* Whose table it is about. GNTST_okay, or why the caller may not. */
static int table_of(struct domain *self, domid_t number, struct domain **d)
{
    *d = domain_named(self, number);
    if (!*d)
        return guest_refuse(self, -GNTST_bad_domain, "grant table of domain %#x: there is no such domain\n", number);
    if (!domain_may_act_on(self, *d))
        return guest_refuse(self, -GNTST_permission_denied, "grant table of d%u: the domain is not privileged\n", number);
    return GNTST_okay;
}

/* What the guest calls that frame; in rewrite mode all ones until it has a place (XENMEM_add_to_physmap). */
static u64 frame_number(const struct domain *d, u32 index)
{
    mfn_t mfn = grant_frame(d, index);

    return arch_domain_translated(d) ? m2p_table[mfn.n] : mfn.n;
}

static int setup(struct domain *d, const struct gnttab_setup_table *op)
{
    int status = GNTST_okay;

    for (u32 i = 0; i < op->nr_frames; i++) {
        u64 number = frame_number(d, i);
        if (copy_to_guest((vaddr_t)op->frame_list.p + i * sizeof(number), &number, sizeof(number)))
            status = GNTST_bad_virt_addr;
    }
    return status;
}

static long setup_table(struct vcpu *v, vaddr_t at, u32 count)
{
    struct gnttab_setup_table op;
    struct domain *d;

    if (count != 1)
        return guest_refuse(v->domain, XEN_EINVAL, "setup_table: %u elements, expected 1\n", count);
    if (copy_from_guest(&op, at, sizeof(op)) ||
        !guest_range_ok((vaddr_t)op.frame_list.p, op.nr_frames * sizeof(xen_pfn_t)))
        return -XEN_EFAULT;
    op.status = (int16_t)table_of(v->domain, op.dom, &d);
    if (op.status == GNTST_okay) {
        int rc = grant_grow(d, op.nr_frames);
        if (rc == -XEN_ERESTART)
            return vcpu_restart(v, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, at, count, 0, 0);
        op.status = rc ? GNTST_general_error : (int16_t)setup(d, &op);
    }
    return copy_to_guest(at + offsetof(struct gnttab_setup_table, status), &op.status, sizeof(op.status));
}

static long query_size(struct vcpu *v, vaddr_t at, u32 count)
{
    struct gnttab_query_size op;
    struct domain *d;

    if (count != 1)
        return guest_refuse(v->domain, XEN_EINVAL, "query_size: %u elements, expected 1\n", count);
    if (copy_from_guest(&op, at, sizeof(op)))
        return -XEN_EFAULT;
    op.status = (int16_t)table_of(v->domain, op.dom, &d);
    if (op.status == GNTST_okay) {
        op.nr_frames = grant_frames(d);
        op.max_nr_frames = grant_max_frames();
    }
    return copy_to_guest(at, &op, sizeof(op));
}

static long get_version(struct vcpu *v, vaddr_t at)
{
    struct gnttab_get_version op;
    struct domain *d;

    if (copy_from_guest(&op, at, sizeof(op)))
        return -XEN_EFAULT;
    switch (table_of(v->domain, op.dom, &d)) {
    case GNTST_bad_domain:
        return -XEN_ESRCH;
    case GNTST_permission_denied:
        return -XEN_EPERM;
    default:
        op.version = 1;
        return copy_to_guest(at + offsetof(struct gnttab_get_version, version), &op.version, sizeof(op.version));
    }
}

static long set_version(struct vcpu *v, vaddr_t at)
{
    struct gnttab_set_version op;
    long rc = 0;

    if (copy_from_guest(&op, at, sizeof(op)))
        return -XEN_EFAULT;
    if (op.version != 1)
        rc = guest_refuse(v->domain, op.version == 2 ? XEN_ENOSYS : XEN_EINVAL,
                          "set_version: version %u, expected 1\n", op.version);
    op.version = 1;
    return copy_to_guest(at, &op, sizeof(op)) ? -XEN_EFAULT : rc;
}

/* Version 1 has none. */
static long get_status_frames(struct vcpu *v, vaddr_t at, u32 count)
{
    struct gnttab_get_status_frames op;
    struct domain *d;

    if (count != 1)
        return guest_refuse(v->domain, XEN_EINVAL, "get_status_frames: %u elements, expected 1\n", count);
    if (copy_from_guest(&op, at, sizeof(op)))
        return -XEN_EFAULT;
    op.status = (int16_t)table_of(v->domain, op.dom, &d);
    if (op.status == GNTST_okay && op.nr_frames != 0)
        op.status = (int16_t)guest_refuse(v->domain, -GNTST_general_error,
                                          "get_status_frames: %u frames, but tables are of version 1\n", op.nr_frames);
    return copy_to_guest(at + offsetof(struct gnttab_get_status_frames, status), &op.status, sizeof(op.status));
}

/* ---- the door ------------------------------------------------------------------------------------------------- */

static long about_table(struct vcpu *v, u32 command, vaddr_t argument, u32 count)
{
    switch (command) {
    case GNTTABOP_setup_table: /* doc: status -1 too many frames or no memory, -2 no such domain, -5 list, -8 another's */
        return setup_table(v, argument, count);
    case GNTTABOP_query_size: /* doc: status -2 no such domain, -8 another's table */
        return query_size(v, argument, count);
    case GNTTABOP_get_version: /* doc: 1; -ESRCH no such domain, -EPERM another's table */
        return get_version(v, argument);
    case GNTTABOP_set_version: /* doc: 1; 2 is refused: -ENOSYS; -EINVAL any other */
        return set_version(v, argument);
    case GNTTABOP_get_status_frames: /* doc: there are none in version 1: status -1 */
        return get_status_frames(v, argument, count);
    case GNTTABOP_transfer:    /* doc: refused: -EOPNOTSUPP */
    case GNTTABOP_cache_flush: /* doc: refused: -EOPNOTSUPP */
        return guest_refuse(v->domain, XEN_EOPNOTSUPP, "grant_table_op %u is not offered\n", command);
    default: /* doc: -ENOSYS */
        return guest_refuse(v->domain, XEN_ENOSYS, "grant_table_op %u is not one of ours\n", command);
    }
}

long hypercall_grant_table_op(u64 command_arg, u64 list, u64 count_arg, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    u32 command = (u32)command_arg, count = (u32)count_arg;
    size_t size;
    long done;
    (void)a4, (void)a5;

    if (unlikely(count > 0x7fffffffu || command >= COMMANDS))
        return guest_refuse(v->domain, XEN_EINVAL, "grant_table_op %#x, %u elements\n", command, count);
    /* doc errors: -EINVAL a negative count, or one other than 1 for a whole table; -EFAULT arguments */
    switch (command) {
    case GNTTABOP_map_grant_ref: /* doc: in each element's status: docs/memory.md, "Grants" */
        size = sizeof(struct gnttab_map_grant_ref);
        done = guest_range_ok(list, count * size) ? grant_op_map(v, list, count) : -XEN_EFAULT;
        break;
    case GNTTABOP_unmap_grant_ref:   /* doc: likewise */
    case GNTTABOP_unmap_and_replace: /* doc: likewise */
        size = sizeof(struct gnttab_unmap_grant_ref);
        done = guest_range_ok(list, count * size) ? grant_op_unmap(v, command, list, count) : -XEN_EFAULT;
        break;
    case GNTTABOP_copy: /* doc: likewise; bytes within a page */
        size = sizeof(struct gnttab_copy);
        done = guest_range_ok(list, count * size) ? grant_op_copy(v, list, count) : -XEN_EFAULT;
        break;
    case GNTTABOP_swap_grant_ref: /* doc: likewise */
        size = sizeof(struct gnttab_swap_grant_ref);
        done = guest_range_ok(list, count * size) ? grant_op_swap(v, list, count) : -XEN_EFAULT;
        break;
    default:
        return about_table(v, command, list, count);
    }
    return batch_end(v, command, list, count, size, done);
}
