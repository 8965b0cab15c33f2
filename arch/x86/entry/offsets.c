/* SPDX-License-Identifier: MIT */
/* Offsets that the entry code uses, taken from the C structures: compiled to assembly, then to build/offsets.inc. */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/cpu/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <xen/errno.h>

#define OFFSET(name, value) __asm__ volatile("\n->" #name " %0" ::"i"((unsigned long)(value)))

void offsets(void);
void offsets(void)
{
    OFFSET(REGS_SIZE, sizeof(struct regs));
    OFFSET(REGS_rax, offsetof(struct regs, rax));
    OFFSET(REGS_error, offsetof(struct regs, error));
    OFFSET(REGS_vector, offsetof(struct regs, vector));
    OFFSET(REGS_rip, offsetof(struct regs, rip));
    OFFSET(REGS_cs, offsetof(struct regs, cs));
    OFFSET(REGS_rflags, offsetof(struct regs, rflags));
    OFFSET(REGS_rsp, offsetof(struct regs, rsp));

    OFFSET(CPU_current, offsetof(struct x86_cpu, cpu.current));
    OFFSET(CPU_softirq, offsetof(struct x86_cpu, cpu.softirq));
    OFFSET(CPU_REGS_IN_AREA, CPU_AREA_SIZE - CPU_STRUCT_SIZE - sizeof(struct regs));

    OFFSET(VCPU_info, offsetof(struct x86_vcpu, vcpu.info));
    OFFSET(VCPU_in_kernel, offsetof(struct x86_vcpu, in_kernel));
    OFFSET(INFO_pending, offsetof(struct vcpu_info, evtchn_upcall_pending));
    OFFSET(INFO_mask, offsetof(struct vcpu_info, evtchn_upcall_mask));

    OFFSET(HYPERCALLS, HYPERCALL_COUNT);
    OFFSET(ERESTART, XEN_ERESTART);
    OFFSET(ENOSYS, XEN_ENOSYS);
}
