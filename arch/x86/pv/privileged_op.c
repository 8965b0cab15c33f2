/* SPDX-License-Identifier: MIT */
/*
 * Instructions that only ring 0 may execute, executed by a guest kernel in ring 3: they arrive as #GP. The bytes are
 * read once and decoded; what is decoded is what is done. What is not in the list below is the guest's own #GP.
 * Its user mode may at most reach for ports, where the kernel has given it the I/O privilege level of ring 3.
 *
 * There are no devices: ports read as all ones, except the data port of timer channel 2, which reads 0 (a kernel that
 * calibrates its clock by it would wait for seconds on all ones), and what is written goes nowhere.
 */
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/emulate/decode.h"
#include "arch/x86/emulate/execute.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/pv/pv.h"
#include "common/cpu.h"
#include "common/event_channel.h"
#include "common/printk.h"
#include "common/sched.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <arch/pv.h>
#include <xen/errno.h>

#define CR0_TS (1ull << 3)

/* CR4 as it is for the guest: PAE OSFXSR OSXMMEXCPT, OSXSAVE; DE is its own to set. Nothing else is offered. */
#define CR4_DE         (1ull << 3)
#define CR4_PAE        (1ull << 5)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_OSXSAVE    (1ull << 18)

#define DR6_BS (1ull << 14) /* single step */

#define PORT_TIMER_2 0x42u

/* Rounds of a repeated INS or OUTS before the guest is given a chance to be interrupted. */
#define STRING_ROUNDS 1024

enum outcome {
    DONE,    /* go on behind it */
    AGAIN,   /* some of it is done: the guest executes it again */
    REFUSED, /* the guest gets #GP */
    RAISED,  /* it raised another exception, which has been delivered */
};

long arch_set_iopl(struct vcpu *v, u32 iopl)
{
    if (iopl > 3)
        return guest_refuse(v->domain, XEN_EINVAL, "set_iopl: %u: not a ring\n", iopl);
    x86_vcpu(v)->iopl = (u8)iopl;
    return 0;
}

/* The guest's kernel counts as ring 1: that is what PHYSDEVOP_set_iopl(1) means to it. */
static bool iopl_suffices(const struct x86_vcpu *v)
{
    return v->iopl >= (v->in_kernel ? 1 : 3);
}

/* Control registers ------------------------------------------------------------------------------------------------*/

static u64 cr0_view(const struct x86_vcpu *v)
{
    return (insn_read_cr0() & ~CR0_TS) | (v->task_switched ? CR0_TS : 0);
}

static u64 cr4_view(const struct x86_vcpu *v)
{
    u64 always = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    return always | (fpu_xcr0_offered() ? CR4_OSXSAVE : 0) | (v->cr4 & CR4_DE);
}

static enum outcome cr_read(const struct x86_vcpu *v, u8 number, u64 *value)
{
    switch (number) {
    case 0:
        *value = cr0_view(v);
        return DONE;
    case 2:
        *value = v->cr2;
        return DONE;
    case 3:
        *value = mfn_to_guest(v->vcpu.domain, v->kernel_root) << PAGE_SHIFT;
        return DONE;
    case 4:
        *value = cr4_view(v);
        return DONE;
    default:
        return REFUSED;
    }
}

static enum outcome cr3_write(struct x86_vcpu *v, u64 value)
{
    long rc = arch_paging_finish(&v->vcpu, arch_new_base(&v->vcpu, gfn_make(pte_frame(value))));
    if (rc == -XEN_ERESTART)
        return AGAIN;
    return rc ? REFUSED : DONE;
}

static enum outcome cr_write(struct x86_vcpu *v, u8 number, u64 value)
{
    switch (number) {
    case 0:
        if ((value ^ cr0_view(v)) & ~CR0_TS) {
            guest_log(v->vcpu.domain, LOG_DEBUG, "cr0 = %#llx: only TS can be changed\n", (unsigned long long)value);
            return REFUSED;
        }
        arch_fpu_taskswitch(&v->vcpu, (value & CR0_TS) != 0);
        return DONE;
    case 2:
        v->cr2 = value;
        write_once(v->vcpu.info->arch.cr2, value);
        return DONE;
    case 3:
        return cr3_write(v, value);
    case 4: /* what is not offered stays as it is, as on Xen */
        v->cr4 = value & CR4_DE;
        return DONE;
    default:
        return REFUSED;
    }
}

/* Ports ------------------------------------------------------------------------------------------------------------*/

static u32 port_read(u32 port, u32 bytes)
{
    u32 value = 0;
    for (u32 i = 0; i < bytes; i++)
        value |= (port + i == PORT_TIMER_2 ? 0u : 0xffu) << (8 * i);
    return value;
}

static u32 port_of(const struct insn *insn, const struct regs *r)
{
    return insn->source == INSN_SOURCE_IMM ? (u32)insn->immediate & 0xff : (u32)r->rdx & 0xffff;
}

static enum outcome port_in(const struct insn *insn, struct regs *r)
{
    u32 value = port_read(port_of(insn, r), insn->operand_size);
    if (insn->operand_size == 4)
        r->rax = value;
    else if (insn->operand_size == 2)
        r->rax = (r->rax & ~0xffffull) | value;
    else
        r->rax = (r->rax & ~0xffull) | value;
    return DONE;
}

static u64 operand_address(const struct insn *insn, const struct regs *r)
{
    u64 fs_base = insn->segment == INSN_SEG_FS ? insn_rdmsr(MSR_FS_BASE) : 0;
    u64 gs_base = insn->segment == INSN_SEG_GS ? insn_rdmsr(MSR_GS_BASE) : 0;
    return insn_effective_address(insn, r->gpr, r->rip, fs_base, gs_base);
}

static enum outcome operand_fault(struct x86_vcpu *v, struct regs *r, u64 address, u32 access)
{
    pv_inject_page_fault(v, r, address, access | PF_USER);
    return RAISED;
}

/* One round: the same for both, but for the direction. */
static enum outcome port_string_round(struct x86_vcpu *v, const struct insn *insn, struct regs *r)
{
    u64 address = operand_address(insn, r);
    u32 value = port_read(port_of(insn, r), insn->operand_size);

    if (!is_guest_range(address, insn->operand_size))
        return REFUSED;
    if (insn->op == INSN_INS) {
        if (copy_to_guest(address, &value, insn->operand_size))
            return operand_fault(v, r, address, PF_WRITE);
    } else if (copy_from_guest(&value, address, insn->operand_size)) {
        return operand_fault(v, r, address, 0);
    }
    insn_string_step(insn, r->gpr, r->rflags);
    return DONE;
}

static enum outcome port_string(struct x86_vcpu *v, const struct insn *insn, struct regs *r)
{
    for (u32 round = 0; !insn_rep_done(insn, r->gpr); round++) {
        if (round == STRING_ROUNDS || (round && preempt_pending()))
            return AGAIN;
        enum outcome outcome = port_string_round(v, insn, r);
        if (outcome != DONE || insn->rep == INSN_REP_NONE)
            return outcome;
    }
    return DONE;
}

/* The rest ---------------------------------------------------------------------------------------------------------*/

static u64 edx_eax(const struct regs *r)
{
    return r->rdx << 32 | (u32)r->rax;
}

static enum outcome edx_eax_set(struct regs *r, u64 value)
{
    r->rax = (u32)value;
    r->rdx = value >> 32;
    return DONE;
}

static enum outcome msr_read(struct x86_vcpu *v, struct regs *r)
{
    u64 value = 0;
    if (pv_read_msr(v, (u32)r->rcx, &value))
        return edx_eax_set(r, value);
    guest_log(v->vcpu.domain, LOG_DEBUG, "rdmsr %#x at %#llx: no such register for guests\n", (u32)r->rcx,
              (unsigned long long)r->rip);
    return REFUSED;
}

static enum outcome msr_write(struct x86_vcpu *v, struct regs *r)
{
    if (pv_write_msr(v, (u32)r->rcx, edx_eax(r)))
        return DONE;
    guest_log(v->vcpu.domain, LOG_DEBUG, "wrmsr %#x = %#llx at %#llx: not for guests\n", (u32)r->rcx,
              (unsigned long long)edx_eax(r), (unsigned long long)r->rip);
    return REFUSED;
}

/* As sched_op block: events are let through, and the vcpu waits for one unless it is there already. */
static enum outcome halt(struct vcpu *v)
{
    write_once(v->info->evtchn_upcall_mask, 0);
    sched_block(v, false, 0);
    if (event_upcall_due(v))
        sched_unblock(v);
    return DONE;
}

/* SMSW faults in ring 3 where UMIP is on. */
static enum outcome machine_status_store(struct x86_vcpu *v, const struct insn *insn, struct regs *r)
{
    u64 value = cr0_view(v);
    if (!insn->has_memory) {
        if (insn->operand_size == 2)
            value = (r->gpr[insn->rm] & ~0xffffull) | (value & 0xffff);
        r->gpr[insn->rm] = value;
        return DONE;
    }
    u64 address = operand_address(insn, r);
    if (!is_guest_range(address, sizeof(u16)))
        return REFUSED;
    return copy_to_guest(address, &value, sizeof(u16)) ? operand_fault(v, r, address, PF_WRITE) : DONE;
}

static enum outcome execute_kernel_only(struct x86_vcpu *v, const struct insn *insn, struct regs *r)
{
    switch (insn->op) {
    case INSN_RDMSR:
        return msr_read(v, r);
    case INSN_WRMSR:
        return msr_write(v, r);
    case INSN_MOV_FROM_CR:
        return cr_read(v, insn->reg, &r->gpr[insn->rm]);
    case INSN_MOV_TO_CR:
        return cr_write(v, insn->reg, r->gpr[insn->rm]);
    case INSN_MOV_FROM_DR:
        return arch_get_debugreg(&v->vcpu, insn->reg, &r->gpr[insn->rm]) ? REFUSED : DONE;
    case INSN_MOV_TO_DR:
        return arch_set_debugreg(&v->vcpu, insn->reg, r->gpr[insn->rm]) ? REFUSED : DONE;
    case INSN_CLTS:
        arch_fpu_taskswitch(&v->vcpu, false);
        return DONE;
    case INSN_SMSW:
        return machine_status_store(v, insn, r);
    case INSN_XSETBV:
        return (u32)r->rcx == 0 && pv_fpu_set_xcr0(v, edx_eax(r)) ? DONE : REFUSED;
    case INSN_HLT:
        return halt(&v->vcpu);
    case INSN_INVD: /* caches are coherent and hold nothing that only the guest knows */
    case INSN_WBINVD:
        return DONE;
    default:
        return REFUSED;
    }
}

/* CLI and STI change nothing: whether events are taken is said by the mask in vcpu_info. */
static enum outcome execute(struct x86_vcpu *v, const struct insn *insn, struct regs *r)
{
    switch (insn->op) {
    case INSN_CLI:
    case INSN_STI:
    case INSN_OUT:
        return iopl_suffices(v) ? DONE : REFUSED;
    case INSN_IN:
        return iopl_suffices(v) ? port_in(insn, r) : REFUSED;
    case INSN_INS:
    case INSN_OUTS:
        return iopl_suffices(v) ? port_string(v, insn, r) : REFUSED;
    default:
        return v->in_kernel ? execute_kernel_only(v, insn, r) : REFUSED;
    }
}

/* The guest goes on behind the instruction, or in its handler where it is stepping. */
static void complete(struct x86_vcpu *v, struct regs *r, u32 length)
{
    r->rip += length;
    r->rflags &= ~RFLAGS_RF;
    if (r->rflags & RFLAGS_TF) {
        v->dr6 |= DR6_BS;
        pv_inject_trap(v, r, VECTOR_DB, 0);
    }
}

bool pv_emulate_privileged(struct x86_vcpu *v, struct regs *r)
{
    u8 bytes[INSN_MAX_LENGTH + 1]; /* whole words are copied faster */
    struct insn insn;

    /* An error code names a selector or a vector: that is something else. */
    if (r->error != 0 || !pv_selector_is_code64(v, (u16)r->cs))
        return false;
    size_t n = copy_from_guest_partial(bytes, r->rip, sizeof(bytes));
    if (insn_decode(bytes, n, &insn) != DECODE_OK || insn.forced)
        return false;
    r->gpr[INSN_RSP] = r->rsp;
    enum outcome outcome = execute(v, &insn, r);
    if (outcome == REFUSED)
        return false;
    if (outcome == RAISED)
        return true;
    r->rsp = r->gpr[INSN_RSP]; /* it may have been the operand */
    if (outcome == DONE)
        complete(v, r, insn.length);
    return true;
}

/* UD2, "xen", CPUID: the one instruction that is emulated though it would not fault. In any mode, at any time. */
#define FORCED_CPUID       0x00a20f6e65780b0full /* 0f 0b 78 65 6e 0f a2, little-endian */
#define FORCED_CPUID_BYTES 7

bool pv_emulate_invalid_op(struct x86_vcpu *v, struct regs *r)
{
    u64 bytes = 0; /* eight are read at once, of which the last does not matter */
    struct cpuid_leaf leaf;

    if (copy_from_guest_partial(&bytes, r->rip, sizeof(bytes)) < FORCED_CPUID_BYTES ||
        (bytes & ~0ull >> 8) != FORCED_CPUID)
        return false;
    pv_cpuid(v, (u32)r->rax, (u32)r->rcx, &leaf);
    r->rax = leaf.eax;
    r->rbx = leaf.ebx;
    r->rcx = leaf.ecx;
    r->rdx = leaf.edx;
    complete(v, r, FORCED_CPUID_BYTES);
    return true;
}
