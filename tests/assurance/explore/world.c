/* SPDX-License-Identifier: MIT */
/* See world.h. */
#include "tests/assurance/explore/world.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/paging/p2m.h"
#include "common/cpu.h"
#include "tests/unit/support/world.h"
#include <arch/paging.h>
#include <stdio.h>
#include <string.h>

#define MACHINE_FRAMES 160

_Static_assert(FRAME_REF_BITS <= 4, "an image has four bits for a count");
_Static_assert(PT_ENTRIES <= 4, "a tiny table");

struct shape shape;
size_t image_size;
struct domain *realm[2];
struct x86_vcpu *realm_vcpu[2];
u64 first_mfn;

/* ---- the machine ---------------------------------------------------------------------------------------------- */

static void domain_make(unsigned i)
{
    world_config.paging = shape.rewrite[i] ? PAGING_REWRITE : PAGING_DIRECT;
    world_config.memory = world_config.maxmem = 0;
    realm[i] = world_domain(i ? "b" : "a", 1);
    realm[i]->max_pages = shape.pfns[i];
    realm_vcpu[i] = x86_vcpu(realm[i]->vcpu[0]);
    realm_vcpu[i]->in_kernel = true;
    if (shape.rewrite[i] && p2m_create(realm[i], shape.pfns[i]))
        fake_fail("no p2m");
}

/* What a root's slots of the hypervisor hold: nothing that looks like an entry of a guest. */
static u64 our_slot(unsigned i)
{
    return 0x4850000000000000ull + i;
}

static u8 cached_now[FRAMES_MAX];
static void cache_flushed(void);

void world_make(struct image *start)
{
    fake_reset(MACHINE_FRAMES);
    for (unsigned i = 0; i < HYPERVISOR_SLOTS; i++)
        host_l4_slots[i] = our_slot(i);
    domain_make(0);
    domain_make(1);
    /* All that is free is taken out of the game, but for the last ones: the allocator finds only those. */
    while (frame_free_count() > shape.frames)
        if (mfn_is_invalid(frame_alloc_host()))
            fake_fail("frames are lost");
    first_mfn = frame_count - shape.frames;
    for (unsigned i = 0; i < shape.frames; i++) {
        frame_table[first_mfn + i].note = FRAME_NOTE_ZEROED;
        memset(play_page(i), 0, PAGE_SIZE);
    }
    image_size = (offsetof(struct image, frame) + shape.frames * sizeof(struct frame_image) + 7) & ~7ull;
    fake_processor.cr3_loaded = cache_flushed;

    memset(start, 0, sizeof(*start));
    start->cursor = NOBODY;
    unsigned next = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct domain_image *d = &start->domain[i];
        d->kernel_root = d->user_root = d->gdt = d->held = d->dropped = d->leaving = NOBODY;
        for (unsigned pfn = 0; pfn < PFNS_MAX; pfn++)
            d->p2m[pfn] = NOBODY;
        for (unsigned n = 0; n < shape.first[i]; n++, next++) {
            start->frame[next] = (struct frame_image){.bits = IMG_ALLOC | 1, .owner = (u8)(i + 1), .link = NOBODY,
                                                      .pfn = shape.rewrite[i] ? (u8)n : PFN_NONE};
            if (shape.rewrite[i])
                d->p2m[n] = (u8)next;
        }
    }
    for (; next < shape.frames; next++)
        start->frame[next] = (struct frame_image){.link = NOBODY, .pfn = PFN_NONE};
}

/* ---- caches --------------------------------------------------------------------------------------------------- */

static unsigned play_index(u64 mfn)
{
    return mfn - first_mfn < shape.frames ? (unsigned)(mfn - first_mfn) : NOBODY;
}

/* All that the processor can walk from what it has: tables of the highest level first, as each leads one level down. */
static void cache_fill(void)
{
    unsigned root = play_index(fake_processor.cr3 >> PAGE_SHIFT);
    if (root != NOBODY)
        cached_now[root] |= 1u << (PT_LEVELS - 1);
    for (unsigned level = PT_LEVELS; level >= 1; level--)
        for (unsigned i = 0; i < shape.frames; i++) {
            if (!(cached_now[i] >> (level - 1) & 1))
                continue;
            const u64 *table = play_page(i);
            for (unsigned s = 0; s < PT_ENTRIES; s++) {
                u64 e = table[s];
                unsigned target = play_index((e & PTE_ADDR) >> PAGE_SHIFT);
                if (!(e & 1) || target == NOBODY)
                    continue;
                unsigned as = level > 1 ? 1u << (level - 2) : (e & 2) ? CACHED_READ | CACHED_WRITE : CACHED_READ;
                cached_now[target] = (u8)(cached_now[target] | as);
            }
        }
}

/* A load of CR3 drops everything; what stands in memory at that moment may be walked at once. */
static void cache_flushed(void)
{
    memset(cached_now, 0, sizeof(cached_now));
    cache_fill();
}

/* ---- frames --------------------------------------------------------------------------------------------------- */

static u64 word_from(u16 bits)
{
    return IMG_REFS(bits) | (u64)IMG_TYPES(bits) << FRAME_TC_SHIFT | (u64)IMG_TYPE(bits) << FRAME_TYPE_SHIFT |
           ((bits & IMG_VALIDATED) ? FRAME_VALIDATED : 0) | ((bits & IMG_PINNED) ? FRAME_PINNED : 0) |
           ((bits & IMG_ALLOC) ? FRAME_ALLOC : 0) | ((bits & IMG_LOCKED) ? FRAME_LOCKED : 0) |
           ((bits & IMG_LISTED) ? FRAME_LISTED : 0);
}

static u16 bits_from(u64 w)
{
    return (u16)((w & 15) | (w >> FRAME_TC_SHIFT & 15) << 4 | (w >> FRAME_TYPE_SHIFT & 7) << 8 |
                 ((w & FRAME_VALIDATED) ? IMG_VALIDATED : 0) | ((w & FRAME_PINNED) ? IMG_PINNED : 0) |
                 ((w & FRAME_ALLOC) ? IMG_ALLOC : 0) | ((w & FRAME_LOCKED) ? IMG_LOCKED : 0) |
                 ((w & FRAME_LISTED) ? IMG_LISTED : 0));
}

static u64 entry_from(u16 e, unsigned slot)
{
    if (e == ENT_OURS)
        return our_slot(slot - HYPERVISOR_FIRST_SLOT);
    u64 flags = ((e & ENT_PRESENT) ? PTE_PRESENT : 0) | ((e & ENT_RW) ? PTE_RW : 0) | ((e & ENT_USER) ? PTE_USER : 0) |
                ((e & ENT_TAG) ? 1ull << 52 : 0) | ((e & ENT_NX) ? PTE_NX : 0) | ((e & ENT_PSE) ? PTE_PSE : 0) |
                ((e & ENT_GLOBAL) ? PTE_GLOBAL : 0);
    return e ? flags | (first_mfn + ENT_FRAME(e)) << PAGE_SHIFT : 0;
}

static u16 entry_image(u64 e, unsigned slot)
{
    if (e == 0)
        return 0;
    if (is_ours(PT_LEVELS, slot) && e == our_slot(slot - HYPERVISOR_FIRST_SLOT))
        return ENT_OURS;
    unsigned frame = play_index((e & PTE_ADDR) >> PAGE_SHIFT);
    const u64 known = PTE_PRESENT | PTE_RW | PTE_USER | 1ull << 52 | PTE_NX | PTE_PSE | PTE_GLOBAL | PTE_ADDR;
    if ((e & ~known) || frame == NOBODY)
        return ENT_STRANGE;
    return (u16)(frame | ((e & PTE_PRESENT) ? ENT_PRESENT : 0) | ((e & PTE_RW) ? ENT_RW : 0) |
                 ((e & PTE_USER) ? ENT_USER : 0) | ((e & 1ull << 52) ? ENT_TAG : 0) | ((e & PTE_NX) ? ENT_NX : 0) |
                 ((e & PTE_PSE) ? ENT_PSE : 0) | ((e & PTE_GLOBAL) ? ENT_GLOBAL : 0));
}

/* The frames in play that the allocator has. */
static unsigned free_now(void)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < shape.frames; i++)
        if (frame_table[first_mfn + i].owner == OWNER_NONE)
            mask |= 1u << i;
    return mask;
}

/* Makes the allocator have exactly those. */
static void free_restore(unsigned wanted)
{
    if (free_now() == wanted)
        return;
    while (frame_free_count()) {
        for (unsigned i = 0; i < shape.frames; i++)
            frame_table[first_mfn + i].note = FRAME_NOTE_ZEROED;
        (void)frame_alloc_host();
    }
    for (unsigned i = 0; i < shape.frames; i++)
        if (wanted >> i & 1)
            frame_alloc_return(mfn_make(first_mfn + i));
}

static void frame_restore(unsigned i, const struct frame_image *f, bool secret)
{
    struct frame *to = &frame_table[first_mfn + i];
    u64 *page = play_page(i);
    atomic_store_explicit(&to->word, word_from(f->bits), memory_order_relaxed);
    to->owner = f->owner ? realm[f->owner - 1]->id : OWNER_NONE;
    to->link = f->link == NOBODY ? FRAME_LIST_END : (u32)(first_mfn + f->link);
    to->note = f->owner || f->pfn == PFN_DIRTY ? FRAME_NOTE_NONE : FRAME_NOTE_ZEROED;
    m2p_table[first_mfn + i] = f->pfn >= PFN_DIRTY ? ~0ull : f->pfn;
    for (unsigned s = 0; s < PT_ENTRIES; s++)
        page[s] = secret ? WORLD_SECRET : entry_from(f->entry[s], s);
}

static mfn_t mfn_of(u8 frame)
{
    return frame == NOBODY ? MFN_INVALID : mfn_make(first_mfn + frame);
}
static u32 list_of(u8 frame)
{
    return frame == NOBODY ? FRAME_LIST_END : (u32)(first_mfn + frame);
}

static void domain_restore(unsigned i, const struct domain_image *d)
{
    struct x86_vcpu *v = realm_vcpu[i];
    struct x86_domain *xd = x86_domain(realm[i]);
    v->kernel_root = mfn_of(d->kernel_root);
    v->user_root = mfn_of(d->user_root);
    v->gdt_frame[0] = mfn_of(d->gdt);
    v->gdt_entries = d->gdt == NOBODY ? 0 : DESCRIPTORS_PER_PAGE;
    v->work.held = list_of(d->held);
    v->work.dropped = list_of(d->dropped);
    v->work.resume = d->flags & DOM_RESUME;
    v->second_look.taken = false; /* each state has its second look before it */
    v->cursor = NULL;
    v->vcpu.restart.wanted = false;
    xd->work.dropped = list_of(d->leaving);
    xd->work.held = FRAME_LIST_END;
    xd->work.resume = false;
    realm[i]->dying = d->flags & DOM_DYING;
    xd->vcpus_relinquished = d->flags & DOM_RELEASED;
    xd->relinquish_next = (d->flags & DOM_UNPINNED) ? frame_count : 0;
    for (unsigned pfn = 0; xd->p2m && pfn < shape.pfns[i]; pfn++)
        xd->p2m[pfn] = d->p2m[pfn] == NOBODY ? P2M_NONE : (u32)(first_mfn + d->p2m[pfn]);
}

static unsigned pages_owned(const struct image *image, unsigned owner)
{
    unsigned n = 0;
    for (unsigned i = 0; i < shape.frames; i++)
        n += image->frame[i].owner == owner;
    return n;
}

void world_restore(const struct image *image)
{
    unsigned free_frames = 0;
    for (unsigned i = 0; i < shape.frames; i++)
        if (!image->frame[i].owner)
            free_frames |= 1u << i;
    free_restore(free_frames);
    for (unsigned i = 0; i < shape.frames; i++) {
        const struct frame_image *f = &image->frame[i];
        bool secret = f->owner == !image->current + 1 && !contents_matter(f);
        frame_restore(i, f, secret || (!f->owner && f->pfn == PFN_DIRTY));
        cached_now[i] = image->frame[i].cached;
    }
    for (unsigned i = 0; i < 2; i++) {
        domain_restore(i, &image->domain[i]);
        atomic_store_explicit(&realm[i]->tot_pages, pages_owned(image, i + 1), memory_order_relaxed);
    }
    struct x86_vcpu *v = realm_vcpu[image->current];
    if (image->cursor != NOBODY) {
        v->cursor = &frame_table[first_mfn + image->cursor];
        v->cursor_level = IMG_TYPE(image->frame[image->cursor].bits);
    }
    this_cpu()->current = &v->vcpu;
    this_cpu()->softirq = 0;
    this_cpu()->locks_held = 0;
    this_cpu()->freeing = false;
    u8 root = image->domain[image->current].kernel_root;
    fake_processor.cr3 = root == NOBODY ? 0 : (first_mfn + root) << PAGE_SHIFT;
}

/* ---- and back ------------------------------------------------------------------------------------------------- */

static u8 index_of(mfn_t mfn)
{
    return (u8)(mfn_is_invalid(mfn) ? NOBODY : play_index(mfn.n));
}
static u8 index_of_list(u32 n)
{
    return (u8)(n == FRAME_LIST_END ? NOBODY : play_index(n));
}

static void domain_capture(unsigned i, struct domain_image *d)
{
    const struct x86_vcpu *v = realm_vcpu[i];
    const struct x86_domain *xd = x86_domain_const(realm[i]);
    d->kernel_root = index_of(v->kernel_root);
    d->user_root = index_of(v->user_root);
    d->gdt = v->gdt_entries ? index_of(v->gdt_frame[0]) : NOBODY;
    d->held = index_of_list(v->work.held);
    d->dropped = index_of_list(v->work.dropped);
    d->leaving = index_of_list(xd->work.dropped);
    d->flags = (u8)((v->work.resume ? DOM_RESUME : 0) | (realm[i]->dying ? DOM_DYING : 0) |
                    (xd->vcpus_relinquished ? DOM_RELEASED : 0) | (xd->relinquish_next ? DOM_UNPINNED : 0));
    if (realm[i]->dying && !realm[i]->tot_pages && xd->relinquish_next)
        d->flags |= DOM_DEAD;
    for (unsigned pfn = 0; pfn < PFNS_MAX; pfn++)
        d->p2m[pfn] = !xd->p2m || pfn >= shape.pfns[i] || xd->p2m[pfn] == P2M_NONE ? NOBODY : (u8)play_index(xd->p2m[pfn]);
}

static const char *frame_capture(unsigned i, struct frame_image *f)
{
    const struct frame *from = &frame_table[first_mfn + i];
    u64 w = frame_word(from);
    f->bits = bits_from(w);
    if (word_from(f->bits) != w)
        return "a frame's word has bits that it cannot have";
    f->owner = from->owner == OWNER_NONE ? 0 : from->owner == realm[0]->id ? 1 : from->owner == realm[1]->id ? 2 : 3;
    if (f->owner == 3)
        return "a frame belongs to a domain that is none";
    f->link = (f->bits & IMG_LISTED) ? index_of_list(from->link) : NOBODY;
    bool rewrite = f->owner && shape.rewrite[f->owner - 1];
    u64 pfn = m2p_table[first_mfn + i];
    if (rewrite && pfn >= shape.pfns[f->owner - 1] && pfn != ~0ull)
        return "a frame's pseudo-physical number is out of range";
    f->pfn = rewrite && pfn != ~0ull ? (u8)pfn : PFN_NONE;
    if (!f->owner && pfn != ~0ull)
        return "a free frame has a number";
    if (!f->owner && from->note != FRAME_NOTE_ZEROED)
        f->pfn = PFN_DIRTY;
    f->cached = cached_now[i];
    const u64 *page = play_page(i);
    bool matters = contents_matter(f);
    for (unsigned s = 0; s < PT_ENTRIES; s++)
        f->entry[s] = matters ? entry_image(page[s], s) : 0;
    return NULL;
}

const char *world_capture(struct image *image)
{
    const char *wrong = NULL;
    cache_fill();
    memset(image, 0, image_size);
    const struct vcpu *current = this_cpu()->current;
    image->current = current == &realm_vcpu[1]->vcpu;
    image->cursor = NOBODY;
    for (unsigned i = 0; i < 2; i++) {
        const struct x86_vcpu *v = realm_vcpu[i];
        domain_capture(i, &image->domain[i]);
        if (v->cursor) {
            image->cursor = (u8)play_index((u64)(v->cursor - frame_table));
            if (i != image->current || image->cursor == NOBODY)
                wrong = "a table is kept locked by a vcpu that does not run";
        }
    }
    for (unsigned i = 0; i < shape.frames; i++) {
        const char *what = frame_capture(i, &image->frame[i]);
        wrong = wrong ? wrong : what;
    }
    u8 root = image->domain[image->current].kernel_root;
    if (fake_processor.cr3 != (root == NOBODY ? 0 : (first_mfn + root) << PAGE_SHIFT))
        wrong = "CR3 is not the kernel root of the vcpu that runs";
    for (unsigned i = 0; i < 2; i++)
        if (realm[i]->tot_pages != pages_owned(image, i + 1))
            wrong = "the number of a domain's frames is not that of the frames it owns";
    return wrong;
}
