/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_update_descriptor(address, descriptor): stores one descriptor at a machine address (pseudo-physical
 * where the domain's frame numbers are translated), in a page that is a descriptor table or could be mapped writable.
 */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>

/* doc errors: -EINVAL not a multiple of 8, neither code nor data, or a frame that can hold none */
long hypercall_update_descriptor(u64 address, u64 descriptor, u64 a3, u64 a4, u64 a5)
{
    (void)a3, (void)a4, (void)a5;
    return arch_update_descriptor(current_vcpu(), address, descriptor);
}
