/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_set_callbacks(event, failsafe, syscall): three of callback_op's callbacks at once, none of the last two
 * masking events. All three addresses are checked before any is taken; 0 stands for "none".
 */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/pv.h>
#include <xen/callback.h>
#include <xen/errno.h>

/* doc errors: -EINVAL an address is not canonical: none is taken */
long hypercall_set_callbacks(u64 event, u64 failsafe, u64 syscall, u64 a4, u64 a5)
{
    const struct callback_register wanted[] = {
        {.type = CALLBACKTYPE_event, .address = event},
        {.type = CALLBACKTYPE_failsafe, .address = failsafe},
        {.type = CALLBACKTYPE_syscall, .address = syscall},
    };
    struct vcpu *v = current_vcpu();
    (void)a4, (void)a5;

    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (!arch_callback_address_ok(wanted[i].address))
            return -XEN_EINVAL;
    }
    long rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(wanted) && !rc; i++)
        rc = arch_callback_register(v, &wanted[i]);
    return rc;
}
