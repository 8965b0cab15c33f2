/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_iret(): leaves the guest kernel by the frame on its stack (struct iret_context). Ends a multicall. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

long hypercall_iret(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5;
    return arch_iret(current_vcpu());
}
