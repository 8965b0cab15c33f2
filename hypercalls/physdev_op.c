/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_physdev_op(command, argument): guests have no devices, so what remains of it is the guest kernel's I/O
 * privilege level. No port leads anywhere, therefore there is no bitmap of ports for user mode either.
 */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/pv.h>
#include <xen/errno.h>
#include <xen/physdev.h>

long hypercall_physdev_op(u64 command, u64 argument, u64 a3, u64 a4, u64 a5)
{
    (void)a3, (void)a4, (void)a5;

    switch ((u32)command) {
    case PHYSDEVOP_set_iopl: { /* doc: -EINVAL above 3 */
        struct physdev_set_iopl op;
        if (copy_from_guest(&op, argument, sizeof(op)))
            return -XEN_EFAULT;
        return arch_set_iopl(current_vcpu(), op.iopl);
    }
    default: /* doc: -ENOSYS */
        return -XEN_ENOSYS;
    }
}
