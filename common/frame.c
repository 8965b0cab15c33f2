/* SPDX-License-Identifier: MIT */
/*
 * The table of frames and the end of a frame's use. Everything before that end is inline in frame.h; what a
 * frame's type means stands in the arch part.
 */
#include "common/frame.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/paging.h>

/* Bits that each hold a reference, and what must therefore be gone before the last reference is. */
#define FRAME_HELD                                                                                           \
    (FRAME_TC_MASK | FRAME_VALIDATED | FRAME_PINNED | FRAME_ALLOC | FRAME_LOCKED | FRAME_LISTED)

/* The last frame of a zombie takes its record along. */
static void owner_has_less(struct domain *d, _Atomic u64 *pages)
{
    BUG_ON(atomic_fetch_sub_explicit(pages, 1, memory_order_acq_rel) == 0);
    if (unlikely(d->zombie) && !domain_owns_frames(d))
        softirq_raise(SOFTIRQ_DOMAIN);
}

/*
 * Nobody else can come now: frame_get() refuses a frame without references. The order matters: no processor
 * may still translate to the frame when it is scrubbed, and nothing may remain of it when the allocator gets
 * it.
 */
void frame_last_put(struct frame *f)
{
    BUG_ON((frame_word(f) & FRAME_HELD) != 0);
    BUG_ON(f->owner == OWNER_NONE);

    struct domain *owner = domain_find(f->owner);
    bool special = (frame_word(f) & FRAME_SPECIAL) != 0;
    BUG_ON(owner == NULL);
    arch_flush_before_reuse();

    mfn_t mfn = frame_mfn(f);
    memset(mfn_to_ptr(mfn), 0, PAGE_SIZE);
    m2p_table[mfn.n] = ~0ull;
    f->owner = OWNER_NONE;
    f->note = FRAME_NOTE_ZEROED;
    atomic_store_explicit(&f->word, 0, memory_order_release);
    frame_alloc_return(mfn);
    owner_has_less(owner, special ? &owner->shared_pages : &owner->tot_pages);
}

/* The owner is written before the word: whoever sees a reference sees whose frame it is. */
static struct frame *frame_publish(mfn_t mfn, u16 owner, u64 word)
{
    struct frame *f = frame_of(mfn);

    f->owner = owner;
    f->link = FRAME_LIST_END;
    atomic_store_explicit(&f->word, word, memory_order_release);
    return f;
}

/* The charge comes first and is taken back on failure: two allocations at once cannot both take the last
 * page. */
struct frame *frame_alloc_domain(struct domain *d)
{
    u64 had = atomic_fetch_add_explicit(&d->tot_pages, 1, memory_order_relaxed);
    mfn_t mfn = had < d->max_pages && !d->dying ? frame_alloc_host() : MFN_INVALID;

    if (unlikely(mfn_is_invalid(mfn))) {
        atomic_fetch_sub_explicit(&d->tot_pages, 1, memory_order_relaxed);
        return NULL;
    }
    return frame_publish(mfn, d->id, FRAME_ALLOC | FRAME_REF_ONE);
}

struct frame *frame_share(struct domain *d, mfn_t host)
{
    atomic_fetch_add_explicit(&d->shared_pages, 1, memory_order_relaxed);
    return frame_publish(host, d->id, FRAME_SPECIAL | FRAME_ALLOC | FRAME_REF_ONE);
}

struct frame *frame_alloc_shared(struct domain *d)
{
    mfn_t mfn = frame_alloc_host();

    return mfn_is_invalid(mfn) ? NULL : frame_share(d, mfn);
}

bool frame_drop_alloc(struct frame *f)
{
    u64 w = frame_word(f);

    do {
        if ((w & FRAME_ALLOC) == 0)
            return false;
    } while (unlikely(!frame_swap(f, &w, (w & ~FRAME_ALLOC) - FRAME_REF_ONE)));
    if (word_refs(w) == 1)
        frame_last_put(f);
    return true;
}
