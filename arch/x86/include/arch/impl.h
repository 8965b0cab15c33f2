/* SPDX-License-Identifier: MIT */
/*
 * x86's answers that must be inline: which processor this is, and what others cache. The per-cpu area is 64 KiB, aligned,
 * its struct on top.
 */
#ifndef XL_ARCH_IMPL_H
#define XL_ARCH_IMPL_H

#include "lib/types.h"

#define CPU_AREA_SIZE   0x10000ull
#define CPU_STRUCT_SIZE 512ull /* room at the top of the area: struct x86_cpu (arch/x86/cpu/percpu.h) */

struct cpu;

/* struct cpu stands first in struct x86_cpu. Any stack pointer of this cpu, IST stacks included, lies in the area. */
static inline struct cpu *this_cpu(void)
{
    u64 sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu *)((sp | (CPU_AREA_SIZE - 1)) + 1 - CPU_STRUCT_SIZE);
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause");
}

/* Returns when no other processor holds a translation from before. Guests run on one processor, so none does. */
static inline void flush_other_cpus(void)
{
}

#endif
