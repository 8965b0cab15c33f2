/* SPDX-License-Identifier: MIT */
/*
 * Which frames are free: one bit each, and above it one bit for each word that has any. A single frame is
 * found in a few steps from where the last one was found; runs are searched from the bottom. Frames that were
 * scrubbed when they were freed are marked (frame->note) and not cleared a second time.
 */
#include "common/frame.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include "lib/string.h"

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
    free_frames = ram_frames = 0;
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

static u64 take_one(void)
{
    u64 n = ~0ull;

    spinlock_lock(&lock);
    if (likely(free_frames != 0)) {
        if (unlikely(scatter_state != 0)) {
            n = find_scattered();
        } else {
            cursor = free_bits[cursor] != 0 ? cursor : find_word(cursor);
            n = cursor * 64 + (u64)__builtin_ctzll(free_bits[cursor]);
        }
        mark_used(n);
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

mfn_t frame_alloc_host(void)
{
    u64 n = take_one();

    if (unlikely(n == ~0ull))
        return MFN_INVALID;
    clear_frame(mfn_make(n));
    return mfn_make(n);
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
    u64 first = count <= free_frames ? find_run(count) : ~0ull;
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
