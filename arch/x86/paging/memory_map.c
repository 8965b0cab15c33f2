/* SPDX-License-Identifier: MIT */
/* Ranges of RAM: see the header. The input is the firmware's: unsorted, overlapping, of any size. */
#include "arch/x86/paging/memory_map.h"
#include "lib/string.h"

struct range_list memory_ram, memory_free;

static void delete_at(struct range_list *list, u32 first, u32 count)
{
    memmove(&list->range[first], &list->range[first + count],
            (list->count - first - count) * sizeof(struct range));
    list->count -= count;
}

static void insert_at(struct range_list *list, u32 at, u64 start, u64 end)
{
    if (list->count == RANGES_MAX) {
        list->dropped++;
        return;
    }
    memmove(&list->range[at + 1], &list->range[at], (list->count - at) * sizeof(struct range));
    list->range[at] = (struct range){start, end};
    list->count++;
}

void range_list_add(struct range_list *list, u64 start, u64 end)
{
    u32 first = 0, past;

    if (start >= end)
        return;
    while (first < list->count && list->range[first].end < start)
        first++;
    for (past = first; past < list->count && list->range[past].start <= end; past++) {
        start = min_u64(start, list->range[past].start);
        end = max_u64(end, list->range[past].end);
    }
    if (past > first) {
        list->range[first] = (struct range){start, end};
        delete_at(list, first + 1, past - first - 1);
    } else {
        insert_at(list, first, start, end);
    }
}

void range_list_remove(struct range_list *list, u64 start, u64 end)
{
    if (start >= end)
        return;
    for (u32 i = 0; i < list->count; i++) {
        struct range *r = &list->range[i];
        if (r->end <= start || r->start >= end)
            continue;
        u64 above_start = end, above_end = r->end;
        if (r->start < start) {
            r->end = start;
            if (above_start < above_end)
                insert_at(list, i + 1, above_start, above_end);
        } else if (above_start < above_end) {
            r->start = above_start;
        } else {
            delete_at(list, i, 1);
            i--;
        }
    }
}

void range_list_align(struct range_list *list)
{
    u32 kept = 0;

    for (u32 i = 0; i < list->count; i++) {
        u64 start = list->range[i].start, end = align_down(list->range[i].end, PAGE_SIZE);
        if (start > PAGE_MASK) /* the last page of the address space: rounding up would wrap */
            continue;
        start = align_up(start, PAGE_SIZE);
        if (start < end)
            list->range[kept++] = (struct range){start, end};
    }
    list->count = kept;
}

u64 range_list_total(const struct range_list *list)
{
    u64 total = 0;

    for (u32 i = 0; i < list->count; i++)
        total += list->range[i].end - list->range[i].start;
    return total;
}

/* The end of a range that the firmware gave as start and size, without wrapping. */
static u64 end_of(u64 start, u64 size)
{
    return start + size < start ? ~0ull : start + size;
}

void memory_map_usable(u64 start, u64 size)
{
    range_list_add(&memory_ram, start, end_of(start, size));
}

void memory_map_unusable(u64 start, u64 size)
{
    range_list_remove(&memory_ram, start, end_of(start, size));
}

void memory_map_close(u64 limit)
{
    range_list_remove(&memory_ram, limit, ~0ull);
    range_list_align(&memory_ram);
    memory_free = memory_ram;
}

void memory_map_reserve(u64 start, u64 end)
{
    range_list_remove(&memory_free, align_down(start, PAGE_SIZE), align_up(end, PAGE_SIZE));
}

static struct range_list kept; /* what memory_map_keep() was given */

void memory_map_keep(u64 start, u64 end)
{
    memory_map_reserve(start, end);
    range_list_add(&kept, align_down(start, PAGE_SIZE), align_up(end, PAGE_SIZE));
}

void memory_map_without_kept(struct range_list *list)
{
    for (u32 i = 0; i < kept.count; i++)
        range_list_remove(list, kept.range[i].start, kept.range[i].end);
}

paddr_t memory_map_take(u64 size, u64 align, u64 below)
{
    size = align_up(size, PAGE_SIZE);
    for (u32 i = memory_free.count; i-- > 0;) {
        const struct range *r = &memory_free.range[i];
        u64 end = min_u64(r->end, below);
        if (end < size || r->start > end - size)
            continue;
        u64 start = align_down(end - size, align);
        if (start < r->start)
            continue;
        range_list_remove(&memory_free, start, start + size);
        return start;
    }
    return ~0ull;
}
