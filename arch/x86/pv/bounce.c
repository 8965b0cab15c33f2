/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, events and system calls are bounced onto the guest kernel's stack, as the guest ABI describes:
 *
 *      higher   ss  rsp  rflags (IF: events were not masked)  cs (RPL 0: from its kernel; bits 32..39: upcall mask)
 *               rip  [error code, or gs fs es ds]  r11  rcx   <- rsp when the handler starts, 16-byte aligned before the pushes
 *
 * The frame is written in one checked copy; a guest whose stack cannot take it is crashed.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/pv/pv.h"
#include <arch/guest_memory.h>

/* Vectors whose frame has an error code (AMD APM vol. 2 §8.2; #CP and the virtualization ones never reach a guest). */
#define ERROR_CODE_VECTORS ((1u << 8) | (0x1fu << 10) | (1u << 17))

/* What a guest kernel's handler starts with: these flags are cleared, interrupts are really on. */
#define ENTRY_CLEARED_FLAGS (RFLAGS_TF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM | RFLAGS_AC)

struct bounce {
    u64 address;
    bool mask_events;
    bool has_error;
    bool has_segments; /* ds es fs gs stand in the frame too, above rcx and r11: the failsafe callback */
    u32 error;
    const char *what; /* for the sentence when the guest's stack cannot take it */
    u32 number;
};

static void bounce(struct x86_vcpu *v, struct regs *r, const struct bounce *b)
{
    struct vcpu_info *info = v->vcpu.info;
    u64 frame[11];
    unsigned n = 0;
    u8 masked = read_once(info->evtchn_upcall_mask) != 0;
    u64 cs = r->cs | ((u64)masked << 32);
    u64 sp = r->rsp;

    if (v->in_kernel) {
        cs &= ~3ull;
    } else {
        pv_toggle_mode(v);
        sp = v->kernel_sp;
    }
    frame[n++] = r->rcx;
    frame[n++] = r->r11;
    if (b->has_error)
        frame[n++] = b->error;
    if (unlikely(b->has_segments)) {
        frame[n++] = v->ds;
        frame[n++] = v->es;
        frame[n++] = v->fs;
        frame[n++] = v->gs;
    }
    frame[n++] = r->rip;
    frame[n++] = cs;
    frame[n++] = (r->rflags & ~(RFLAGS_IF | RFLAGS_IOPL)) | (masked ? 0 : RFLAGS_IF);
    frame[n++] = r->rsp;
    frame[n++] = r->ss;

    sp = (sp & ~15ull) - n * sizeof(u64);
    if (unlikely(copy_to_guest(sp, frame, n * sizeof(u64)))) {
        domain_crash(v->vcpu.domain, "%s %u cannot be delivered: its kernel's stack at %#llx is not writable", b->what,
                     b->number, (unsigned long long)sp);
        return;
    }
    if (b->mask_events)
        write_once(info->evtchn_upcall_mask, 1);
    r->vector = 0; /* the way out is IRET: the registers are not those of a hypercall's return */
    r->rsp = sp;
    r->rip = b->address;
    r->cs = SEL_RING3_CS64;
    r->ss = SEL_RING3_DS;
    r->rflags = (r->rflags & ~ENTRY_CLEARED_FLAGS) | RFLAGS_IF;
}

void pv_inject_trap(struct x86_vcpu *v, struct regs *r, u8 vector, u32 error)
{
    const struct pv_trap *t = &v->trap[vector];
    if (unlikely(!t->address)) {
        domain_crash(v->vcpu.domain, "exception %u (error code %#x) at %#llx and no handler in its trap table", vector,
                     error, (unsigned long long)r->rip);
        return;
    }
    struct bounce b = {
        .address = t->address,
        .mask_events = t->mask_events,
        .has_error = vector < 32 && ((ERROR_CODE_VECTORS >> vector) & 1),
        .error = error,
        .what = "exception",
        .number = vector,
    };
    bounce(v, r, &b);
}

void pv_inject_page_fault(struct x86_vcpu *v, struct regs *r, vaddr_t address, u32 error)
{
    /* Its kernel runs in ring 3 too; the guest is told what it would see if it did not. */
    if (v->in_kernel)
        error &= ~PF_USER;
    else
        error |= PF_USER;
    v->cr2 = address;
    write_once(v->vcpu.info->arch.cr2, address);
    pv_inject_trap(v, r, VECTOR_PF, error);
}

bool pv_deliver_event(struct x86_vcpu *v, struct regs *r)
{
    struct bounce b = {.address = v->event.address, .mask_events = true, .what = "event upcall"};
    if (!b.address) {
        domain_crash(v->vcpu.domain, "an event is pending and unmasked, and it has registered no event callback");
        return false;
    }
    bounce(v, r, &b);
    return true;
}

void pv_user_syscall(struct x86_vcpu *v, struct regs *r)
{
    const struct pv_callback *c = r->vector == ENTRY_SYSCALL ? &v->syscall : &v->syscall32;
    if (!c->address) {
        if (r->vector != ENTRY_SYSCALL) {
            r->rip -= 2;
            pv_inject_trap(v, r, VECTOR_UD, 0);
        } else {
            domain_crash(v->vcpu.domain, "SYSCALL from its user mode at %#llx and no syscall callback",
                         (unsigned long long)r->rip);
        }
        return;
    }
    struct bounce b = {.address = c->address, .mask_events = c->mask_events, .what = "system call"};
    bounce(v, r, &b);
    r->rflags &= ~RFLAGS_DF;
}

void pv_failsafe(struct x86_vcpu *v, struct regs *r)
{
    struct bounce b = {
        .address = v->failsafe.address,
        .mask_events = v->failsafe.mask_events,
        .has_segments = true,
        .what = "failsafe callback",
    };
    if (!b.address) {
        domain_crash(v->vcpu.domain, "a data segment cannot be loaded and no failsafe callback: ds %#x es %#x fs %#x gs %#x",
                     v->ds, v->es, v->fs, v->gs);
        return;
    }
    bounce(v, r, &b);
}
