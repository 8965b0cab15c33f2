/* SPDX-License-Identifier: MIT */
/*
 * Contract: the page tables of paravirtualized domains, as the memory hypercalls need them. Frame numbers are the
 * guest's own (gfn_t): machine frames in direct mode, pseudo-physical frames in rewrite mode; they are translated
 * here, each once. All return 0 or -XEN_Exxx; -XEN_ERESTART: some progress was made, the same request is to be given
 * again (preemption). A refusal leaves everything as it was and says why in the guest log.
 */
#ifndef XL_ARCH_PAGING_H
#define XL_ARCH_PAGING_H

#include "lib/types.h"

struct domain;
struct vcpu;

/* gfn to mfn of a domain; MFN_INVALID: no such frame. In direct mode the number itself, if RAM has it. */
mfn_t arch_gfn_to_mfn(const struct domain *d, gfn_t gfn);
/* Does the domain use pseudo-physical numbers everywhere (XENFEAT_auto_translated_physmap)? */
bool arch_domain_translated(const struct domain *d);
/* Rewrite mode: binds gfn to mfn (MFN_INVALID: unbinds) in both directions. -XEN_EINVAL out of range, -XEN_EEXIST taken. */
int arch_p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn);
/*
 * Rewrite mode: what gfn names changes from one frame to another in one step (MFN_INVALID: none). False: out of range, or it
 * names something else. Of two vcpus that change the same number at once, one is told so.
 */
bool arch_p2m_swap(struct domain *d, gfn_t gfn, mfn_t from, mfn_t to);
/* The domain's frame behind gfn with a reference; NULL: not a frame of d. Give back with frame_put(). */
struct frame *arch_get_gfn(struct domain *d, gfn_t gfn);

/* One of mmu_update: command (MMU_*) stands in ptr's low bits. Tables of `table_owner`, frames of `frame_owner`. */
long arch_mmu_update(struct vcpu *v, struct domain *table_owner, struct domain *frame_owner, u64 ptr, u64 val);
/* Ends a run of updates of one vcpu: unlocks the table that arch_mmu_update keeps at hand between entries. */
void arch_mmu_update_end(struct vcpu *v);
/* update_va_mapping: the L1 entry that maps va in the vcpu's kernel tables. */
long arch_update_va_mapping(struct vcpu *v, vaddr_t va, u64 val, struct domain *frame_owner);

long arch_pin_table(struct vcpu *v, struct domain *d, unsigned level, gfn_t gfn);
long arch_unpin_table(struct vcpu *v, struct domain *d, gfn_t gfn);
long arch_new_base(struct vcpu *v, gfn_t gfn);      /* MMUEXT_NEW_BASEPTR */
long arch_new_user_base(struct vcpu *v, gfn_t gfn); /* MMUEXT_NEW_USER_BASEPTR; 0: none */
/*
 * Ends one memory operation that answers rc: what it left to do (tables that lost their last use) is done in bounded
 * steps as far as no preemption is due; the rest before the vcpu goes back to its guest. Returns rc.
 */
long arch_paging_finish(struct vcpu *v, long rc);

/*
 * Host mappings of grants: the L1 entry at `address`, a virtual address in the vcpu's kernel tables or, with
 * GNTMAP_contains_pte, the entry's own address in the guest's numbers, is made to name mfn of the domain `owner` and takes
 * what an entry holds. What stood there gives way, as in any update. flags: GNTMAP_*. -XEN_EINVAL, said why in the log.
 * A batch of them ends with arch_mmu_update_end().
 */
long arch_grant_map(struct vcpu *v, u64 address, u32 flags, mfn_t mfn, u16 owner);
/*
 * Takes such an entry out where it names mfn with those rights; what it held is kept for arch_grant_drop(), after the
 * flush. new_address not 0: the entry that maps that address moves there.
 */
long arch_grant_unmap(struct vcpu *v, u64 address, u64 new_address, u32 flags, mfn_t mfn);
void arch_grant_drop(struct frame *f, u32 flags);
/* A reference and the writable type of a frame of owner; false: refused. Back by arch_put_writable(). */
bool arch_hold_writable(struct frame *f, u16 owner);

/* Memory of the domain that is written by the hypervisor on the guest's behalf: a reference and the writable type. */
struct frame *arch_get_writable_gfn(struct domain *d, gfn_t gfn);
void arch_put_writable(struct frame *f);

/* Translations of this domain on the cpus of its vcpus in mask (bit = vcpu id; ~0: all). */
void arch_flush_tlb(struct domain *d, u64 vcpu_mask);
void arch_flush_tlb_page(struct domain *d, u64 vcpu_mask, vaddr_t va);

/*
 * Called before the memory of a frame that a guest may have mapped goes to anybody else: when it returns no processor
 * translates to it any more, by whatever address.
 */
void arch_flush_before_reuse(void);

/* The machine frame behind that offset into the machine-to-physical table, which guests read in pieces of M2P_CHUNK. */
#define M2P_CHUNK MIB(2)
mfn_t arch_m2p_mfn(u64 offset);

/* Recounts every reference and type from the tables and compares; prints each difference. Returns their number. */
u64 arch_audit(void);

#endif
