/* SPDX-License-Identifier: MIT */
/* What must be true of a world (see oracle.h). */
#include "tests/assurance/explore/oracle.h"

static struct {
    u8 refs[FRAMES_MAX], types[FRAMES_MAX], listed[FRAMES_MAX];
    const char *wrong;
} count;

static void hold(unsigned frame, bool typed)
{
    if (frame == NOBODY)
        return;
    count.refs[frame]++;
    count.types[frame] += typed;
}

static bool is_root(const struct frame_image *f)
{
    return is_live_table(f) && IMG_TYPE(f->bits) == PT_LEVELS;
}

/* An entry of a live table of that level. */
static const char *entry_wrong(const struct image *image, const struct frame_image *table, unsigned slot)
{
    const unsigned level = IMG_TYPE(table->bits);
    const u16 e = table->entry[slot];
    if (is_ours(level, slot))
        return e == ENT_OURS ? NULL : "a slot of the hypervisor is not as it must be";
    if (e == 0)
        return NULL;
    if ((e & (ENT_STRANGE | ENT_OURS)) || !(e & ENT_PRESENT))
        return "an entry of a live table is what nobody put there";
    const struct frame_image *target = &image->frame[ENT_FRAME(e)];
    if (e & (ENT_PSE | ENT_GLOBAL))
        return "an entry has a forbidden bit";
    if (!(e & ENT_USER))
        return "an entry keeps ring 3 out";
    if (target->owner != table->owner)
        return "a live table names a frame that is not the domain's";
    if (level > 1 && !(is_live_table(target) && IMG_TYPE(target->bits) == level - 1))
        return "a live table names what is no table of the level below";
    if (level == 1 && (e & ENT_RW) && !(IMG_TYPES(target->bits) && IMG_TYPE(target->bits) == FRAME_WRITABLE))
        return "a frame can be written that is not of that type";
    hold(ENT_FRAME(e), level > 1 || (e & ENT_RW));
    return NULL;
}

static void count_list(const struct image *image, u8 head)
{
    for (unsigned n = 0; head != NOBODY; head = image->frame[head].link) {
        if (n++ == shape.frames || !(image->frame[head].bits & IMG_LISTED)) {
            count.wrong = "a list of tables is broken";
            return;
        }
        count.listed[head]++;
        hold(head, true);
    }
}

static void count_domain(const struct image *image, unsigned i)
{
    const struct domain_image *d = &image->domain[i];
    const u8 heads[] = {d->held, d->dropped, d->leaving}, roots[] = {d->kernel_root, d->user_root};
    for (unsigned k = 0; k < ARRAY_SIZE(roots); k++) {
        hold(roots[k], true);
        if (roots[k] != NOBODY && !(is_root(&image->frame[roots[k]]) && image->frame[roots[k]].owner == i + 1))
            count.wrong = "a root is no table of the highest level, or not the domain's";
    }
    hold(d->gdt, true);
    if (d->gdt != NOBODY && (IMG_TYPE(image->frame[d->gdt].bits) != FRAME_DESCRIPTOR || image->frame[d->gdt].owner != i + 1))
        count.wrong = "a page of descriptors is of another type, or not the domain's";
    for (unsigned k = 0; k < ARRAY_SIZE(heads); k++)
        count_list(image, heads[k]);
}

static const char *frame_wrong(const struct image *image, unsigned i)
{
    const struct frame_image *f = &image->frame[i];
    const unsigned type = IMG_TYPE(f->bits);
    if (!f->owner)
        return f->bits ? "a frame is nobody's and still in use" : NULL;
    if (!IMG_REFS(f->bits))
        return "a frame has an owner and no reference";
    if (IMG_TYPES(f->bits) && type == FRAME_NONE)
        return "a frame without a type has a type count";
    if ((f->bits & IMG_VALIDATED) && !IMG_TYPES(f->bits))
        return "a table is valid and nobody holds it";
    if (IMG_TYPES(f->bits) && type != FRAME_WRITABLE && !(f->bits & IMG_VALIDATED))
        return "a table is left that is not valid";
    if ((f->bits & IMG_PINNED) && !is_live_table(f))
        return "a pin holds what is no table";
    for (unsigned s = 0; is_live_table(f) && s < PT_ENTRIES; s++) {
        const char *wrong = entry_wrong(image, f, s);
        if (wrong)
            return wrong;
    }
    hold((f->bits & IMG_ALLOC) ? i : NOBODY, false);
    hold((f->bits & IMG_PINNED) ? i : NOBODY, true);
    return NULL;
}

static const char *recount(const struct image *image)
{
    for (unsigned i = 0; i < shape.frames; i++)
        count.refs[i] = count.types[i] = count.listed[i] = 0;
    count.wrong = NULL;
    for (unsigned i = 0; i < 2; i++)
        count_domain(image, i);
    hold(image->cursor, false);
    for (unsigned i = 0; i < shape.frames && !count.wrong; i++)
        count.wrong = frame_wrong(image, i);
    for (unsigned i = 0; i < shape.frames && !count.wrong; i++) {
        const unsigned bits = image->frame[i].bits;
        if (count.refs[i] != IMG_REFS(bits))
            return "a reference count is not what is counted";
        if (count.types[i] != IMG_TYPES(bits))
            return "a type count is not what is counted";
        if (count.listed[i] != !!(bits & IMG_LISTED))
            return "a frame says of itself that it stands on a list, and does not, or the other way round";
        if ((image->cursor == i) != !!(bits & IMG_LOCKED))
            return "a page lock is left behind, or the batch has none";
    }
    return count.wrong;
}

/* What a cache of the processor may hold of the domain that runs leads nowhere it must not. */
static const char *cache_wrong(const struct image *image, unsigned i)
{
    const struct frame_image *f = &image->frame[i];
    const unsigned type = IMG_TYPE(f->bits);
    if (!f->cached)
        return NULL;
    if (f->owner != image->current + 1)
        return "a cache leads to a frame that is not the domain's";
    if ((f->cached & 15u) && !(type >= FRAME_L1 && type <= PT_LEVELS))
        return "a cache leads through a page that the guest can write, as through a table";
    if ((f->cached & 15u) && shape.rewrite[image->current] && !is_live_table(f))
        return "a cache leads through a page that holds the guest's own numbers";
    if ((f->cached & CACHED_WRITE) && IMG_TYPES(f->bits) && type != FRAME_WRITABLE)
        return "a cache leads to a table, writable";
    return NULL;
}

static const char *numbers_wrong(const struct image *image, unsigned d)
{
    unsigned seen = 0;
    for (unsigned pfn = 0; pfn < shape.pfns[d]; pfn++) {
        u8 frame = image->domain[d].p2m[pfn];
        if (frame == NOBODY)
            continue;
        if (image->frame[frame].owner != d + 1)
            return "a number of a domain names a frame that is not its own";
        if (seen >> frame & 1)
            return "two numbers of a domain name one frame";
        if (image->frame[frame].pfn != pfn)
            return "the way back from a frame is not its number";
        if (!(image->frame[frame].bits & IMG_ALLOC))
            return "a number names a frame that the domain has given back";
        seen |= 1u << frame;
    }
    for (unsigned i = 0; i < shape.frames; i++)
        if (image->frame[i].owner == d + 1 && (image->frame[i].bits & IMG_ALLOC) && !(seen >> i & 1))
            return "a frame of the domain has no number";
    return NULL;
}

const char *oracle_world(const struct image *image)
{
    const char *wrong = recount(image);
    for (unsigned i = 0; i < shape.frames && !wrong; i++)
        wrong = cache_wrong(image, i);
    for (unsigned d = 0; d < 2 && !wrong; d++)
        if (shape.rewrite[d] && !(image->domain[d].flags & DOM_DYING))
            wrong = numbers_wrong(image, d);
    return wrong;
}
