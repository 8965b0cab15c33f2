/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op(ops, count, done, domain): pins, roots, flushes, LDT. As mmu_update: ops before the first that is refused
 * are done, *done says how many, interruption goes on behind them.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/printk.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/memory_batch.h"
#include "lib/string.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <arch/pv.h>
#include <xen/errno.h>

/* MMUEXT_*_MULTI: arg2 points to a bitmap of vcpus. */
static long vcpu_mask(const struct mmuext_op *op, u64 *mask)
{
    return copy_from_guest(mask, op->arg2.vcpumask.p ? (vaddr_t)op->arg2.vcpumask.p : 0, sizeof(*mask));
}

static long flush_op(struct vcpu *v, const struct mmuext_op *op)
{
    u64 mask = 1ull << v->id;
    long rc = 0;

    switch (op->cmd) {
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
        rc = vcpu_mask(op, &mask);
        break;
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        mask = ~0ull;
        break;
    default:
        break;
    }
    if (rc)
        return rc;
    if (op->cmd == MMUEXT_TLB_FLUSH_LOCAL || op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_TLB_FLUSH_ALL)
        arch_flush_tlb(v->domain, mask);
    else if (guest_range_ok(op->arg1.linear_addr, 1))
        arch_flush_tlb_page(v->domain, mask, op->arg1.linear_addr);
    return 0;
}

/* Clearing and copying frames for the guest, under the writable type. */
static long page_op(struct domain *d, const struct mmuext_op *op)
{
    struct frame *from = NULL, *to = arch_get_writable_gfn(d, gfn_make(op->arg1.mfn));

    if (!to)
        return guest_refuse(d, XEN_EINVAL, "mmuext_op %u: frame %#llx is not the domain's, or is a table\n", op->cmd,
                            (unsigned long long)op->arg1.mfn);
    if (op->cmd == MMUEXT_COPY_PAGE) {
        from = arch_get_gfn(d, gfn_make(op->arg2.src_mfn));
        if (!from) {
            arch_put_writable(to);
            return guest_refuse(d, XEN_EINVAL, "mmuext_op %u: source frame %#llx is not the domain's\n", op->cmd,
                                (unsigned long long)op->arg2.src_mfn);
        }
        memmove(frame_ptr(to), frame_ptr(from), PAGE_SIZE);
        frame_put(from);
    } else {
        memset(frame_ptr(to), 0, PAGE_SIZE);
    }
    arch_put_writable(to);
    return 0;
}

/* What is about the caller's own processors, and not about frames of a domain. */
static bool is_own_affair(u32 cmd)
{
    return cmd == MMUEXT_NEW_BASEPTR || cmd == MMUEXT_NEW_USER_BASEPTR || cmd == MMUEXT_SET_LDT ||
           (cmd >= MMUEXT_TLB_FLUSH_LOCAL && cmd <= MMUEXT_FLUSH_CACHE) || cmd == MMUEXT_FLUSH_CACHE_GLOBAL;
}

static long one_op(struct vcpu *v, struct domain *d, const struct mmuext_op *op)
{
    if (unlikely(d != v->domain && is_own_affair(op->cmd)))
        return guest_refuse(v->domain, XEN_EPERM, "mmuext_op %u on behalf of d%u\n", op->cmd, d->id);
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE: /* doc: validates the table and all below; -EINVAL, or the error of the entry that is refused */
        return arch_pin_table(v, d, op->cmd - MMUEXT_PIN_L1_TABLE + 1, gfn_make(op->arg1.mfn));
    case MMUEXT_UNPIN_TABLE: /* doc: -EINVAL not pinned, or not the domain's frame */
        return arch_unpin_table(v, d, gfn_make(op->arg1.mfn));
    case MMUEXT_NEW_BASEPTR: /* doc: validates where needed; errors as for a pin */
        return arch_new_base(v, gfn_make(op->arg1.mfn));
    case MMUEXT_NEW_USER_BASEPTR: /* doc: as NEW_BASEPTR; frame 0: no user tables */
        return arch_new_user_base(v, gfn_make(op->arg1.mfn));
    case MMUEXT_TLB_FLUSH_LOCAL: /* doc: of the vcpu that asks */
    case MMUEXT_INVLPG_LOCAL:    /* doc: the same, one page; an address of the hypervisor's: 0, and nothing is flushed */
    case MMUEXT_TLB_FLUSH_MULTI: /* doc: of the vcpus in a bitmap; -EFAULT it is not readable */
    case MMUEXT_INVLPG_MULTI:    /* doc: the same, one page */
    case MMUEXT_TLB_FLUSH_ALL:   /* doc: of all vcpus */
    case MMUEXT_INVLPG_ALL:      /* doc: the same, one page */
        return flush_op(v, op);
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL: /* doc: refused, -EACCES */
        return guest_refuse(d, XEN_EACCES, "mmuext_op %u: cache flushes are for domains with devices\n", op->cmd);
    case MMUEXT_SET_LDT: /* doc: all pages are checked at once; -EINVAL more than 8192 entries, or a page that cannot be one */
        return arch_set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE: /* doc: -EINVAL not the domain's frame, or a table */
        return page_op(d, op);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER: /* doc: refused, -EOPNOTSUPP */
        return guest_refuse(d, XEN_EOPNOTSUPP, "mmuext_op %u: there are no superpages for guests\n", op->cmd);
    default: /* doc: -ENOSYS */
        return guest_refuse(d, XEN_ENOSYS, "mmuext_op: there is no command %u\n", op->cmd);
    }
}

/* doc errors: -EFAULT arguments not readable; domain argument: -ESRCH none such, -EPERM not privileged, or not about frames */
long hypercall_mmuext_op(u64 ops, u64 count_arg, u64 done_address, u64 domains, u64 unused)
{
    struct vcpu *v = current_vcpu();
    struct domain *d;
    const struct batch batch = {__HYPERVISOR_mmuext_op, ops, (u32)count_arg, done_address, domains};
    u32 count = batch_count(&batch), i;
    long rc = memory_frames_of(v->domain, (u16)domains, &d);

    (void)unused;
    if (unlikely(rc))
        return rc;
    for (i = 0; i < count; i++) {
        struct mmuext_op op;
        if (unlikely(i && preempt_pending())) {
            rc = -XEN_ERESTART;
            break;
        }
        if (unlikely(copy_from_guest(&op, ops + i * sizeof(op), sizeof(op)))) {
            rc = -XEN_EFAULT;
            break;
        }
        /* Each op ends with what it left to do, so that the next one sees a table that was given up as free. */
        rc = arch_paging_finish(v, one_op(v, d, &op));
        if (unlikely(rc))
            break;
    }
    if (unlikely(done_address || rc == -XEN_ERESTART))
        rc = batch_end(v, &batch, i, sizeof(struct mmuext_op), rc);
    return rc;
}
