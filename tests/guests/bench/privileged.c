/* SPDX-License-Identifier: MIT
 * Privileged instructions of a guest's kernel, which trap and are carried out by the hypervisor. */
#include <stdint.h>
#include <xen/physdev.h>
#include "guest/cpu.h"
#include "guest/hypercall.h"
#include "bench.h"

#define MSR_EFER           0xc0000080u
#define MSR_FS_BASE        0xc0000100u
#define MSR_KERNEL_GS_BASE 0xc0000102u

static uint64_t saved;
static volatile uint64_t sink;

static long cpuid_forced(void)
{
    cpu_cpuid_forced(1, 0);
    return 0;
}

/* Two instructions that no call may surround: the time stamps stand right beside them. */
static void cpuid_row(void)
{
    uint32_t samples[BENCH_RUNS], nothing;

    for (unsigned int i = 0; i < BENCH_RUNS; i++)
        __asm__ volatile("rdtsc; mov %%eax, %0; xor %%eax, %%eax; cpuid; rdtsc; sub %0, %%eax; mov %%eax, %0"
                         : "=&r"(samples[i])
                         :
                         : "rax", "rbx", "rcx", "rdx", "cc");
    __asm__ volatile("rdtsc; mov %%eax, %0; rdtsc; sub %0, %%eax; mov %%eax, %0"
                     : "=&r"(nothing)
                     :
                     : "rax", "rdx", "cc");
    bench_samples("CPUID not trapped", samples, BENCH_RUNS, nothing);
}

static long rdmsr_efer(void)
{
    sink = cpu_rdmsr(MSR_EFER);
    return 0;
}

static long rdmsr_fs(void)
{
    sink = cpu_rdmsr(MSR_FS_BASE);
    return 0;
}

static long wrmsr_fs(void)
{
    cpu_wrmsr(MSR_FS_BASE, 0x1000);
    return 0;
}

static long wrmsr_gs(void)
{
    cpu_wrmsr(MSR_KERNEL_GS_BASE, 0x1000);
    return 0;
}

#define CR_READER(cr)                                                                                        \
    static long read_cr##cr(void)                                                                            \
    {                                                                                                        \
        sink = CPU_READ_CR(cr);                                                                              \
        return 0;                                                                                            \
    }
#define CR_WRITER(cr)                                                                                        \
    static long save_cr##cr(void)                                                                            \
    {                                                                                                        \
        saved = CPU_READ_CR(cr);                                                                             \
        return 0;                                                                                            \
    }                                                                                                        \
    static long write_cr##cr(void)                                                                           \
    {                                                                                                        \
        CPU_WRITE_CR(cr, saved);                                                                             \
        return 0;                                                                                            \
    }

CR_READER(0)
CR_READER(2)
CR_READER(3)
CR_READER(4)
CR_WRITER(0)
CR_WRITER(2)
CR_WRITER(3)
CR_WRITER(4)

static long save_cr0_ts(void)
{
    save_cr0();
    saved |= 8;
    return 0;
}

static long clts(void)
{
    __asm__ volatile("clts" : : : "memory");
    return 0;
}

static long read_dr7(void)
{
    uint64_t value;

    __asm__ volatile("mov %%db7, %0" : "=r"(value));
    sink = value;
    return 0;
}

static long io_allow(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};

    return hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, HYPERCALL_PTR(&iopl), 0, 0, 0);
}

static long in_80(void)
{
    sink = cpu_inb(0x80);
    return 0;
}

static long out_80(void)
{
    cpu_outb(0x80, 0);
    return 0;
}

static long cli(void)
{
    __asm__ volatile("cli" : : : "memory");
    return 0;
}

static long sti(void)
{
    __asm__ volatile("sti" : : : "memory");
    return 0;
}

static const struct bench_row rows[] = {
    {"CPUID by forced emulation prefix", 1, cpuid_forced, NULL, NULL},
    {"privileged: rdmsr efer", 1, rdmsr_efer, NULL, NULL},
    {"privileged: rdmsr fs base", 1, rdmsr_fs, NULL, NULL},
    {"privileged: wrmsr fs base", 1, wrmsr_fs, NULL, NULL},
    {"privileged: wrmsr kern gs base", 1, wrmsr_gs, NULL, NULL},
    {"privileged: read cr0", 1, read_cr0, NULL, NULL},
    {"privileged: read cr2", 1, read_cr2, NULL, NULL},
    {"privileged: read cr3", 1, read_cr3, NULL, NULL},
    {"privileged: read cr4", 1, read_cr4, NULL, NULL},
    {"privileged: write cr0 ts", 1, write_cr0, save_cr0_ts, clts},
    {"privileged: clts", 1, clts, NULL, NULL},
    {"privileged: write cr2", 1, write_cr2, save_cr2, NULL},
    {"privileged: write cr3", 1, write_cr3, save_cr3, NULL},
    {"privileged: write cr4", 1, write_cr4, save_cr4, NULL},
    {"privileged: read dr7", 1, read_dr7, NULL, NULL},
    {"privileged: in 80", 1, in_80, io_allow, NULL},
    {"privileged: out 80", 1, out_80, io_allow, NULL},
    {"privileged: cli", 1, cli, io_allow, NULL},
    {"privileged: sti", 1, sti, io_allow, NULL},
};

void bench_privileged(void)
{
    cpuid_row();
    BENCH_ROWS(rows);
}
