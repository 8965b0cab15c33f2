/* SPDX-License-Identifier: MIT */
/*
 * One name for worlds that differ in the names of frames alone. Each frame gets a colour from what is known of it, then
 * from the colours of those it names and is named by; frames are put in the order of colours. Frames of one colour that are
 * named by nobody are the same; of others one is singled out and the colours are worked out again.
 */
#include "tests/assurance/explore/world.h"
#include <string.h>

#define EDGES_MAX (FRAMES_MAX * (PT_ENTRIES + 2))

static struct {
    u8 from, to;
    u16 label;
} edge[EDGES_MAX];
static unsigned edges;
static u64 colour[FRAMES_MAX];
static bool has_edge[FRAMES_MAX];

static u64 mix(u64 x)
{
    x *= 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

static void edge_add(unsigned from, unsigned to, unsigned label)
{
    edge[edges].from = (u8)from;
    edge[edges].to = (u8)to;
    edge[edges++].label = (u16)label;
    has_edge[from] = has_edge[to] = true;
}

static void role(u8 frame, unsigned which)
{
    if (frame != NOBODY)
        colour[frame] += 1ull << (40 + which);
}

/* What is known of the frame itself. How its pseudo-physical number leads back is a part of that, or an edge. */
static void colour_first(const struct image *image)
{
    for (unsigned i = 0; i < shape.frames; i++) {
        const struct frame_image *f = &image->frame[i];
        unsigned back = 0;
        if (f->owner && f->pfn != PFN_NONE) {
            unsigned named = image->domain[f->owner - 1].p2m[f->pfn];
            back = named == i ? 1 : named == NOBODY ? 2 : 3;
            if (back == 3)
                edge_add(i, named, 0x400);
        }
        if (f->pfn == PFN_DIRTY)
            back = 4;
        colour[i] = f->bits | (u64)f->owner << 16 | (u64)f->cached << 18 | (u64)back << 26;
        if (f->link != NOBODY)
            edge_add(i, f->link, 0x401);
        for (unsigned s = 0; s < PT_ENTRIES; s++)
            if (f->entry[s] && f->entry[s] != ENT_OURS)
                edge_add(i, ENT_FRAME(f->entry[s]), (s + 1u) << 11 | (f->entry[s] >> 3));
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct domain_image *d = &image->domain[i];
        role(d->kernel_root, i);
        role(d->user_root, 2 + i);
        role(d->gdt, 4 + i);
        role(d->held, 6 + i);
        role(d->dropped, 8 + i);
        role(d->leaving, 10 + i);
    }
    role(image->cursor, 12);
}

static void colour_spread(void)
{
    for (unsigned round = 0; round < 2; round++) {
        u64 before[FRAMES_MAX] = {0};
        for (unsigned i = 0; i < shape.frames; i++) {
            before[i] = mix(colour[i]);
            colour[i] = mix(before[i] + 1);
        }
        for (unsigned i = 0; i < edges; i++) {
            colour[edge[i].from] += mix(before[edge[i].to] + edge[i].label);
            colour[edge[i].to] += mix(before[edge[i].from] - edge[i].label);
        }
    }
}

static void sort(u8 *order)
{
    for (unsigned i = 0; i < shape.frames; i++) {
        unsigned at = i;
        for (; at > 0 && colour[order[at - 1]] > colour[i]; at--)
            order[at] = order[at - 1];
        order[at] = (u8)i;
    }
}

static bool single_out(const u8 *order)
{
    for (unsigned i = 0; i + 1 < shape.frames; i++)
        if (colour[order[i]] == colour[order[i + 1]] && has_edge[order[i]]) {
            colour[order[i]] += 0x5bd1e995;
            return true;
        }
    return false;
}

/* The names of a domain's pseudo-physical frames follow from those of the frames behind them. */
static void pfns_rename(const struct image *image, unsigned domain, const u8 *order, u8 *renamed)
{
    unsigned next = 0;
    memset(renamed, PFN_NONE, PFNS_MAX);
    for (unsigned bound = 2; bound-- > 0;)
        for (unsigned k = 0; k < shape.frames; k++) {
            const struct frame_image *f = &image->frame[order[k]];
            if (f->owner == domain + 1 && f->pfn != PFN_NONE && renamed[f->pfn] == PFN_NONE &&
                (image->domain[domain].p2m[f->pfn] == order[k]) == bound)
                renamed[f->pfn] = (u8)next++;
        }
    for (unsigned pfn = 0; pfn < shape.pfns[domain]; pfn++)
        if (renamed[pfn] == PFN_NONE)
            renamed[pfn] = (u8)next++;
}

static void rename_all(const struct image *from, struct image *to, const u8 *order)
{
    u8 now[8], pfn_now[2][PFNS_MAX];
    now[NOBODY] = NOBODY;
    for (unsigned k = 0; k < shape.frames; k++)
        now[order[k]] = (u8)k;
    memset(to, 0, image_size);
    to->current = from->current;
    to->batch = from->batch;
    to->cursor = now[from->cursor];
    for (unsigned i = 0; i < 2; i++) {
        const struct domain_image *d = &from->domain[i];
        to->domain[i] = (struct domain_image){now[d->kernel_root], now[d->user_root], now[d->gdt],  now[d->held],
                                              now[d->dropped],     now[d->leaving],   d->flags,     {0}};
        memset(to->domain[i].p2m, NOBODY, PFNS_MAX);
        if (!shape.rewrite[i])
            continue;
        pfns_rename(from, i, order, pfn_now[i]);
        for (unsigned pfn = 0; pfn < shape.pfns[i]; pfn++)
            to->domain[i].p2m[pfn_now[i][pfn]] = now[d->p2m[pfn]];
    }
    for (unsigned k = 0; k < shape.frames; k++) {
        const struct frame_image *f = &from->frame[order[k]];
        struct frame_image *t = &to->frame[k];
        *t = *f;
        t->link = now[f->link];
        if (f->owner && f->pfn != PFN_NONE)
            t->pfn = pfn_now[f->owner - 1][f->pfn];
        for (unsigned s = 0; s < PT_ENTRIES; s++)
            if (f->entry[s] && f->entry[s] != ENT_OURS)
                t->entry[s] = (u16)((f->entry[s] & ~7u) | now[ENT_FRAME(f->entry[s])]);
    }
}

void world_canonical(const struct image *image, struct image *canonical, u8 *order)
{
    edges = 0;
    memset(has_edge, 0, sizeof(has_edge));
    colour_first(image);
    colour_spread();
    sort(order);
    while (single_out(order)) {
        colour_spread();
        sort(order);
    }
    rename_all(image, canonical, order);
}
