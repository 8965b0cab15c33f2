/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_get_debugreg(register): the result is the value itself, or -XEN_ENODEV for a register that is none. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

/* doc errors: -ENODEV no such register */
long hypercall_get_debugreg(u64 reg, u64 a2, u64 a3, u64 a4, u64 a5)
{
    u64 value = 0;
    (void)a2, (void)a3, (void)a4, (void)a5;
    long rc = arch_get_debugreg(current_vcpu(), (u32)reg, &value);
    return rc ? rc : (long)value;
}
