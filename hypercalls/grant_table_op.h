/* SPDX-License-Identifier: MIT */
/*
 * The operations of grant_table_op that come in batches. Each takes a whole list, answers each element by its status
 * (GNTST_*), and returns how many are done: all, or fewer when a preemption is due; negative: an error that ends it.
 */
#ifndef XL_HYPERCALLS_GRANT_TABLE_OP_H
#define XL_HYPERCALLS_GRANT_TABLE_OP_H

#include "lib/types.h"
#include <xen/grant_table.h>

struct vcpu;

long grant_op_map(struct vcpu *v, vaddr_t list, u32 count);                /* struct gnttab_map_grant_ref */
long grant_op_unmap(struct vcpu *v, u32 command, vaddr_t list, u32 count); /* gnttab_unmap_grant_ref, _and_replace */
long grant_op_copy(struct vcpu *v, vaddr_t list, u32 count);               /* struct gnttab_copy */

#endif
