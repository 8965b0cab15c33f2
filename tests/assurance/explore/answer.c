/* SPDX-License-Identifier: MIT */
/*
 * What a call must answer: a small model of the rules of docs/memory.md, on an image, for one domain that has no work left
 * on tables. Counts are taken one after the other in the order of entries, as any of them may be full; nothing is given back,
 * since all that matters is the answer.
 */
#include "tests/assurance/explore/oracle.h"
#include <xen/errno.h>

/* An entry, whoever wrote it down. */
struct wish {
    bool present, writable, missing;
    bool bad_leaf, bad_table; /* bits that are refused at level 1, and above */
    unsigned frame;           /* NOBODY: missing, or the hypervisor's own */
};

static struct image now; /* what it comes to */
static const struct op *op;
static unsigned me;

/* The last value of a count is kept, so that an overflow is refused and never wrapped. */
#define REFS_MAX ((1u << FRAME_REF_BITS) - 2)

/* A table that is locked while it changes needs one reference more than it has before and after. */
bool oracle_at_the_limit(void)
{
    for (unsigned i = 0; i < shape.frames; i++)
        if (IMG_REFS(now.frame[i].bits) >= REFS_MAX)
            return true;
    return false;
}

static bool is_mine(unsigned frame)
{
    return frame != NOBODY && now.frame[frame].owner == me + 1;
}
static bool has_room(unsigned frame)
{
    return IMG_REFS(now.frame[frame].bits) < REFS_MAX;
}
static bool can_get(unsigned frame)
{
    return is_mine(frame) && has_room(frame);
}
static void take(unsigned frame, bool typed)
{
    now.frame[frame].bits = (u16)(now.frame[frame].bits + 1 + (typed ? 1u << 4 : 0));
}
static bool is_table(unsigned frame, unsigned level)
{
    return is_live_table(&now.frame[frame]) && IMG_TYPE(now.frame[frame].bits) == level;
}
static void set_type(unsigned frame, unsigned type)
{
    now.frame[frame].bits = (u16)((now.frame[frame].bits & ~(7u << 8 | IMG_VALIDATED)) | type << 8);
}

static struct wish wish_of_value(u16 value)
{
    unsigned frame = frame_named(&now, me, VAL_NAME(value));
    return (struct wish){.present = value & VAL_PRESENT,
                         .writable = value & VAL_RW,
                         .missing = frame == NOBODY && VAL_NAME(value) != NAME_OURS,
                         .bad_leaf = value & (VAL_PSE | VAL_PCD),
                         .bad_table = value & (VAL_PSE | VAL_PCD | VAL_GLOBAL),
                         .frame = frame};
}

/* What stands in a frame: chosen for this call, or known. In rewrite mode a number of the machine's means nothing. */
static struct wish wish_in(unsigned frame, unsigned slot)
{
    u16 e = now.frame[frame].entry[slot];
    if (op->filled >> frame & 1)
        return wish_of_value(op->fill[frame][slot]);
    return (struct wish){.present = (e & ENT_PRESENT) && e != ENT_OURS,
                         .writable = e & ENT_RW,
                         .missing = shape.rewrite[me],
                         .bad_leaf = e & ENT_PSE,
                         .bad_table = e & (ENT_PSE | ENT_GLOBAL),
                         .frame = shape.rewrite[me] ? NOBODY : ENT_FRAME(e)};
}

static bool get_writable(unsigned frame)
{
    if (!can_get(frame))
        return false;
    const unsigned bits = now.frame[frame].bits;
    if (IMG_TYPES(bits) && IMG_TYPE(bits) != FRAME_WRITABLE)
        return false;
    if (!IMG_TYPES(bits))
        set_type(frame, FRAME_WRITABLE);
    take(frame, true);
    return true;
}

static long leaf(const struct wish *w)
{
    if (w->bad_leaf)
        return -XEN_EINVAL;
    if (w->missing)
        return -XEN_EPERM;
    if (w->writable)
        return get_writable(w->frame) ? 0 : -XEN_EBUSY;
    if (!can_get(w->frame))
        return -XEN_EBUSY;
    take(w->frame, false);
    return 0;
}

static long promote(unsigned frame, unsigned level, unsigned path);

/* The tables below come first. */
static long promote_below(unsigned frame, unsigned level, unsigned path)
{
    for (unsigned s = 0; s < PT_ENTRIES; s++) {
        const struct wish w = wish_in(frame, s);
        if (!w.present || is_ours(level, s))
            continue;
        if (w.bad_table || w.frame == NOBODY)
            return -XEN_EINVAL;
        if (is_table(w.frame, level - 1))
            continue;
        const unsigned bits = now.frame[w.frame].bits;
        if ((IMG_TYPES(bits) && IMG_TYPE(bits) != level - 1) || !can_get(w.frame) || (path >> w.frame & 1))
            return -XEN_EINVAL;
        take(w.frame, false);
        long rc = promote(w.frame, level - 1, path);
        if (rc)
            return rc;
    }
    return 0;
}

static long promote(unsigned frame, unsigned level, unsigned path)
{
    long rc = level > 1 ? promote_below(frame, level, path | 1u << frame) : 0;
    if (rc)
        return rc;
    if (IMG_TYPES(now.frame[frame].bits))
        return -XEN_EINVAL;
    set_type(frame, level);
    now.frame[frame].bits = (u16)(now.frame[frame].bits + (1u << 4));
    for (unsigned s = 0; s < PT_ENTRIES; s++) {
        const struct wish w = wish_in(frame, s);
        if (!w.present || is_ours(level, s))
            continue;
        if (level == 1)
            rc = leaf(&w);
        else if (!is_table(w.frame, level - 1) || !can_get(w.frame))
            rc = -XEN_EINVAL;
        else
            take(w.frame, true);
        if (rc)
            return rc;
    }
    now.frame[frame].bits |= IMG_VALIDATED;
    return 0;
}

static long get_table(unsigned frame, unsigned level)
{
    if (!can_get(frame))
        return -XEN_EINVAL;
    take(frame, false);
    if (!is_table(frame, level))
        return promote(frame, level, 0);
    now.frame[frame].bits = (u16)(now.frame[frame].bits + (1u << 4));
    return 0;
}

/* An entry of the leaf table that is locked for it. */
static long update_leaf(unsigned table, unsigned slot)
{
    const struct wish w = wish_of_value(op->value);
    const u16 old = now.frame[table].entry[slot];
    const long late = op->kind == OP_STORE_RACED ? -XEN_EAGAIN : 0;
    take(table, false);
    if (!w.present)
        return late;
    /* Only what needs no check changes. */
    if (!w.bad_leaf && (old & ENT_PRESENT) && ENT_FRAME(old) == w.frame && !(old & ENT_RW) == !w.writable)
        return late;
    long rc = leaf(&w);
    return rc ? rc : late;
}

static long update_table(unsigned table, unsigned slot)
{
    const unsigned level = IMG_TYPE(now.frame[table].bits);
    const struct wish w = wish_of_value(op->value);
    if (is_ours(level, slot))
        return -XEN_EINVAL;
    if (!w.present)
        return 0;
    if (w.bad_table || w.frame == NOBODY)
        return -XEN_EINVAL;
    if (!is_table(w.frame, level - 1) && get_table(w.frame, level - 1))
        return -XEN_EINVAL;
    return can_get(w.frame) ? 0 : -XEN_EINVAL;
}

static long update(unsigned frame)
{
    if (!can_get(frame))
        return -XEN_EINVAL;
    if (!is_live_table(&now.frame[frame]))
        return get_writable(frame) ? 0 : -XEN_EINVAL;
    return IMG_TYPE(now.frame[frame].bits) == 1 ? update_leaf(frame, op->b) : update_table(frame, op->b);
}

static long update_va(void)
{
    unsigned table = now.domain[me].kernel_root, divisor = 1;
    for (unsigned level = 1; level < PT_LEVELS; level++)
        divisor *= PT_ENTRIES;
    for (unsigned level = PT_LEVELS; level > 1; level--, divisor /= PT_ENTRIES) {
        u16 e = now.frame[table].entry[op->a / divisor % PT_ENTRIES];
        if (!(e & ENT_PRESENT))
            return -XEN_EINVAL;
        table = ENT_FRAME(e);
    }
    return can_get(table) ? update_leaf(table, op->a % PT_ENTRIES) : -XEN_EINVAL;
}

static long pin(unsigned frame)
{
    long rc = get_table(frame, op->b);
    return rc == 0 && (now.frame[frame].bits & IMG_PINNED) ? -XEN_EINVAL : rc;
}

static long set_gdt(unsigned frame)
{
    if (op->a == NAME_NONE)
        return 0;
    if (!can_get(frame))
        return -XEN_EINVAL;
    const unsigned bits = now.frame[frame].bits;
    bool gate = false;
    for (unsigned s = 0; s < PT_ENTRIES; s++)
        gate = gate || ((op->filled >> frame & 1) && op->fill[frame][s] == VAL_GATE);
    if (IMG_TYPES(bits))
        return IMG_TYPE(bits) == FRAME_DESCRIPTOR ? 0 : -XEN_EINVAL;
    return gate ? -XEN_EINVAL : 0;
}

/* A new frame for the domain. */
static long new_frame(void)
{
    unsigned owned = 0, free_frames = 0;
    for (unsigned i = 0; i < shape.frames; i++) {
        owned += now.frame[i].owner == me + 1;
        free_frames += now.frame[i].owner == 0;
    }
    if (shape.rewrite[me] && (op->kind == OP_INCREASE || now.domain[me].p2m[op->a] != NOBODY))
        return -XEN_EINVAL;
    return free_frames && owned < shape.pfns[me] ? 0 : -XEN_EINVAL;
}

static long answer(void)
{
    const unsigned frame = frame_named(&now, me, op->a);
    switch ((enum op_kind)op->kind) {
    case OP_UPDATE:
    case OP_UPDATE_MORE:
    case OP_UPDATE_KEEP:
    case OP_STORE_RACED:
        return update(frame);
    case OP_VA:
        return update_va();
    case OP_PIN:
        return pin(frame);
    case OP_UNPIN:
        return can_get(frame) && (now.frame[frame].bits & IMG_PINNED) ? 0 : -XEN_EINVAL;
    case OP_BASE:
    case OP_USER_BASE:
        return op->a == NAME_NONE ? 0 : get_table(frame, PT_LEVELS);
    case OP_GDT:
        return set_gdt(frame);
    case OP_CLEAR:
        return get_writable(frame) ? 0 : -XEN_EINVAL;
    case OP_COPY:
        return get_writable(frame) && can_get(frame_named(&now, me, op->b)) ? 0 : -XEN_EINVAL;
    case OP_DECREASE:
    case OP_MACHPHYS:
        return can_get(frame) ? 0 : -XEN_EINVAL;
    case OP_POPULATE:
    case OP_INCREASE:
        return new_frame();
    default:
        return 0;
    }
}

bool oracle_answer(const struct image *before, const struct op *of, long *expected)
{
    const struct domain_image *d = &before->domain[before->current];
    if (before->batch || d->held != NOBODY || d->dropped != NOBODY)
        return false;
    now = *before;
    op = of;
    me = before->current;
    *expected = answer();
    return true;
}
