/* SPDX-License-Identifier: MIT */
/* The fake machine's answers that must be inline: the processor is the one that the test has selected. */
#ifndef XL_ARCH_IMPL_H
#define XL_ARCH_IMPL_H

#include "lib/types.h"

#define CPU_AREA_SIZE   0x10000ull
#define CPU_STRUCT_SIZE 512ull

struct cpu;

extern _Thread_local struct cpu *fake_this_cpu; /* a thread of the test program is a processor */

static inline struct cpu *this_cpu(void)
{
    return fake_this_cpu;
}

static inline void cpu_relax(void)
{
}

#endif
