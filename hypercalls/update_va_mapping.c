/* SPDX-License-Identifier: MIT */
/* update_va_mapping(va, entry, flags): the L1 entry that maps va in the present tables, and the flush that goes with it. */
#include "common/cpu.h"
#include "common/domain.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/update_va_mapping.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>

/* Flags above the type of flush: 0 this vcpu, UVMF_ALL all of them, else the address of a bitmap of vcpus. */
static long flush(struct vcpu *v, vaddr_t va, u64 flags)
{
    u64 target = flags & ~UVMF_FLUSHTYPE_MASK, mask = 1ull << v->id;

    if (target == UVMF_ALL)
        mask = ~0ull;
    else if (target != UVMF_LOCAL && copy_from_guest(&mask, target, sizeof(mask)))
        return -XEN_EFAULT;
    switch (flags & UVMF_FLUSHTYPE_MASK) {
    case UVMF_TLB_FLUSH:
        arch_flush_tlb(v->domain, mask);
        return 0;
    case UVMF_INVLPG:
        arch_flush_tlb_page(v->domain, mask, va);
        return 0;
    default:
        return 0;
    }
}

long update_va_mapping(struct vcpu *v, vaddr_t va, u64 entry, u64 flags, struct domain *frames)
{
    long rc = arch_update_va_mapping(v, va, entry, frames);
    /* Only after success: the address is known to be the guest's then. */
    if (likely(rc == 0) && flags)
        rc = flush(v, va, flags);
    return rc;
}

/* doc errors: -EINVAL no L1 table maps the address; the entry's (docs/memory.md); -EFAULT the bitmap of vcpus is not readable */
long hypercall_update_va_mapping(u64 va, u64 entry, u64 flags, u64 unused4, u64 unused5)
{
    struct vcpu *v = current_vcpu();

    (void)unused4;
    (void)unused5;
    return update_va_mapping(v, va, entry, flags, v->domain);
}
