/* SPDX-License-Identifier: MIT */
/* RAM of the fake machine: an array, with the frame table, the M2P and the allocator set up on it. */
#include "arch/fake/fake.h"
#include "common/frame.h"
#include "lib/string.h"
#include <stdlib.h>

void *fake_ram_bitmap;

static void ram_replace(u64 frames)
{
    free(frame_table);
    free(m2p_table);
    free(fake_ram_bitmap);
    free(direct_map);
    frame_count = frames;
    frame_table = calloc(frames, sizeof(*frame_table));
    m2p_table = malloc(frames * sizeof(*m2p_table));
    fake_ram_bitmap = malloc(frame_alloc_bitmap_bytes(frames));
    direct_map = aligned_alloc(PAGE_SIZE, frames * PAGE_SIZE);
    if (frame_table == NULL || m2p_table == NULL || fake_ram_bitmap == NULL || direct_map == NULL)
        fake_fail("no memory for %lu frames", frames);
}

/* Memory of the size of before is used again: a fuzzer resets the machine a thousand times a second. */
void fake_ram_init(u64 frames)
{
    if (direct_map == NULL || frame_count != frames)
        ram_replace(frames);
    memset(frame_table, 0, frames * sizeof(*frame_table));
    memset(m2p_table, 0xff, frames * sizeof(*m2p_table));
    memset(direct_map, 0xa5, frames * PAGE_SIZE);
    frame_alloc_init(fake_ram_bitmap, frames);
    frame_alloc_scatter(0);
    frame_alloc_give(mfn_make(1), frames - 1);
}
