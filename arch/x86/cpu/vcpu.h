/* SPDX-License-Identifier: MIT */
/* The machine's part of a vcpu and a domain. The common part stands first inside each. */
#ifndef XL_X86_CPU_VCPU_H
#define XL_X86_CPU_VCPU_H

#include "arch/x86/cpu/regs.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/vcpu.h"

#define PV_GDT_FRAMES 14
#define PV_LDT_FRAMES 16
#define PV_TRAPS      256

/* Tables with work left on them; each stands on one list and is linked through frame->link (paging/types.h). */
struct table_work {
    u32 held;    /* validated while a pin is under way, kept until it is done */
    u32 dropped; /* lost their last use: to be invalidated */
    bool resume; /* a promotion was interrupted and will be asked for again: keep `held` */
};

struct pv_trap {
    u64 address; /* 0: the guest has no handler */
    u16 cs;
    u8 dpl;      /* the ring that may raise it by `int n` */
    bool mask_events;
};

/* A callback of callback_op / set_callbacks. */
struct pv_callback {
    u64 address;
    bool mask_events;
};

struct x86_vcpu {
    struct vcpu vcpu;
    struct regs regs; /* while it is not on a processor */

    /* Which of its two address spaces it is in. Both roots are held (reference and L4 type). */
    bool in_kernel;
    u8 iopl;             /* virtual IOPL (physdev_op set_iopl) */
    mfn_t kernel_root;   /* MFN_INVALID: none yet */
    mfn_t user_root;     /* MFN_INVALID: none */

    struct table_work work;
    struct {
        u64 place, val;  /* of the update */
        bool taken;      /* it has had its second look (paging/update.c) */
        bool letting_go; /* it waits until what `work` keeps is let go */
    } second_look;
    struct frame *cursor;  /* the table that a batch of updates keeps referenced and locked; NULL: none */
    unsigned cursor_level; /* its level */
    u64 cursor_region;     /* of level 1: which part of the addresses it was found for; ~0: not by an address */

    u64 kernel_sp;        /* stack_switch */
    u64 kernel_ss;
    struct pv_callback event, failsafe, syscall, syscall32, sysenter, nmi;
    struct pv_trap trap[PV_TRAPS];

    /* Segments. fs/gs: selectors; bases as in the processor's MSRs, in the guest's present mode. */
    u16 ds, es, fs, gs;
    u64 fs_base;
    u64 gs_base;          /* the one in use while its kernel runs... see segments.c */
    u64 gs_base_user;     /* the one in use while its user mode runs */

    mfn_t gdt_frame[PV_GDT_FRAMES]; /* held as FRAME_DESCRIPTOR; MFN_INVALID: none */
    u32 gdt_entries;
    u64 ldt_base;
    u32 ldt_entries;
    mfn_t ldt_frame[PV_LDT_FRAMES];
    mfn_t descriptor_kept[PV_LDT_FRAMES]; /* pages that an interrupted set_gdt or set_ldt took (pv/segments.c) */
    u32 descriptor_kept_count;

    u64 dr[4], dr6, dr7;
    u64 cr0, cr2, cr4;    /* as the guest sees them */
    bool task_switched;   /* the guest's CR0.TS */
    u64 xcr0;
    void *fpu;            /* XSAVE or FXSAVE area, 64-byte aligned, of fpu_area_size() bytes */
};

struct x86_domain {
    struct domain domain;
    u32 *p2m;       /* rewrite mode: mfn of each pfn, P2M_NONE where there is none; NULL in direct mode */
    u64 p2m_count;  /* entries */

    /* While it is taken down. */
    struct table_work work;
    u64 relinquish_next; /* frame records below this one have been looked at */
    bool vcpus_relinquished;
};

#define P2M_NONE 0xffffffffu

static inline struct x86_vcpu *x86_vcpu(struct vcpu *v)
{
    return container_of(v, struct x86_vcpu, vcpu);
}
static inline struct x86_domain *x86_domain(struct domain *d)
{
    return container_of(d, struct x86_domain, domain);
}
static inline const struct x86_domain *x86_domain_const(const struct domain *d)
{
    return container_of(d, const struct x86_domain, domain);
}

#endif
