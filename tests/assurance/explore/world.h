/* SPDX-License-Identifier: MIT */
/*
 * A world small enough to be looked at whole: two domains and a handful of frames, in the memory of the shipped engine that
 * is built with tiny tables and counters (common/geometry.h). An image is all of it that matters; it is put into the
 * engine's memory, an operation is carried out, and what stands there then is taken out as another image.
 *
 * What a page holds is part of an image where somebody relies on it: in a live table, or one that a cache still leads to. Of
 * all others a guest can choose the contents at any time, so they are chosen when a frame is used as a table (ops.h).
 */
#ifndef XL_EXPLORE_WORLD_H
#define XL_EXPLORE_WORLD_H

#include "arch/x86/cpu/vcpu.h"
#include "common/frame.h"
#include "common/geometry.h"

#define FRAMES_MAX 6
#define PFNS_MAX   4
#define NOBODY     7 /* no frame */
/* Stands in the pages of the domain that is not on the processor, where nobody relies on their contents. */
#define WORLD_SECRET 0x5ec7e70000000000ull

struct frame_image {
    u16 bits;  /* IMG_* */
    u8 owner;  /* 0: nobody; 1, 2: domain */
    u8 cached; /* what a cache that forgets nothing without a flush holds: bit k - 1: as a table of level k, CACHED_* */
    u8 link;   /* next frame of its list */
    u8 pfn;    /* rewrite mode: what the machine-to-physical table says; PFN_NONE. Free: PFN_DIRTY */
    u16 entry[PT_ENTRIES]; /* ENT_*, of tables that somebody relies on */
};
#define IMG_REFS(bits)  ((bits) & 15u)
#define IMG_TYPES(bits) ((bits) >> 4 & 15u)
#define IMG_TYPE(bits)  ((bits) >> 8 & 7u)
#define IMG_VALIDATED   (1u << 11)
#define IMG_PINNED      (1u << 12)
#define IMG_ALLOC       (1u << 13)
#define IMG_LOCKED      (1u << 14)
#define IMG_LISTED      (1u << 15)
#define PFN_NONE        15
#define PFN_DIRTY       14 /* a free frame that is cleared by whoever takes it */
#define CACHED_READ     (1u << 4)
#define CACHED_WRITE    (1u << 5)

/* An entry as it stands in a table: the frame it names, and flags. 0: not present. */
#define ENT_FRAME(e) ((e) & 7u)
#define ENT_PRESENT  (1u << 3)
#define ENT_RW       (1u << 4)
#define ENT_USER     (1u << 5)
#define ENT_TAG      (1u << 6)
#define ENT_NX       (1u << 7)
#define ENT_PSE      (1u << 8)
#define ENT_GLOBAL   (1u << 9)
#define ENT_OURS     0x4000u /* the hypervisor's slot, as it must be */
#define ENT_STRANGE  0x8000u /* nothing that anybody puts there */

struct domain_image {
    u8 kernel_root, user_root, gdt;
    u8 held, dropped, leaving; /* first frame of the lists of its vcpu, and of its own while it is taken down */
    u8 flags;                  /* DOM_* */
    u8 p2m[PFNS_MAX];          /* rewrite mode: frame of each pfn */
};
#define DOM_RESUME   (1u << 0) /* a promotion was interrupted */
#define DOM_DYING    (1u << 1)
#define DOM_RELEASED (1u << 2) /* dying: its vcpu has given up what it held */
#define DOM_UNPINNED (1u << 3) /* dying: its pins are gone */
#define DOM_DEAD     (1u << 4)

struct image {
    u8 current; /* 0, 1: the domain whose vcpu is on the processor */
    u8 cursor;  /* the table that an open batch of updates keeps locked */
    u8 batch;   /* 1: a batch of updates is open */
    struct domain_image domain[2];
    struct frame_image frame[FRAMES_MAX];
} __attribute__((aligned(8)));

/* What is explored: chosen at the start of the program. */
struct shape {
    unsigned frames;     /* 3 to FRAMES_MAX */
    unsigned first[2];   /* frames that each domain begins with; the others are free */
    unsigned pfns[2];    /* pages it may have at most, and in rewrite mode its pseudo-physical frames */
    bool rewrite[2];
    bool rich;           /* entries with more flags, and absent ones that are not 0 */
};
extern struct shape shape;
extern size_t image_size; /* bytes of an image in use with that shape, a multiple of 8 */

/* The engine's side of it. */
extern struct domain *realm[2];
extern struct x86_vcpu *realm_vcpu[2];
extern u64 first_mfn; /* of the frames in play */

static inline u64 *play_page(unsigned i)
{
    return mfn_to_ptr(mfn_make(first_mfn + i));
}

/* The machine with the two domains, and the image that everything begins with. */
void world_make(struct image *start);
void world_restore(const struct image *image);
/*
 * Also brings the model of the caches up to date: all that can be walked now is cached. NULL, or what stands in memory that
 * cannot be.
 */
const char *world_capture(struct image *image);
/* The same world with the frames renamed so that worlds that differ in names alone become one. order[i]: what is now i. */
void world_canonical(const struct image *image, struct image *canonical, u8 *order);

/* Is that slot of a table of that level the hypervisor's? */
static inline bool is_ours(unsigned level, unsigned slot)
{
    return level == PT_LEVELS && (int)slot >= HYPERVISOR_FIRST_SLOT && (int)slot <= HYPERVISOR_LAST_SLOT;
}
/* Does somebody rely on what stands in that frame? Else its contents are no part of the image. */
static inline bool contents_matter(const struct frame_image *f)
{
    unsigned type = IMG_TYPE(f->bits);
    return (f->cached & 15u) || (IMG_TYPES(f->bits) && type >= FRAME_L1 && type <= FRAME_L4);
}
/*
 * The frame that an entry names once it has been turned back into its guest's form and is read anew: in rewrite mode what
 * stands behind the number by now, which need not be the frame that the entry holds.
 */
static inline unsigned frame_read_anew(const struct image *image, unsigned domain, u16 entry)
{
    u8 pfn = image->frame[ENT_FRAME(entry)].pfn;
    if (!shape.rewrite[domain])
        return ENT_FRAME(entry);
    return pfn < PFNS_MAX ? image->domain[domain].p2m[pfn] : NOBODY;
}
static inline bool is_live_table(const struct frame_image *f)
{
    unsigned type = IMG_TYPE(f->bits);
    return IMG_TYPES(f->bits) && (f->bits & IMG_VALIDATED) && type >= FRAME_L1 && type <= PT_LEVELS;
}

#endif
