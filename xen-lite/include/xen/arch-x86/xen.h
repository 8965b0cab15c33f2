/* SPDX-License-Identifier: MIT */
/*
 * The x86 half of the guest ABI: trap table, the state in which a vcpu starts, the arch part of shared_info.
 * Guests include <xen/xen.h>, which includes this.
 */
#ifndef XL_ABI_ARCH_X86_XEN_H
#define XL_ABI_ARCH_X86_XEN_H

#include "../xen-compat.h"
#include "xen-x86_64.h"

#define XEN_HAVE_PV_GUEST_ENTRY 1
#define XEN_HAVE_PV_UPCALL_MASK 1

/* HYPERVISOR_set_gdt(frames, entries): pages 0 to 13 of the GDT are the guest's, the rest is the
 * hypervisor's. */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* vcpus whose vcpu_info stands in shared_info; the others register one. */
#define XEN_LEGACY_MAX_VCPUS 32

#ifndef __ASSEMBLY__

typedef unsigned long xen_pfn_t;
#define PRI_xen_pfn  "lx"
#define PRIu_xen_pfn "lu"

typedef unsigned long xen_ulong_t;
#define PRI_xen_ulong "lx"

/*
 * HYPERVISOR_set_trap_table(entries): a list that ends with an entry whose address is 0.
 * flags: bits 0-1 are the outermost ring that may raise the vector by INT, bit 2 masks events on entry.
 */
#define TI_GET_DPL(_ti)       ((_ti)->flags & 3)
#define TI_GET_IF(_ti)        ((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl) ((_ti)->flags = (uint8_t)((_ti)->flags | (_dpl)))
#define TI_SET_IF(_ti, _if)   ((_ti)->flags = (uint8_t)((_ti)->flags | ((!!(_if)) << 2)))
struct trap_info {
    uint8_t vector;
    uint8_t flags;
    uint16_t cs;
    unsigned long address;
};
typedef struct trap_info trap_info_t;
DEFINE_XEN_GUEST_HANDLE(trap_info_t);

typedef uint64_t tsc_timestamp_t;

/* vcpu_guest_context.flags */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid)
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online)

/* The whole state of a vcpu: what VCPUOP_initialise takes. */
struct vcpu_guest_context {
    struct {
        char x[512];
    } fpu_ctxt; /* FXSAVE image */
    unsigned long flags;
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256];
    unsigned long ldt_base, ldt_ents;       /* linear address, entries */
    unsigned long gdt_frames[16], gdt_ents; /* machine frames, entries */
    unsigned long kernel_ss, kernel_sp;     /* as by HYPERVISOR_stack_switch */
    unsigned long ctrlreg[8];               /* [1] is the user root, [3] the kernel root */
    unsigned long debugreg[8];
    unsigned long event_callback_eip;
    unsigned long failsafe_callback_eip;
    unsigned long syscall_callback_eip;
    unsigned long vm_assist; /* bit per VMASST_TYPE_* */
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_guest_context_t);

/* Written by the guest for the toolstack (save, restore, dump), except nmi_reason. */
struct arch_shared_info {
    unsigned long max_pfn;
    xen_pfn_t pfn_to_mfn_frame_list_list; /* the P2M as a tree of frames */
    unsigned long nmi_reason;             /* bits XEN_NMIREASON_* */
    unsigned long p2m_cr3;                /* or the P2M as a linear range: root, ... */
    unsigned long p2m_vaddr;              /* ... its address, ... */
    unsigned long p2m_generation;         /* ... odd while the guest is changing it */
};
typedef struct arch_shared_info arch_shared_info_t;

#define XEN_CPUID_NO_SUBLEAF 0xffffffffu
struct xen_cpuid_leaf {
    uint32_t leaf, subleaf;
    uint32_t a, b, c, d;
};
typedef struct xen_cpuid_leaf xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);

struct xen_msr_entry {
    uint32_t idx;
    uint32_t flags; /* must be 0 */
    uint64_t val;
};
typedef struct xen_msr_entry xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);

/* UD2, then the letters "xen": the instruction that follows is emulated although it would not trap. */
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"

#else

#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid

#endif /* __ASSEMBLY__ */

/* An HVM guest's debug console: bytes written here go to the hypervisor's log. */
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#endif
