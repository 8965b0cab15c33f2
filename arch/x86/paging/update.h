/* SPDX-License-Identifier: MIT */
/* Changing one entry of a live table (update.c), for the hypercalls and for trapped stores. */
#ifndef XL_X86_PAGING_UPDATE_H
#define XL_X86_PAGING_UPDATE_H

#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/paging/types.h"
#include <arch/paging.h>

/* Locks the table f of d, or finds it locked by the update before. 0: it is not a valid table of d. */
static inline unsigned cursor_lock(struct x86_vcpu *v, const struct domain *d, struct frame *f)
{
    if (v->cursor == f)
        return v->cursor_level;
    arch_mmu_update_end(&v->vcpu);
    if (!table_lock(f, d->id, &v->cursor_level))
        return 0;
    v->cursor = f;
    v->cursor_region = ~0ull;
    return v->cursor_level;
}

enum store_mode {
    STORE_PLAIN,
    STORE_KEEP_AD,  /* accessed and dirty bits of the old entry stay (MMU_PT_UPDATE_PRESERVE_AD) */
    STORE_IF_EQUAL, /* only if `expected` stands there; else -XEN_EAGAIN */
};

/* An entry of an L1 table of owner that the caller has locked: val in the guest's form. frames: whose frames it may name. */
int update_l1_entry(const struct domain *owner, const struct domain *frames, u64 *slot, u64 val, enum store_mode mode,
                    u64 expected);

/* Entry `index` of frame f, table or not, of d. The table stays locked for the next update (arch_mmu_update_end). */
long update_entry(struct x86_vcpu *v, struct domain *d, struct domain *frames, struct frame *f, unsigned index,
                  u64 val, enum store_mode mode, u64 expected);

#endif
