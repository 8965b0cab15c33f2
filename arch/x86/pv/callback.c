/* SPDX-License-Identifier: MIT */
/*
 * What the guest kernel registers: handlers of vectors, callbacks, helps of the hypervisor. Every address is checked
 * when it is stored, so that the way into the guest (bounce.c) never meets one that the processor refuses.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/pv/pv.h"
#include "common/printk.h"
#include "lib/string.h"
#include <arch/pv.h>
#include <xen/callback.h>
#include <xen/errno.h>
#include <xen/xen.h>

bool arch_callback_address_ok(u64 address)
{
    return is_canonical(address);
}

/* The selector is kept with RPL 3, though a 64-bit guest kernel is always entered by FLAT_KERNEL_CS64. */
long arch_set_trap(struct vcpu *v, const struct trap_info *trap)
{
    if (!is_canonical(trap->address))
        return guest_refuse(v->domain, XEN_EINVAL, "trap table: handler of vector %u at %#llx: not canonical\n",
                            trap->vector, (unsigned long long)trap->address);
    x86_vcpu(v)->trap[trap->vector] = (struct pv_trap){
        .address = trap->address,
        .cs = (u16)(trap->cs | 3),
        .dpl = (u8)TI_GET_DPL(trap),
        .mask_events = TI_GET_IF(trap) != 0,
    };
    return 0;
}

void arch_clear_traps(struct vcpu *v)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    memset(xv->trap, 0, sizeof(xv->trap));
}

/* NULL: no such callback. */
static struct pv_callback *callback_slot(struct x86_vcpu *v, u16 type)
{
    switch (type) {
    case CALLBACKTYPE_event: /* doc: the upcall; upcalls are masked when it starts */
        return &v->event;
    case CALLBACKTYPE_failsafe: /* doc: a data segment that cannot be loaded any more */
        return &v->failsafe;
    case CALLBACKTYPE_syscall: /* doc: SYSCALL from 64-bit user mode */
        return &v->syscall;
    case CALLBACKTYPE_syscall32: /* doc: SYSCALL from 32-bit code; none: #UD */
        return &v->syscall32;
    case CALLBACKTYPE_sysenter: /* doc: taken, never called */
        return &v->sysenter;
    case CALLBACKTYPE_nmi: /* doc: taken, never called: there are no NMIs for guests */
        return &v->nmi;
    default: /* doc CALLBACKTYPE_: -ENOSYS */
        return NULL;
    }
}

long arch_callback_register(struct vcpu *v, const struct callback_register *reg)
{
    if (!is_canonical(reg->address))
        return guest_refuse(v->domain, XEN_EINVAL, "callback %u at %#llx: not canonical\n", reg->type,
                            (unsigned long long)reg->address);
    struct pv_callback *slot = callback_slot(x86_vcpu(v), reg->type);
    if (!slot)
        return guest_refuse(v->domain, XEN_ENOSYS, "callback type %u: not known\n", reg->type);
    /* Events and NMIs are taken with events masked, whatever the flag says. */
    bool always = reg->type == CALLBACKTYPE_event || reg->type == CALLBACKTYPE_nmi;
    slot->address = reg->address;
    slot->mask_events = always || (reg->flags & CALLBACKF_mask_events);
    return 0;
}

/* Only the NMI's can be taken back; a guest cannot go on without the others. */
long arch_callback_unregister(struct vcpu *v, const struct callback_unregister *reg)
{
    struct pv_callback *slot = callback_slot(x86_vcpu(v), reg->type);
    if (!slot)
        return guest_refuse(v->domain, XEN_ENOSYS, "callback type %u: not known\n", reg->type);
    if (reg->type != CALLBACKTYPE_nmi)
        return guest_refuse(v->domain, XEN_EINVAL, "callback type %u: cannot be unregistered\n", reg->type);
    *slot = (struct pv_callback){0};
    return 0;
}

/*
 * Helps that a 64-bit guest may ask for. The three of 32-bit guests are accepted without effect, as on Xen. Not
 * offered: architectural_iopl (IOPL is set by physdev_op alone), m2p_strict (the table is the same for all).
 */
#define VM_ASSIST_OFFERED                                                                                            \
    (1ull << VMASST_TYPE_4gb_segments | 1ull << VMASST_TYPE_4gb_segments_notify |                                    \
     1ull << VMASST_TYPE_writable_pagetables | 1ull << VMASST_TYPE_pae_extended_cr3 |                                \
     1ull << VMASST_TYPE_runstate_update_flag)

/*
 * doc VMASST_TYPE_writable_pagetables: plain stores to L1 tables are carried out
 * doc VMASST_TYPE_runstate_update_flag: the registered runstate area is marked while it is half written
 * doc VMASST_TYPE_4gb_segments VMASST_TYPE_4gb_segments_notify VMASST_TYPE_pae_extended_cr3: taken, without effect
 * doc VMASST_TYPE_architectural_iopl VMASST_TYPE_m2p_strict: refused, -EINVAL
 */
long arch_vm_assist(struct vcpu *v, u32 cmd, u32 type)
{
    if (type >= 64 || !(VM_ASSIST_OFFERED >> type & 1))
        return guest_refuse(v->domain, XEN_EINVAL, "vm_assist type %u: not offered\n", type);
    switch (cmd) {
    case VMASST_CMD_enable: /* doc: for the whole domain */
        v->domain->vm_assist |= 1ull << type;
        return 0;
    case VMASST_CMD_disable: /* doc: for the whole domain */
        v->domain->vm_assist &= ~(1ull << type);
        return 0;
    default: /* doc VMASST_CMD_: -ENOSYS */
        return -XEN_ENOSYS;
    }
}
