/* SPDX-License-Identifier: MIT */
/* The operations of grant_table_op that come in batches: one element each, answered by its status (GNTST_*). */
#ifndef XL_HYPERCALLS_GRANT_TABLE_OP_H
#define XL_HYPERCALLS_GRANT_TABLE_OP_H

#include "lib/types.h"
#include <xen/grant_table.h>

struct vcpu;

void grant_op_map(struct vcpu *v, void *map);   /* struct gnttab_map_grant_ref */
void grant_op_copy(struct vcpu *v, void *copy); /* struct gnttab_copy */

/* unmap_grant_ref and unmap_and_replace: the whole batch from `list` on. Returns how many are done: all, or fewer when a
 * preemption is due; negative: an error that ends it. */
long grant_op_unmap(struct vcpu *v, u32 command, vaddr_t list, u32 count);

#endif
