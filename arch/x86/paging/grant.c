/* SPDX-License-Identifier: MIT */
/*
 * L1 entries of grant mappings, made and taken out by the same rules as any other: the table locked, everything looked at,
 * one store. An entry made here is an L1 entry like any other from then on and holds the same.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/paging/update.h"
#include "arch/x86/paging/walk.h"
#include "common/cpu.h"
#include <arch/paging.h>
#include <xen/grant_table.h>

#define AVAIL_SHIFT 9
#define PT_REGION   (PT_ENTRIES * PAGE_SIZE) /* what one L1 maps */

static __cold u64 *slot_refuse(const struct vcpu *v, u64 address, const char *why)
{
    guest_log(v->domain, LOG_DEBUG, "grant entry at %#llx: %s\n", (unsigned long long)address, why);
    return NULL;
}

/* The table that maps an address. Those of a batch mostly lie together, and the table is at hand from the one before. */
__always_inline_fn mfn_t grant_table_of(struct x86_vcpu *v, u64 address)
{
    if (v->cursor && v->cursor_region == address / PT_REGION)
        return frame_mfn(v->cursor);
    return pt_find_l1(v->kernel_root, address);
}

/* The entry at that place, its table locked (the cursor of update.h); NULL: there is none. */
__always_inline_fn u64 *grant_slot(struct vcpu *v, u64 address, bool is_entry)
{
    struct domain *d = v->domain;
    mfn_t table;
    u64 index;

    if (is_entry) {
        if (unlikely(address & 7))
            return slot_refuse(v, address, "not the address of an entry (8 bytes)");
        table = gfn_to_mfn(d, gfn_make(address >> PAGE_SHIFT));
        index = (address & ~PAGE_MASK) >> 3;
    } else {
        if (unlikely(!is_guest_range(address, 1)))
            return slot_refuse(v, address, "not an address of the guest");
        table = grant_table_of(x86_vcpu(v), address);
        index = pt_index(address, 1);
    }
    if (unlikely(mfn_is_invalid(table) || index >= PT_ENTRIES ||
                 cursor_lock(x86_vcpu(v), d, frame_of(table)) != 1))
        return slot_refuse(v, address, "no L1 table of the domain stands there");
    if (!is_entry)
        x86_vcpu(v)->cursor_region = address / PT_REGION;
    return (u64 *)mfn_to_ptr(table) + index;
}

/* As Xen makes it: not executable, and for the kernel alone unless GNTMAP_application_map is given. */
static u64 grant_entry(u32 flags, mfn_t mfn)
{
    u64 e = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_NX;

    e |= flags & GNTMAP_readonly ? 0 : PTE_RW;
    e |= flags & GNTMAP_application_map ? PTE_USER : 0;
    e |= (u64)(flags >> _GNTMAP_guest_avail0) << AVAIL_SHIFT & PTE_AVAIL;
    return entry_stored(e, mfn);
}

long arch_grant_map(struct vcpu *v, u64 address, u32 flags, mfn_t mfn, u16 owner)
{
    u64 *slot = grant_slot(v, address, flags & GNTMAP_contains_pte);
    u64 new = grant_entry(flags, mfn);
    struct frame *f = frame_of(mfn);

    if (unlikely(!slot))
        return -XEN_EINVAL;
    if (unlikely(flags & GNTMAP_readonly ? !frame_get(f, owner) : writable_get(f, owner) != 0))
        return guest_refuse(v->domain, XEN_EINVAL, "grant entry at %#llx: the frame cannot be used like this (type %u)\n",
                            (unsigned long long)address, word_type(frame_word(f)));
    u64 old = __atomic_exchange_n(slot, new, __ATOMIC_ACQ_REL);
    if (old & PTE_PRESENT)
        live_leaf_drop(v->domain, old);
    return 0;
}

/* Does the entry map mfn with the rights of that grant? What else is in it is the guest's affair. */
static bool is_grant_entry(u64 entry, u32 flags, mfn_t mfn)
{
    u64 rights = PTE_PRESENT | (flags & GNTMAP_readonly ? 0 : PTE_RW);

    return (entry & (PTE_PRESENT | PTE_RW)) == rights && pte_frame(entry) == mfn.n;
}

__always_inline_fn u64 *grant_slot_of(struct vcpu *v, u64 address, u32 flags, mfn_t mfn)
{
    u64 *slot = grant_slot(v, address, flags & GNTMAP_contains_pte);

    if (slot && unlikely(!is_grant_entry(read_once(*slot), flags, mfn)))
        return slot_refuse(v, address, "another frame, or other rights, than the grant's");
    return slot;
}

/*
 * Moves an entry: taken out at its old place, which may be of another table, and put over the grant's. Two tables are never
 * locked together, so the grant's entry is looked at before and after; lost in between, the moved one is dropped.
 */
static __attribute__((noinline)) long grant_replace(struct vcpu *v, u64 address, u64 new_address, u32 flags, mfn_t mfn)
{
    if ((flags & GNTMAP_contains_pte) || !grant_slot_of(v, address, flags, mfn))
        return -XEN_EINVAL;
    u64 *from = grant_slot(v, new_address, false);
    if (!from)
        return -XEN_EINVAL;
    u64 moved = __atomic_exchange_n(from, 0, __ATOMIC_ACQ_REL);
    u64 *slot = grant_slot_of(v, address, flags, mfn);
    if (slot) {
        __atomic_store_n(slot, moved, __ATOMIC_RELEASE);
        return 0;
    }
    if (moved & PTE_PRESENT)
        live_leaf_drop(v->domain, moved);
    return -XEN_EINVAL;
}

long arch_grant_unmap(struct vcpu *v, u64 address, u64 new_address, u32 flags, mfn_t mfn)
{
    if (unlikely(new_address))
        return grant_replace(v, address, new_address, flags, mfn);
    u64 *slot = grant_slot_of(v, address, flags, mfn);
    if (unlikely(!slot))
        return -XEN_EINVAL;
    __atomic_store_n(slot, 0, __ATOMIC_RELEASE);
    return 0;
}

void arch_grant_drop(struct frame *f, u32 flags)
{
    if (flags & GNTMAP_readonly)
        frame_put(f);
    else
        writable_put(f);
}
