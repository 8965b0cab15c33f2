/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_callback_op(command, argument): where the hypervisor enters the guest kernel (xen/callback.h). */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/pv.h>
#include <xen/callback.h>
#include <xen/errno.h>

long hypercall_callback_op(u64 command, u64 argument, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    (void)a3, (void)a4, (void)a5;

    switch ((u32)command) {
    case CALLBACKOP_register: { /* doc: takes effect at once */
        struct callback_register op;
        if (copy_from_guest(&op, argument, sizeof(op)))
            return -XEN_EFAULT;
        return arch_callback_register(v, &op);
    }
    case CALLBACKOP_unregister: { /* doc: of the NMI callback only; others: -EINVAL */
        struct callback_unregister op;
        if (copy_from_guest(&op, argument, sizeof(op)))
            return -XEN_EFAULT;
        return arch_callback_unregister(v, &op);
    }
    default: /* doc: -ENOSYS */
        return -XEN_ENOSYS;
    }
}
