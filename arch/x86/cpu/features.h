/* SPDX-License-Identifier: MIT */
/* What the processor can do, read once from CPUID (Intel SDM vol. 2 CPUID, AMD APM vol. 3 appendix E). */
#ifndef XL_X86_CPU_FEATURES_H
#define XL_X86_CPU_FEATURES_H

#include "lib/types.h"

struct cpu_features {
    char vendor[13];
    char brand[49];
    u32 family, model, stepping;
    u32 physical_bits; /* width of a machine address */
    bool gib_pages;
    bool pge, smep, smap, umip;
    bool xsave;
    u64 xcr0;       /* state components that XSETBV takes; 0 without xsave */
    u32 xsave_size; /* bytes of the area with all of them; 512 without xsave */
    bool apic, x2apic;
    bool tsc_invariant; /* ticks at one rate, whatever the power state */
};

extern struct cpu_features cpu_features;

void cpu_features_read(void);

#endif
