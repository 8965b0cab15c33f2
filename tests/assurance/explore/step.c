/* SPDX-License-Identifier: MIT */
/* What must be true of a step (see oracle.h). */
#include "tests/assurance/explore/oracle.h"
#include "arch/x86/paging/format.h"
#include <string.h>
#include <xen/errno.h>

static struct {
    const struct image *before, *after;
    const struct op *op;
    long rc;
    unsigned me, other;
} step;

/* ---- entries -------------------------------------------------------------------------------------------------- */

/* What the processor is to see of an entry that a guest gives for a table of that level. */
static u16 as_stored(unsigned domain, unsigned level, u16 value)
{
    if (!(value & VAL_PRESENT))
        return value ? ENT_STRANGE : 0;
    u16 e = (u16)(frame_named(step.before, domain, VAL_NAME(value)) | ENT_PRESENT | ENT_USER);
    if (value & VAL_RW)
        e |= ENT_RW;
    if (value & VAL_NX)
        e |= ENT_NX;
    if (!(value & VAL_USER) && (level == 1 || shape.rewrite[domain]))
        e |= ENT_TAG;
    if (value & (VAL_PSE | VAL_PCD) || (level > 1 && (value & VAL_GLOBAL)))
        return ENT_STRANGE; /* such a one is never stored */
    return e;
}

/* The words of a page that was a live table: the guest's own form again in rewrite mode. */
static u64 turned_back(unsigned domain, u16 e)
{
    if (e == 0 || e == ENT_OURS)
        return 0;
    u64 number = shape.rewrite[domain] ? step.before->frame[ENT_FRAME(e)].pfn : first_mfn + ENT_FRAME(e);
    u64 word = number << PAGE_SHIFT | PTE_PRESENT | ((e & ENT_RW) ? PTE_RW : 0) | ((e & ENT_NX) ? PTE_NX : 0);
    bool added = (e & ENT_TAG) && shape.rewrite[domain];
    return word | (added ? 0 : PTE_USER) | ((e & ENT_TAG) && !added ? 1ull << 52 : 0);
}

/* ---- pages ---------------------------------------------------------------------------------------------------- */

static bool is_filled(unsigned i)
{
    return step.op->filled >> i & 1;
}

/* Did the step write that entry of that frame? */
static bool is_written(unsigned i, unsigned slot)
{
    return step.op->kind <= OP_STORE_RACED && frame_named(step.before, step.me, step.op->a) == i && step.op->b == slot;
}

/* A frame that is a table now and was none. */
static const char *promoted_wrong(unsigned i)
{
    const struct frame_image *was = &step.before->frame[i], *f = &step.after->frame[i];
    const unsigned level = IMG_TYPE(f->bits);
    if (f->owner != was->owner || f->owner != step.me + 1)
        return "a table was made of a frame that was not the domain's";
    if (!is_filled(i) && !contents_matter(was))
        return "a table was made of a frame that nobody asked to be one";
    for (unsigned s = 0; s < PT_ENTRIES; s++) {
        u16 expected = was->entry[s];
        if (is_filled(i))
            expected = as_stored(step.me, level, step.op->fill[i][s]);
        else if ((expected & ENT_PRESENT) && expected != ENT_OURS)
            expected = (u16)((expected & ~7u) | frame_read_anew(step.before, step.me, expected));
        if (is_ours(level, s))
            expected = ENT_OURS;
        if (f->entry[s] != expected && !is_written(i, s))
            return "a new table does not hold what stood in its page";
    }
    return NULL;
}

/* A frame that was a table and is none. */
static const char *demoted_wrong(unsigned i, const struct image *expected)
{
    const unsigned domain = step.before->frame[i].owner - 1u;
    for (unsigned s = 0; s < PT_ENTRIES; s++) {
        u64 saw = play_page(i)[s];
        if (step.after->frame[i].owner == 0)
            break; /* frame_step_wrong() looks at it */
        bool written = is_written(i, s) && saw == guest_entry(step.me, step.op->value);
        if (!written && saw != turned_back(domain, expected->frame[i].entry[s]))
            return "a page that was a table does not hold what it should";
    }
    return NULL;
}

/* A frame that is no table, before and after: nobody but its guest writes to it. */
static const char *plain_wrong(unsigned i)
{
    const struct op *op = step.op;
    const struct frame_image *was = &step.before->frame[i], *f = &step.after->frame[i];
    bool target = step.rc == 0 && op->kind != OP_SWITCH && frame_named(step.before, step.me, op->a) == i;
    if (target && (op->kind <= OP_STORE_RACED || op->kind == OP_CLEAR || op->kind == OP_COPY))
        return NULL;
    for (unsigned s = 0; s < PT_ENTRIES; s++) {
        u64 saw = play_page(i)[s], expected = 0;
        if (is_filled(i))
            expected = guest_entry(step.me, op->fill[i][s]);
        else if (was->owner == step.other + 1 && f->owner)
            expected = WORLD_SECRET;
        if (saw == expected || f->owner == 0)
            continue;
        /* In direct mode a page that was a table for a moment keeps what was stored, and the descriptors of a GDT theirs. */
        bool ours = is_filled(i) && !shape.rewrite[step.me] && (op->fill[i][s] & VAL_PRESENT);
        if (!ours || (saw & PTE_ADDR) != (expected & PTE_ADDR))
            return "a page was changed";
    }
    return NULL;
}

static const char *live_wrong(unsigned i, const struct image *expected)
{
    const struct frame_image *f = &step.after->frame[i];
    if (memcmp(f->entry, expected->frame[i].entry, sizeof(f->entry)) != 0)
        return "a table changed otherwise than the step says";
    return NULL;
}

static const char *page_wrong(unsigned i, const struct image *expected)
{
    const struct frame_image *was = &step.before->frame[i], *f = &step.after->frame[i];
    if (is_live_table(f) && is_live_table(was) && IMG_TYPE(f->bits) == IMG_TYPE(was->bits))
        return live_wrong(i, expected);
    if (is_live_table(f))
        return promoted_wrong(i);
    if (is_live_table(was))
        return demoted_wrong(i, expected);
    return contents_matter(was) ? NULL : plain_wrong(i);
}

/* ---- what a step that succeeds changes ------------------------------------------------------------------------- */

static void expect_update(struct image *expected, unsigned table, unsigned slot)
{
    if (table == NOBODY || !is_live_table(&expected->frame[table]))
        return;
    struct frame_image *f = &expected->frame[table];
    f->entry[slot] = as_stored(step.me, IMG_TYPE(f->bits), step.op->value);
}

static void expect_va(struct image *expected)
{
    unsigned table = expected->domain[step.me].kernel_root, divisor = 1;
    for (unsigned level = 1; level < PT_LEVELS; level++)
        divisor *= PT_ENTRIES;
    for (unsigned level = PT_LEVELS; level > 1; level--, divisor /= PT_ENTRIES) {
        u16 e = expected->frame[table].entry[step.op->a / divisor % PT_ENTRIES];
        if (!(e & ENT_PRESENT))
            return;
        table = ENT_FRAME(e);
    }
    expect_update(expected, table, step.op->a % PT_ENTRIES);
}

/* A frame that was free is the domain's. */
static void expect_new_frame(struct image *expected)
{
    for (unsigned i = 0; i < shape.frames; i++)
        if (!step.before->frame[i].owner && step.after->frame[i].owner == step.me + 1) {
            expected->frame[i].owner = (u8)(step.me + 1);
            expected->frame[i].bits = IMG_ALLOC | 1;
            expected->frame[i].pfn = PFN_NONE;
            if (shape.rewrite[step.me]) {
                expected->frame[i].pfn = step.op->a;
                expected->domain[step.me].p2m[step.op->a] = (u8)i;
            }
            return;
        }
}

static void expect(struct image *expected)
{
    const struct op *op = step.op;
    struct domain_image *d = &expected->domain[step.me];
    const unsigned frame = frame_named(step.before, step.me, op->a);
    switch ((enum op_kind)op->kind) {
    case OP_UPDATE:
    case OP_UPDATE_MORE:
    case OP_UPDATE_KEEP:
        expect_update(expected, frame, op->b);
        break;
    case OP_VA:
        expect_va(expected);
        break;
    case OP_PIN:
        expected->frame[frame].bits |= IMG_PINNED;
        break;
    case OP_UNPIN:
        expected->frame[frame].bits &= (u16)~IMG_PINNED;
        break;
    case OP_BASE:
        d->kernel_root = (u8)frame;
        break;
    case OP_USER_BASE:
        d->user_root = (u8)frame;
        break;
    case OP_GDT:
        d->gdt = (u8)frame;
        break;
    case OP_DECREASE:
        expected->frame[frame].bits &= (u16)~IMG_ALLOC;
        if (shape.rewrite[step.me])
            d->p2m[op->a] = NOBODY;
        break;
    case OP_POPULATE:
    case OP_INCREASE:
        expect_new_frame(expected);
        break;
    default:
        break;
    }
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static const char *domains_wrong(const struct image *expected)
{
    const struct domain_image *saw = &step.after->domain[step.me], *want = &expected->domain[step.me];
    if (saw->kernel_root != want->kernel_root || saw->user_root != want->user_root)
        return "a root changed otherwise than the step says";
    if (saw->gdt != want->gdt)
        return "the page of descriptors changed otherwise than the step says";
    if (memcmp(saw->p2m, want->p2m, sizeof(saw->p2m)) != 0)
        return "a pseudo-physical number changed otherwise than the step says";
    return NULL;
}

static const char *frame_step_wrong(unsigned i, const struct image *expected)
{
    const struct frame_image *was = &step.before->frame[i], *f = &step.after->frame[i], *want = &expected->frame[i];
    if ((f->bits ^ want->bits) & IMG_ALLOC)
        return "a frame was given or taken otherwise than the step says";
    if ((f->bits ^ want->bits) & IMG_PINNED)
        return "a pin changed otherwise than the step says";
    if (f->owner && f->owner != want->owner)
        return "a frame changed its owner";
    if (f->owner && f->pfn != want->pfn)
        return "the way back from a frame changed";
    for (unsigned s = 0; !f->owner && f->pfn != PFN_DIRTY && s < PT_ENTRIES; s++)
        if (play_page(i)[s])
            return "a free frame is called clear and is not";
    if (f->owner && !was->owner && play_page(i)[0])
        return "a new frame is not clear";
    return NULL;
}

static bool has_lists(const struct domain_image *d)
{
    return d->held != NOBODY || d->dropped != NOBODY;
}

/* A type without a count says nothing. */
static u16 meaning(u16 bits)
{
    return (u16)(IMG_TYPES(bits) ? bits : bits & ~(7u << 8));
}

/* Refused: all is as it was, to the last bit that means something. */
static const char *refused_wrong(void)
{
    const struct domain_image *was = &step.before->domain[step.me], *now = &step.after->domain[step.me];
    if (step.before->batch || has_lists(was) || has_lists(now))
        return NULL; /* what waited was worked off, or waits to be */
    if (was->flags != now->flags)
        return "a refused step changed the domain";
    for (unsigned i = 0; i < shape.frames; i++)
        if (meaning(step.before->frame[i].bits) != meaning(step.after->frame[i].bits))
            return "a refused step changed a frame";
    return NULL;
}

/* Nothing of a domain changed but what the caches hold. */
static const char *untouched_wrong(unsigned domain)
{
    if (memcmp(&step.before->domain[domain], &step.after->domain[domain], sizeof(struct domain_image)) != 0)
        return "a step changed something of the other domain";
    for (unsigned i = 0; i < shape.frames; i++) {
        struct frame_image was = step.before->frame[i], now = step.after->frame[i];
        if (was.owner != domain + 1 && now.owner != domain + 1)
            continue;
        was.cached = now.cached = 0;
        if (was.bits != now.bits || was.owner != now.owner || was.link != now.link || was.pfn != now.pfn)
            return "a step changed a frame of the other domain";
        if (is_live_table(&was) && memcmp(was.entry, now.entry, sizeof(was.entry)) != 0)
            return "a step changed a table of the other domain";
    }
    return NULL;
}

static const char *take_down_wrong(void)
{
    const struct domain_image *d = &step.after->domain[step.other];
    if (step.op->kind == OP_KILL || !(d->flags & DOM_DEAD))
        return untouched_wrong(step.me);
    for (unsigned i = 0; i < shape.frames; i++)
        if (step.after->frame[i].owner == step.other + 1)
            return "a domain is gone and a frame is still its own";
    return untouched_wrong(step.me);
}

static const char *answer_wrong(void)
{
    long expected;
    if (step.rc != -XEN_ERESTART && oracle_answer(step.before, step.op, &expected)) {
        if (step.rc == expected || (step.rc == -XEN_EINVAL && oracle_at_the_limit()))
            return NULL;
        return step.rc == 0    ? "a call that must be refused is carried out"
               : expected == 0 ? "a call is refused that must be carried out"
                               : "a call is refused with another error than it should be";
    }
    switch (step.rc) {
    case 0:
    case -XEN_EINVAL:
        return NULL;
    case -XEN_ERESTART:
        return step.op->stopped ? NULL : "a step was not interrupted and says that it was";
    case -XEN_EPERM:
    case -XEN_EBUSY:
        return step.op->kind <= OP_VA || step.op->kind == OP_PIN || step.op->kind == OP_BASE || step.op->kind == OP_USER_BASE
                   ? NULL : "the answer is not one of this call's";
    case -XEN_EAGAIN:
        return step.op->kind == OP_STORE_RACED ? NULL : "the answer is not one of this call's";
    default:
        return "the answer is not one of this call's";
    }
}

const char *oracle_step(const struct image *before, const struct op *op, long rc, const struct image *after)
{
    step.before = before;
    step.after = after;
    step.op = op;
    step.rc = rc;
    step.me = before->current;
    step.other = !step.me;
    if (op->kind == OP_SWITCH) {
        const char *wrong = untouched_wrong(0);
        return wrong ? wrong : untouched_wrong(1);
    }
    if (op->kind == OP_KILL || op->kind == OP_TAKE_DOWN)
        return take_down_wrong();
    const char *wrong = untouched_wrong(step.other);
    if (!wrong)
        wrong = answer_wrong();
    if (wrong)
        return wrong;
    struct image expected = *before;
    if (rc == 0)
        expect(&expected);
    wrong = domains_wrong(&expected);
    for (unsigned i = 0; i < shape.frames && !wrong; i++)
        wrong = frame_step_wrong(i, &expected);
    for (unsigned i = 0; i < shape.frames && !wrong; i++)
        wrong = page_wrong(i, &expected);
    if (!wrong && rc < 0 && rc != -XEN_ERESTART)
        wrong = refused_wrong();
    return wrong;
}
