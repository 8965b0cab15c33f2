/* SPDX-License-Identifier: MIT */
/*
 * Which frames are free: one bit each, and above it one bit for each word that has any. A single frame is
 * found in a few steps from where the last one was found; runs are searched from the bottom. Frames that were
 * scrubbed when they were freed are marked (frame->note) and not cleared a second time.
 * Free frames that a domain has claimed count as free for that domain alone.
 */
#include "common/domain.h"
#include "common/frame.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <xen/errno.h>

struct frame *frame_table;
u64 frame_count;
u64 *m2p_table;
u8 *direct_map;

static struct spinlock lock = SPINLOCK(LOCK_FRAMES);

/* Guarded by lock. */
static u64 *free_bits;    /* bit n: frame n is free */
static u64 *word_bits;    /* bit n: free_bits[n] is not 0 */
static u64 word_count;    /* words of free_bits */
static u64 summary_count; /* words of word_bits */
static u64 cursor;        /* word of free_bits where the search begins */
static u64 free_frames;
static u64 ram_frames; /* given in all */
static u64 claimed_frames; /* sum of all domains' `claimed`; at most free_frames */
static u64 scatter_state; /* 0: off */

static u64 words_for(u64 bits)
{
    return (bits + 63) / 64;
}

size_t frame_alloc_bitmap_bytes(u64 frames)
{
    return (words_for(frames) + words_for(words_for(frames))) * sizeof(u64);
}

void frame_alloc_init(u64 *bitmap, u64 frames)
{
    memset(bitmap, 0, frame_alloc_bitmap_bytes(frames));
    free_bits = bitmap;
    word_count = words_for(frames);
    word_bits = bitmap + word_count;
    summary_count = words_for(word_count);
    cursor = 0;
    free_frames = ram_frames = claimed_frames = 0;
}

void frame_alloc_scatter(u64 seed)
{
    scatter_state = seed;
}

/* xorshift64* (Vigna 2016): never 0 from a state that is not 0. */
static u64 scatter_next(void)
{
    scatter_state ^= scatter_state >> 12;
    scatter_state ^= scatter_state << 25;
    scatter_state ^= scatter_state >> 27;
    return scatter_state * 0x2545f4914f6cdd1dull;
}

static bool is_free(u64 n)
{
    return (free_bits[n / 64] >> n % 64 & 1) != 0;
}

static void mark_free(u64 n)
{
    BUG_ON(n / 64 >= word_count || is_free(n));
    free_bits[n / 64] |= 1ull << n % 64;
    word_bits[n / 4096] |= 1ull << n / 64 % 64;
    free_frames++;
}

static void mark_used(u64 n)
{
    u64 word = n / 64;

    free_bits[word] &= ~(1ull << n % 64);
    if (free_bits[word] == 0)
        word_bits[word / 64] &= ~(1ull << word % 64);
    free_frames--;
}

/* The same for 64 frames at once, all of which must be in the other state. */
static void mark_free_word(u64 word)
{
    BUG_ON(word >= word_count || free_bits[word] != 0);
    free_bits[word] = ~0ull;
    word_bits[word / 64] |= 1ull << word % 64;
    free_frames += 64;
}

static void mark_used_word(u64 word)
{
    BUG_ON(free_bits[word] != ~0ull);
    free_bits[word] = 0;
    word_bits[word / 64] &= ~(1ull << word % 64);
    free_frames -= 64;
}

void frame_alloc_give(mfn_t first, u64 count)
{
    BUG_ON(first.n >= frame_count || count > frame_count - first.n);
    spinlock_lock(&lock);
    ram_frames += count;
    for (u64 n = first.n; n < first.n + count; n++) {
        struct frame *f = frame_of(mfn_make(n));
        *f = (struct frame){.link = FRAME_LIST_END, .owner = OWNER_NONE, .note = FRAME_NOTE_NONE};
        m2p_table[n] = ~0ull;
        mark_free(n);
    }
    spinlock_unlock(&lock);
}

/* The first word at or after `from`, going round, that has a free frame. There is one. */
static u64 find_word(u64 from)
{
    u64 i = from / 64;
    u64 bits = word_bits[i] & ~0ull << from % 64;

    while (bits == 0) {
        i = i + 1 < summary_count ? i + 1 : 0;
        bits = word_bits[i];
    }
    return i * 64 + (u64)__builtin_ctzll(bits);
}

/* One free frame, anywhere: a random word, and in it the first free frame behind a random one. */
static u64 find_scattered(void)
{
    u64 random = scatter_next();
    u64 word = find_word((random >> 6) % word_count);
    u64 above = free_bits[word] & ~0ull << random % 64;

    return word * 64 + (u64)__builtin_ctzll(above != 0 ? above : free_bits[word]);
}

/*
 * May count frames be taken for d (NULL: the hypervisor)? What others have claimed is not there for it; a domain's own
 * claim serves where it is large enough.
 */
static bool may_take(const struct domain *d, u64 count)
{
    return count <= free_frames - claimed_frames || (d && d->claimed >= count);
}

/* What a domain takes comes out of its claim first. */
static void claim_use(struct domain *d, u64 count)
{
    u64 used = min_u64(d->claimed, count);

    d->claimed -= used;
    claimed_frames -= used;
}

static u64 take_one(struct domain *d)
{
    u64 n = ~0ull;

    spinlock_lock(&lock);
    if (likely(may_take(d, 1))) {
        if (unlikely(scatter_state != 0)) {
            n = find_scattered();
        } else {
            cursor = free_bits[cursor] != 0 ? cursor : find_word(cursor);
            n = cursor * 64 + (u64)__builtin_ctzll(free_bits[cursor]);
        }
        mark_used(n);
        if (d && unlikely(d->claimed))
            claim_use(d, 1);
    }
    spinlock_unlock(&lock);
    return n;
}

/* The marks of a test run: what is called zero is looked at. */
static void check_zeroed(const u64 *words)
{
    for (size_t i = 0; i < PAGE_SIZE / sizeof(u64); i++)
        BUG_ON(words[i] != 0);
}

static void clear_frame(mfn_t m)
{
    struct frame *f = frame_of(m);

    if (f->note != FRAME_NOTE_ZEROED)
        memset(mfn_to_ptr(m), 0, PAGE_SIZE);
    else if (unlikely(scatter_state != 0))
        check_zeroed(mfn_to_ptr(m));
    f->note = FRAME_NOTE_NONE;
}

mfn_t frame_take(struct domain *d)
{
    u64 n = take_one(d);

    if (unlikely(n == ~0ull))
        return MFN_INVALID;
    clear_frame(mfn_make(n));
    return mfn_make(n);
}

mfn_t frame_alloc_host(void)
{
    return frame_take(NULL);
}

/* The lowest run of count free frames; ~0: none. Words without a free frame are passed over at once. */
static u64 find_run(u64 count)
{
    u64 run = 0;

    for (u64 n = 0; n < word_count * 64;) {
        if (n % 64 == 0 && free_bits[n / 64] == 0) {
            run = 0;
            n += 64;
            continue;
        }
        run = is_free(n) ? run + 1 : 0;
        n++;
        if (run == count)
            return n - count;
    }
    return ~0ull;
}

mfn_t frame_alloc_host_run(u64 count)
{
    if (count == 0)
        return MFN_INVALID;
    spinlock_lock(&lock);
    u64 first = may_take(NULL, count) ? find_run(count) : ~0ull;
    for (u64 i = 0; first != ~0ull && i < count; i++)
        mark_used(first + i);
    spinlock_unlock(&lock);
    if (first == ~0ull)
        return MFN_INVALID;
    for (u64 i = 0; i < count; i++)
        clear_frame(mfn_make(first + i));
    return mfn_make(first);
}

void frame_alloc_return(mfn_t m)
{
    spinlock_lock(&lock);
    mark_free(m.n);
    spinlock_unlock(&lock);
}

void frame_alloc_return_list(u32 first, u16 note)
{
    spinlock_lock(&lock);
    while (first != FRAME_LIST_END) {
        struct frame *f = frame_of(mfn_make(first));
        mark_free(first);
        first = f->link;
        f->link = FRAME_LIST_END;
        f->note = note;
    }
    spinlock_unlock(&lock);
}

void frame_free_host(mfn_t first, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        mfn_t m = mfn_make(first.n + i);
        BUG_ON(!mfn_valid(m));
        BUG_ON(frame_word(frame_of(m)) != 0 || frame_of(m)->owner != OWNER_NONE);
        frame_of(m)->note = FRAME_NOTE_NONE;
        frame_alloc_return(m);
    }
}

u64 frame_free_count(void)
{
    return free_frames;
}

u64 frame_ram_count(void)
{
    return ram_frames;
}

/* Claims ---------------------------------------------------------------------------------------------------------- */

int frame_claim(struct domain *d, u64 count)
{
    int rc = 0;

    spinlock_lock(&lock);
    if (count == 0) {
        claimed_frames -= d->claimed;
        d->claimed = 0;
    } else if (d->claimed) {
        rc = -XEN_EINVAL;
    } else if (count > free_frames - claimed_frames) {
        rc = -XEN_ENOMEM;
    } else {
        d->claimed = count;
        claimed_frames += count;
    }
    spinlock_unlock(&lock);
    return rc;
}

u64 frame_claimed_count(void)
{
    return claimed_frames;
}

/* Extents: 2^order frames in a row, for a domain -------------------------------------------------------------------- */

#define SEARCH_STEP 512u /* words of the bitmap, 64 frames each, that one step looks at */

/* Bit n: 2^order free frames begin at n of this word, and n is a multiple of that. order: up to 6. */
static u64 aligned_starts(u64 word, u32 order)
{
    static const u64 multiples[] = {~0ull,       0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
                                    0x0001000100010001, 0x0000000100000001, 1};

    for (u32 i = 0; i < order; i++)
        word &= word >> (1u << i);
    return word & multiples[order];
}

/* Does an extent of that order begin in the word, or, if it is as long, with it? ~0: no, else its first frame. */
static u64 extent_in_word(u64 word, u32 order)
{
    if (order <= 6) {
        u64 starts = aligned_starts(free_bits[word], order);
        return starts ? word * 64 + (u64)__builtin_ctzll(starts) : ~0ull;
    }
    u64 words = 1ull << (order - 6);
    if (words > word_count - word)
        return ~0ull;
    for (u64 i = 0; i < words; i++)
        if (free_bits[word + i] != ~0ull)
            return ~0ull;
    return word * 64;
}

/* One step of the search, from word *at on; ~0 with *at beyond the end: there is none below frame `end`. */
static u64 extent_search(u32 order, u64 end, u64 *at)
{
    u64 stride = order > 6 ? 1ull << (order - 6) : 1, last = min_u64(word_count, words_for(end));

    for (u32 step = 0; step < SEARCH_STEP && *at < last; step++, *at += stride) {
        u64 first = extent_in_word(*at, order);
        if (first != ~0ull && first + (1ull << order) <= end)
            return first;
    }
    return ~0ull;
}

static void extent_mark_used(u64 first, u64 count)
{
    for (u64 n = first; n < first + count;) {
        if (n % 64 == 0 && first + count - n >= 64) {
            mark_used_word(n / 64);
            n += 64;
        } else {
            mark_used(n++);
        }
    }
}

int frame_extent_take(struct frame_extent *x, struct domain *d, u32 order, u64 end)
{
    u64 count = 1ull << order, first = ~0ull;
    bool allowed;

    spinlock_lock(&lock);
    allowed = may_take(d, count);
    if (allowed)
        first = extent_search(order, end, &x->search);
    if (first != ~0ull) {
        extent_mark_used(first, count);
        if (d)
            claim_use(d, count);
    }
    spinlock_unlock(&lock);
    if (first == ~0ull)
        return allowed && x->search < min_u64(word_count, words_for(end)) ? -XEN_EAGAIN : -XEN_ENOMEM;
    x->next = mfn_make(first);
    x->left = count;
    x->cleared = x->search = 0;
    return 0;
}

void frame_extent_clear_one(struct frame_extent *x)
{
    mfn_t m = mfn_make(x->next.n + x->cleared++);

    clear_frame(m);
    frame_of(m)->note = FRAME_NOTE_ZEROED;
}

void frame_extent_drop(struct frame_extent *x)
{
    spinlock_lock(&lock);
    for (u64 n = x->next.n, end = n + x->left; x->left && n < end;) {
        if (n % 64 == 0 && end - n >= 64) {
            mark_free_word(n / 64);
            n += 64;
        } else {
            mark_free(n++);
        }
    }
    spinlock_unlock(&lock);
    *x = FRAME_EXTENT_NONE;
}
