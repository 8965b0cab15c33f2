/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own memory. Sizes up to 1 KiB come from frames cut into slots of 32 to 1024 bytes; larger
 * ones are runs of whole frames. Nothing of it is ever visible to a guest unless its frame is shared on
 * purpose.
 */
#ifndef XL_COMMON_HEAP_H
#define XL_COMMON_HEAP_H

#include "lib/types.h"

/*
 * Zeroed memory. Aligned to 32 bytes, to 64 from 64 bytes on (any size > 32), to a page from 1025 bytes on.
 * NULL: none left, or size is 0.
 */
void *heap_alloc(size_t size);
/* Gives it back; NULL is allowed. What heap_alloc() did not give, or given back twice: BUG. */
void heap_free(void *p);
/* Empty from now on: only where the frame allocator begins anew too. Not needed for the first use. */
void heap_init(void);
/* Frames that the heap holds now (statistics, leak tests). */
u64 heap_frames(void);

#endif
