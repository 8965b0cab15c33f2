/* SPDX-License-Identifier: MIT */
/* Between frame.c, heap.c and frame_alloc.c alone: what is written on frames that belong to nobody. */
#ifndef XL_COMMON_FRAME_ALLOC_H
#define XL_COMMON_FRAME_ALLOC_H

#include "common/frame.h"

/* Values of frame->note while owner is OWNER_NONE. */
#define FRAME_NOTE_NONE   0
#define FRAME_NOTE_ZEROED 1      /* free, and its memory is known to be zero */
#define FRAME_NOTE_RUN    0x5255 /* first frame of a heap allocation; frame->link: how many */
#define FRAME_NOTE_SLOTS  0x534c /* cut into slots by the heap */

/* One frame back to the allocator: word 0, owner OWNER_NONE, note set by the caller. */
void frame_alloc_return(mfn_t m);

#endif
