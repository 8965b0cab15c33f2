/* SPDX-License-Identifier: MIT */
/*
 * mmu_update(requests, count, done, domain): entries of page tables, one by one. Entries before the first that is
 * refused are done; *done says how many. Interrupted, it goes on behind the last one that was done.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/printk.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/memory_batch.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>

/* doc errors: -EFAULT arguments not readable; domain argument: -ESRCH none such, -EPERM not privileged */
long hypercall_mmu_update(u64 requests, u64 count_arg, u64 done_address, u64 domains, u64 unused)
{
    struct vcpu *v = current_vcpu();
    struct domain *tables, *frames;
    const struct batch batch = {__HYPERVISOR_mmu_update, requests, (u32)count_arg, done_address, domains};
    u32 count = batch_count(&batch), i;
    long rc = memory_target(v->domain, (u32)domains, &tables, &frames);

    (void)unused;
    if (unlikely(rc))
        return rc;
    for (i = 0; i < count; i++) {
        struct mmu_update request;
        if (unlikely(i && preempt_pending())) {
            rc = -XEN_ERESTART;
            break;
        }
        if (unlikely(copy_from_guest(&request, requests + i * sizeof(request), sizeof(request)))) {
            rc = -XEN_EFAULT;
            break;
        }
        rc = arch_mmu_update(v, tables, frames, request.ptr, request.val);
        if (unlikely(rc))
            break;
    }
    arch_mmu_update_end(v);
    arch_paging_finish(v, rc);
    if (unlikely(done_address || rc == -XEN_ERESTART))
        rc = batch_end(v, &batch, i, sizeof(struct mmu_update), rc);
    return rc;
}
