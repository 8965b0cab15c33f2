/* SPDX-License-Identifier: MIT */
/*
 * Typed hypercalls: a table of requests, each with the kinds of its arguments and of the fields behind its pointers.
 * The bytes of a program choose among values of the kind, mostly such as a guest could mean.
 */
#ifndef XL_FUZZ_CALLS_H
#define XL_FUZZ_CALLS_H

#include "lib/types.h"

struct call {
    u8 number;
    u8 first, last;    /* commands; the program chooses one of them */
    const char *args;  /* one letter an argument, see below */
    const char *fields; /* a letter and a size in bytes each, of the structure that S or s points to */
    const char *list;   /* the same, of one element of what a field r points to */
};
/*
 * Letters. In args and fields: n frame number, E page-table entry, U address of an entry with its command, a address,
 * d domain, t time, k small count, p port, v vcpu, g grant reference, j selector, q descriptor, f flags of any kind,
 * x any value, z zero, w sysctl's version, c the command, r pointer to the list.
 * In args only: s pointer to one structure, S pointer to as many as C says, C that count, o pointer to a count or 0, e number
 * of descriptors, m the command with the number of extents done above it.
 */
extern const struct call calls[];
extern const unsigned call_count;
#define FUZZ_MEMORY_CALLS 13 /* the first ones: page tables and descriptor tables */
#define FUZZ_CALLS_MAX 175 /* as many as a step can name */

/* The bytes that choose; 0 behind their end. */
struct choices {
    const u8 *bytes;
    unsigned left;
};
u8 choose(struct choices *c);
u64 choose_number(struct choices *c);
u64 choose_entry(struct choices *c);
u64 choose_slot_address(struct choices *c);
u64 choose_address(struct choices *c);
u64 choose_value(struct choices *c);

/* Values that a program has given in full. */
#define FUZZ_LITERALS 8
extern u64 fuzz_literal[FUZZ_LITERALS];

/* Fills the room from *at on with what the call points to, and gives its arguments. `extra` chooses command and count. */
void call_make(const struct call *call, u8 extra, struct choices *c, u32 *at, u64 args[5]);

#endif
