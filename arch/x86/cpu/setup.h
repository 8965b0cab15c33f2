/* SPDX-License-Identifier: MIT */
/*
 * A processor's own tables and registers: GDT, TSS, IDT, SYSCALL, control registers.
 * SMAP stays off: QEMU 7.2 applies it to far returns and to IRETQ in ring 3, which a PV Linux executes, and
 * the hypervisor reaches guest memory only through the accessors of <arch/guest_memory.h> and the direct map
 * anyway.
 */
#ifndef XL_X86_CPU_SETUP_H
#define XL_X86_CPU_SETUP_H

#include "arch/x86/cpu/percpu.h"
#include "lib/types.h"

/* IST numbers: faults that may come where the stack is not to be trusted. */
#define IST_DF  1
#define IST_NMI 2
#define IST_DB  3
#define IST_MC  4

/* The memory of one cpu, mapped by host_map_cpu(). */
struct cpu_pages {
    struct x86_cpu *cpu; /* at the top of its area; zeroed */
    u8 *stub;            /* the SYSCALL landing page, by an address where it can be written */
    u64 stub_address;    /* where it is executed */
    u64 *gdt_l1;         /* the 32 entries that map its GDT and LDT pages */
    u64 tables;          /* address of the GDT; page 14 holds our descriptors, page 15 the TSS */
};

/* Where the processor goes: the entry code, which stands above this file. */
struct cpu_doors {
    const u64 *traps;         /* 256 addresses */
    u64 syscall64, syscall32; /* in the landing page */
};

/*
 * Fills in the memory and loads the registers of the processor it runs on, which must already stand on its
 * area's main stack. After it the trap code of arch/x86/entry is in charge, interrupts still off.
 */
void cpu_setup(u32 id, const struct cpu_pages *pages, const struct cpu_doors *doors);

/* 256 gates, one page, the same for all processors; filled by the first cpu_setup(). */
extern u64 idt[512];

#endif
