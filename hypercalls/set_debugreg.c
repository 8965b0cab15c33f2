/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_set_debugreg(register, value): DR0 to DR3, DR6, DR7. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

/* doc errors: -EPERM not the guest's address, GD, I/O breakpoint; -EINVAL upper half of DR6, DR7; -ENODEV no such */
long hypercall_set_debugreg(u64 reg, u64 value, u64 a3, u64 a4, u64 a5)
{
    (void)a3, (void)a4, (void)a5;
    return arch_set_debugreg(current_vcpu(), (u32)reg, value);
}
