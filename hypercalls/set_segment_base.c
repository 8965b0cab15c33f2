/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_set_segment_base(which, base): FS, the guest kernel's and user's GS, or the user's GS by selector. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

/* doc errors: -EINVAL a base that is not canonical */
long hypercall_set_segment_base(u64 which, u64 base, u64 a3, u64 a4, u64 a5)
{
    (void)a3, (void)a4, (void)a5;
    return arch_set_segment_base(current_vcpu(), (u32)which, base);
}
