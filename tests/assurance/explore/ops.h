/* SPDX-License-Identifier: MIT */
/*
 * Everything that can happen in the small world: all hypercalls on memory with all arguments that mean something, the
 * other domain's turn, the work that is left on tables, and the end of a domain.
 */
#ifndef XL_EXPLORE_OPS_H
#define XL_EXPLORE_OPS_H

#include "tests/assurance/explore/world.h"

enum op_kind {
    OP_UPDATE,       /* mmu_update of one entry: frame a, slot b, value */
    OP_UPDATE_MORE,  /* the same as one of a batch that goes on */
    OP_UPDATE_KEEP,  /* PRESERVE_AD */
    OP_BATCH_END,
    OP_STORE_RACED,  /* a trapped store, and something else stands in the entry by now */
    OP_VA,           /* update_va_mapping: address a, value; b: flush */
    OP_PIN,          /* level b, frame a */
    OP_UNPIN,
    OP_BASE,
    OP_USER_BASE,    /* a: frame, NAME_NONE: none */
    OP_GDT,          /* a: frame, NAME_NONE: none */
    OP_CLEAR,
    OP_COPY,         /* to a, from b */
    OP_DECREASE,
    OP_POPULATE,     /* a: pfn */
    OP_INCREASE,
    OP_MACHPHYS,
    OP_FLUSH,
    OP_WORK,         /* the way out to the guest: tables that are left to be invalidated */
    OP_SWITCH,       /* the other domain's turn */
    OP_KILL,         /* the other domain begins to be taken down */
    OP_TAKE_DOWN,    /* one step of it */
    OP_KINDS
};

/*
 * What a guest calls a frame. Direct mode: 0 to frames - 1 in play; rewrite mode: a pseudo-physical frame.
 */
#define NAME_MISSING 8  /* no such frame */
#define NAME_OURS    9  /* direct mode: a frame of the hypervisor's */
#define NAME_SHARED  10 /* direct mode: its shared_info */
#define NAME_NONE    11

/* A value that a guest gives: name, and VAL_* above it. 0: not present. */
#define VAL_NAME(v)  ((v) & 15u)
#define VAL_PRESENT  (1u << 4)
#define VAL_RW       (1u << 5)
#define VAL_USER     (1u << 6)
#define VAL_NX       (1u << 7)
#define VAL_PSE      (1u << 8)
#define VAL_GLOBAL   (1u << 9)
#define VAL_PCD      (1u << 10)
#define VAL_GATE     0x8000u /* a call gate, for descriptor pages */

struct op {
    u8 kind;
    u8 a, b;
    bool stopped; /* an interrupt is pending: long work stops at its first look */
    u16 value;
    u8 filled;    /* frames whose contents are chosen for this operation */
    u16 fill[FRAMES_MAX][PT_ENTRIES];
};

/* All operations of the image, in an order that depends on nothing else; until visit() answers false. */
void ops_each(const struct image *image, bool (*visit)(const struct op *op));
/* Carries it out in the engine's memory (world_restore). What the guest is answered. */
long op_carry_out(const struct image *image, const struct op *op);
/* The hypercalls' arguments are guest memory from now on: after world_make(). */
void ops_init(void);
/* print.c; names: the letter of each frame. */
void op_print(const struct image *image, const struct op *op, const u8 *names);
void image_print(const struct image *image, const u8 *names);
/* The frame behind a name of a domain; NOBODY: none in play. */
unsigned frame_named(const struct image *image, unsigned domain, unsigned name);
/* Number of a name, and an entry, in the guest's form. */
u64 guest_number(unsigned domain, unsigned name);
u64 guest_entry(unsigned domain, u16 value);

extern const char *const op_names[OP_KINDS];

#endif
