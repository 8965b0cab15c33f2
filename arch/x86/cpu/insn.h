/* SPDX-License-Identifier: MIT */
/*
 * Every privileged or special instruction, one function each, and nowhere else in C. The unit tests put a
 * fake in this file's place (arch/fake). A function that returns bool runs an instruction that may fault on
 * the value it is given: false means that it did and that nothing changed; the trap code finds the way out in
 * .ex_table (pairs of addresses: the faulting instruction, where to go on).
 */
#ifndef XL_X86_CPU_INSN_H
#define XL_X86_CPU_INSN_H

#include "lib/types.h"

/* A fault at local label `at` continues at local label `to`. */
#define INSN_FIXUP(at, to) ".pushsection .ex_table,\"a\"\n\t.quad " #at ", " #to "\n\t.popsection\n\t"

/* Model-specific registers
 * ------------------------------------------------------------------------------------------*/

static inline u64 insn_rdmsr(u32 msr)
{
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (u64)high << 32 | low;
}
static inline void insn_wrmsr(u32 msr, u64 value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}
static inline bool insn_rdmsr_safe(u32 msr, u64 *value)
{
    u32 low = 0, high = 0;
    u8 ok = 0;
    __asm__ volatile("1: rdmsr\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok), "+a"(low), "+d"(high)
                     : "c"(msr));
    if (ok)
        *value = (u64)high << 32 | low;
    return ok != 0;
}
static inline bool insn_wrmsr_safe(u32 msr, u64 value)
{
    u8 ok = 0;
    __asm__ volatile("1: wrmsr\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
                     : "memory");
    return ok != 0;
}

/* Control registers
 * -------------------------------------------------------------------------------------------------*/

static inline u64 insn_read_cr0(void)
{
    u64 v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
static inline void insn_write_cr0(u64 v)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline u64 insn_read_cr2(void)
{
    u64 v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
static inline void insn_write_cr2(u64 v)
{
    __asm__ volatile("mov %0, %%cr2" : : "r"(v) : "memory");
}
static inline u64 insn_read_cr3(void)
{
    u64 v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}
static inline void insn_write_cr3(u64 v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline u64 insn_read_cr4(void)
{
    u64 v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void insn_write_cr4(u64 v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
/* CR0.TS off and on: the next FPU instruction runs, or raises #NM. */
static inline void insn_clts(void)
{
    __asm__ volatile("clts" : : : "memory");
}
static inline void insn_stts(void)
{
    insn_write_cr0(insn_read_cr0() | 8);
}
static inline u64 insn_xgetbv(u32 index)
{
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
    return (u64)high << 32 | low;
}
static inline void insn_xsetbv(u32 index, u64 value)
{
    __asm__ volatile("xsetbv" : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}
static inline bool insn_xsetbv_safe(u32 index, u64 value)
{
    u8 ok = 0;
    __asm__ volatile("1: xsetbv\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
                     : "memory");
    return ok != 0;
}

/* Debug registers, n = 0..3, 6, 7 (a constant, so that one instruction remains)
 * -------------------------------------*/

static inline u64 insn_read_dr(unsigned n)
{
    u64 v;
    switch (n) {
    case 0:
        __asm__ volatile("mov %%dr0, %0" : "=r"(v));
        break;
    case 1:
        __asm__ volatile("mov %%dr1, %0" : "=r"(v));
        break;
    case 2:
        __asm__ volatile("mov %%dr2, %0" : "=r"(v));
        break;
    case 3:
        __asm__ volatile("mov %%dr3, %0" : "=r"(v));
        break;
    case 6:
        __asm__ volatile("mov %%dr6, %0" : "=r"(v));
        break;
    default:
        __asm__ volatile("mov %%dr7, %0" : "=r"(v));
        break;
    }
    return v;
}
static inline void insn_write_dr(unsigned n, u64 v)
{
    switch (n) {
    case 0:
        __asm__ volatile("mov %0, %%dr0" : : "r"(v) : "memory");
        break;
    case 1:
        __asm__ volatile("mov %0, %%dr1" : : "r"(v) : "memory");
        break;
    case 2:
        __asm__ volatile("mov %0, %%dr2" : : "r"(v) : "memory");
        break;
    case 3:
        __asm__ volatile("mov %0, %%dr3" : : "r"(v) : "memory");
        break;
    case 6:
        __asm__ volatile("mov %0, %%dr6" : : "r"(v) : "memory");
        break;
    default:
        __asm__ volatile("mov %0, %%dr7" : : "r"(v) : "memory");
        break;
    }
}

/* Identification and time
 * -------------------------------------------------------------------------------------------*/

static inline void insn_cpuid(u32 leaf, u32 subleaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
    __asm__ volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(*edx) : "0"(leaf), "2"(subleaf));
}
static inline u64 insn_rdtsc(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

/* Translations and caches
 * -------------------------------------------------------------------------------------------*/

static inline void insn_invlpg(u64 address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
static inline void insn_wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

/* Tables and segments
 * -----------------------------------------------------------------------------------------------*/

struct insn_table_register {
    u16 limit;
    u64 base;
} __attribute__((packed));

static inline void insn_lgdt(u64 base, u16 limit)
{
    struct insn_table_register t = {limit, base};
    __asm__ volatile("lgdt %0" : : "m"(t) : "memory");
}
static inline void insn_lidt(u64 base, u16 limit)
{
    struct insn_table_register t = {limit, base};
    __asm__ volatile("lidt %0" : : "m"(t) : "memory");
}
static inline void insn_ltr(u16 selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}
static inline void insn_lldt(u16 selector)
{
    __asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}
static inline u16 insn_read_cs(void)
{
    u32 v;
    __asm__ volatile("mov %%cs, %0" : "=r"(v));
    return (u16)v;
}
static inline u16 insn_read_ss(void)
{
    u32 v;
    __asm__ volatile("mov %%ss, %0" : "=r"(v));
    return (u16)v;
}
static inline u16 insn_read_ds(void)
{
    u32 v;
    __asm__ volatile("mov %%ds, %0" : "=r"(v));
    return (u16)v;
}
static inline u16 insn_read_es(void)
{
    u32 v;
    __asm__ volatile("mov %%es, %0" : "=r"(v));
    return (u16)v;
}
static inline u16 insn_read_fs(void)
{
    u32 v;
    __asm__ volatile("mov %%fs, %0" : "=r"(v));
    return (u16)v;
}
static inline u16 insn_read_gs(void)
{
    u32 v;
    __asm__ volatile("mov %%gs, %0" : "=r"(v));
    return (u16)v;
}
/* False: the selector names no usable descriptor (#GP, #NP); the register keeps what it had. */
static inline bool insn_load_ds(u16 selector)
{
    u8 ok = 0;
    __asm__ volatile("1: mov %1, %%ds\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "r"((u32)selector)
                     : "memory");
    return ok != 0;
}
static inline bool insn_load_es(u16 selector)
{
    u8 ok = 0;
    __asm__ volatile("1: mov %1, %%es\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "r"((u32)selector)
                     : "memory");
    return ok != 0;
}
static inline bool insn_load_fs(u16 selector)
{
    u8 ok = 0;
    __asm__ volatile("1: mov %1, %%fs\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "r"((u32)selector)
                     : "memory");
    return ok != 0;
}
static inline bool insn_load_gs(u16 selector)
{
    u8 ok = 0;
    __asm__ volatile("1: mov %1, %%gs\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "r"((u32)selector)
                     : "memory");
    return ok != 0;
}
/* Reloads CS with a selector of ring 0, 64-bit, and SS with one of its data segments. */
static inline void insn_load_ring0(u16 cs, u16 ss)
{
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %1, %%ss"
                     :
                     : "r"((u64)cs), "r"((u32)ss)
                     : "rax", "memory");
}
static inline void insn_swapgs(void)
{
    __asm__ volatile("swapgs" : : : "memory");
}

/* Flags and waiting
 * -------------------------------------------------------------------------------------------------*/

static inline u64 insn_read_flags(void)
{
    u64 v;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(v));
    return v;
}
static inline void insn_cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}
static inline void insn_sti(void)
{
    __asm__ volatile("sti" : : : "memory");
}
static inline void insn_hlt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}
/* Interrupts on and wait for one, with no gap in between in which one could be missed. */
static inline void insn_sti_hlt(void)
{
    __asm__ volatile("sti\n\thlt" : : : "memory");
}
static inline void insn_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* Ports
 * -------------------------------------------------------------------------------------------------------------*/

static inline u8 insn_in8(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}
static inline u16 insn_in16(u16 port)
{
    u16 v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}
static inline u32 insn_in32(u16 port)
{
    u32 v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}
static inline void insn_out8(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline void insn_out16(u16 port, u16 v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline void insn_out32(u16 port, u32 v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

/* FPU state. Areas: FXSAVE 512 bytes, 16-byte aligned; XSAVE 64-byte aligned, size as CPUID leaf 0xd says.
 * ----------*/

static inline void insn_fninit(void)
{
    __asm__ volatile("fninit" : : : "memory");
}
/* The address and opcode of the last x87 instruction become those of this one; no exception stays pending. */
static inline void insn_fpu_forget_pointers(void)
{
    static const u32 zero;
    __asm__ volatile("fnclex\n\temms\n\tfildl %0" : : "m"(zero) : "memory");
}
static inline void insn_ldmxcsr(u32 v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v) : "memory");
}
static inline void insn_fxsave(void *area)
{
    __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}
static inline void insn_xsave(void *area, u64 mask)
{
    __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}
/* False: the area holds what the processor refuses (reserved bits of MXCSR or of the XSAVE header). */
static inline bool insn_fxrstor(const void *area)
{
    u8 ok = 0;
    __asm__ volatile("1: fxrstor64 (%1)\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "r"(area)
                     : "memory");
    return ok != 0;
}
static inline bool insn_xrstor(const void *area, u64 mask)
{
    u8 ok = 0;
    __asm__ volatile("1: xrstor64 (%1)\n\tmovb $1, %0\n2:\n\t" INSN_FIXUP(1b, 2b)
                     : "+r"(ok)
                     : "r"(area), "a"((u32)mask), "d"((u32)(mask >> 32))
                     : "memory");
    return ok != 0;
}

#endif
