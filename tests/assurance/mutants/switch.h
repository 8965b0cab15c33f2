/* SPDX-License-Identifier: MIT */
/*
 * One build for all mutants of automatic.py: each change that a mutant makes stands in the sources as one of these macros,
 * with its number, and xl_mutant (set from the environment) says which of them is awake. None is: the sources as they are.
 */
#ifndef XL_MUTANTS_SWITCH_H
#define XL_MUTANTS_SWITCH_H

extern int xl_mutant;      /* its number; 0: none; -1: none, and which are reached is written down */
void xl_reached(int mutant);

static inline int xl_is(int mutant)
{
    if (__builtin_expect(xl_mutant < 0, 0))
        xl_reached(mutant);
    return xl_mutant == mutant;
}

#define XL_NOT(n, ...)    (xl_is(n) ? !(__VA_ARGS__) : !!(__VA_ARGS__))
#define XL_TRUE(n, ...)   (xl_is(n) ? 1 : !!(__VA_ARGS__))
#define XL_FALSE(n, ...)  (xl_is(n) ? 0 : !!(__VA_ARGS__))
#define XL_PLUS(n, ...)   ((__VA_ARGS__) + (xl_is(n) ? 1 : 0))
#define XL_MINUS(n, ...)  ((__VA_ARGS__) - (xl_is(n) ? 1 : 0))
#define XL_OTHER(n, code) (xl_is(n) ? 77 : (code))
#define XL_WIDER(n, mask) ((mask) | (xl_is(n) ? (__typeof__(mask))((mask) << 1) : 0))
#define XL_LESS(n, mask)  ((mask) & (xl_is(n) ? (__typeof__(mask))((mask) - 1) : (__typeof__(mask))~(__typeof__(mask))0))
#define XL_DROP(n, ...)           \
    do {                          \
        if (!xl_is(n)) {          \
            __VA_ARGS__;          \
        }                         \
    } while (0)

#endif
