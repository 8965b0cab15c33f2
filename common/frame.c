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

/* No owner, no word: frame_get() refuses it from now on. */
static void frame_forget(struct frame *f)
{
    m2p_table[frame_mfn(f).n] = ~0ull;
    f->owner = OWNER_NONE;
    f->note = FRAME_NOTE_NONE;
    atomic_store_explicit(&f->word, 0, memory_order_release);
}

static void frame_put_aside(struct frame *f)
{
    struct cpu *cpu = this_cpu();

    f->link = cpu->freed;
    cpu->freed = (u32)frame_mfn(f).n;
    cpu->freed_count++;
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
    if (this_cpu()->freeing) {
        frame_forget(f);
        frame_put_aside(f);
    } else {
        arch_flush_before_reuse();
        memset(frame_ptr(f), 0, PAGE_SIZE);
        frame_forget(f);
        f->note = FRAME_NOTE_ZEROED;
        frame_alloc_return(frame_mfn(f));
    }
    owner_has_less(owner, special ? &owner->shared_pages : &owner->tot_pages);
}

void frame_batch_begin(void)
{
    struct cpu *cpu = this_cpu();

    BUG_ON(cpu->freeing);
    cpu->freeing = true;
    cpu->freed = FRAME_LIST_END;
    cpu->freed_count = 0;
}

/* One flush for all, and only then is their memory touched or anybody else's. */
void frame_batch_end(enum frame_batch how)
{
    struct cpu *cpu = this_cpu();

    BUG_ON(!cpu->freeing);
    cpu->freeing = false;
    if (cpu->freed == FRAME_LIST_END)
        return;
    arch_flush_before_reuse();
    for (u32 n = cpu->freed; how == FRAMES_SCRUB && n != FRAME_LIST_END; n = frame_table[n].link)
        memset(mfn_to_ptr(mfn_make(n)), 0, PAGE_SIZE);
    frame_alloc_return_list(cpu->freed, how == FRAMES_SCRUB ? FRAME_NOTE_ZEROED : FRAME_NOTE_NONE);
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
 * page. Neither the pages nor their sum come near the end of 64 bits: both are bounded by the machine's memory. */
bool domain_charge(struct domain *d, u64 pages)
{
    u64 had = atomic_fetch_add_explicit(&d->tot_pages, pages, memory_order_relaxed);

    if (likely(had < d->max_pages && pages <= d->max_pages - had && !d->dying))
        return true;
    domain_uncharge(d, pages);
    return false;
}

void domain_uncharge(struct domain *d, u64 pages)
{
    BUG_ON(atomic_fetch_sub_explicit(&d->tot_pages, pages, memory_order_relaxed) < pages);
}

struct frame *frame_alloc_domain(struct domain *d)
{
    if (!domain_charge(d, 1))
        return NULL;
    mfn_t mfn = frame_take(d);
    if (likely(!mfn_is_invalid(mfn)))
        return frame_publish(mfn, d->id, FRAME_ALLOC | FRAME_REF_ONE);
    domain_uncharge(d, 1);
    return NULL;
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

void frame_drop_alloc_and_ref(struct frame *f)
{
    u64 w = frame_word(f), want;

    do {
        want = w - FRAME_REF_ONE;
        if (w & FRAME_ALLOC)
            want = (want & ~FRAME_ALLOC) - FRAME_REF_ONE;
    } while (unlikely(!frame_swap(f, &w, want)));
    if (word_refs(want) == 0)
        frame_last_put(f);
}

/* Extents and exchange --------------------------------------------------------------------------------------------- */

struct frame *frame_extent_give(struct frame_extent *x, struct domain *d)
{
    struct frame *f = frame_publish(x->next, d->id, FRAME_ALLOC | FRAME_REF_ONE);

    BUG_ON(x->cleared == 0);
    f->note = FRAME_NOTE_NONE;
    x->next.n++;
    x->left--;
    x->cleared--;
    return f;
}

/* Who looks meanwhile sees a frame in use or a free one, never one that is allocated and free. */
bool frame_steal(struct frame *f, u16 owner)
{
    const u64 alone = FRAME_ALLOC | 2 * FRAME_REF_ONE; /* the second is the one taken here */
    u64 w;

    if (!frame_get(f, owner))
        return false;
    w = frame_word(f);
    do {
        if ((w & ~FRAME_TYPE_MASK) != alone) {
            frame_put(f);
            return false;
        }
    } while (unlikely(!frame_swap(f, &w, 0)));
    f->owner = OWNER_NONE;
    return true;
}

void frame_unsteal(struct frame *f, u16 owner)
{
    frame_publish(frame_mfn(f), owner, FRAME_ALLOC | FRAME_REF_ONE);
}

void frame_free_stolen(struct frame *f)
{
    BUG_ON(!this_cpu()->freeing);
    frame_forget(f);
    frame_put_aside(f);
}
