/* SPDX-License-Identifier: MIT */
/* The guest kernel's way back: the hypercall iret, and the switch between its kernel and user mode. */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/paging/roots.h"
#include "arch/x86/pv/pv.h"
#include <arch/guest_memory.h>
#include <arch/pv.h>
#include <xen/xen.h>

/* Flags a guest may set in the real register; interrupts are always on, IOPL, NT and VM never set. */
#define IRET_FLAGS_ALLOWED                                                                                          \
    (RFLAGS_CF | 0x4 | 0x10 | 0x40 | 0x80 | RFLAGS_TF | RFLAGS_DF | 0x800 | RFLAGS_RF | RFLAGS_AC | RFLAGS_ID)

void pv_toggle_mode(struct x86_vcpu *v)
{
    v->in_kernel = !v->in_kernel;
    insn_swapgs();
    root_load(v);
    if (unlikely(v->in_kernel && v->vcpu.areas_stale))
        softirq_raise(SOFTIRQ_AREAS);
}

long pv_iret(struct x86_vcpu *v, struct regs *r)
{
    struct iret_context c;
    if (unlikely(copy_from_guest(&c, r->rsp, sizeof(c)))) {
        domain_crash(v->vcpu.domain, "iret: its frame at %#llx is not readable", (unsigned long long)r->rsp);
        return 0;
    }
    if ((c.cs & 3) == 3) {
        if (unlikely(mfn_is_invalid(v->user_root))) {
            domain_crash(v->vcpu.domain, "iret to user mode (cs %#llx) without a user page table (NEW_USER_BASEPTR)",
                         (unsigned long long)c.cs);
            return 0;
        }
        pv_toggle_mode(v);
    }
    r->rip = c.rip;
    r->cs = (c.cs & 0xffff) | 3;
    r->rflags = (c.rflags & IRET_FLAGS_ALLOWED) | RFLAGS_IF | 2;
    r->rsp = c.rsp;
    r->ss = (c.ss & 0xffff) | 3;
    if (c.flags & VGCF_in_syscall) {
        /* By SYSRET, which loads flat selectors whatever the frame says; anything else goes by IRET. */
        r->vector = r->cs == SEL_RING3_CS64 && r->ss == SEL_RING3_DS ? ENTRY_SYSCALL : 0;
        r->rcx = r->rip; /* what SYSRET leaves in them, either way: not what its kernel had there */
        r->r11 = r->rflags;
    } else {
        r->vector = 0;
        r->rcx = c.rcx;
        r->r11 = c.r11;
    }
    write_once(v->vcpu.info->evtchn_upcall_mask, !(c.rflags & RFLAGS_IF));
    return (long)c.rax;
}

long arch_iret(struct vcpu *v)
{
    return pv_iret(x86_vcpu(v), guest_regs());
}
