/* SPDX-License-Identifier: MIT */
/* update_va_mapping_otherdomain(va, entry, flags, domain): maps a frame of another domain; for privileged callers. */
#include "common/cpu.h"
#include "common/domain.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/memory_batch.h"
#include "hypercalls/update_va_mapping.h"

/* doc errors: as update_va_mapping; domain argument: -ESRCH none such, or the caller itself; -EPERM not privileged */
long hypercall_update_va_mapping_otherdomain(u64 va, u64 entry, u64 flags, u64 domain, u64 unused)
{
    struct vcpu *v = current_vcpu();
    struct domain *frames;
    long rc = memory_frames_of(v->domain, (u16)domain, &frames);

    (void)unused;
    return rc ? rc : update_va_mapping(v, va, entry, flags, frames);
}
