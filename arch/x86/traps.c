/* SPDX-License-Identifier: MIT */
/*
 * What an exception means. From a guest: something to emulate (a trapped page-table store, a privileged instruction)
 * or the guest kernel's own business. From the hypervisor: a guest address that faulted where that is expected
 * (exception table, the IRET to the guest), or our own mistake, which stops the machine.
 */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/dump.h"
#include "arch/x86/entry/stub.h"
#include "arch/x86/irq.h"
#include "arch/x86/paging/writable.h"
#include "arch/x86/pv/pv.h"
#include "arch/x86/traps.h"
#include "common/printk.h"
#include <arch/guest_memory.h>

struct ex_entry {
    u64 fault, fixup;
};
extern const struct ex_entry ex_table_start[], ex_table_end[];

/* ---- from a guest --------------------------------------------------------------------------------------------- */

static void guest_page_fault(struct x86_vcpu *v, struct regs *r)
{
    vaddr_t address = insn_read_cr2();
    u32 error = r->error;

    if (unlikely(error & PF_RESERVED)) {
        domain_crash(v->vcpu.domain, "a reserved bit is set in the entries that map %#llx", (unsigned long long)address);
        return;
    }
    if ((error & (PF_PRESENT | PF_WRITE)) == (PF_PRESENT | PF_WRITE) && v->in_kernel &&
        writable_page_fault(v, r, address))
        return;
    pv_inject_page_fault(v, r, address, error);
}

/* May the guest, in its present mode, raise this vector by `int n`? Its kernel counts as ring 1. */
static bool may_raise(const struct x86_vcpu *v, u8 vector)
{
    return v->trap[vector].address && v->trap[vector].dpl >= (v->in_kernel ? 1 : 3);
}

/*
 * `int n` whose gate in our table is not for ring 3 arrives as #GP with the vector in the error code. The guest's own
 * trap table says who may raise it. The instruction is read, as the error code alone misleads on some machines.
 */
static bool guest_software_int(struct x86_vcpu *v, struct regs *r)
{
    u8 code[2];
    if ((r->error & 3) != 2 || copy_from_guest_partial(code, r->rip, 2) != 2 || code[0] != 0xcd)
        return false;
    if (!may_raise(v, code[1])) {
        r->error = code[1] * 8u + 2;
        return false;
    }
    r->rip += 2;
    pv_inject_trap(v, r, code[1], 0);
    return true;
}

/* `int 0x80` comes straight, whatever the DPL of its handler (as on Xen); a guest without one gets its #GP (XSA-259). */
static void guest_int80(struct x86_vcpu *v, struct regs *r)
{
    if (v->trap[0x80].address) {
        pv_inject_trap(v, r, 0x80, 0);
        return;
    }
    r->rip -= 2;
    pv_inject_trap(v, r, VECTOR_GP, 0x80 * 8 + 2);
}

static void guest_general_protection(struct x86_vcpu *v, struct regs *r)
{
    /* A write to CR3 can be long work, which looks for interrupts to know when to stop. */
    insn_sti();
    if (!guest_software_int(v, r) && !pv_emulate_privileged(v, r))
        pv_inject_trap(v, r, VECTOR_GP, r->error);
    insn_cli();
}

static void guest_debug(struct x86_vcpu *v, struct regs *r)
{
    u64 dr6 = insn_read_dr(6);
    insn_write_dr(6, 0xffff0ff0);
    v->dr6 = dr6;
    pv_inject_trap(v, r, VECTOR_DB, 0);
}

void trap_from_guest(struct regs *r)
{
    struct x86_vcpu *v = x86_vcpu(current_vcpu());
    switch (r->vector) {
    case VECTOR_PF:
        guest_page_fault(v, r);
        return;
    case VECTOR_GP:
        guest_general_protection(v, r);
        return;
    case VECTOR_UD:
        if (!pv_emulate_invalid_op(v, r))
            pv_inject_trap(v, r, VECTOR_UD, 0);
        return;
    case VECTOR_NM:
        pv_fpu_device_not_available(v, r);
        return;
    case VECTOR_DB:
        guest_debug(v, r);
        return;
    case VECTOR_NMI:
    case VECTOR_DF:
    case VECTOR_MC:
        trap_fatal(r, "the processor reports a machine fault while a guest ran");
    case 0x80:
        guest_int80(v, r);
        return;
    default:
        if (r->vector < 32)
            pv_inject_trap(v, r, (u8)r->vector, r->error);
        else
            irq_handle(r);
    }
}

/* ---- from the hypervisor -------------------------------------------------------------------------------------- */

static bool fixed_up(struct regs *r)
{
    for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
        if (e->fault == r->rip) {
            r->rip = e->fixup;
            return true;
        }
    return false;
}

/*
 * The IRET to the guest faulted: a selector, a stack or an address that the guest chose cannot be loaded. Its general
 * registers were in the processor already; they are put back, and the exception is the guest's, as if it had come at the
 * place where the guest wanted to go on (as on Xen 4.17; earlier versions entered the failsafe callback).
 */
static __noreturn void iret_fault(const struct regs *r)
{
    struct regs *g = guest_regs();
    u8 vector = (u8)r->vector;
    u32 error = r->error;
    u64 gpr[16];

    for (unsigned i = 0; i < 16; i++)
        gpr[i] = r->gpr[i];
    for (unsigned i = 0; i < 16; i++)
        g->gpr[i] = gpr[i];
    pv_inject_trap(x86_vcpu(current_vcpu()), g, vector, error);
    entry_return_to_guest();
}

/* Exceptions that a guest's address or selector causes where we use it. */
static bool is_bad_operand(u32 vector)
{
    return vector == VECTOR_PF || vector == VECTOR_GP || vector == VECTOR_SS || vector == VECTOR_NP || vector == VECTOR_TS;
}

void trap_from_hypervisor(struct regs *r)
{
    if (r->vector >= 32) {
        irq_handle(r);
        return;
    }
    if (is_bad_operand(r->vector)) {
        if (fixed_up(r))
            return;
        if (r->rip == (u64)iret_to_guest)
            iret_fault(r);
    }
    if (r->vector == VECTOR_DB) {
        /* A watchpoint of the guest, on memory that was read for it: the guest has no use for it. */
        insn_write_dr(6, 0xffff0ff0);
        return;
    }
    trap_fatal(r, "exception in the hypervisor");
}

__noreturn void trap_fatal(const struct regs *r, const char *what)
{
    log_error("%s: vector %u, error code %#x, cr2 %#llx\n", what, r->vector, r->error,
              (unsigned long long)insn_read_cr2());
    dump_regs(LOG_ERROR, r);
    panic("%s at %#llx", what, (unsigned long long)r->rip);
}
