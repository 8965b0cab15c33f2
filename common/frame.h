/* SPDX-License-Identifier: MIT */
/*
 * One record of 16 bytes for each machine frame: who owns it, how often it is referred to, what it is used as.
 *
 *   word   63   62      61     60     59    58     57        56..54 53......28 27 26 25.......0
 *          -  special listed locked alloc pinned validated   type   type count  -  - reference count
 *
 * All of it that can change while others look stands in one word and changes only by compare-and-swap.
 *   - reference count > 0  <=>  the frame is in use and owner is valid.
 *   - type count > 0: the type may not change. Types exclude one another; a frame that is a page table or a descriptor
 *     table cannot be writable to any guest.
 *   - validated: for page and descriptor tables: every entry has been checked and holds its references.
 *   - pinned: the guest's own hold (one reference, one type count). alloc: the domain's own reference.
 *   - locked: the page lock, held while entries of a live table change. listed: stands on a work list
 *     (arch/x86/paging/types.h), which holds one reference and one type count of it.
 *   - special: shared with the hypervisor (shared_info...): never a table, never given back by the guest.
 * Every type count comes with a reference, so a check of the reference count alone keeps both from overflowing.
 * `get` checks and may fail; `put` trusts. A failed get leaves everything as it was.
 */
#ifndef XL_COMMON_FRAME_H
#define XL_COMMON_FRAME_H

#include "common/cpu.h"
#include "common/geometry.h"
#include "lib/types.h"
#include <stdatomic.h>

struct domain;

enum frame_type {
    FRAME_NONE = 0,
    FRAME_L1 = 1, /* page tables: the number is the level */
    FRAME_L2 = 2,
    FRAME_L3 = 3,
    FRAME_L4 = 4,
    FRAME_DESCRIPTOR = 5, /* GDT or LDT page */
    FRAME_WRITABLE = 6,
    FRAME_TYPES
};

#define FRAME_REF_ONE    1ull
#define FRAME_REF_MASK   ((1ull << FRAME_REF_BITS) - 1)
#define FRAME_TC_SHIFT   28
#define FRAME_TC_ONE     (1ull << FRAME_TC_SHIFT)
#define FRAME_TC_MASK    (FRAME_REF_MASK << FRAME_TC_SHIFT)
#define FRAME_TYPE_SHIFT 54
#define FRAME_TYPE_MASK  (7ull << FRAME_TYPE_SHIFT)
#define FRAME_VALIDATED  (1ull << 57)
#define FRAME_PINNED     (1ull << 58)
#define FRAME_ALLOC      (1ull << 59)
#define FRAME_LOCKED     (1ull << 60)
#define FRAME_LISTED     (1ull << 61)
#define FRAME_SPECIAL    (1ull << 62)

struct frame {
    _Atomic u64 word;
    u32 link;  /* next frame of the list it stands on, by number; FRAME_LIST_END: none */
    u16 owner; /* domain number; written before the first reference is visible */
    u16 note;  /* of a frame without owner: what the allocator or the heap wrote on it */
};
_Static_assert(sizeof(struct frame) == 16, "a frame record is 16 bytes");

#define FRAME_LIST_END 0xffffffffu
#define OWNER_NONE     0x7ff4 /* DOMID_INVALID: free, or the hypervisor's own */

extern struct frame *frame_table; /* indexed by mfn; [0, frame_count) */
extern u64 frame_count;           /* one more than the highest RAM frame */
extern u64 *m2p_table;            /* machine to pseudo-physical, the hypervisor's writable alias; ~0: none */
extern u8 *direct_map;            /* where machine address 0 is mapped for the hypervisor */

static inline bool mfn_valid(mfn_t m)
{
    return m.n < frame_count;
}
static inline struct frame *frame_of(mfn_t m)
{
    return &frame_table[m.n];
}
static inline mfn_t frame_mfn(const struct frame *f)
{
    return mfn_make((u64)(f - frame_table));
}
/* The hypervisor's address of a frame's memory. */
static inline void *mfn_to_ptr(mfn_t m)
{
    return direct_map + (m.n << PAGE_SHIFT);
}
static inline mfn_t ptr_to_mfn(const void *p)
{
    return mfn_make((u64)((const u8 *)p - direct_map) >> PAGE_SHIFT);
}
static inline void *frame_ptr(const struct frame *f)
{
    return mfn_to_ptr(frame_mfn(f));
}

static inline enum frame_type word_type(u64 w)
{
    return (enum frame_type)((w & FRAME_TYPE_MASK) >> FRAME_TYPE_SHIFT);
}
static inline u64 word_type_count(u64 w)
{
    return (w & FRAME_TC_MASK) >> FRAME_TC_SHIFT;
}
static inline u64 word_refs(u64 w)
{
    return w & FRAME_REF_MASK;
}
static inline u64 frame_word(const struct frame *f)
{
    return atomic_load_explicit(&((struct frame *)f)->word, memory_order_relaxed);
}
static inline bool frame_swap(struct frame *f, u64 *seen, u64 want)
{
    return atomic_compare_exchange_weak_explicit(&f->word, seen, want, memory_order_acq_rel, memory_order_relaxed);
}

/*
 * Can one more reference be taken? Not of a free frame (0), and not where the count would come near its end: the
 * last value is kept so that an overflow is refused, never wrapped.
 */
static inline bool word_ref_ok(u64 w)
{
    return word_refs(w) - 1 < FRAME_REF_MASK - 2;
}

void frame_last_put(struct frame *f); /* the last reference is gone: scrub and free */

static inline void frame_put(struct frame *f)
{
    if (unlikely(word_refs(atomic_fetch_sub_explicit(&f->word, FRAME_REF_ONE, memory_order_acq_rel)) == 1))
        frame_last_put(f);
}

/*
 * A reference to a frame that must belong to owner. The count is taken first and the owner compared after it, never
 * the other way round: a reference keeps the owner from changing. False: no such frame, free, not the owner's, full.
 */
static inline bool frame_get(struct frame *f, u16 owner)
{
    u64 w = frame_word(f);
    do {
        if (unlikely(!word_ref_ok(w)))
            return false;
    } while (unlikely(!frame_swap(f, &w, w + FRAME_REF_ONE)));
    if (likely(f->owner == owner))
        return true;
    frame_put(f);
    return false;
}

/* frame_alloc.c ---------------------------------------------------------------------------------------------------*/

/*
 * Boot: all frames start in use by nobody; ranges of usable RAM are then given. frame_table, frame_count, m2p_table
 * and direct_map are set before; the records and M2P entries of the frames given are initialised here, those of all
 * others are the caller's (0 and ~0).
 */
void frame_alloc_init(u64 *bitmap, u64 frames);
size_t frame_alloc_bitmap_bytes(u64 frames);
void frame_alloc_give(mfn_t first, u64 count);
/* scatter=SEED: hand out single frames in a shuffled order (tests: nothing may rely on neighbours). 0: off. */
void frame_alloc_scatter(u64 seed);

/* One frame for the hypervisor itself (no owner, not counted), zeroed. MFN_INVALID: none left. */
mfn_t frame_alloc_host(void);
/* count frames in a row, zeroed, for the hypervisor. */
mfn_t frame_alloc_host_run(u64 count);
void frame_free_host(mfn_t first, u64 count);

/* For frame.c: one zeroed frame out of what d may take (NULL: the hypervisor), not charged, nobody's yet. */
mfn_t frame_take(struct domain *d);
/*
 * One zeroed frame for a domain: owner d, one reference (alloc), no type. Charges d->tot_pages.
 * NULL: none left or d is at its maximum.
 */
struct frame *frame_alloc_domain(struct domain *d);
/*
 * One zeroed frame that the hypervisor shares with the domain (shared_info): owner d, special, one reference (alloc,
 * which the hypervisor gives back), not charged. NULL: none left.
 */
struct frame *frame_alloc_shared(struct domain *d);
/* The same of a frame of frame_alloc_host() that the hypervisor has filled: the domain's from now on. */
struct frame *frame_share(struct domain *d, mfn_t host);
/* Gives the domain's own reference back (once; false if it was not there). The frame goes when the last one goes. */
bool frame_drop_alloc(struct frame *f);

/* The same, and a reference of the caller's with it, in one go. */
void frame_drop_alloc_and_ref(struct frame *f);

u64 frame_free_count(void);
u64 frame_ram_count(void); /* frames that were ever given to the allocator */

/* Counts pages against d's maximum; false: that would be too many, or d is being taken down. */
bool domain_charge(struct domain *d, u64 pages);
void domain_uncharge(struct domain *d, u64 pages);

/*
 * A claim: so many of the free frames are for d alone, until it has taken them. 0 gives the claim up. -XEN_EINVAL: d has
 * one; -XEN_ENOMEM: there are not so many that nobody has claimed.
 */
int frame_claim(struct domain *d, u64 count);
u64 frame_claimed_count(void);

/*
 * 2^order frames in a row, aligned to as many, on their way to a domain: taken from the allocator, owned by nobody, and
 * given one by one when they are clear. Each step of that is short, so that who does it may stop between any two.
 */
struct frame_extent {
    mfn_t next;  /* the first that is not given yet; MFN_INVALID: none was taken */
    u64 left;    /* from next on */
    u64 cleared; /* of these */
    u64 search;  /* none was taken yet: where the search goes on */
};
#define FRAME_EXTENT_NONE ((struct frame_extent){.next = MFN_INVALID})

/*
 * One step of the search for an extent below frame `end` (frame_count: anywhere), out of what d may take (NULL: without
 * a claim). 0; -XEN_EAGAIN: not found yet, call again; -XEN_ENOMEM: there is none. Charges nobody.
 */
int frame_extent_take(struct frame_extent *x, struct domain *d, u32 order, u64 end);
/* Clears one more; cleared < left. */
void frame_extent_clear_one(struct frame_extent *x);
/* The next, which is clear, becomes d's: owner d, one reference (alloc), no type. */
struct frame *frame_extent_give(struct frame_extent *x, struct domain *d);
/* What was not given goes back to the allocator. */
void frame_extent_drop(struct frame_extent *x);

/*
 * Between these two calls frames that lose their last reference are put aside; the end flushes once for all of them and
 * gives them to the allocator, scrubbed, or marked to be cleared by whoever takes them: scrubbing costs some 520
 * instructions a frame, too much for the 512 entries of a table in one step. They do not nest.
 */
#define FRAMES_PER_FLUSH 16u /* so many are scrubbed in one step where they are */
void frame_batch_begin(void);
enum frame_batch { FRAMES_SCRUB, FRAMES_CLEAR_LATER };
void frame_batch_end(enum frame_batch how);
static inline u32 frame_batch_count(const struct cpu *cpu)
{
    return cpu->freed_count; /* frames put aside so far */
}

/* Takes f from its owner if nobody refers to it but the owner's allocation: one compare-and-swap. False: as it was. */
bool frame_steal(struct frame *f, u16 owner);
/* Gives a stolen frame back; the caller flushes before (its type is forgotten). */
void frame_unsteal(struct frame *f, u16 owner);
/* A stolen frame is free; in a batch. It stays charged to who had it. */
void frame_free_stolen(struct frame *f);

/* Values of frame->note while owner is OWNER_NONE. */
#define FRAME_NOTE_NONE   0
#define FRAME_NOTE_ZEROED 1      /* free, and its memory is known to be zero */
#define FRAME_NOTE_RUN    0x5255 /* first frame of a heap allocation; frame->link: how many */
#define FRAME_NOTE_SLOTS  0x534c /* cut into slots by the heap */

/* For frame.c alone: one frame back to the allocator: word 0, owner OWNER_NONE, note set by the caller. */
void frame_alloc_return(mfn_t m);
/* The same for frames linked by frame->link; all get that note. */
void frame_alloc_return_list(u32 first, u16 note);

#endif
