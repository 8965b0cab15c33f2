/* SPDX-License-Identifier: MIT */
/*
 * One entry of a live table changes: mmu_update, update_va_mapping, and the trapped stores of writable.c.
 *
 * Order: lock the table and read its type under the lock; take all that the new entry needs; store it in one write;
 * drop what the old one held. A refusal comes before the store, so it leaves everything as it was.
 * A run of updates to one table keeps it locked between them (the cursor): a batch pays for the lock once.
 */
#include "arch/x86/paging/update.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/paging/walk.h"
#include "common/cpu.h"
#include "lib/bug.h"
#include <arch/paging.h>
#include <xen/xen.h>

/* ---- the cursor ----------------------------------------------------------------------------------------------- */

void arch_mmu_update_end(struct vcpu *v)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    if (xv->cursor) {
        table_unlock(xv->cursor);
        xv->cursor = NULL;
    }
}

/* ---- the store ------------------------------------------------------------------------------------------------ */

/*
 * Stores an entry in one write; the processor may set accessed and dirty bits of the old one at any moment. *old: what
 * stood there. False (STORE_IF_EQUAL only): something else than *old stands there, nothing was stored.
 */
static inline bool entry_store(u64 *slot, u64 new, enum store_mode mode, u64 *old)
{
    _Atomic u64 *a = (_Atomic u64 *)slot;
    if (likely(mode == STORE_PLAIN)) {
        *old = atomic_exchange_explicit(a, new, memory_order_acq_rel);
        return true;
    }
    if (mode == STORE_IF_EQUAL)
        return atomic_compare_exchange_strong(a, old, new);
    *old = atomic_load_explicit(a, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(a, old, new | (*old & (PTE_ACCESSED | PTE_DIRTY))))
        ;
    return true;
}

int update_l1_entry(const struct domain *owner, const struct domain *frames, u64 *slot, u64 val, enum store_mode mode,
                    u64 expected)
{
    u64 old = expected;
    if (!(val & PTE_PRESENT)) {
        if (!entry_store(slot, val, mode, &old))
            return -XEN_EAGAIN;
    } else {
        int rc = 0;
        mfn_t mfn = leaf_frame(frames, val, &rc);
        if (unlikely(rc))
            return rc;
        u64 new = entry_stored(val, mfn), now = read_once(*slot);
        if ((now & PTE_PRESENT) && !((now ^ new) & ~PTE_FLAGS_ONLY))
            return entry_store(slot, new, mode, &old) ? 0 : -XEN_EAGAIN;
        rc = leaf_hold(frames, val, mfn);
        if (unlikely(rc))
            return rc;
        if (!entry_store(slot, new, mode, &old)) {
            leaf_drop(new);
            return -XEN_EAGAIN;
        }
    }
    if (old & PTE_PRESENT)
        live_leaf_drop(owner, old);
    return 0;
}

/*
 * An entry of level 2 to 4. *promote: the table below has to be promoted first, which is long work: the page lock is
 * given up meanwhile and everything is looked at again.
 */
static int update_table_entry(struct x86_vcpu *v, struct domain *d, unsigned level, u64 *slot, u64 val,
                              enum store_mode mode, u64 expected, bool *promote)
{
    u64 new = val, old = expected;
    if (val & PTE_PRESENT) {
        int rc = child_hold(d, level, &new);
        if (rc) {
            *promote = rc == -XEN_EAGAIN;
            return rc;
        }
    }
    if (!entry_store(slot, new, mode, &old)) {
        if (new & PTE_PRESENT)
            child_drop(new, &v->work);
        return -XEN_EAGAIN;
    }
    if (old & PTE_PRESENT)
        child_drop(old, &v->work);
    return 0;
}

/* The table below val is no valid table yet: promotes it and keeps it for the update that follows. */
static int promote_below(struct x86_vcpu *v, struct domain *d, unsigned level, u64 val)
{
    arch_mmu_update_end(&v->vcpu);
    struct frame *f = arch_get_gfn(d, gfn_make(pte_frame(val)));
    if (!f)
        return guest_refuse(d, XEN_EINVAL, "L%u entry %#llx: the frame is not the domain's\n", level,
                            (unsigned long long)val);
    int rc = table_get(d, f, level - 1, &v->work);
    if (rc) {
        frame_put(f);
        /* Above level 1 a frame in the wrong use is the guest's mistake, not a conflict that may pass. */
        return rc == -XEN_ERESTART ? rc : -XEN_EINVAL;
    }
    table_put(f, &v->work); /* goes to the dropped list, still valid: the update picks it up from there */
    return 0;
}

/* ---- mmu_update ------------------------------------------------------------------------------------------------ */

/* A frame that is no table: a plain store for the guest, under the writable type. */
static int update_plain(struct domain *d, struct frame *f, unsigned index, u64 val)
{
    int rc = writable_get(f, d->id);
    if (rc)
        return guest_refuse(d, XEN_EINVAL, "mmu_update: frame %#llx is neither a table nor writable (type %u)\n",
                            (unsigned long long)mfn_to_guest(d, frame_mfn(f)), word_type(frame_word(f)));
    write_once(((u64 *)frame_ptr(f))[index], val);
    writable_put(f);
    return 0;
}

long update_entry(struct x86_vcpu *v, struct domain *d, struct domain *frames, struct frame *f, unsigned index,
                  u64 val, enum store_mode mode, u64 expected)
{
    u64 *table = frame_ptr(f);
    for (;;) {
        unsigned level = cursor_lock(v, d, f);
        if (likely(level == 1))
            return update_l1_entry(d, frames, &table[index], val, mode, expected);
        if (level == 0)
            return update_plain(d, f, index, val);
        if (is_hypervisor_slot(level, index))
            return guest_refuse(d, XEN_EINVAL, "L4 entry %u belongs to the hypervisor (%u to %u do)\n", index,
                                HYPERVISOR_FIRST_SLOT, HYPERVISOR_LAST_SLOT);
        bool promote = false;
        int rc = update_table_entry(v, d, level, &table[index], val, mode, expected, &promote);
        if (!promote)
            return rc;
        rc = promote_below(v, d, level, val);
        if (rc)
            return rc;
    }
}

/* The guest's hint for a frame of its own. Never trusted here; in rewrite mode the table is ours alone. */
static long machphys_update(struct domain *d, u64 frame, u64 val)
{
    if (arch_domain_translated(d))
        return guest_refuse(d, XEN_EINVAL, "MMU_MACHPHYS_UPDATE is not for a domain that knows no machine frames\n");
    struct frame *f = arch_get_gfn(d, gfn_make(frame));
    if (!f)
        return guest_refuse(d, XEN_EINVAL, "MMU_MACHPHYS_UPDATE: frame %#llx is not the domain's\n",
                            (unsigned long long)frame);
    write_once(m2p_table[frame], val);
    frame_put(f);
    return 0;
}

/*
 * A refusal may have met a table that lost its last use a moment ago, in the same batch or in a pin that was given up, and
 * only waits to be invalidated. Begins with that. False: there is nothing of the kind; *all: it is done.
 */
static __cold bool leftovers_let_go(struct x86_vcpu *v, bool *all)
{
    v->work.resume = false;
    if (!table_work_pending(&v->work))
        return false;
    arch_mmu_update_end(&v->vcpu);
    *all = table_work_run(&v->work);
    if (!*all)
        softirq_raise(SOFTIRQ_TABLES);
    return true;
}

/*
 * 0: the refused update deserves a second look; -XEN_ERESTART: once what is left is done, and it is given again; else rc,
 * which stands. One second look for each update: what its own promotion keeps would ask for another one each time.
 */
static __cold long try_again(struct x86_vcpu *v, long rc, u64 place, u64 val)
{
    bool had = v->second_look.taken && v->second_look.place == place && v->second_look.val == val, all;

    if (rc == -XEN_ERESTART)
        return rc;
    v->second_look.taken = false;
    if (had || !leftovers_let_go(v, &all))
        return rc;
    v->second_look.place = place;
    v->second_look.val = val;
    v->second_look.taken = true;
    v->second_look.letting_go = !all;
    return all ? 0 : -XEN_ERESTART;
}

long arch_mmu_update(struct vcpu *v, struct domain *table_owner, struct domain *frame_owner, u64 ptr, u64 val)
{
    /* doc MMU_NORMAL_PT_UPDATE: -EINVAL, -EPERM, -EBUSY: docs/memory.md */
    /* doc MMU_MACHPHYS_UPDATE: -EINVAL not the domain's frame, or in rewrite mode */
    /* doc MMU_PT_UPDATE_PRESERVE_AD: the same as the first, the accessed and dirty bits stay */
    /* doc MMU_PT_UPDATE_NO_TRANSLATE: the same as the first, in rewrite mode too */
    unsigned command = (unsigned)ptr & 3;
    if (unlikely(command == MMU_MACHPHYS_UPDATE))
        return machphys_update(frame_owner, ptr >> PAGE_SHIFT, val);

    if (unlikely(ptr & 4))
        return guest_refuse(table_owner, XEN_EINVAL, "mmu_update: %#llx is not the address of an entry (8 bytes)\n",
                            (unsigned long long)ptr);
    mfn_t mfn = gfn_to_mfn(table_owner, gfn_make(ptr >> PAGE_SHIFT));
    if (unlikely(mfn_is_invalid(mfn)))
        return guest_refuse(table_owner, XEN_EINVAL, "mmu_update: there is no frame %#llx\n",
                            (unsigned long long)(ptr >> PAGE_SHIFT));
    struct frame *f = frame_of(mfn);
    unsigned index = (unsigned)(ptr & ~PAGE_MASK) >> 3;
    enum store_mode mode = command == MMU_PT_UPDATE_PRESERVE_AD ? STORE_KEEP_AD : STORE_PLAIN;
    long rc = update_entry(x86_vcpu(v), table_owner, frame_owner, f, index, val, mode, 0);
    if (unlikely(rc)) {
        rc = try_again(x86_vcpu(v), rc, ptr, val);
        if (rc == 0)
            rc = update_entry(x86_vcpu(v), table_owner, frame_owner, f, index, val, mode, 0);
    }
    return rc;
}

/* ---- update_va_mapping ----------------------------------------------------------------------------------------- */

static __cold long va_refuse(struct domain *d, vaddr_t va, const char *why)
{
    return guest_refuse(d, XEN_EINVAL, "update_va_mapping: %#llx: %s\n", (unsigned long long)va, why);
}

static long update_va(struct vcpu *v, vaddr_t va, u64 val, struct domain *frame_owner)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    struct domain *d = v->domain;
    unsigned level;

    if (unlikely(!is_guest_range(va, 1)))
        return va_refuse(d, va, "not an address of the guest");
    mfn_t mfn = pt_find_l1(xv->kernel_root, va);
    if (unlikely(mfn_is_invalid(mfn)))
        return va_refuse(d, va, "no L1 table maps this address");
    struct frame *f = frame_of(mfn);
    if (unlikely(!table_lock(f, d->id, &level)))
        return va_refuse(d, va, "its L1 table is not the domain's");
    int rc = -XEN_EINVAL;
    if (likely(level == 1))
        rc = update_l1_entry(d, frame_owner, &((u64 *)frame_ptr(f))[pt_index(va, 1)], val, STORE_PLAIN, 0);
    table_unlock(f);
    return rc;
}

long arch_update_va_mapping(struct vcpu *v, vaddr_t va, u64 val, struct domain *frame_owner)
{
    long rc = update_va(v, va, val, frame_owner);
    bool all;
    if (unlikely(rc && leftovers_let_go(x86_vcpu(v), &all)))
        rc = update_va(v, va, val, frame_owner);
    return rc;
}
