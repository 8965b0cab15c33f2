/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes from one page to another, each a grant or a frame of the caller's. Both sides are claimed, the bounds
 * are checked, the bytes go over, both are let go. Where the two overlap they are copied as memmove() does.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/grant_table.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/grant_table_op.h"
#include "lib/string.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>

struct side {
    struct domain *d; /* whose page */
    bool is_grant;
    grant_ref_t ref;
    struct frame *f; /* claimed */
};

static __cold int refuse(const struct domain *d, int status, const char *why)
{
    guest_log(d, LOG_DEBUG, "grant copy: %s\n", why);
    return status;
}

__always_inline_fn int side_domain(struct domain *self, const struct gnttab_copy_ptr *p, bool is_grant, struct side *s)
{
    *s = (struct side){.d = domain_named(self, p->domid), .is_grant = is_grant, .ref = p->u.ref};
    if (unlikely(!s->d))
        return refuse(self, GNTST_bad_domain, "there is no such domain");
    if (!is_grant && unlikely(p->domid != DOMID_SELF))
        return refuse(self, GNTST_permission_denied, "a frame that is no grant must be the caller's (DOMID_SELF)");
    return GNTST_okay;
}

__always_inline_fn int source_claim(struct domain *self, const struct gnttab_copy_ptr *p, struct side *s)
{
    mfn_t mfn;

    if (!s->is_grant) {
        s->f = arch_get_gfn(self, gfn_make(p->u.gmfn));
        return likely(s->f != NULL) ? GNTST_okay : refuse(self, GNTST_bad_page, "the source is no frame of the caller's");
    }
    int status = grant_pin(s->d, s->ref, self, GRANT_PIN_READ, &mfn);
    if (likely(status == GNTST_okay))
        s->f = frame_of(mfn);
    return status;
}

__always_inline_fn void source_release(struct side *s)
{
    if (s->is_grant)
        grant_unpin(s->d, s->ref, GRANT_PIN_READ);
    else
        frame_put(s->f);
}

/* Written as a guest would write it: what is a table cannot be the destination. */
__always_inline_fn int dest_claim(struct domain *self, const struct gnttab_copy_ptr *p, struct side *s)
{
    mfn_t mfn;

    if (!s->is_grant) {
        s->f = arch_get_writable_gfn(self, gfn_make(p->u.gmfn));
        if (likely(s->f != NULL))
            return GNTST_okay;
        struct frame *f = arch_get_gfn(self, gfn_make(p->u.gmfn));
        if (!f)
            return refuse(self, GNTST_bad_page, "the destination is no frame of the caller's");
        frame_put(f);
        return refuse(self, GNTST_general_error, "the destination is in use as a table");
    }
    int status = grant_pin(s->d, s->ref, self, GRANT_PIN_WRITE, &mfn);
    if (unlikely(status != GNTST_okay))
        return status;
    s->f = frame_of(mfn);
    if (likely(arch_hold_writable(s->f, s->d->id)))
        return GNTST_okay;
    grant_unpin(s->d, s->ref, GRANT_PIN_WRITE);
    return refuse(self, GNTST_general_error, "the granted destination is in use as a table");
}

__always_inline_fn void dest_release(struct side *s)
{
    arch_put_writable(s->f);
    if (s->is_grant)
        grant_unpin(s->d, s->ref, GRANT_PIN_WRITE);
}

__always_inline_fn int copy_bytes(struct domain *self, const struct gnttab_copy *op, const struct side *from,
                                  const struct side *to)
{
    if (unlikely((u32)op->source.offset + op->len > PAGE_SIZE || (u32)op->dest.offset + op->len > PAGE_SIZE))
        return refuse(self, GNTST_bad_copy_arg, "beyond the end of a page");
    memmove((u8 *)frame_ptr(to->f) + op->dest.offset, (const u8 *)frame_ptr(from->f) + op->source.offset, op->len);
    return GNTST_okay;
}

/* The order of the checks is Xen's, and so is the answer where several would fail. */
__always_inline_fn int copy(struct domain *self, const struct gnttab_copy *op)
{
    struct side from, to;
    int status = side_domain(self, &op->source, op->flags & GNTCOPY_source_gref, &from);

    if (likely(status == GNTST_okay))
        status = side_domain(self, &op->dest, op->flags & GNTCOPY_dest_gref, &to);
    if (likely(status == GNTST_okay))
        status = source_claim(self, &op->source, &from);
    if (unlikely(status != GNTST_okay))
        return status;
    status = dest_claim(self, &op->dest, &to);
    if (likely(status == GNTST_okay)) {
        status = copy_bytes(self, op, &from, &to);
        dest_release(&to);
    }
    source_release(&from);
    return status;
}

long grant_op_copy(struct vcpu *v, vaddr_t list, u32 count)
{
    struct gnttab_copy op;
    u32 done;

    for (done = 0; done < count; done++) {
        vaddr_t at = list + (u64)done * sizeof(op);
        if (unlikely(done && preempt_pending()))
            break;
        if (unlikely(copy_from_guest(&op, at, sizeof(op))))
            return -XEN_EFAULT;
        op.status = (int16_t)copy(v->domain, &op);
        if (unlikely(copy_to_guest(at + offsetof(struct gnttab_copy, status), &op.status, sizeof(op.status))))
            return -XEN_EFAULT;
    }
    return done;
}
