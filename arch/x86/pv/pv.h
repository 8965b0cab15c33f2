/* SPDX-License-Identifier: MIT */
/*
 * The 64-bit paravirtual processor: kernel and user mode both run in ring 3. Who does what:
 *   bounce.c         exceptions, events and system calls onto the guest kernel's stack
 *   iret.c           the way back (hypercall iret), mode switches
 *   callback.c       set_trap_table, set_callbacks, callback_op
 *   segments.c       selectors, bases, stack_switch, GDT and LDT, update_descriptor
 *   privileged_op.c  privileged instructions executed in ring 3; cpuid.c and msr.c: what they answer
 *   debug.c fpu.c    debug registers, FPU state
 */
#ifndef XL_X86_PV_PV_H
#define XL_X86_PV_PV_H

#include "arch/x86/cpu/regs.h"
#include "arch/x86/cpu/vcpu.h"

/* bounce.c: the guest gets it. Registers are changed so that the guest continues in its handler; a guest that cannot
 * take it (no handler, bad stack) is crashed with the reason. */
void pv_inject_trap(struct x86_vcpu *v, struct regs *r, u8 vector, u32 error);
void pv_inject_page_fault(struct x86_vcpu *v, struct regs *r, vaddr_t address, u32 error);
/* Event upcall if one is due; true: registers changed. */
bool pv_deliver_event(struct x86_vcpu *v, struct regs *r);
/* SYSCALL from the guest's user mode. */
void pv_user_syscall(struct x86_vcpu *v, struct regs *r);
/* A data segment that a vcpu is to run with cannot be loaded: its failsafe callback. */
void pv_failsafe(struct x86_vcpu *v, struct regs *r);

/* iret.c */
long pv_iret(struct x86_vcpu *v, struct regs *r);
/* Kernel to user mode or back: root and GS base. The root to switch to must exist. */
void pv_toggle_mode(struct x86_vcpu *v);

/* privileged_op.c: true: done, registers changed and the instruction skipped; false: not ours, the guest gets #GP/#UD. */
bool pv_emulate_privileged(struct x86_vcpu *v, struct regs *r);   /* from #GP */
bool pv_emulate_invalid_op(struct x86_vcpu *v, struct regs *r);   /* from #UD: forced-emulation CPUID */

/* cpuid.c, msr.c */
struct cpuid_leaf {
    u32 eax, ebx, ecx, edx;
};
void pv_cpuid(struct x86_vcpu *v, u32 leaf, u32 subleaf, struct cpuid_leaf *out);
bool pv_read_msr(struct x86_vcpu *v, u32 msr, u64 *value);
bool pv_write_msr(struct x86_vcpu *v, u32 msr, u64 value);

/*
 * segments.c: at a context switch. Load: after the descriptor tables. False: a selector no longer names a segment
 * and is 0 now; when its registers stand, the guest is told by pv_failsafe().
 */
void pv_save_segments(struct x86_vcpu *v);
bool pv_load_segments(struct x86_vcpu *v);
void pv_load_descriptor_tables(struct x86_vcpu *v);
void pv_release_descriptor_tables(struct x86_vcpu *v);
/* Does a selector name 64-bit code, as its tables stand now? */
bool pv_selector_is_code64(const struct x86_vcpu *v, u16 selector);

/* fpu.c */
int pv_fpu_init(struct x86_vcpu *v);
void pv_fpu_free(struct x86_vcpu *v);
void pv_fpu_save(struct x86_vcpu *v);
void pv_fpu_load(struct x86_vcpu *v);
/* The x87 and SSE state a vcpu starts with: an FXSAVE image of 512 bytes, whatever stands in it. Before it first runs. */
void pv_fpu_import(struct x86_vcpu *v, const void *fxsave);
/* XSETBV by the current vcpu. False: refused, the guest gets #GP. */
bool pv_fpu_set_xcr0(struct x86_vcpu *v, u64 value);
/* #NM: the guest's TS is shown to it, ours is answered here. */
void pv_fpu_device_not_available(struct x86_vcpu *v, struct regs *r);

/* debug.c */
void pv_debug_load(struct x86_vcpu *v);

#endif
