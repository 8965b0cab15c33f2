/* SPDX-License-Identifier: MIT */
/*
 * The registers of the fake processor: what arch/fake/include/arch/x86/cpu/insn.h reads and writes instead of
 * executing privileged instructions. Tests look at it and set it by hand. One for all cpus.
 */
#ifndef XL_FAKE_PROCESSOR_H
#define XL_FAKE_PROCESSOR_H

#include "lib/types.h"

#define FAKE_MSRS 64

struct fake_msr {
    u32 number;
    u64 value;
};

struct fake_cpuid {
    u32 eax, ebx, ecx, edx;
};

struct fake_processor {
    u64 cr0, cr2, cr3, cr4, xcr0;
    u64 dr[8];
    u64 flags;
    u64 tsc; /* advances by 1 with each rdtsc */
    u16 cs, ss, ds, es, fs, gs, tr, ldtr;
    u64 gdt_base, idt_base;
    u16 gdt_limit, idt_limit;
    bool gs_swapped;
    u8 fpu[4096]; /* what XSAVE or FXSAVE stores */
    u64 xcr0_allowed;
    u32 mxcsr;

    struct fake_msr msr[FAKE_MSRS]; /* the ones that exist */
    u32 msr_count;

    /* Counters: a test zeroes them and looks afterwards. */
    u64 cr3_loads, page_flushes, cache_flushes, halts, interrupts_on, interrupts_off;
    u64 last_page_flushed;

    /* Asked where set; else: any selector loads, CPUID is zero, ports read as ones and swallow, areas
     * restore. */
    bool (*selector_ok)(u16 selector);
    void (*cpuid)(u32 leaf, u32 subleaf, struct fake_cpuid *out);
    u32 (*port_in)(u16 port, unsigned bytes);
    void (*port_out)(u16 port, unsigned bytes, u32 value);
    bool (*fpu_ok)(const void *area);
    void (*cr3_loaded)(void); /* each load of CR3: a flush */
};

extern struct fake_processor fake_processor;

void fake_processor_reset(void);
/* The MSR becomes one that exists. */
void fake_msr_set(u32 number, u64 value);
/* NULL: no such MSR. */
u64 *fake_msr_find(u32 number);

/* Instructions with more to them than a variable. */
__noreturn void fake_fault(const char *what); /* the processor would fault and nobody catches it */
__noreturn void fake_insn_hlt(void);
void fake_insn_wait(void); /* with interrupts on: time goes on until the timer's; where it is off, as hlt */

#endif
