/* SPDX-License-Identifier: MIT */
/* Worlds and operations for readers. Frames keep the letter that they have at the start. */
#include "tests/assurance/explore/ops.h"
#include <stdio.h>

static const u8 *letters;

static const char *frame_name(unsigned frame)
{
    static char text[4][8];
    static unsigned next;
    char *t = text[next++ % 4];
    if (frame == NOBODY)
        return "-";
    snprintf(t, sizeof(text[0]), "%c", 'A' + letters[frame]);
    return t;
}

/* What a guest calls it: the frame, and in rewrite mode its number. */
static void name_print(const struct image *image, unsigned name)
{
    const unsigned me = image->current;
    if (name == NAME_MISSING)
        printf("a missing frame");
    else if (name == NAME_OURS)
        printf("a frame of the hypervisor");
    else if (name == NAME_SHARED)
        printf("shared_info");
    else if (name == NAME_NONE)
        printf("none");
    else if (shape.rewrite[me])
        printf("pfn %u (%s)", name, frame_name(frame_named(image, me, name)));
    else
        printf("%s", frame_name(name));
}

static void value_print(const struct image *image, u16 value)
{
    static const char *const flags[] = {"", " RW", " US", " NX", " PSE", " GLOBAL", " PCD"};
    if (value == VAL_GATE) {
        printf("a call gate");
        return;
    }
    if (!value) {
        printf("0");
        return;
    }
    name_print(image, VAL_NAME(value));
    for (unsigned i = 1; i < ARRAY_SIZE(flags); i++)
        if (value & VAL_PRESENT << i)
            printf("%s", flags[i]);
}

void op_print(const struct image *image, const struct op *op, const u8 *names)
{
    letters = names;
    printf("  d%u %s", image->current + 1u, op_names[op->kind]);
    switch ((enum op_kind)op->kind) {
    case OP_UPDATE:
    case OP_UPDATE_MORE:
    case OP_UPDATE_KEEP:
    case OP_STORE_RACED:
        printf(" ");
        name_print(image, op->a);
        printf("[%u] := ", op->b);
        value_print(image, op->value);
        break;
    case OP_VA:
        printf(" address %u := ", op->a);
        value_print(image, op->value);
        break;
    case OP_PIN:
        printf(" as L%u:", op->b);
        /* fallthrough */
    case OP_UNPIN:
    case OP_BASE:
    case OP_USER_BASE:
    case OP_GDT:
    case OP_CLEAR:
    case OP_COPY:
    case OP_DECREASE:
    case OP_MACHPHYS:
        printf(" ");
        name_print(image, op->a);
        break;
    case OP_POPULATE:
        printf(" pfn %u", op->a);
        break;
    default:
        break;
    }
    if (op->kind == OP_COPY) {
        printf(" from ");
        name_print(image, op->b);
    }
    for (unsigned i = 0; i < shape.frames; i++)
        if (op->filled >> i & 1) {
            printf(", %s holds {", frame_name(i));
            for (unsigned s = 0; s < PT_ENTRIES; s++) {
                printf("%s", s ? ", " : "");
                value_print(image, op->fill[i][s]);
            }
            printf("}");
        }
    printf("%s", op->stopped ? ", an interrupt is pending" : "");
}

static void frame_print(unsigned i, const struct frame_image *f)
{
    static const char *const types[] = {"no type", "L1", "L2", "L3", "L4", "descriptors", "writable", "?"};
    printf("    %s: ", frame_name(i));
    if (!f->owner)
        printf("free%s", f->pfn == PFN_DIRTY ? ", not clear" : "");
    else
        printf("d%u's, references %u, %s x %u%s%s%s%s%s", f->owner, IMG_REFS(f->bits), types[IMG_TYPE(f->bits)],
               IMG_TYPES(f->bits), (f->bits & IMG_VALIDATED) ? " valid" : "", (f->bits & IMG_PINNED) ? " pinned" : "",
               (f->bits & IMG_ALLOC) ? " allocated" : "", (f->bits & IMG_LISTED) ? " listed" : "",
               (f->bits & IMG_LOCKED) ? " locked" : "");
    if (f->owner && f->pfn != PFN_NONE)
        printf(", back to pfn %u", f->pfn);
    for (unsigned level = 1; level <= PT_LEVELS; level++)
        if (f->cached >> (level - 1) & 1)
            printf(", cached as L%u", level);
    if (f->cached & (CACHED_READ | CACHED_WRITE))
        printf(", cached%s", (f->cached & CACHED_WRITE) ? " writable" : "");
    for (unsigned s = 0; contents_matter(f) && s < PT_ENTRIES; s++) {
        u16 e = f->entry[s];
        if (e == ENT_OURS || e == ENT_STRANGE || e == 0)
            printf(", [%u] %s", s, e == 0 ? "0" : e == ENT_OURS ? "the hypervisor's" : "STRANGE");
        else
            printf(", [%u] %s%s%s%s%s%s", s, frame_name(ENT_FRAME(e)), (e & ENT_PRESENT) ? "" : " not present",
                   (e & ENT_RW) ? " RW" : "", (e & ENT_USER) ? "" : " kernel", (e & ENT_TAG) ? " tag" : "",
                   (e & ENT_NX) ? " NX" : "");
    }
    printf("\n");
}

void image_print(const struct image *image, const u8 *names)
{
    letters = names;
    printf("  d%u runs%s\n", image->current + 1u, image->batch ? ", in a batch" : "");
    for (unsigned i = 0; i < 2; i++) {
        const struct domain_image *d = &image->domain[i];
        printf("    d%u (%s): root %s, user root %s, descriptors %s, held %s, dropped %s", i + 1,
               shape.rewrite[i] ? "rewrite" : "direct", frame_name(d->kernel_root), frame_name(d->user_root),
               frame_name(d->gdt), frame_name(d->held), frame_name(d->dropped));
        printf("%s%s%s\n", (d->flags & DOM_RESUME) ? ", to be resumed" : "", (d->flags & DOM_DYING) ? ", dying" : "",
               (d->flags & DOM_DEAD) ? ", gone" : "");
    }
    for (unsigned i = 0; i < shape.frames; i++)
        frame_print(i, &image->frame[i]);
}
