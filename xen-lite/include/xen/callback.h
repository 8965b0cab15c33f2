/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_callback_op(command, argument): where the hypervisor enters the guest kernel.
 */
#ifndef XL_ABI_CALLBACK_H
#define XL_ABI_CALLBACK_H

#include "xen.h"

#define CALLBACKTYPE_event               0 /* events are pending */
#define CALLBACKTYPE_failsafe            1 /* a segment could not be loaded on the way into the guest */
#define CALLBACKTYPE_syscall             2 /* SYSCALL from 64-bit guest user mode */
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5
#define CALLBACKTYPE_syscall32           7 /* SYSCALL from 32-bit guest user mode */

/* Flag: enter with events masked. Always so for event and nmi. */
#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events  (1U << _CALLBACKF_mask_events)

#define CALLBACKOP_register 0
struct callback_register {
    uint16_t type;
    uint16_t flags;
    xen_callback_t address;
};
typedef struct callback_register callback_register_t;
DEFINE_XEN_GUEST_HANDLE(callback_register_t);

#define CALLBACKOP_unregister 1
struct callback_unregister {
    uint16_t type;
    uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
DEFINE_XEN_GUEST_HANDLE(callback_unregister_t);

#endif
