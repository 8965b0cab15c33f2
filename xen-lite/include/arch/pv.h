/* SPDX-License-Identifier: MIT */
/* Contract: what the processor hypercalls of a paravirtualized vcpu ask of the machine. 0 or -XEN_Exxx. */
#ifndef XL_ARCH_PV_H
#define XL_ARCH_PV_H

#include "lib/types.h"

struct callback_register;
struct callback_unregister;
struct trap_info;
struct vcpu;

long arch_set_trap(struct vcpu *v, const struct trap_info *trap); /* address 0 is a list's end, not given here */
void arch_clear_traps(struct vcpu *v);
/* These two: -XEN_ERESTART where the vcpu asks for it itself: interrupted between two pages, the same request goes on. */
long arch_set_gdt(struct vcpu *v, const u64 *gfns, u32 entries);
long arch_set_ldt(struct vcpu *v, vaddr_t base, u32 entries);
long arch_update_descriptor(struct vcpu *v, paddr_t address, u64 descriptor);
long arch_stack_switch(struct vcpu *v, u64 ss, u64 sp);
long arch_set_segment_base(struct vcpu *v, u32 which, u64 base);
long arch_fpu_taskswitch(struct vcpu *v, bool set);
long arch_set_debugreg(struct vcpu *v, u32 reg, u64 value);
long arch_get_debugreg(struct vcpu *v, u32 reg, u64 *value); /* value: written where the answer is 0 */
/* May a guest's handler stand at that address at all? (it must be canonical) */
bool arch_callback_address_ok(u64 address);
long arch_callback_register(struct vcpu *v, const struct callback_register *reg);
long arch_callback_unregister(struct vcpu *v, const struct callback_unregister *reg);
long arch_set_iopl(struct vcpu *v, u32 iopl);
/* The hypercall iret: takes the frame from the guest's stack; the value to leave in rax. */
long arch_iret(struct vcpu *v);
long arch_vm_assist(struct vcpu *v, u32 cmd, u32 type);

#endif
