/* SPDX-License-Identifier: MIT
 * privileged: what a kernel executes and ring 3 may not. Some of it the hypervisor carries out for the guest,
 * within the guest's own limits; the rest comes back as #GP, and nothing of the machine is touched. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define MSR_EFER           0xc0000080u
#define MSR_FS_BASE        0xc0000100u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define EFER_LMA_LME_SCE   0x501u
#define CR0_PE_PG          0x80000001ul
#define CR0_TS             0x8ul
#define CR4_PAE            0x20ul
#define CANONICAL_HOLE     0x8000000000000000ul

static void xen_leaves(void)
{
    struct cpuid_regs leaf = cpu_cpuid_forced(0x40000000, 0);
    char name[13] = {0};

    memcpy(name, &leaf.ebx, 4);
    memcpy(name + 4, &leaf.ecx, 4);
    memcpy(name + 8, &leaf.edx, 4);
    report_equal("CPUID leaf 0x40000000 spells XenVMMXenVMM", (unsigned long)strcmp(name, "XenVMMXenVMM"), 0);
    report_true("it has at least two leaves more", leaf.eax >= 0x40000002);
    leaf = cpu_cpuid_forced(0x40000001, 0);
    report_equal("the next one has the version", leaf.eax,
                 (unsigned long)hypercall_xen_version(XENVER_version, NULL));
    leaf = cpu_cpuid_forced(1, 0);
    report_true("leaf 1: FPU, TSC, MSR, PAE, CX8, CMOV, FXSR, SSE, SSE2",
                (leaf.edx & 0x07008171u) == 0x07008171u);
    leaf = cpu_cpuid_forced(0x80000001, 0);
    report_true("leaf 0x80000001: SYSCALL and long mode", (leaf.edx & 0x20000800u) == 0x20000800u);
    report_true("leaf 0x80000001: no virtualisation for this guest", (leaf.ecx & 4) == 0);
}

static void control_registers(void)
{
    uint64_t cr0 = CPU_READ_CR(0), cr3 = CPU_READ_CR(3), cr4 = CPU_READ_CR(4);

    report_equal("cr0: protection and paging", cr0 & CR0_PE_PG, CR0_PE_PG);
    report_equal("cr3 names the root", entry_pfn_plain(cr3), virt_to_pfn(paging_boot_root()));
    report_equal("cr4: PAE", cr4 & CR4_PAE, CR4_PAE);
    CPU_WRITE_CR(0, cr0 | CR0_TS);
    report_equal("cr0: TS can be set", CPU_READ_CR(0) & CR0_TS, CR0_TS);
    __asm__ volatile("clts");
    report_equal("clts clears it", CPU_READ_CR(0) & CR0_TS, 0);
    CPU_WRITE_CR(3, cr3);
    report_equal("cr3 can be loaded", CPU_READ_CR(3), cr3);
    CPU_WRITE_CR(4, cr4);
    report_equal("cr4 takes its own value", CPU_READ_CR(4), cr4);
    CPU_WRITE_CR(2, 0x1234);
    report_equal("cr2 can be written", CPU_READ_CR(2), 0x1234);
}

static void model_specific(void)
{
    report_equal("EFER: long mode and SYSCALL", cpu_rdmsr(MSR_EFER) & EFER_LMA_LME_SCE, EFER_LMA_LME_SCE);
    cpu_wrmsr(MSR_FS_BASE, 0x7000);
    report_equal("FS base takes a value", cpu_rdmsr(MSR_FS_BASE), 0x7000);
    cpu_wrmsr(MSR_FS_BASE, 0);
    cpu_wrmsr(MSR_KERNEL_GS_BASE, 0x8000);
    report_equal("kernel GS base takes a value", cpu_rdmsr(MSR_KERNEL_GS_BASE), 0x8000);
    cpu_wrmsr(MSR_KERNEL_GS_BASE, 0);
}

/* ---- what must come back ---- */

static void do_lidt(void *unused)
{
    (void)unused;
    __asm__ volatile("lidt (%0)" : : "r"(0xffffffff80000000ul));
}

static void do_lgdt(void *unused)
{
    (void)unused;
    __asm__ volatile("lgdt (%0)" : : "r"(0xffffffff80000000ul));
}

static void do_ltr(void *unused)
{
    (void)unused;
    __asm__ volatile("ltr %w0" : : "r"(0xe040));
}

static void do_bad_fs_base(void *unused)
{
    (void)unused;
    cpu_wrmsr(MSR_FS_BASE, CANONICAL_HOLE);
}

static void do_no_paging(void *unused)
{
    (void)unused;
    CPU_WRITE_CR(0, CPU_READ_CR(0) & ~CR0_PE_PG);
}

static void do_bad_cr3(void *unused)
{
    (void)unused;
    CPU_WRITE_CR(3, 0xfffffffff000ul << 8);
}

static void do_rsm(void *unused)
{
    (void)unused;
    __asm__ volatile(".byte 0x0f, 0xaa");
}

static void do_vmrun(void *unused)
{
    (void)unused;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd8");
}

static void comes_back(const char *what, void (*function)(void *), unsigned int vector)
{
    struct fault fault = fault_caught(function, NULL);

    report_equal(what, fault.happened ? fault.vector : ~0ul, vector);
}

static void refused(void)
{
    uint64_t cr0 = CPU_READ_CR(0), cr3 = CPU_READ_CR(3);
    struct fault fault;

    comes_back("refused: lidt", do_lidt, TRAP_GP);
    comes_back("refused: lgdt", do_lgdt, TRAP_GP);
    comes_back("refused: ltr", do_ltr, TRAP_GP);
    comes_back("refused: an FS base that is not canonical", do_bad_fs_base, TRAP_GP);
    comes_back("refused: paging off", do_no_paging, TRAP_GP);
    comes_back("refused: a root that is not there", do_bad_cr3, TRAP_GP);
    comes_back("refused: rsm", do_rsm, TRAP_UD);
    fault = fault_caught(do_vmrun, NULL); /* #GP where the processor has it switched on, #UD where not */
    report_true("refused: vmrun", fault.happened && (fault.vector == TRAP_GP || fault.vector == TRAP_UD));
    report_equal("cr0 is as it was", CPU_READ_CR(0), cr0);
    report_equal("cr3 is as it was", CPU_READ_CR(3), cr3);
}

static void do_in(void *unused)
{
    (void)unused;
    cpu_inb(0x80);
}

static void do_cli(void *unused)
{
    (void)unused;
    __asm__ volatile("cli");
}

static void do_sti(void *unused)
{
    (void)unused;
    __asm__ volatile("sti");
}

static void ports_and_interrupts(void)
{
    uint8_t mask = guest_shared_info->vcpu_info[0].evtchn_upcall_mask;

    comes_back("refused: in, without I/O privilege", do_in, TRAP_GP);
    comes_back("refused: cli, without I/O privilege", do_cli, TRAP_GP);
    comes_back("refused: sti, without I/O privilege", do_sti, TRAP_GP);
    report_equal("the upcall mask is as it was", guest_shared_info->vcpu_info[0].evtchn_upcall_mask, mask);
}

void guest_main(void)
{
    report_title("privileged", "what ring 3 may not: carried out for it, or given back as a fault");
    xen_leaves();
    control_registers();
    model_specific();
    refused();
    ports_and_interrupts();
}
