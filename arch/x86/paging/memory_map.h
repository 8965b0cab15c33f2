/* SPDX-License-Identifier: MIT */
/*
 * The machine's RAM as lists of ranges, and the allocator of the time before frame_alloc.c: what the
 * hypervisor needs for good (page tables, frame table, stacks) is cut out of the list of free ranges; the
 * rest is handed over. Pure code without the machine, so that the unit tests run it.
 */
#ifndef XL_X86_PAGING_MEMORY_MAP_H
#define XL_X86_PAGING_MEMORY_MAP_H

#include "lib/types.h"

#define RANGES_MAX 512

struct range {
    u64 start;
    u64 end; /* first byte after it */
};

/* Sorted, without overlaps or neighbours that touch. */
struct range_list {
    u32 count;
    u32 dropped; /* ranges lost because the list was full */
    struct range range[RANGES_MAX];
};

void range_list_add(struct range_list *list, u64 start, u64 end);
void range_list_remove(struct range_list *list, u64 start, u64 end);
/* Shrinks every range to whole pages. */
void range_list_align(struct range_list *list);
u64 range_list_total(const struct range_list *list);

/* All usable RAM, and what of it nobody uses yet. */
extern struct range_list memory_ram, memory_free;

/*
 * The firmware's map, entry by entry: first all usable ones, then all others, which win where they overlap.
 * Then memory_map_close() and the reservations.
 */
void memory_map_usable(u64 start, u64 size);
void memory_map_unusable(u64 start, u64 size);
/* Whole pages, nothing at or above limit; the free list starts as a copy. */
void memory_map_close(u64 limit);
void memory_map_reserve(u64 start, u64 end);
/* The same for what must stay for good (modules), wherever the loader has put it: remembered, so that no range that is given
 * back later as a whole takes it along. */
void memory_map_keep(u64 start, u64 end);
void memory_map_without_kept(struct range_list *list);

/* Takes size bytes, aligned, that end at or below `below`; ~0: there is no such room. Not zeroed. */
paddr_t memory_map_take(u64 size, u64 align, u64 below);

#endif
