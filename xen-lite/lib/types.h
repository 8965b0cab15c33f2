/* SPDX-License-Identifier: MIT */
/*
 * The words that everything is spoken in: fixed-width integers, frame numbers as types of their own (a machine
 * frame given where a guest frame is expected does not compile), sizes of a page, and a few helpers.
 */
#ifndef XL_LIB_TYPES_H
#define XL_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 paddr_t; /* machine (physical) address, bytes */
typedef u64 vaddr_t; /* virtual address of a guest, bytes; never dereferenced without <arch/guest_memory.h> */

typedef struct {
    u64 n;
} mfn_t; /* machine frame number */
typedef struct {
    u64 n;
} gfn_t; /* frame number as the guest says it: mfn in direct mode, pfn in rewrite mode */

static inline mfn_t mfn_make(u64 n)
{
    return (mfn_t){n};
}
static inline gfn_t gfn_make(u64 n)
{
    return (gfn_t){n};
}
#define MFN_INVALID mfn_make(~0ull)
#define GFN_INVALID gfn_make(~0ull)
static inline bool mfn_is_invalid(mfn_t m)
{
    return m.n == ~0ull;
}

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ull
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define KIB(n)     ((u64)(n) << 10)
#define MIB(n)     ((u64)(n) << 20)
#define GIB(n)     ((u64)(n) << 30)

#define ARRAY_SIZE(a)                  (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, field) ((type *)((char *)(ptr)-offsetof(type, field)))
#define likely(x)                      __builtin_expect(!!(x), 1)
#define unlikely(x)                    __builtin_expect(!!(x), 0)
#define read_once(x)                   (*(const volatile __typeof__(x) *)&(x))
#define write_once(x, v)               (*(volatile __typeof__(x) *)&(x) = (v))
#define __noreturn                     __attribute__((noreturn))
#define __printf(fmt, args)            __attribute__((format(printf, fmt, args)))
#define __cold                         __attribute__((cold, noinline))
#define __always_inline_fn             static inline __attribute__((always_inline))

static inline u64 min_u64(u64 a, u64 b)
{
    return a < b ? a : b;
}
static inline u64 max_u64(u64 a, u64 b)
{
    return a > b ? a : b;
}
static inline u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}
static inline u64 align_down(u64 x, u64 align)
{
    return x & ~(align - 1);
}

#endif
