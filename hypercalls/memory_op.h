/* SPDX-License-Identifier: MIT */
/* The parts of memory_op (memory_op.c is the door): whose file is named after what it is about. */
#ifndef XL_HYPERCALLS_MEMORY_OP_H
#define XL_HYPERCALLS_MEMORY_OP_H

#include "common/domain.h"
#include "common/frame.h"
#include <arch/paging.h>

/*
 * How many pages in a row one extent may have, as powers of two: what Xen allows. Above it the reservation calls do
 * nothing and an exchange is -XEN_EPERM.
 */
#define ORDER_MAX            9u
#define ORDER_MAX_PRIVILEGED 18u
/* Of an extent no more than this many pages change hands in one step. */
#define CHUNK_PAGES 512u

static inline u32 order_max(const struct domain *caller)
{
    return caller->privileged ? ORDER_MAX_PRIVILEGED : ORDER_MAX;
}

/* memory_reservation.c: op is one of the three; start: extents that are done, in the guest's word. */
long memory_op_reservation(struct vcpu *v, u32 op, u64 start, vaddr_t argument);
/*
 * mem_flags as Xen takes them. *end: frames must lie below this number. False: cannot be met, with a line that says so.
 * Node numbers are wishes, and an unprivileged domain has none.
 */
bool memory_flags_ok(const struct domain *caller, u32 flags, u64 *end);
/*
 * One step after the other of taking an extent and clearing its first `pages` pages; v->extent says what it is for.
 * 0; -XEN_EAGAIN: a preemption is due, the same call goes on; -XEN_ENOMEM.
 */
int memory_extent_prepare(struct vcpu *v, struct domain *claims, u64 pages);

/* memory_exchange.c */
long memory_op_exchange(struct vcpu *v, vaddr_t argument);

/* memory_physmap.c */
long memory_op_add_to_physmap(struct vcpu *v, vaddr_t argument);
long memory_op_add_to_physmap_batch(struct vcpu *v, u64 start, vaddr_t argument);
long memory_op_remove_from_physmap(struct vcpu *v, vaddr_t argument);
/* The guest's number gfn means nothing from now on and the memory behind it goes with the last who uses it. False: it
 * is no frame of d that d may give; `what` names the request in the log. */
bool memory_release(struct domain *d, u64 gfn, const char *what);

#endif
