/* SPDX-License-Identifier: MIT */
/*
 * Page tables as types of frames. Promoting a frame to a table of level k checks all 512 entries, takes what they hold
 * and stores what the processor is to see; demoting gives it back.
 *
 * Long work has no half-done state. A table is valid or it is not; one step handles one table (512 entries at most):
 *   - Promotion climbs from the leaves: the tables below are promoted first, each in one step, and kept by a hold (a
 *     reference and a type count) on the vcpu's `held` list until the whole tree stands. An interrupted pin is simply
 *     carried out again: what was validated is found validated.
 *   - A table that loses its last use is not torn down on the spot. That last use goes to the vcpu's `dropped` list
 *     and the table stays valid until a step of table_work_run() demotes it, which may drop further tables onto the
 *     list. Nothing recurses, and a vcpu does not go back to its guest before its list is empty.
 */
#ifndef XL_X86_PAGING_TYPES_H
#define XL_X86_PAGING_TYPES_H

#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/paging/format.h"
#include "common/frame.h"

static inline void table_work_init(struct table_work *work)
{
    work->held = work->dropped = FRAME_LIST_END;
    work->resume = false;
}
static inline bool table_work_pending(const struct table_work *work)
{
    return work->dropped != FRAME_LIST_END || (work->held != FRAME_LIST_END && !work->resume);
}

/*
 * One type count of level 1 to 4 on a frame to which the caller has a reference; promotes it where it is not such a
 * table yet. 0; -XEN_EINVAL, -XEN_EBUSY: something in it is refused, or it is in use as something else;
 * -XEN_ERESTART: interrupted, the same call carries on.
 */
int table_get(struct domain *d, struct frame *f, unsigned level, struct table_work *work);
/* Only a type count and a reference of a frame that is a valid table already; -XEN_EAGAIN: it is not; -XEN_EBUSY: its
 * count is full; -XEN_EINVAL: another domain's. */
int table_get_valid(struct frame *f, u16 owner, unsigned level);
/* Drops a type count and a reference. The last one moves to work->dropped. */
void table_put(struct frame *f, struct table_work *work);
/* Steps until the lists are empty (the held one only when no promotion is to be resumed) or a preemption is due.
 * True: empty. */
bool table_work_run(struct table_work *work);
/* One step only, for who has nobody to be interrupted by. True: empty. */
bool table_work_one(struct table_work *work);

/* Page lock. True: f is a valid table and belongs to owner, now locked, with a reference. *level: which. */
bool table_lock(struct frame *f, u16 owner, unsigned *level);
void table_unlock(struct frame *f);

/* Takes what a present entry of a table of that level (2 to 4) must hold; *entry becomes what is to be stored.
 * -XEN_EAGAIN: nothing wrong so far, but the table below is not validated; -XEN_EINVAL: refused. */
int child_hold(struct domain *d, unsigned level, u64 *entry);
static inline void child_drop(u64 stored, struct table_work *work)
{
    table_put(frame_of(mfn_make(pte_frame(stored))), work);
}

/* GDT and LDT pages: a reference and FRAME_DESCRIPTOR; NULL: not a frame of d, in use as something else, or a
 * descriptor is refused. */
struct frame *descriptor_get(struct domain *d, gfn_t gfn);
void descriptor_put(struct frame *f);

#endif
