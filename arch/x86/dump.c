/* SPDX-License-Identifier: MIT */
/* What a person needs when a guest dies: its registers, and the walk of the address in question with types and counts. */
#include "arch/x86/dump.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/paging/walk.h"
#include <arch/domain.h>

void dump_regs(enum log_level level, const struct regs *r)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", NULL,  "rbp", "rsi", "rdi",
                                          "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
    printk(level, "  rip %04llx:%016llx  rsp %04llx:%016llx  rflags %08llx\n", (unsigned long long)r->cs,
           (unsigned long long)r->rip, (unsigned long long)r->ss, (unsigned long long)r->rsp,
           (unsigned long long)r->rflags);
    /* Three a line; slot 4 is rsp, printed above. */
    static const u8 order[15] = {0, 3, 1, 2, 6, 7, 5, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 15; i += 3)
        printk(level, "  %s %016llx  %s %016llx  %s %016llx\n", names[order[i]], (unsigned long long)r->gpr[order[i]],
               names[order[i + 1]], (unsigned long long)r->gpr[order[i + 1]], names[order[i + 2]],
               (unsigned long long)r->gpr[order[i + 2]]);
}

static const char *type_name(enum frame_type t)
{
    static const char *const names[8] = {"none", "L1", "L2", "L3", "L4", "descriptor", "writable", "?"};
    return names[t & 7];
}

static void dump_entry(enum log_level level, unsigned pt_level, u64 address, u64 entry)
{
    mfn_t mfn = mfn_make(pte_frame(entry));
    if (!(entry & PTE_PRESENT)) {
        printk(level, "  L%u[%3u] = %016llx  not present\n", pt_level, pt_index(address, pt_level),
               (unsigned long long)entry);
        return;
    }
    if (!mfn_valid(mfn)) {
        printk(level, "  L%u[%3u] = %016llx  there is no such frame\n", pt_level, pt_index(address, pt_level),
               (unsigned long long)entry);
        return;
    }
    const struct frame *f = frame_of(mfn);
    u64 w = frame_word(f);
    printk(level, "  L%u[%3u] = %016llx %c%c%c  mfn %llx: d%u, %s x%llu, %llu references%s\n", pt_level,
           pt_index(address, pt_level), (unsigned long long)entry, entry & PTE_RW ? 'w' : '-',
           entry & PTE_USER ? 'u' : '-', entry & PTE_NX ? '-' : 'x', (unsigned long long)mfn.n, f->owner,
           type_name(word_type(w)), (unsigned long long)word_type_count(w), (unsigned long long)word_refs(w),
           w & FRAME_PINNED ? ", pinned" : "");
}

void dump_walk(enum log_level level, const struct x86_vcpu *v, vaddr_t address)
{
    mfn_t root = v->in_kernel ? v->kernel_root : v->user_root;
    if (mfn_is_invalid(root)) {
        printk(level, "  no page tables are loaded\n");
        return;
    }
    printk(level, "  walk of %#llx from root mfn %llx:\n", (unsigned long long)address, (unsigned long long)root.n);
    struct pt_walk w;
    pt_walk(&pt_format_x86_64, root, address, &w);
    for (unsigned l = PT_LEVELS; l >= w.level; l--)
        dump_entry(level, l, address, w.entry[l]);
}

void arch_vcpu_dump(const struct vcpu *vcpu)
{
    const struct x86_vcpu *v = container_of(vcpu, const struct x86_vcpu, vcpu);
    const struct regs *r = vcpu == current_vcpu() ? guest_regs() : &v->regs;
    log_error("d%u vcpu%u, in its %s:\n", vcpu->domain->id, vcpu->id, v->in_kernel ? "kernel" : "user mode");
    dump_regs(LOG_ERROR, r);
    dump_walk(LOG_ERROR, v, r->rip);
    dump_walk(LOG_ERROR, v, r->rsp);
    if (v->cr2) {
        log_error("  last page fault: cr2 %#llx\n", (unsigned long long)v->cr2);
        dump_walk(LOG_ERROR, v, v->cr2);
    }
}
