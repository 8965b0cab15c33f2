/* SPDX-License-Identifier: MIT */
/*
 * The functions of arch/x86/cpu/insn.h in plain C, on the variables of arch/fake/processor.h. Found before the real
 * file by the unit tests' include path.
 */
#ifndef XL_X86_CPU_INSN_H
#define XL_X86_CPU_INSN_H

#include "arch/fake/processor.h"
#include "lib/string.h"
#include "lib/types.h"

/* Model-specific registers */
static inline bool insn_rdmsr_safe(u32 msr, u64 *value)
{
    u64 *found = fake_msr_find(msr);
    if (found == NULL)
        return false;
    *value = *found;
    return true;
}
static inline bool insn_wrmsr_safe(u32 msr, u64 value)
{
    u64 *found = fake_msr_find(msr);
    if (found == NULL)
        return false;
    *found = value;
    return true;
}
static inline u64 insn_rdmsr(u32 msr)
{
    u64 value = 0;
    if (!insn_rdmsr_safe(msr, &value))
        fake_fault("rdmsr of a register that does not exist");
    return value;
}
static inline void insn_wrmsr(u32 msr, u64 value)
{
    if (!insn_wrmsr_safe(msr, value))
        fake_fault("wrmsr of a register that does not exist");
}

/* Control registers */
static inline u64 insn_read_cr0(void)
{
    return fake_processor.cr0;
}
static inline void insn_write_cr0(u64 v)
{
    fake_processor.cr0 = v;
}
static inline u64 insn_read_cr2(void)
{
    return fake_processor.cr2;
}
static inline void insn_write_cr2(u64 v)
{
    fake_processor.cr2 = v;
}
static inline u64 insn_read_cr3(void)
{
    return fake_processor.cr3;
}
static inline void insn_write_cr3(u64 v)
{
    fake_processor.cr3 = v;
    fake_processor.cr3_loads++;
    if (fake_processor.cr3_loaded)
        fake_processor.cr3_loaded();
}
static inline u64 insn_read_cr4(void)
{
    return fake_processor.cr4;
}
static inline void insn_write_cr4(u64 v)
{
    fake_processor.cr4 = v;
}
static inline void insn_clts(void)
{
    fake_processor.cr0 &= ~8ull;
}
static inline void insn_stts(void)
{
    fake_processor.cr0 |= 8;
}
static inline u64 insn_xgetbv(u32 index)
{
    if (index != 0)
        fake_fault("xgetbv of a register that does not exist");
    return fake_processor.xcr0;
}
static inline bool insn_xsetbv_safe(u32 index, u64 value)
{
    if (index != 0 || (value & 1) == 0 || (value & ~fake_processor.xcr0_allowed) != 0)
        return false;
    fake_processor.xcr0 = value;
    return true;
}
static inline void insn_xsetbv(u32 index, u64 value)
{
    if (!insn_xsetbv_safe(index, value))
        fake_fault("xsetbv");
}

/* Debug registers */
static inline u64 insn_read_dr(unsigned n)
{
    return fake_processor.dr[n];
}
static inline void insn_write_dr(unsigned n, u64 v)
{
    if (n >= 6 && v >> 32 != 0)
        fake_fault("upper half of DR6 or DR7");
    fake_processor.dr[n] = v;
}

/* Identification and time */
static inline void insn_cpuid(u32 leaf, u32 subleaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
    struct fake_cpuid out = {0, 0, 0, 0};
    if (fake_processor.cpuid != NULL)
        fake_processor.cpuid(leaf, subleaf, &out);
    *eax = out.eax;
    *ebx = out.ebx;
    *ecx = out.ecx;
    *edx = out.edx;
}
static inline u64 insn_rdtsc(void)
{
    return fake_processor.tsc++;
}

/* Translations and caches */
static inline void insn_invlpg(u64 address)
{
    fake_processor.page_flushes++;
    fake_processor.last_page_flushed = address;
}
static inline void insn_wbinvd(void)
{
    fake_processor.cache_flushes++;
}

/* Tables and segments */
static inline void insn_lgdt(u64 base, u16 limit)
{
    fake_processor.gdt_base = base;
    fake_processor.gdt_limit = limit;
}
static inline void insn_lidt(u64 base, u16 limit)
{
    fake_processor.idt_base = base;
    fake_processor.idt_limit = limit;
}
static inline void insn_ltr(u16 selector)
{
    fake_processor.tr = selector;
}
static inline void insn_lldt(u16 selector)
{
    fake_processor.ldtr = selector;
}
static inline u16 insn_read_cs(void)
{
    return fake_processor.cs;
}
static inline u16 insn_read_ss(void)
{
    return fake_processor.ss;
}
static inline u16 insn_read_ds(void)
{
    return fake_processor.ds;
}
static inline u16 insn_read_es(void)
{
    return fake_processor.es;
}
static inline u16 insn_read_fs(void)
{
    return fake_processor.fs;
}
static inline u16 insn_read_gs(void)
{
    return fake_processor.gs;
}
static inline bool fake_load_selector(u16 *to, u16 selector)
{
    if (fake_processor.selector_ok != NULL && !fake_processor.selector_ok(selector))
        return false;
    *to = selector;
    return true;
}
static inline bool insn_load_ds(u16 selector)
{
    return fake_load_selector(&fake_processor.ds, selector);
}
static inline bool insn_load_es(u16 selector)
{
    return fake_load_selector(&fake_processor.es, selector);
}
static inline bool insn_load_fs(u16 selector)
{
    return fake_load_selector(&fake_processor.fs, selector);
}
static inline bool insn_load_gs(u16 selector)
{
    return fake_load_selector(&fake_processor.gs, selector);
}
static inline void insn_load_ring0(u16 cs, u16 ss)
{
    fake_processor.cs = cs;
    fake_processor.ss = ss;
}
static inline void insn_swapgs(void)
{
    u64 *gs = fake_msr_find(0xc0000101), *kernel_gs = fake_msr_find(0xc0000102);
    u64 value = *gs;
    *gs = *kernel_gs;
    *kernel_gs = value;
    fake_processor.gs_swapped = !fake_processor.gs_swapped;
}

/* Flags and waiting */
static inline u64 insn_read_flags(void)
{
    return fake_processor.flags;
}
static inline void insn_cli(void)
{
    fake_processor.flags &= ~0x200ull;
    fake_processor.interrupts_off++;
}
static inline void insn_sti(void)
{
    fake_processor.flags |= 0x200;
    fake_processor.interrupts_on++;
}
static inline void insn_hlt(void)
{
    fake_insn_hlt();
}
static inline void insn_sti_hlt(void)
{
    insn_sti();
    fake_insn_wait();
}
static inline void insn_pause(void)
{
}

/* Ports */
static inline u32 fake_port_in(u16 port, unsigned bytes)
{
    return fake_processor.port_in != NULL ? fake_processor.port_in(port, bytes) : ~0u;
}
static inline void fake_port_out(u16 port, unsigned bytes, u32 value)
{
    if (fake_processor.port_out != NULL)
        fake_processor.port_out(port, bytes, value);
}
static inline u8 insn_in8(u16 port)
{
    return (u8)fake_port_in(port, 1);
}
static inline u16 insn_in16(u16 port)
{
    return (u16)fake_port_in(port, 2);
}
static inline u32 insn_in32(u16 port)
{
    return fake_port_in(port, 4);
}
static inline void insn_out8(u16 port, u8 v)
{
    fake_port_out(port, 1, v);
}
static inline void insn_out16(u16 port, u16 v)
{
    fake_port_out(port, 2, v);
}
static inline void insn_out32(u16 port, u32 v)
{
    fake_port_out(port, 4, v);
}

/* FPU state: the first 512 bytes of fake_processor.fpu; what XSAVE adds is the header behind them. */
static inline void insn_fninit(void)
{
    memset(fake_processor.fpu, 0, sizeof(fake_processor.fpu));
}
static inline void insn_fpu_forget_pointers(void)
{
    memset(fake_processor.fpu + 8, 0, 16); /* instruction and operand pointers of the FXSAVE image */
}
static inline void insn_ldmxcsr(u32 v)
{
    fake_processor.mxcsr = v;
}
static inline void insn_fxsave(void *area)
{
    memcpy(area, fake_processor.fpu, 512);
}
static inline void insn_xsave(void *area, u64 mask)
{
    u64 present = mask & fake_processor.xcr0;
    memcpy(area, fake_processor.fpu, 512);
    memcpy((u8 *)area + 512, &present, sizeof(present));
}
static inline bool insn_fxrstor(const void *area)
{
    if (fake_processor.fpu_ok != NULL && !fake_processor.fpu_ok(area))
        return false;
    memcpy(fake_processor.fpu, area, 512);
    return true;
}
static inline bool insn_xrstor(const void *area, u64 mask)
{
    (void)mask;
    return insn_fxrstor(area);
}

#endif
