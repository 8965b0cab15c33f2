/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR by a guest kernel: a list of what exists for it. Everything else is #GP, which kernels that know
 * Xen expect. What is written here goes to the processor only where it belongs to the guest alone.
 */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/pv/hypercall_page.h"
#include "arch/x86/pv/pv.h"
#include "common/printk.h"
#include <arch/paging.h>

#define APIC_BASE_DEFAULT 0xfee00000ull
#define APIC_BASE_ENABLED (1ull << 11)
#define APIC_BASE_BSP     (1ull << 8)

/* Fast strings on; no branch trace store, no event-based sampling. */
#define MISC_ENABLE_SHOWN (1ull << 0 | 1ull << 11 | 1ull << 12)

#define EFER_SHOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/* MISC_ENABLE exists on Intel's processors only. */
static bool is_intel(void)
{
    u32 eax, ebx, ecx, edx;
    insn_cpuid(0, 0, &eax, &ebx, &ecx, &edx);
    return ebx == 0x756e6547 && edx == 0x49656e69 && ecx == 0x6c65746e; /* "GenuineIntel" */
}

bool pv_read_msr(struct x86_vcpu *v, u32 msr, u64 *value)
{
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:        /* its kernel's: only the kernel comes here */
    case MSR_KERNEL_GS_BASE: /* its user mode's */
    case MSR_PAT:            /* what the cache bits of its entries mean */
        *value = insn_rdmsr(msr);
        return true;
    case MSR_EFER:
        *value = insn_rdmsr(msr) & EFER_SHOWN;
        return true;
    case MSR_TSC:
        *value = insn_rdtsc();
        return true;
    case MSR_APIC_BASE:
        *value = APIC_BASE_DEFAULT | APIC_BASE_ENABLED | (v->vcpu.id == 0 ? APIC_BASE_BSP : 0);
        return true;
    case MSR_MCG_CAP: /* no banks */
    case MSR_MCG_STATUS:
    case PV_MSR_HYPERCALL_PAGE:
        *value = 0;
        return true;
    case MSR_MISC_ENABLE:
        *value = MISC_ENABLE_SHOWN;
        return is_intel();
    default:
        return false;
    }
}

/* Bits 0 to 11: which page (there is one); above: the frame to fill. */
static bool hypercall_page_write(struct x86_vcpu *v, u64 value)
{
    struct domain *d = v->vcpu.domain;
    gfn_t gfn = gfn_make(value >> PAGE_SHIFT);
    struct frame *f = value & (PAGE_SIZE - 1) ? NULL : arch_get_writable_gfn(d, gfn);
    if (!f) {
        guest_log(d, LOG_DEBUG, "hypercall page: %#llx: not a page of the guest's that is writable\n",
                  (unsigned long long)value);
        return false;
    }
    hypercall_page_fill(frame_ptr(f));
    arch_put_writable(f);
    return true;
}

bool pv_write_msr(struct x86_vcpu *v, u32 msr, u64 value)
{
    u64 shown;
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        if (!is_canonical(value))
            return false;
        insn_wrmsr(msr, value);
        return true;
    case PV_MSR_HYPERCALL_PAGE:
        return hypercall_page_write(v, value);
    case MSR_EFER: /* fixed: to write what it holds is no error */
    case MSR_APIC_BASE:
    case MSR_PAT:
    case MSR_MISC_ENABLE:
    case MSR_MCG_STATUS:
        return pv_read_msr(v, msr, &shown) && shown == value;
    default:
        return false;
    }
}
