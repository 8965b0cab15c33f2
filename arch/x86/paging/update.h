/* SPDX-License-Identifier: MIT */
/* Changing one entry of a live table (update.c), for the hypercalls and for trapped stores. */
#ifndef XL_X86_PAGING_UPDATE_H
#define XL_X86_PAGING_UPDATE_H

#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/paging/format.h"

/* An entry of an L1 table that the caller has locked: val in the guest's form. frames: whose frames it may name. */
int update_l1_entry(const struct domain *frames, u64 *slot, u64 val, bool keep_ad);

/* Entry `index` of frame f, table or not, of d. The table stays locked for the next update (arch_mmu_update_end). */
long update_entry(struct x86_vcpu *v, struct domain *d, struct domain *frames, struct frame *f, unsigned index,
                  u64 val, bool keep_ad);

#endif
