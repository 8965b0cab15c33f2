/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_fpu_taskswitch(set): the guest's CR0.TS. While it is set, the next floating-point instruction raises #NM
 * in the guest, which clears it.
 */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

long hypercall_fpu_taskswitch(u64 set, u64 a2, u64 a3, u64 a4, u64 a5)
{
    (void)a2, (void)a3, (void)a4, (void)a5;
    return arch_fpu_taskswitch(current_vcpu(), (u32)set != 0);
}
