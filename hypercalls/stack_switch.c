/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_stack_switch(ss, sp): where frames are pushed when guest user mode enters the guest kernel. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

long hypercall_stack_switch(u64 ss, u64 sp, u64 a3, u64 a4, u64 a5)
{
    (void)a3, (void)a4, (void)a5;
    return arch_stack_switch(current_vcpu(), ss, sp);
}
