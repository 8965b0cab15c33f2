/* SPDX-License-Identifier: MIT */
/* See tlb.h. All of its variables are put back with the machine. */
#include "tests/assurance/step/tlb.h"
#include "arch/fake/fake.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/format.h"
#include "tests/assurance/step/steps.h"
#include <string.h>

#define FRAMES_MAX 256

static struct tlb {
    bool on;
    u16 owner;
    u64 cr3;
    u8 table[PT_LEVELS + 1][FRAMES_MAX]; /* a way to it as a table of that level */
    u8 readable[FRAMES_MAX], writable[FRAMES_MAX];
    u16 way[(PT_LEVELS + 1) * FRAMES_MAX]; /* level * FRAMES_MAX + frame, in the order of their coming */
    unsigned ways;
} tlbs[FAKE_CPUS];

/* [frame]: the processor that took its type and has not finished with it, plus one. */
static u8 claimed_by[FRAMES_MAX];

static bool is_kept(u64 n)
{
    u64 w = frame_word(&frame_table[n]);
    return word_type_count(w) && word_type(w) != FRAME_WRITABLE && word_type(w) != FRAME_NONE && (w & FRAME_VALIDATED);
}

/* A frame of its domain; or one that was when its translation came, and has no other owner until the flush. */
static bool may_cache(const struct tlb *t, u64 n, bool cached)
{
    return n < frame_count && (frame_table[n].owner == t->owner || (cached && frame_table[n].owner == OWNER_NONE));
}

static void add_leaf(struct tlb *t, u64 n, bool writable)
{
    if (!may_cache(t, n, n < frame_count && t->readable[n]))
        breach("cpu %u can reach frame %#lx, which is not its domain's", (unsigned)(t - tlbs), n);
    t->readable[n] = 1;
    if (!writable || t->writable[n])
        return;
    t->writable[n] = 1;
    if (is_kept(n))
        breach("cpu %u can write to the table %#lx", (unsigned)(t - tlbs), n);
    for (unsigned c = 0; c < FAKE_CPUS; c++)
        for (unsigned level = 1; level <= PT_LEVELS; level++)
            if (tlbs[c].table[level][n])
                breach("cpu %u can write to frame %#lx, which cpu %u may still walk as a table", (unsigned)(t - tlbs), n, c);
}

static void add_way(struct tlb *t, u64 n, unsigned level)
{
    if (!may_cache(t, n, n < frame_count && t->table[level][n]))
        breach("cpu %u can walk frame %#lx, which is not its domain's", (unsigned)(t - tlbs), n);
    if (t->table[level][n])
        return;
    t->table[level][n] = 1;
    t->way[t->ways++] = (u16)(level * FRAMES_MAX + n);
    for (unsigned c = 0; c < FAKE_CPUS; c++)
        if (tlbs[c].writable[n])
            breach("cpu %u can walk frame %#lx as a table, and cpu %u may still write to it", (unsigned)(t - tlbs), n, c);
}

static void fill(struct tlb *t)
{
    if (!t->on)
        return;
    if (t->cr3)
        add_way(t, t->cr3 >> PAGE_SHIFT, PT_LEVELS);
    for (unsigned i = 0; i < t->ways; i++) {
        unsigned level = t->way[i] / FRAMES_MAX;
        const u64 *table = mfn_to_ptr(mfn_make(t->way[i] % FRAMES_MAX));
        for (unsigned k = 0; k < PT_ENTRIES; k++) {
            if (!(table[k] & 1) || is_hypervisor_slot(level, k))
                continue;
            if (level > 1)
                add_way(t, table[k] << 12 >> 24, level - 1);
            else
                add_leaf(t, table[k] << 12 >> 24, table[k] & 2);
        }
    }
}

void tlb_fill(void)
{
    for (unsigned c = 0; c < FAKE_CPUS; c++)
        fill(&tlbs[c]);
}

/* Empty, and at once full again of what stands there now. */
static void flush(struct tlb *t)
{
    for (unsigned i = 0; i < t->ways; i++)
        t->table[t->way[i] / FRAMES_MAX][t->way[i] % FRAMES_MAX] = 0;
    t->ways = 0;
    memset(t->readable, 0, sizeof(t->readable));
    memset(t->writable, 0, sizeof(t->writable));
    fill(t);
}

void tlb_reset(void)
{
    memset(tlbs, 0, sizeof(tlbs));
    memset(claimed_by, 0, sizeof(claimed_by));
    if (frame_count > FRAMES_MAX)
        fake_fail("%lu frames", frame_count);
}

void tlb_begin(unsigned cpu, u16 owner)
{
    tlbs[cpu].on = owner != OWNER_NONE;
    tlbs[cpu].owner = owner;
    tlbs[cpu].cr3 = tlbs[cpu].on ? fake_processor.cr3 : 0;
    flush(&tlbs[cpu]);
}

void tlb_flush_all_from(unsigned cpu)
{
    for (unsigned c = 0; c < FAKE_CPUS; c++) {
        fill(&tlbs[c]);
        if (c != cpu)
            flush(&tlbs[c]);
    }
}

bool tlb_can_store(unsigned cpu, mfn_t mfn)
{
    fill(&tlbs[cpu]);
    return tlbs[cpu].writable[mfn.n];
}

static void check_unwritable(u64 n, const char *what)
{
    for (unsigned c = 0; c < FAKE_CPUS; c++)
        if (tlbs[c].writable[n])
            breach("frame %#lx %s while cpu %u may still write to it", n, what, c);
}

static void check_uncached(u64 n)
{
    for (unsigned c = 0; c < FAKE_CPUS; c++) {
        bool cached = tlbs[c].readable[n] || tlbs[c].writable[n];
        for (unsigned level = 1; level <= PT_LEVELS; level++)
            cached = cached || tlbs[c].table[level][n];
        if (cached)
            breach("frame %#lx is scrubbed or changes hands while cpu %u may still use it", n, c);
    }
}

static void before_ram(unsigned cpu, u64 n, unsigned access)
{
    if ((access & ACCESS_READ) && claimed_by[n] == cpu + 1)
        check_unwritable(n, "is read as a table");
    if (!(access & ACCESS_WRITE))
        return;
    if (!(access & ACCESS_GUEST) && !word_refs(frame_word(&frame_table[n])))
        check_uncached(n); /* it is being scrubbed */
    for (unsigned c = 0; c < FAKE_CPUS; c++)
        for (unsigned level = 1; level <= PT_LEVELS; level++)
            if (tlbs[c].table[level][n]) {
                tlb_fill();
                return;
            }
}

void tlb_before(unsigned cpu, const void *at, size_t n, unsigned access)
{
    size_t ram = (size_t)((const u8 *)at - direct_map), record = (size_t)((const u8 *)at - (const u8 *)frame_table);

    if (ram < frame_count << PAGE_SHIFT) {
        before_ram(cpu, ram >> PAGE_SHIFT, access);
    } else if (record < frame_count * sizeof(struct frame)) {
        const struct frame *f = &frame_table[record / sizeof(struct frame)];
        if ((access & ACCESS_WRITE) && at == &f->owner && f->owner == OWNER_NONE) /* it gets an owner */
            check_uncached(record / sizeof(struct frame));
    } else if ((access & ACCESS_WRITE) && at == &fake_processor.cr3) {
        fill(&tlbs[cpu]);
    } else if ((access & ACCESS_WRITE) && at == &fake_processor.cr3_loads) {
        tlbs[cpu].cr3 = tlbs[cpu].on ? fake_processor.cr3 : 0;
        flush(&tlbs[cpu]);
    }
    (void)n;
}

void tlb_changed(unsigned cpu, const void *at, u64 old, u64 new)
{
    size_t record = (size_t)((const u8 *)at - (const u8 *)frame_table);
    u64 n = record / sizeof(struct frame);

    if (record >= frame_count * sizeof(struct frame) || at != &frame_table[n].word)
        return;
    bool table = word_type(new) != FRAME_NONE && word_type(new) != FRAME_WRITABLE;
    if (table && word_type_count(new) == 1 && word_type_count(old) == 0 && !(new & FRAME_VALIDATED))
        claimed_by[n] = (u8)(cpu + 1);
    else if (!word_type_count(new) || (new & FRAME_VALIDATED))
        claimed_by[n] = 0;
    if (table && (new & FRAME_VALIDATED) && !(old & FRAME_VALIDATED))
        check_unwritable(n, "becomes a valid table");
}
