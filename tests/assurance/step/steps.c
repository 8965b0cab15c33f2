/* SPDX-License-Identifier: MIT */
/* See steps.h. The names that begin with __tsan are the compiler's; what each is asked for stands in its manual. */
#include "tests/assurance/step/steps.h"
#include "arch/fake/fake.h"
#include "common/frame.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

KEPT void (*steps_before)(const void *at, size_t n, unsigned access, const void *where) = NULL;
KEPT void (*steps_changed)(const void *at, u64 old, u64 new) = NULL;

/* ---- what can be put back ------------------------------------------------------------------------------------- */

/* The program's variables: what the linker put between these, but for the section `kept`. */
extern char __data_start[], _end[], __start_kept[], __stop_kept[];

struct range {
    char *from;
    size_t size;
    char *saved;
    size_t first_word; /* number of its first word; the ranges' words are numbered in a row */
};
KEPT static struct range ranges[6] = {{NULL, 0, NULL, 0}};
#define RAM (&ranges[0])
KEPT static size_t words = 0;
KEPT static u8 *dirty = NULL;         /* [frame]: written since the last memory_restore() */
KEPT static u32 *dirty_list = NULL;
KEPT static size_t dirty_count = 0;

static void range_set(unsigned i, void *from, void *to)
{
    struct range *r = &ranges[i];
    r->from = from;
    r->size = (size_t)((char *)to - (char *)from);
    r->saved = realloc(r->saved, r->size + 1);
    if (!r->saved)
        fake_fail("no memory for a copy of the machine");
    memcpy(r->saved, r->from, r->size);
    r->first_word = words;
    words += r->size / 8 + 1;
}

void memory_save(void)
{
    dirty = realloc(dirty, frame_count);
    dirty_list = realloc(dirty_list, frame_count * sizeof(*dirty_list));
    if (!dirty || !dirty_list)
        fake_fail("no memory for a copy of the machine");
    memset(dirty, 0, frame_count);
    dirty_count = 0;
    words = 0;
    range_set(0, direct_map, direct_map + (frame_count << PAGE_SHIFT));
    range_set(1, frame_table, frame_table + frame_count);
    range_set(2, m2p_table, m2p_table + frame_count);
    range_set(3, __data_start, __start_kept);
    range_set(4, __stop_kept, _end);
    range_set(5, fake_ram_bitmap, (char *)fake_ram_bitmap + frame_alloc_bitmap_bytes(frame_count));
}

void memory_restore(void)
{
    for (size_t i = 0; i < dirty_count; i++) {
        size_t at = (size_t)dirty_list[i] << PAGE_SHIFT;
        memcpy(RAM->from + at, RAM->saved + at, PAGE_SIZE);
        dirty[dirty_list[i]] = 0;
    }
    dirty_count = 0;
    for (unsigned i = 1; i < ARRAY_SIZE(ranges); i++)
        memcpy(ranges[i].from, ranges[i].saved, ranges[i].size);
}

void memory_touch(const void *at, size_t n)
{
    size_t offset = (size_t)((const char *)at - RAM->from);
    if (offset >= RAM->size || !dirty)
        return;
    for (size_t frame = offset >> PAGE_SHIFT; frame <= (offset + n - 1) >> PAGE_SHIFT; frame++)
        if (!dirty[frame]) {
            dirty[frame] = 1;
            dirty_list[dirty_count++] = (u32)frame;
        }
}

size_t memory_words(void)
{
    return words;
}

size_t memory_word(const void *at)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        size_t offset = (size_t)((const char *)at - ranges[i].from);
        if (offset < ranges[i].size)
            return (const char *)at >= (char *)&fake_processor && (const char *)at < (char *)(&fake_processor + 1)
                       ? WORD_NONE
                       : ranges[i].first_word + offset / 8;
    }
    return WORD_NONE;
}

void steps_print_place(const void *where)
{
    char command[200];
    snprintf(command, sizeof(command), "addr2line -s -f -e /proc/%d/exe %p | paste -sd' ' >&2", (int)getpid(),
             (const char *)where - 1);
    fflush(NULL);
    if (system(command))
        fprintf(stderr, "%p\n", where);
}

/* ---- the compiler's calls ------------------------------------------------------------------------------------- */

static inline void before(const void *at, size_t n, unsigned access, const void *where)
{
    if (n == 0)
        return;
    if (access & ACCESS_WRITE)
        memory_touch(at, n);
    if (steps_before)
        steps_before(at, n, access, where);
}
#define HERE __builtin_return_address(0)

void __tsan_init(void);
void __tsan_init(void)
{
}

#define PLAIN(size)                                                                                                   \
    void __tsan_read##size(void *at);                                                                                 \
    void __tsan_read##size(void *at)                                                                                  \
    {                                                                                                                 \
        before(at, size, ACCESS_READ, HERE);                                                                          \
    }                                                                                                                 \
    void __tsan_write##size(void *at);                                                                                \
    void __tsan_write##size(void *at)                                                                                 \
    {                                                                                                                 \
        before(at, size, ACCESS_WRITE, HERE);                                                                         \
    }                                                                                                                 \
    void __tsan_unaligned_read##size(void *at);                                                                       \
    void __tsan_unaligned_read##size(void *at)                                                                        \
    {                                                                                                                 \
        before(at, size, ACCESS_READ, HERE);                                                                          \
    }                                                                                                                 \
    void __tsan_unaligned_write##size(void *at);                                                                      \
    void __tsan_unaligned_write##size(void *at)                                                                       \
    {                                                                                                                 \
        before(at, size, ACCESS_WRITE, HERE);                                                                         \
    }
PLAIN(1) PLAIN(2) PLAIN(4) PLAIN(8) PLAIN(16)

void __tsan_read_range(void *at, size_t n);
void __tsan_read_range(void *at, size_t n)
{
    before(at, n, ACCESS_READ, HERE);
}
void __tsan_write_range(void *at, size_t n);
void __tsan_write_range(void *at, size_t n)
{
    before(at, n, ACCESS_WRITE, HERE);
}

#define CHANGE(bits, name, result)                                                                                    \
    u##bits __tsan_atomic##bits##_##name(u##bits *at, u##bits v, int order);                                          \
    u##bits __tsan_atomic##bits##_##name(u##bits *at, u##bits v, int order)                                           \
    {                                                                                                                 \
        (void)order;                                                                                                  \
        before(at, sizeof(*at), ACCESS_READ | ACCESS_WRITE | ACCESS_ATOMIC, HERE);                                    \
        u##bits old = *at;                                                                                            \
        *at = (u##bits)(result);                                                                                      \
        if (bits == 64 && steps_changed)                                                                              \
            steps_changed(at, old, *at);                                                                              \
        return old;                                                                                                   \
    }
#define SWAP(bits, name)                                                                                              \
    int __tsan_atomic##bits##_##name(u##bits *at, u##bits *seen, u##bits v, int order, int fail);                     \
    int __tsan_atomic##bits##_##name(u##bits *at, u##bits *seen, u##bits v, int order, int fail)                      \
    {                                                                                                                 \
        (void)order, (void)fail;                                                                                      \
        before(at, sizeof(*at), ACCESS_READ | ACCESS_WRITE | ACCESS_ATOMIC, HERE);                                    \
        u##bits old = *at;                                                                                            \
        if (old != *seen) {                                                                                           \
            *seen = old;                                                                                              \
            return 0;                                                                                                 \
        }                                                                                                             \
        *at = v;                                                                                                      \
        if (bits == 64 && steps_changed)                                                                              \
            steps_changed(at, old, v);                                                                                \
        return 1;                                                                                                     \
    }
#define ATOMIC(bits)                                                                                                  \
    u##bits __tsan_atomic##bits##_load(const u##bits *at, int order);                                                 \
    u##bits __tsan_atomic##bits##_load(const u##bits *at, int order)                                                  \
    {                                                                                                                 \
        (void)order;                                                                                                  \
        before(at, sizeof(*at), ACCESS_READ | ACCESS_ATOMIC, HERE);                                                   \
        return *at;                                                                                                   \
    }                                                                                                                 \
    void __tsan_atomic##bits##_store(u##bits *at, u##bits v, int order);                                              \
    void __tsan_atomic##bits##_store(u##bits *at, u##bits v, int order)                                               \
    {                                                                                                                 \
        (void)order;                                                                                                  \
        before(at, sizeof(*at), ACCESS_WRITE | ACCESS_ATOMIC, HERE);                                                  \
        u##bits old = *at;                                                                                            \
        *at = v;                                                                                                      \
        if (bits == 64 && steps_changed)                                                                              \
            steps_changed(at, old, v);                                                                                \
    }                                                                                                                 \
    CHANGE(bits, exchange, v)                                                                                         \
    CHANGE(bits, fetch_add, old + v)                                                                                  \
    CHANGE(bits, fetch_sub, old - v)                                                                                  \
    CHANGE(bits, fetch_and, old & v)                                                                                  \
    CHANGE(bits, fetch_or, old | v)                                                                                   \
    CHANGE(bits, fetch_xor, old ^ v)                                                                                  \
    SWAP(bits, compare_exchange_strong)                                                                               \
    SWAP(bits, compare_exchange_weak)                                                                                 \
    u##bits __tsan_atomic##bits##_compare_exchange_val(u##bits *at, u##bits seen, u##bits v, int order, int fail);    \
    u##bits __tsan_atomic##bits##_compare_exchange_val(u##bits *at, u##bits seen, u##bits v, int order, int fail)     \
    {                                                                                                                 \
        (void)__tsan_atomic##bits##_compare_exchange_strong(at, &seen, v, order, fail);                               \
        return seen;                                                                                                  \
    }
ATOMIC(8) ATOMIC(16) ATOMIC(32) ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    (void)order;
}
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

/* ---- copies of whole blocks (linked with --wrap): of 8 bytes each where there is a hook ------------------------- */

void *__real_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__real_memset(void *to, int c, size_t n);
void *__wrap_memset(void *to, int c, size_t n);

/*
 * What a table of this build holds is copied word by word, and another processor may come between two words; a whole page,
 * which nobody else may use while it is copied, and what no hook looks at, is copied as one.
 */
#define COPY_BY_WORDS 64

static bool by_words(const void *to, const void *from, size_t n)
{
    return steps_before && n <= COPY_BY_WORDS && n % 8 == 0 && (uintptr_t)to % 8 == 0 && (uintptr_t)from % 8 == 0;
}

void *__wrap_memcpy(void *to, const void *from, size_t n)
{
    if (!by_words(to, from, n)) {
        before(from, n, ACCESS_READ, HERE);
        before(to, n, ACCESS_WRITE, HERE);
        return __real_memcpy(to, from, n);
    }
    for (size_t i = 0; i < n / 8; i++) {
        before((const u64 *)from + i, 8, ACCESS_READ, HERE);
        u64 word = ((const u64 *)from)[i];
        before((u64 *)to + i, 8, ACCESS_WRITE, HERE);
        ((u64 *)to)[i] = word;
    }
    return to;
}
void *__wrap_memmove(void *to, const void *from, size_t n)
{
    before(from, n, ACCESS_READ, HERE);
    before(to, n, ACCESS_WRITE, HERE);
    return __real_memmove(to, from, n);
}
void *__wrap_memset(void *to, int c, size_t n)
{
    before(to, n, ACCESS_WRITE, HERE);
    return __real_memset(to, c, n);
}

bool steps_form_is_long(void)
{
    const char *word = getenv("XL_LONG");
    return word && *word && strcmp(word, "0") != 0;
}
