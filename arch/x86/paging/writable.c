/* SPDX-License-Identifier: MIT */
/*
 * Trapped stores: a registered L1 table is mapped read-only, so a plain store to it faults. The instruction is decoded,
 * carried out on a copy of the entry, and the result goes the way of any other update (update.c).
 *
 * Rewrite mode, where a stored entry holds a machine frame and the guest writes pseudo-physical ones: an instruction
 * that replaces a whole entry (mov, xchg, cmpxchg, 8 bytes) gives its new value in the guest's form. One that
 * changes a part of it (and, or, btr, or less than 8 bytes) works on what stands there: of a present entry it must leave
 * the frame alone, and where it clears the present bit the entry goes back to the guest's form, which is the form of
 * all that is not present. What an instruction reads (the old value of xchg, cmpxchg) is what any load would show.
 */
#include "arch/x86/paging/writable.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/emulate/execute.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/paging/update.h"
#include "arch/x86/paging/walk.h"
#include "common/printk.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>

/* The registered L1 table behind a read-only mapping of address; NULL: it is not one. As on Xen, tables of higher
 * levels change by hypercall only: a store there is the guest's page fault. */
static struct frame *table_behind(const struct x86_vcpu *v, vaddr_t address)
{
    mfn_t l1 = pt_find_l1(v->kernel_root, address);
    if (mfn_is_invalid(l1))
        return NULL;
    u64 leaf = read_once(((u64 *)mfn_to_ptr(l1))[pt_index(address, 1)]);
    mfn_t mfn = mfn_make(pte_frame(leaf));
    if ((leaf & (PTE_PRESENT | PTE_RW)) != PTE_PRESENT || !mfn_valid(mfn))
        return NULL;
    struct frame *f = frame_of(mfn);
    u64 w = frame_word(f);
    return (w & FRAME_VALIDATED) && word_type(w) == FRAME_L1 ? f : NULL;
}

static bool replaces_whole_entry(const struct insn *insn)
{
    switch (insn->op) {
    case INSN_MOV:
    case INSN_MOVNTI:
    case INSN_XCHG:
    case INSN_CMPXCHG:
    case INSN_STOS:
    case INSN_MOVS:
        return insn->operand_size == 8;
    default:
        return false;
    }
}

/* The new entry in the guest's form; false: a part of the frame number would change. */
static bool in_guest_form(const struct domain *d, const struct insn *insn, u64 old, u64 *new)
{
    if (!x86_domain_const(d)->p2m || replaces_whole_entry(insn) || !(old & PTE_PRESENT))
        return true;
    bool same_frame = !((old ^ *new) & PTE_ADDR);
    if (!(*new & PTE_PRESENT)) {
        if (same_frame)
            *new = entry_turned_back(d, *new);
        return true;
    }
    if (entry_is_foreign(d, old))
        return false; /* it has no number in the guest's form */
    *new = (*new & ~PTE_ADDR) | (mfn_to_guest(d, mfn_make(pte_frame(old))) << PAGE_SHIFT);
    return same_frame;
}

static u64 segment_base(const struct insn *insn)
{
    return insn->segment == INSN_SEG_FS   ? insn_rdmsr(MSR_FS_BASE)
           : insn->segment == INSN_SEG_GS ? insn_rdmsr(MSR_GS_BASE)
                                          : 0;
}

/* The fault names the first byte that could not be written: the operand's own, or, where a store came over from the page
 * before, the first of this one. */
static bool begins_at(const struct insn *insn, struct regs *r, vaddr_t address)
{
    if (likely(address & ~PAGE_MASK))
        return true;
    u64 base = segment_base(insn);
    r->gpr[INSN_RSP] = r->rsp;
    return insn_effective_address(insn, r->gpr, r->rip, base, base) == address;
}

/* Reads and decodes the instruction; false: none that stores to memory within one entry. */
static bool fetch_store(struct regs *r, vaddr_t address, struct insn *insn)
{
    u8 code[INSN_MAX_LENGTH];
    size_t n = copy_from_guest_partial(code, r->rip, sizeof(code));
    return r->cs == SEL_RING3_CS64 && insn_decode(code, n, insn) == DECODE_OK && insn_is_store(insn) &&
           (address & 7) + insn->operand_size <= 8 && begins_at(insn, r, address);
}

/*
 * Carries the instruction out on the entry `old`: the new entry in *new, registers and flags changed in gpr and *flags.
 * MOVS reads its value from the guest.
 */
static enum execute_result run_store(const struct insn *insn, vaddr_t address, u64 gpr[16], u64 *flags, u64 old,
                                     u64 *new)
{
    unsigned shift = (unsigned)(address & 7) * 8, bits = insn->operand_size * 8u;
    u64 mask = (bits == 64 ? ~0ull : (1ull << bits) - 1) << shift;
    u64 value = (old & mask) >> shift;

    if (insn->op == INSN_MOVS) {
        u64 base = segment_base(insn);
        value = 0;
        if (copy_from_guest(&value, insn_source_address(insn, gpr, base, base), insn->operand_size))
            return EXECUTE_UNSUPPORTED;
    }
    enum execute_result result = insn_execute(insn, gpr, flags, &value);
    *new = (old & ~mask) | ((value << shift) & mask);
    return result;
}

/* The registers that a store can change: its register operand (xchg, xadd), rax (cmpxchg), those of string stores. */
struct changeable {
    u64 operand, rax, rcx, rsi, rdi;
};

static void registers_restore(struct regs *r, const struct insn *insn, const struct changeable *before)
{
    r->gpr[insn->reg & 15] = before->operand;
    r->gpr[INSN_RAX] = before->rax;
    r->gpr[INSN_RCX] = before->rcx;
    r->gpr[INSN_RSI] = before->rsi;
    r->gpr[INSN_RDI] = before->rdi;
}

static bool store_to_table(struct x86_vcpu *v, struct regs *r, struct frame *f, const struct insn *insn,
                           vaddr_t address)
{
    struct domain *d = v->vcpu.domain;
    unsigned index = (unsigned)(address & ~PAGE_MASK) >> 3;
    u64 old = read_once(((u64 *)frame_ptr(f))[index]), new, flags = r->rflags;
    const struct changeable before = {r->gpr[insn->reg & 15], r->gpr[INSN_RAX], r->gpr[INSN_RCX], r->gpr[INSN_RSI],
                                      r->gpr[INSN_RDI]};

    r->gpr[INSN_RSP] = r->rsp;
    enum execute_result result = run_store(insn, address, r->gpr, &flags, old, &new);
    if (result == EXECUTE_UNSUPPORTED)
        return false;
    if (result == EXECUTE_WRITE) {
        long rc = -XEN_EINVAL;
        if (in_guest_form(d, insn, old, &new))
            rc = update_entry(v, d, d, f, index, new, STORE_IF_EQUAL, old);
        else
            guest_log(d, LOG_DEBUG, "store to a table: a part of a frame number is not written alone\n");
        arch_mmu_update_end(&v->vcpu);
        if (rc) {
            registers_restore(r, insn, &before);
            return rc == -XEN_EAGAIN; /* the processor was quicker; rip stays: the store comes again */
        }
    }
    r->rsp = r->gpr[INSN_RSP];
    r->rflags = flags & ~RFLAGS_RF;
    if (insn->rep == INSN_REP_NONE || insn_rep_done(insn, r->gpr))
        r->rip += insn->length;
    return true;
}

bool writable_page_fault(struct x86_vcpu *v, struct regs *r, vaddr_t address)
{
    struct insn insn;
    if (!(v->vcpu.domain->vm_assist & (1ull << VMASST_TYPE_writable_pagetables)))
        return false;
    struct frame *f = table_behind(v, address);
    return f && fetch_store(r, address, &insn) && store_to_table(v, r, f, &insn, address);
}
