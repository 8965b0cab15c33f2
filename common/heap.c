/* SPDX-License-Identifier: MIT */
/*
 * Small allocations are slots of a frame, all of one size; slot 0 holds the frame's own account. So no slot
 * begins at a page boundary, and an address tells by itself which kind of allocation it is.
 *
 *   frame: [ account | slot 1 | slot 2 | ... ]      frames with a free slot stand on a list, one for each
 * size
 */
#include "common/heap.h"
#include "common/frame.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include "lib/string.h"

#define SMALLEST_SHIFT 5 /* 32 bytes */
#define CLASSES        6 /* 32 64 128 256 512 1024 */
#define SLOT_MAX       1024

struct slots {
    u64 free[2];                   /* bit n: slot n is free; bit 0 never */
    struct slots *next, *previous; /* on the list of its size, while a slot is free */
};
_Static_assert(sizeof(struct slots) <= 1u << SMALLEST_SHIFT, "the account fits the smallest slot");

static struct spinlock lock = SPINLOCK(LOCK_HEAP);

/* Guarded by lock. A frame's size class stands in its frame->link. */
static struct slots *list[CLASSES];
static u64 held_frames;

void heap_init(void)
{
    memset(list, 0, sizeof(list));
    held_frames = 0;
}

static u32 slot_size(u32 size_class)
{
    return 1u << (SMALLEST_SHIFT + size_class);
}

/* The free bits of a frame of which nothing is used. */
static u64 all_free(u32 size_class, unsigned half)
{
    u32 count = (u32)PAGE_SIZE / slot_size(size_class);
    u64 bits = count >= 64 * (half + 1) ? ~0ull : count <= 64 * half ? 0 : (1ull << (count - 64 * half)) - 1;

    return half == 0 ? bits & ~1ull : bits;
}

static void list_add(struct slots *s, u32 size_class)
{
    s->previous = NULL;
    s->next = list[size_class];
    if (s->next != NULL)
        s->next->previous = s;
    list[size_class] = s;
}

static void list_remove(struct slots *s, u32 size_class)
{
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        list[size_class] = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
}

/* A new frame for the class, on its list. False: none left. */
static bool class_grow(u32 size_class)
{
    mfn_t m = frame_alloc_host();

    if (mfn_is_invalid(m))
        return false;
    frame_of(m)->note = FRAME_NOTE_SLOTS;
    frame_of(m)->link = size_class;
    held_frames++;
    struct slots *s = mfn_to_ptr(m);
    s->free[0] = all_free(size_class, 0);
    s->free[1] = all_free(size_class, 1);
    list_add(s, size_class);
    return true;
}

static void *slot_alloc(u32 size_class)
{
    spinlock_lock(&lock);
    if (list[size_class] == NULL && !class_grow(size_class)) {
        spinlock_unlock(&lock);
        return NULL;
    }
    struct slots *s = list[size_class];
    u32 half = s->free[0] == 0;
    u32 n = half * 64 + (u32)__builtin_ctzll(s->free[half]);
    s->free[half] &= s->free[half] - 1;
    if ((s->free[0] | s->free[1]) == 0)
        list_remove(s, size_class);
    spinlock_unlock(&lock);

    void *p = (u8 *)s + (size_t)n * slot_size(size_class);
    memset(p, 0, slot_size(size_class));
    return p;
}

static void *run_alloc(size_t size)
{
    if (size > frame_count << PAGE_SHIFT)
        return NULL;
    u64 frames = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    mfn_t first = frames == 1 ? frame_alloc_host() : frame_alloc_host_run(frames);
    if (mfn_is_invalid(first))
        return NULL;
    frame_of(first)->note = FRAME_NOTE_RUN;
    frame_of(first)->link = (u32)frames;
    spinlock_lock(&lock);
    held_frames += frames;
    spinlock_unlock(&lock);
    return mfn_to_ptr(first);
}

void *heap_alloc(size_t size)
{
    u32 size_class = 0;

    if (size == 0)
        return NULL;
    if (size > SLOT_MAX)
        return run_alloc(size);
    while (slot_size(size_class) < size)
        size_class++;
    return slot_alloc(size_class);
}

static void run_free(mfn_t first)
{
    struct frame *f = frame_of(first);
    u64 frames = f->link;

    BUG_ON(f->note != FRAME_NOTE_RUN);
    f->link = FRAME_LIST_END;
    spinlock_lock(&lock);
    held_frames -= frames;
    spinlock_unlock(&lock);
    frame_free_host(first, frames);
}

static void slot_free(mfn_t m, u32 offset)
{
    struct slots *s = mfn_to_ptr(m);

    BUG_ON(frame_of(m)->note != FRAME_NOTE_SLOTS);
    spinlock_lock(&lock);
    u32 size_class = frame_of(m)->link;
    u32 n = offset / slot_size(size_class);
    BUG_ON(n == 0 || offset % slot_size(size_class) != 0);
    BUG_ON((s->free[n / 64] >> n % 64 & 1) != 0);
    if ((s->free[0] | s->free[1]) == 0)
        list_add(s, size_class);
    s->free[n / 64] |= 1ull << n % 64;
    bool empty = s->free[0] == all_free(size_class, 0) && s->free[1] == all_free(size_class, 1);
    if (empty) {
        list_remove(s, size_class);
        held_frames--;
    }
    spinlock_unlock(&lock);
    if (empty) {
        frame_of(m)->link = FRAME_LIST_END;
        frame_free_host(m, 1);
    }
}

void heap_free(void *p)
{
    if (p == NULL)
        return;
    mfn_t m = ptr_to_mfn(p);
    u32 offset = (u32)((u8 *)p - (u8 *)mfn_to_ptr(m));
    BUG_ON(!mfn_valid(m) || frame_of(m)->owner != OWNER_NONE);
    if (offset == 0)
        run_free(m);
    else
        slot_free(m, offset);
}

u64 heap_frames(void)
{
    return held_frames;
}
