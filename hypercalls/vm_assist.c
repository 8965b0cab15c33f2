/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_vm_assist(command, type): switches a help of the hypervisor on or off, for the whole domain. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

/* doc errors: -EINVAL a type that is not offered; -ENOSYS a command that is none */
long hypercall_vm_assist(u64 command, u64 type, u64 a3, u64 a4, u64 a5)
{
    (void)a3, (void)a4, (void)a5;
    return arch_vm_assist(current_vcpu(), (u32)command, (u32)type);
}
