/* SPDX-License-Identifier: MIT */
/*
 * The one walker: a loop from the root to the leaf over any format. It trusts nothing it reads: a frame number that
 * RAM does not have ends the walk. Tables are reached through the hypervisor's map of all RAM, never through a window
 * in the guest's own tables.
 */
#ifndef XL_X86_PAGING_WALK_H
#define XL_X86_PAGING_WALK_H

#include "arch/x86/paging/format.h"
#include "common/frame.h"

struct pt_walk {
    unsigned level;             /* where the walk ended: the leaf's level, or that of the entry that is not present */
    bool mapped;                /* ended at a leaf */
    bool writable, user, exec;  /* what all entries together allow */
    mfn_t frame;                /* mapped: the 4 KiB frame behind the address */
    mfn_t table[PT_LEVELS + 1]; /* [level]: the table that was read */
    u64 entry[PT_LEVELS + 1];   /* [level]: the entry that was read */
};

void pt_walk(const struct pt_format *format, mfn_t root, u64 address, struct pt_walk *out);

/* One level down; false: nothing that can be walked stands there. */
static inline bool pt_find_step(mfn_t *table, vaddr_t address, unsigned level)
{
    u64 entry = read_once(((u64 *)mfn_to_ptr(*table))[pt_index(address, level)]);

    *table = mfn_make(pte_frame(entry));
    return likely((entry & (PTE_PRESENT | PTE_PSE)) == PTE_PRESENT && mfn_valid(*table));
}

/*
 * The table of level 1 that maps the address below a long-mode root, for the update of an entry: nothing but the
 * frame numbers is looked at, the caller checks the table's type and owner under its lock. MFN_INVALID: none.
 */
static inline mfn_t pt_find_l1(mfn_t root, vaddr_t address)
{
    mfn_t table = root;
    bool found = true;

    /* Level by level, not as a loop: each knows its shift then. */
    if (PT_LEVELS > 3)
        found = pt_find_step(&table, address, 4);
    if (PT_LEVELS > 2)
        found = found && pt_find_step(&table, address, 3);
    return found && pt_find_step(&table, address, 2) ? table : MFN_INVALID;
}

#endif
