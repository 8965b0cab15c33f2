/* SPDX-License-Identifier: MIT */
/* Vcpus of the machine: allocation, first registers, and the switch from one to the other. */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/entry/stub.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/paging/roots.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/pv/pv.h"
#include "common/heap.h"
#include "common/printk.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/domain.h>
#include <arch/paging.h>
#include <arch/pv.h>
#include <xen/callback.h>
#include <xen/errno.h>

struct vcpu *arch_vcpu_alloc(struct domain *d, u32 id)
{
    struct x86_vcpu *v = heap_alloc(sizeof(*v));
    if (!v)
        return NULL;
    v->vcpu.domain = d;
    v->vcpu.id = id;
    v->vcpu.info_mfn = MFN_INVALID;
    v->kernel_root = v->user_root = MFN_INVALID;
    for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
        v->gdt_frame[i] = MFN_INVALID;
    for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
        v->ldt_frame[i] = MFN_INVALID;
    table_work_init(&v->work);
    v->dr6 = 0xffff0ff0;
    v->dr7 = 0x400;
    if (pv_fpu_init(v)) {
        heap_free(v);
        return NULL;
    }
    return &v->vcpu;
}

void arch_vcpu_free(struct vcpu *vcpu)
{
    struct x86_vcpu *v = x86_vcpu(vcpu);
    BUG_ON(v->cursor || v->work.dropped != FRAME_LIST_END || v->work.held != FRAME_LIST_END);
    pv_fpu_free(v);
    heap_free(v);
}

/* The state of a vcpu is in the processor: takes it out. Its roots stay loaded until another is. */
static void vcpu_unload(struct x86_vcpu *v)
{
    BUG_ON(v->cursor);
    v->regs = *guest_regs();
    pv_save_segments(v);
    pv_fpu_save(v);
}

static void vcpu_load(struct x86_vcpu *v)
{
    *guest_regs() = v->regs;
    root_load(v);
    pv_load_descriptor_tables(v);
    if (!pv_load_segments(v) && v->in_kernel)
        pv_failsafe(v, guest_regs()); /* a selector of its own that its tables no longer hold */
    pv_fpu_load(v);
    pv_debug_load(v);
    if (table_work_pending(&v->work))
        softirq_raise(SOFTIRQ_TABLES);
}

void arch_context_switch(struct vcpu *from, struct vcpu *to)
{
    if (from)
        vcpu_unload(x86_vcpu(from));
    if (to)
        vcpu_load(x86_vcpu(to));
    else
        insn_write_cr3(host_root.n << PAGE_SHIFT);
}

bool arch_vcpu_in_kernel(const struct vcpu *v)
{
    return container_of(v, const struct x86_vcpu, vcpu)->in_kernel;
}

void arch_tables_softirq(struct vcpu *v)
{
    if (v && !table_work_run(&x86_vcpu(v)->work))
        softirq_raise(SOFTIRQ_TABLES);
}

/*
 * A hypercall answered -ERESTART: the guest asks again. The registers become what the handler left; where it came by
 * SYSCALL the instruction is two bytes long. A vcpu whose domain was crashed meanwhile does not get here again.
 */
void hypercall_resume(struct x86_vcpu *v, struct regs *r);
void hypercall_resume(struct x86_vcpu *v, struct regs *r)
{
    struct restart *again = &v->vcpu.restart;
    if (!again->wanted) { /* a result that is the same number: what an iret loads into rax, a debug register */
        r->rax = (u64)-XEN_ERESTART;
        return;
    }
    again->wanted = false;
    r->rip -= 2;
    r->rax = again->op;
    r->rdi = again->args[0];
    r->rsi = again->args[1];
    r->rdx = again->args[2];
    r->r10 = again->args[3];
    r->r8 = again->args[4];
}

/* What an earlier context left that was interrupted and never given again, or whose place another one takes meanwhile. */
static void forget_context(struct x86_vcpu *v)
{
    pv_release_descriptor_tables(v);
    memset(v->trap, 0, sizeof(v->trap));
    v->event = v->failsafe = v->syscall = (struct pv_callback){0};
    memset(v->dr, 0, sizeof(v->dr));
    v->dr6 = 0xffff0ff0;
    v->dr7 = 0x400;
}

/* Tables and callbacks of a context that vcpu_op initialise brings; each setter checks what it is given. */
static long initialise_tables(struct x86_vcpu *v, const struct vcpu_guest_context *c)
{
    struct vcpu *vcpu = &v->vcpu;
    long rc = 0;

    for (unsigned i = 0; i < PV_TRAPS && rc == 0; i++)
        if (c->trap_ctxt[i].address) {
            struct trap_info t = c->trap_ctxt[i];
            t.vector = (u8)i;
            rc = arch_set_trap(vcpu, &t);
        }
    if (rc == 0 && c->gdt_ents)
        rc = arch_set_gdt(vcpu, (const u64 *)c->gdt_frames, (u32)min_u64(c->gdt_ents, 0xffffffff));
    if (rc == 0)
        rc = arch_stack_switch(vcpu, c->kernel_ss, c->kernel_sp);
    const struct {
        u16 type;
        u16 flags;
        u64 address;
    } callbacks[] = {
        {CALLBACKTYPE_event, CALLBACKF_mask_events, c->event_callback_eip},
        {CALLBACKTYPE_failsafe, c->flags & VGCF_failsafe_disables_events ? CALLBACKF_mask_events : 0,
         c->failsafe_callback_eip},
        {CALLBACKTYPE_syscall, c->flags & VGCF_syscall_disables_events ? CALLBACKF_mask_events : 0,
         c->syscall_callback_eip},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(callbacks) && rc == 0; i++) {
        struct callback_register reg = {
            .type = callbacks[i].type, .flags = callbacks[i].flags, .address = callbacks[i].address};
        if (reg.address)
            rc = arch_callback_register(vcpu, &reg);
    }
    return rc;
}

/* What needs the tables of its kernel, or nothing: LDT, debug registers, FPU. */
static long initialise_rest(struct x86_vcpu *v, const struct vcpu_guest_context *c)
{
    struct vcpu *vcpu = &v->vcpu;
    long rc = c->ldt_ents ? arch_set_ldt(vcpu, c->ldt_base, (u32)min_u64(c->ldt_ents, 0xffffffff)) : 0;

    for (unsigned i = 0; i < ARRAY_SIZE(c->debugreg) && rc == 0; i++)
        if (c->debugreg[i] && i != 4 && i != 5) /* other names of 6 and 7 */
            rc = arch_set_debugreg(vcpu, i, c->debugreg[i]);
    if (rc == 0 && (c->flags & VGCF_i387_valid))
        pv_fpu_import(v, &c->fpu_ctxt);
    return rc;
}

static void initialise_registers(struct x86_vcpu *v, const struct vcpu_guest_context *c)
{
    const struct cpu_user_regs *u = &c->user_regs;
    struct regs *r = &v->regs;

    *r = (struct regs){.rax = u->rax, .rcx = u->rcx, .rdx = u->rdx, .rbx = u->rbx, .rbp = u->rbp, .rsi = u->rsi,
                       .rdi = u->rdi, .r8 = u->r8, .r9 = u->r9, .r10 = u->r10, .r11 = u->r11, .r12 = u->r12,
                       .r13 = u->r13, .r14 = u->r14, .r15 = u->r15, .rip = u->rip, .rsp = u->rsp,
                       .cs = u->cs | 3u, .ss = u->ss | 3u};
    r->rflags = (u->rflags & 0xcd5) | RFLAGS_IF | 2;
    v->ds = u->ds;
    v->es = u->es;
    v->fs = u->fs;
    v->gs = u->gs;
    v->fs_base = c->fs_base;
    v->gs_base = c->gs_base_kernel;
    v->gs_base_user = c->gs_base_user;
}

/*
 * A context is complete or refused (XSA-1): it starts in its kernel, with a root that is checked, and every address in
 * it is canonical. Refused half-way it gives back every frame that it took, and can be initialised again; interrupted, and
 * never asked for again, the vcpu keeps its tables until it is.
 */
long arch_vcpu_initialise(struct vcpu *vcpu, const struct vcpu_guest_context *c)
{
    struct x86_vcpu *v = x86_vcpu(vcpu);
    struct domain *d = vcpu->domain;

    if (!(c->flags & VGCF_in_kernel))
        return guest_refuse(d, XEN_EINVAL, "vcpu_op initialise: a vcpu starts in its kernel (VGCF_in_kernel)\n");
    if (!is_canonical(c->user_regs.rip) || !is_canonical(c->user_regs.rsp) || !is_canonical(c->kernel_sp) ||
        !is_canonical(c->fs_base) || !is_canonical(c->gs_base_kernel) || !is_canonical(c->gs_base_user) ||
        (c->user_regs.cs & 0xfffc) == 0)
        return guest_refuse(d, XEN_EINVAL, "vcpu_op initialise: rip, a stack, a base or cs cannot be loaded\n");
    forget_context(v);
    long rc = initialise_tables(v, c);
    if (rc == 0)
        rc = arch_new_base(vcpu, gfn_make(c->ctrlreg[3] >> PAGE_SHIFT));
    if (rc == 0) /* none where it is 0 */
        rc = arch_new_user_base(vcpu, gfn_make(c->ctrlreg[1] >> PAGE_SHIFT));
    if (rc == 0)
        rc = initialise_rest(v, c);
    if (rc && rc != -XEN_ERESTART) {
        pv_release_descriptor_tables(v);
        roots_give_up(v, &x86_vcpu(current_vcpu())->work);
    }
    if (rc)
        return rc;
    initialise_registers(v, c);
    v->in_kernel = true;
    vcpu->initialised = true;
    return 0;
}

void arch_return_to_guest(void)
{
    entry_return_to_guest();
}

void arch_idle(void)
{
    insn_sti_hlt(); /* one thing: an interrupt between the two would be slept over */
    insn_cli();
}
