/* SPDX-License-Identifier: MIT */
/*
 * One entry: what a present entry of a live table must satisfy, what it holds, and how it is written.
 *
 *   level 1     names a frame of the domain. Read-only: holds a reference. Writable: a reference and the type "writable",
 *               which no page table or descriptor table can have at the same time. That is the whole safety argument.
 *               A frame of another domain only by a right of its own: `frames` is a domain that the caller may act on.
 *   level 2..4  names a validated table one level below, of the same domain: a reference and that type.
 *
 * Fix-ups: kernel and user mode both run in ring 3, so the user bit is forced on; a leaf that came without it, and in
 * rewrite mode any entry, is tagged (PTE_TAG_KERNEL) so that it can be turned back. GLOBAL is dropped: a CR3 load
 * flushes all guest translations.
 * Direct and rewrite mode differ in two lines: gfn_to_mfn() on the way in, mfn_to_guest() on the way back.
 *
 * The path of one leaf is inlined everywhere: it is what a paravirtualized guest spends its time in.
 */
#ifndef XL_X86_PAGING_ENTRY_H
#define XL_X86_PAGING_ENTRY_H

#include "arch/x86/paging/format.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/tlb.h"
#include "common/printk.h"
#include <xen/errno.h>

/* Cache attributes are for domains with devices, which we have none of; a large page would map what nobody checked. */
#define L1_FORBIDDEN    (PTE_PWT | PTE_PCD | PTE_PSE)
#define TABLE_FORBIDDEN (PTE_PWT | PTE_PCD | PTE_PSE | PTE_GLOBAL)

/* An available bit that is ours: the user bit was added. What a guest puts there is kept only beside a user bit. */
#define PTE_TAG_KERNEL (1ull << 52)

/*
 * Bits that may change without a new check. A whitelist: RW, frame and all that is forbidden stand outside of it
 * (XSA-148, XSA-182 are what a blacklist leads to).
 */
#define PTE_FLAGS_ONLY (PTE_NX | PTE_AVAIL_HIGH | PTE_AVAIL | PTE_GLOBAL | PTE_DIRTY | PTE_ACCESSED | PTE_USER)

#define TYPE_WRITABLE ((u64)FRAME_WRITABLE << FRAME_TYPE_SHIFT)

/* Frame, user bit and tag as the processor is to see them. */
static inline u64 entry_stored(u64 entry, mfn_t mfn)
{
    u64 e = (entry & ~(PTE_ADDR | PTE_GLOBAL)) | (mfn.n << PAGE_SHIFT);
    return (e & PTE_USER) ? e : e | PTE_USER | PTE_TAG_KERNEL;
}

/*
 * The same for an entry of level 2 to 4. In direct mode nothing is turned back, so there is no tag: a guest that looks
 * at its own tables takes a bit it does not know above level 1 for damage (Linux: "bad p4d"), and Xen sets none there.
 */
static inline u64 table_entry_stored(const struct domain *d, u64 entry, mfn_t mfn)
{
    return entry_stored(x86_domain_const(d)->p2m ? entry : entry | PTE_USER, mfn);
}

/* Does a stored entry name a frame of another domain (granted, or mapped by a privileged one)? Level 1 only. */
static inline bool entry_is_foreign(const struct domain *d, u64 stored)
{
    return frame_of(mfn_make(pte_frame(stored)))->owner != d->id;
}

/* Rewrite mode: what the guest had put there, from what is stored. A frame of another domain has no number there: 0. */
static inline u64 entry_turned_back(const struct domain *d, u64 stored)
{
    u64 e = stored;
    if (unlikely(entry_is_foreign(d, stored)))
        return 0;
    if (e & PTE_TAG_KERNEL)
        e &= ~(PTE_TAG_KERNEL | PTE_USER);
    return (e & ~PTE_ADDR) | (mfn_to_guest(d, mfn_make(pte_frame(stored))) << PAGE_SHIFT);
}

/* Drops a writable hold: reference and type count in one step. The type stays until another one is taken. */
static inline void writable_put(struct frame *f)
{
    u64 was = atomic_fetch_sub_explicit(&f->word, FRAME_REF_ONE + FRAME_TC_ONE, memory_order_acq_rel);
    if (unlikely(word_refs(was) == 1))
        frame_last_put(f);
}

/* A reference and the type "writable" of a frame of owner; 0, or -XEN_EBUSY: not the owner's, or it is a table. */
static inline int writable_get(struct frame *f, u16 owner)
{
    u64 w = frame_word(f), want;
    /* Not what counts, but what is plainly another's is not touched: its type is not ours to change. */
    if (unlikely(f->owner != owner))
        return -XEN_EBUSY;
    do {
        if (unlikely(!word_ref_ok(w)))
            return -XEN_EBUSY;
        if (likely((w & FRAME_TYPE_MASK) == TYPE_WRITABLE))
            want = w;
        else if (!(w & FRAME_TC_MASK))
            want = (w & ~(FRAME_TYPE_MASK | FRAME_VALIDATED)) | TYPE_WRITABLE;
        else
            return -XEN_EBUSY;
    } while (unlikely(!frame_swap(f, &w, want + FRAME_REF_ONE + FRAME_TC_ONE)));

    /* It was a table: a cpu may still walk it as one. After the type is ours, before the guest can write. */
    if (unlikely(want != w) && word_type(w) != FRAME_NONE)
        tlb_flush_all();
    if (likely(f->owner == owner))
        return 0;
    writable_put(f);
    return -XEN_EBUSY;
}

/* Why a leaf is refused: said out of the straight path. Each returns the error. */
int leaf_refuse_bits(const struct domain *d, u64 entry);
int leaf_refuse_missing(const struct domain *d, u64 entry);
int leaf_refuse_frame(const struct domain *d, u64 entry, const struct frame *f);

/* Forbidden bits and the frame behind a present L1 entry; MFN_INVALID with *error set. */
static inline mfn_t leaf_frame(const struct domain *d, u64 entry, int *error)
{
    if (unlikely(entry & L1_FORBIDDEN)) {
        *error = leaf_refuse_bits(d, entry);
        return MFN_INVALID;
    }
    mfn_t mfn = gfn_to_mfn(d, gfn_make(pte_frame(entry)));
    if (unlikely(mfn_is_invalid(mfn)))
        *error = leaf_refuse_missing(d, entry);
    return mfn;
}

/* Takes what a present L1 entry for mfn must hold. */
static inline int leaf_hold(const struct domain *d, u64 entry, mfn_t mfn)
{
    struct frame *f = frame_of(mfn);
    int rc; /* 0: held */
    if (entry & PTE_RW)
        rc = writable_get(f, d->id);
    else
        rc = !frame_get(f, d->id);
    return likely(rc == 0) ? 0 : leaf_refuse_frame(d, entry, f);
}

/* Drops what a present, stored L1 entry holds. */
static inline void leaf_drop(u64 stored)
{
    struct frame *f = frame_of(mfn_make(pte_frame(stored)));
    if (stored & PTE_RW)
        writable_put(f);
    else
        frame_put(f);
}

/*
 * The same for an entry that stood in a live table of d. A frame of another domain may be used for anything as soon as it is
 * let go, and its owner knows of no flush: no cpu keeps a translation to it. For a frame of its own that is d's affair.
 */
static inline void live_leaf_drop(const struct domain *d, u64 stored)
{
    if (unlikely(entry_is_foreign(d, stored)))
        tlb_flush_all();
    leaf_drop(stored);
}

#endif
