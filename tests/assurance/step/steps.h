/* SPDX-License-Identifier: MIT */
/*
 * The shipped sources one memory access at a time. They are compiled unchanged with the compiler's instrumentation for
 * finding data races (-fsanitize=thread), which calls a function before each access to memory that others could see; the
 * functions here take the place of its runtime. So a program can do something before each access (let another processor
 * run, raise an interrupt, keep a model of a TLB), and can put the whole machine back to where it was: the fake machine's
 * RAM and records, and all variables of the program but those marked KEPT.
 */
#ifndef XL_ASSURANCE_STEPS_H
#define XL_ASSURANCE_STEPS_H

#include "lib/types.h"

/* A variable of the program that memory_restore() leaves alone. */
#define KEPT __attribute__((section("kept")))

enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_ATOMIC = 4, ACCESS_GUEST = 8 /* not the hypervisor's own */ };

/* Called before each access of instrumented code: n bytes from at; where: the address that it returns to. NULL: off. */
extern void (*steps_before)(const void *at, size_t n, unsigned access, const void *where);
/* Called after each atomic change of 8 bytes, with what stood there and what does now. NULL: off. */
extern void (*steps_changed)(const void *at, u64 old, u64 new);

/* From now on memory_restore() comes back to here. Once, when the machine has its memory. */
void memory_save(void);
void memory_restore(void);
/* The program itself is about to write there: instrumented code tells by itself. */
void memory_touch(const void *at, size_t n);

/* Words of 8 bytes that two processors can see, by number from 0; ~0: a stack, a constant, the test program's own. */
#define WORD_NONE (~(size_t)0)
size_t memory_words(void);
size_t memory_word(const void *at);

/* What stands at an address of the program's text: function, file and line; the innermost inlined one. */
void steps_print_place(const void *where);

/* Is the long form asked for (XL_LONG, neither empty nor 0)? */
bool steps_form_is_long(void);

#endif
