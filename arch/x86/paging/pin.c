/* SPDX-License-Identifier: MIT */
/* What keeps a table alive besides entries of other tables: the guest's pins, and the roots of its vcpus. */
#include "arch/x86/paging/roots.h"
#include "arch/x86/paging/tlb.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/paging/entry.h"
#include "common/cpu.h"
#include <arch/paging.h>

/* Who does the work that a change of v's roots leaves: the vcpu that asks for it, which need not be v itself. */
static struct table_work *work_for(struct x86_vcpu *v)
{
    struct vcpu *asks = current_vcpu();
    return asks && asks->domain == v->vcpu.domain ? &x86_vcpu(asks)->work : &v->work;
}

/* A reference to the frame and a type count of the level; NULL with *rc set. */
static struct frame *table_of_gfn(struct domain *d, gfn_t gfn, unsigned level, struct table_work *work, int *rc)
{
    struct frame *f = arch_get_gfn(d, gfn);
    if (!f) {
        *rc = guest_refuse(d, XEN_EINVAL, "frame %#llx is not the domain's\n", (unsigned long long)gfn.n);
        return NULL;
    }
    *rc = table_get(d, f, level, work);
    if (*rc) {
        frame_put(f);
        return NULL;
    }
    return f;
}

long arch_pin_table(struct vcpu *v, struct domain *d, unsigned level, gfn_t gfn)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    int rc;
    struct frame *f = table_of_gfn(d, gfn, level, &xv->work, &rc);
    if (!f)
        return rc;

    u64 w = frame_word(f);
    do {
        if (w & FRAME_PINNED) {
            table_put(f, &xv->work);
            return guest_refuse(d, XEN_EINVAL, "pin L%u: frame %#llx is pinned already\n", level,
                                (unsigned long long)gfn.n);
        }
    } while (!frame_swap(f, &w, w | FRAME_PINNED));
    return 0;
}

long arch_unpin_table(struct vcpu *v, struct domain *d, gfn_t gfn)
{
    struct frame *f = arch_get_gfn(d, gfn);
    if (!f)
        return guest_refuse(d, XEN_EINVAL, "unpin: frame %#llx is not the domain's\n", (unsigned long long)gfn.n);
    long rc = 0;
    u64 w = frame_word(f);
    do {
        if (!(w & FRAME_PINNED)) {
            rc = guest_refuse(d, XEN_EINVAL, "unpin: frame %#llx is not pinned\n", (unsigned long long)gfn.n);
            break;
        }
    } while (!frame_swap(f, &w, w & ~FRAME_PINNED));
    if (rc == 0)
        table_put(f, &x86_vcpu(v)->work);
    frame_put(f);
    return rc;
}

void root_load(struct x86_vcpu *v)
{
    insn_write_cr3((v->in_kernel ? v->kernel_root : v->user_root).n << PAGE_SHIFT);
}

long arch_new_base(struct vcpu *v, gfn_t gfn)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    int rc;
    struct frame *f = table_of_gfn(v->domain, gfn, PT_LEVELS, work_for(xv), &rc);
    if (!f)
        return rc;
    mfn_t old = xv->kernel_root;
    xv->kernel_root = frame_mfn(f);
    /* The old root is given up only after CR3 has left it. */
    if (v == current_vcpu() && xv->in_kernel)
        root_load(xv);
    if (!mfn_is_invalid(old))
        table_put(frame_of(old), work_for(xv));
    return 0;
}

long arch_new_user_base(struct vcpu *v, gfn_t gfn)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    mfn_t new = MFN_INVALID;
    if (gfn.n) {
        int rc;
        struct frame *f = table_of_gfn(v->domain, gfn, PT_LEVELS, work_for(xv), &rc);
        if (!f)
            return rc;
        new = frame_mfn(f);
    }
    /* Asked for by its kernel, so CR3 holds the other root. */
    mfn_t old = xv->user_root;
    xv->user_root = new;
    if (!mfn_is_invalid(old))
        table_put(frame_of(old), work_for(xv));
    return 0;
}

void roots_give_up(struct x86_vcpu *v, struct table_work *work)
{
    if (!mfn_is_invalid(v->kernel_root))
        table_put(frame_of(v->kernel_root), work);
    if (!mfn_is_invalid(v->user_root))
        table_put(frame_of(v->user_root), work);
    v->kernel_root = v->user_root = MFN_INVALID;
}

long arch_paging_finish(struct vcpu *v, long rc)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    struct table_work *work = &xv->work;
    work->resume = rc == -XEN_ERESTART && !xv->second_look.letting_go;
    xv->second_look.letting_go = false;
    if (rc != -XEN_ERESTART)
        xv->second_look.taken = false;
    if (unlikely(table_work_pending(work)) && !table_work_run(work))
        softirq_raise(SOFTIRQ_TABLES);
    return rc;
}

struct frame *arch_get_writable_gfn(struct domain *d, gfn_t gfn)
{
    mfn_t mfn = gfn_to_mfn(d, gfn);
    if (mfn_is_invalid(mfn) || writable_get(frame_of(mfn), d->id))
        return NULL;
    return frame_of(mfn);
}

bool arch_hold_writable(struct frame *f, u16 owner)
{
    return writable_get(f, owner) == 0;
}

void arch_put_writable(struct frame *f)
{
    writable_put(f);
}

void arch_flush_before_reuse(void)
{
    tlb_flush_all();
}

void arch_flush_tlb(struct domain *d, u64 vcpu_mask)
{
    (void)d; /* one cpu runs guests so far: what another vcpu left here goes with the CR3 load that switches to it */
    (void)vcpu_mask;
    tlb_flush_local();
}

void arch_flush_tlb_page(struct domain *d, u64 vcpu_mask, vaddr_t va)
{
    (void)d;
    (void)vcpu_mask;
    tlb_flush_page_local(va);
}
