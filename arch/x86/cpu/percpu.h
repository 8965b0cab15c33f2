/* SPDX-License-Identifier: MIT */
/* struct x86_cpu: at the top of each cpu's area, just above the stack; the guest's registers lie right below it. */
#ifndef XL_X86_CPU_PERCPU_H
#define XL_X86_CPU_PERCPU_H

#include "arch/x86/cpu/regs.h"
#include "common/cpu.h"

struct x86_cpu {
    struct cpu cpu;        /* first: this_cpu() */
    u64 apic_id;
    struct x86_vcpu *loaded_fpu;    /* whose FPU state is in the processor; NULL: none */
    u64 xcr0;                       /* what XCR0 holds, where there is XSAVE */
    struct x86_vcpu *loaded_tables; /* whose GDT and LDT pages are mapped */
    u64 *gdt_l1;           /* the 32 page-table entries that map this cpu's GDT (16) and LDT (16) pages */
    u64 empty_entry;       /* maps a page without descriptors, where a guest gives none; 0: not made yet */
    u64 dr7;               /* what DR7 holds */
};
_Static_assert(sizeof(struct x86_cpu) <= CPU_STRUCT_SIZE, "struct x86_cpu fits its room");

static inline struct x86_cpu *this_x86_cpu(void)
{
    return (struct x86_cpu *)this_cpu();
}
/* The guest's registers while the hypervisor works for it (saved by the entry code). */
static inline struct regs *guest_regs(void)
{
    return (struct regs *)this_cpu() - 1;
}

#endif
