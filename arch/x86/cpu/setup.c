/* SPDX-License-Identifier: MIT */
/* Descriptor tables and system registers of one processor (AMD APM vol. 2 §4, §6, §8; Intel SDM vol. 3 §2,
 * §3, §6). */
#include "arch/x86/cpu/setup.h"
#include "arch/x86/cpu/features.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "lib/bug.h"
#include "lib/string.h"

#define CODE64_RING0  0x00af9b000000ffffull
#define DATA_RING0    0x00cf93000000ffffull
#define CODE32_RING3  0x00cffb000000ffffull
#define DATA_RING3    0x00cff3000000ffffull
#define CODE64_RING3  0x00affb000000ffffull
#define TSS_AVAILABLE 0x89ull
#define GDT_LIMIT     (SEL_LDT + 15) /* nothing of what lies behind it can be taken for a descriptor */

#define GATE_INTERRUPT 0x8e00ull
#define GATE_RING3     0x6000ull

#define MSR_STAR        0xc0000081u
#define MSR_LSTAR       0xc0000082u
#define MSR_CSTAR       0xc0000083u
#define MSR_FMASK       0xc0000084u
#define MSR_EFER        0xc0000080u
#define MSR_SYSENTER_CS 0x174u
#define EFER_SCE        1ull
#define EFER_NXE        (1ull << 11)

#define CR0_WANTED     0x80010033ull /* PG WP NE ET MP PE */
#define CR4_DE         (1ull << 3)
#define CR4_PAE        (1ull << 5)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)

struct tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_bitmap; /* its offset; at the segment's end: no port is allowed */
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "APM vol. 2 figure 12-8");

u64 idt[512] __attribute__((aligned(4096)));

static void set_gate(unsigned vector, u64 address, unsigned ist, bool ring3)
{
    idt[vector * 2] = (address & 0xffff) | (u64)SEL_RING0_CS << 16 | (u64)ist << 32 |
                      (GATE_INTERRUPT | (ring3 ? GATE_RING3 : 0)) << 32 | (address >> 16 & 0xffff) << 48;
    idt[vector * 2 + 1] = address >> 32;
}

static void fill_idt(const u64 *traps)
{
    for (unsigned v = 0; v < 256; v++) {
        unsigned ist = v == VECTOR_DF ? IST_DF : v == VECTOR_NMI ? IST_NMI : v == VECTOR_DB ? IST_DB : 0;
        if (v == VECTOR_MC)
            ist = IST_MC;
        set_gate(v, traps[v], ist, v == VECTOR_BP || v == VECTOR_OF || v == 0x80);
    }
}

static void fill_gdt(u64 tables, const struct tss *tss)
{
    u64 *gdt = (u64 *)tables;
    u64 base = (u64)tss;

    gdt[SEL_RING0_CS / 8] = CODE64_RING0;
    gdt[SEL_RING0_DS / 8] = DATA_RING0;
    gdt[SEL_RING3_CS32 / 8] = CODE32_RING3;
    gdt[SEL_RING3_DS / 8] = DATA_RING3;
    gdt[SEL_RING3_CS64 / 8] = CODE64_RING3;
    gdt[SEL_TSS / 8] =
        (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | TSS_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
    gdt[SEL_TSS / 8 + 1] = base >> 32;
    gdt[SEL_LDT / 8] = gdt[SEL_LDT / 8 + 1] = 0;
}

static void fill_tss(struct tss *tss, const struct cpu_pages *pages)
{
    u64 area = align_down((u64)pages->cpu, CPU_AREA_SIZE);

    memset(tss, 0, sizeof(*tss));
    tss->rsp[0] = (u64)pages->cpu; /* the guest's registers lie right below struct x86_cpu */
    tss->ist[IST_DF - 1] = area + (CPU_PAGE_STACK_DF + 1) * PAGE_SIZE;
    tss->ist[IST_NMI - 1] = area + (CPU_PAGE_STACK_NMI + 1) * PAGE_SIZE;
    tss->ist[IST_DB - 1] = area + (CPU_PAGE_STACK_DB + 1) * PAGE_SIZE;
    tss->ist[IST_MC - 1] = area + (CPU_PAGE_STACK_MC + 1) * PAGE_SIZE;
    tss->io_bitmap = sizeof(*tss);
}

static void load_control_registers(void)
{
    const struct cpu_features *f = &cpu_features;
    u64 cr4 = CR4_DE | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    cr4 |= (f->pge ? CR4_PGE : 0) | (f->smep ? CR4_SMEP : 0) | (f->umip ? CR4_UMIP : 0) |
           (f->xsave ? CR4_OSXSAVE : 0);
    insn_write_cr4(cr4);
    insn_write_cr0(CR0_WANTED);
    insn_wrmsr(MSR_EFER, insn_rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    insn_fninit();
    insn_ldmxcsr(0x1f80);
    insn_write_dr(7, 0x400);
}

/* What SYSCALL clears: the handler starts with interrupts off and none of the guest's traps, IOPL or
 * direction. */
static void load_syscall(const struct cpu_doors *doors)
{
    insn_wrmsr(MSR_STAR, (u64)SEL_RING3_CS32 << 48 | (u64)SEL_RING0_CS << 32);
    insn_wrmsr(MSR_LSTAR, doors->syscall64);
    insn_wrmsr(MSR_CSTAR, doors->syscall32);
    insn_wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
                              RFLAGS_VM | RFLAGS_AC | RFLAGS_VIF | RFLAGS_VIP | RFLAGS_ID);
    /* Null: SYSENTER raises #GP. Processors without the register have no such instruction either. */
    insn_wrmsr_safe(MSR_SYSENTER_CS, 0);
}

void cpu_setup(u32 id, const struct cpu_pages *pages, const struct cpu_doors *doors)
{
    struct x86_cpu *cpu = pages->cpu;
    struct tss *tss = (struct tss *)(pages->tables + (GDT_GUEST_PAGES + 1) * PAGE_SIZE);

    BUG_ON(this_x86_cpu() != cpu);
    cpu->cpu.id = id;
    cpu->gdt_l1 = pages->gdt_l1;
    cpu->dr7 = 0x400;

    load_control_registers();
    fill_tss(tss, pages);
    fill_gdt(pages->tables, tss);
    if (id == 0)
        fill_idt(doors->traps);
    insn_lgdt(pages->tables, GDT_LIMIT);
    insn_load_ring0(SEL_RING0_CS, SEL_RING0_DS);
    insn_lldt(0);
    insn_ltr(SEL_TSS);
    insn_lidt((u64)idt, sizeof(idt) - 1);
    BUG_ON(!insn_load_ds(0) || !insn_load_es(0) || !insn_load_fs(0) || !insn_load_gs(0));
    load_syscall(doors);
}
