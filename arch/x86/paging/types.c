/* SPDX-License-Identifier: MIT */
/*
 * Promotion and demotion of page tables (types.h tells how long work is cut). Order in every promotion: take the type,
 * flush, and only then look at the contents: from there on no cpu can change them.
 */
#include "arch/x86/paging/types.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/pv/descriptor.h"
#include "common/cpu.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/paging.h>

/* ---- references of one entry ---------------------------------------------------------------------------------- */

__cold int leaf_refuse_bits(const struct domain *d, u64 entry)
{
    return guest_refuse(d, XEN_EINVAL, "L1 entry %#llx: bits %#llx are refused (PWT, PCD and PAT are not for guests)\n",
                        (unsigned long long)entry, (unsigned long long)(entry & L1_FORBIDDEN));
}

__cold int leaf_refuse_missing(const struct domain *d, u64 entry)
{
    return guest_refuse(d, XEN_EPERM, "L1 entry %#llx: there is no frame %#llx\n", (unsigned long long)entry,
                        (unsigned long long)pte_frame(entry));
}

__cold int leaf_refuse_frame(const struct domain *d, u64 entry, const struct frame *f)
{
    u64 w = frame_word(f);
    if (f->owner != d->id)
        return guest_refuse(d, XEN_EBUSY, "L1 entry %#llx: the frame is not the domain's\n", (unsigned long long)entry);
    return guest_refuse(d, XEN_EBUSY, "L1 entry %#llx: frame of type %u, type count %llu; expected one that is no table\n",
                        (unsigned long long)entry, word_type(w), (unsigned long long)word_type_count(w));
}

static __cold int child_refuse(const struct domain *d, unsigned level, u64 entry, const char *why)
{
    return guest_refuse(d, XEN_EINVAL, "L%u entry %#llx: %s\n", level, (unsigned long long)entry, why);
}

int table_get_valid(struct frame *f, u16 owner, unsigned level)
{
    const u64 valid = ((u64)level << FRAME_TYPE_SHIFT) | FRAME_VALIDATED;
    u64 w = frame_word(f);
    do {
        if ((w & (FRAME_TYPE_MASK | FRAME_VALIDATED)) != valid)
            return -XEN_EAGAIN;
        if (unlikely(!word_ref_ok(w)))
            return -XEN_EBUSY;
    } while (unlikely(!frame_swap(f, &w, w + FRAME_REF_ONE + FRAME_TC_ONE)));
    if (likely(f->owner == owner))
        return 0;
    /* Another domain's table: its own uses are untouched by ours, so ours is never the last. */
    atomic_fetch_sub_explicit(&f->word, FRAME_REF_ONE + FRAME_TC_ONE, memory_order_acq_rel);
    return -XEN_EINVAL;
}

/* Forbidden bits and the frame behind a present entry of level 2 to 4; NULL with *rc set. */
static struct frame *child_frame(const struct domain *d, unsigned level, u64 e, int *rc)
{
    if (unlikely(e & TABLE_FORBIDDEN)) {
        *rc = child_refuse(d, level, e, "PWT, PCD, PSE and GLOBAL are refused above level 1");
        return NULL;
    }
    mfn_t mfn = gfn_to_mfn(d, gfn_make(pte_frame(e)));
    if (unlikely(mfn_is_invalid(mfn))) {
        *rc = child_refuse(d, level, e, "there is no such frame");
        return NULL;
    }
    return frame_of(mfn);
}

int child_hold(struct domain *d, unsigned level, u64 *entry)
{
    int rc = 0;
    struct frame *f = child_frame(d, level, *entry, &rc);
    if (!f)
        return rc;
    rc = table_get_valid(f, d->id, level - 1);
    if (rc == -XEN_EINVAL)
        return child_refuse(d, level, *entry, "the table below belongs to another domain");
    if (rc == -XEN_EBUSY)
        return child_refuse(d, level, *entry, "the table below is in use too often");
    if (rc == 0)
        *entry = table_entry_stored(d, *entry, frame_mfn(f));
    return rc;
}

/* ---- one table ------------------------------------------------------------------------------------------------ */

/* Entry i of a table that is being promoted: what it holds is taken, *e becomes what is stored. */
static inline int entry_take(struct domain *d, unsigned level, u64 *e)
{
    if (level > 1)
        return child_hold(d, level, e);
    int rc = 0;
    mfn_t mfn = leaf_frame(d, *e, &rc);
    if (unlikely(rc))
        return rc;
    rc = leaf_hold(d, *e, mfn);
    if (likely(rc == 0))
        *e = entry_stored(*e, mfn);
    return rc;
}

static inline void entry_give_back(unsigned level, u64 stored, struct table_work *work)
{
    if (level > 1)
        child_drop(stored, work);
    else
        leaf_drop(stored);
}

/*
 * Prepare may fail, commit may not: what will be stored is gathered in this cpu's scratch page, and only a table that
 * is all right is written. A refused one is byte for byte as it was.
 */
static int table_validate(struct domain *d, u64 *table, unsigned level, struct table_work *work)
{
    u64 *stored = this_cpu()->scratch;
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        u64 e = read_once(table[i]);
        if ((e & PTE_PRESENT) && !is_hypervisor_slot(level, i)) {
            int rc = entry_take(d, level, &e);
            if (unlikely(rc)) {
                guest_log(d, LOG_DEBUG, "L%u table: entry %u is refused\n", level, i);
                while (i--)
                    if ((stored[i] & PTE_PRESENT) && !is_hypervisor_slot(level, i))
                        entry_give_back(level, stored[i], work);
                return rc;
            }
        }
        stored[i] = e;
    }
    if (level == PT_LEVELS)
        memcpy(&stored[HYPERVISOR_FIRST_SLOT], host_l4_slots, sizeof(host_l4_slots));
    memcpy(table, stored, PT_ENTRIES * sizeof(*table));
    return 0;
}

/*
 * Another processor is at it: it checks the frame under a type that it just took, or gives back what a table held that lost
 * its last use. That is one table's work in which nobody waits for anybody, so it can be waited for: by who has claimed
 * nothing himself.
 */
static bool word_in_transition(u64 w)
{
    return (w & FRAME_TC_MASK) && !(w & FRAME_VALIDATED) && word_type(w) != FRAME_WRITABLE;
}

/* In use as that type: valid, or another processor is at it. */
static bool is_of_type(u64 w, enum frame_type type)
{
    return (w & FRAME_TC_MASK) && word_type(w) == type;
}

/* One more type count of what is in use and valid as that type already; the caller has a reference. */
static bool type_count(struct frame *f, enum frame_type type)
{
    u64 w = frame_word(f);
    while (is_of_type(w, type) && (w & FRAME_VALIDATED))
        if (frame_swap(f, &w, w + FRAME_TC_ONE))
            return true;
    return false;
}

static __cold int claim_refuse(const struct domain *d, const struct frame *f, enum frame_type type, u64 w)
{
    return guest_refuse(d, XEN_EINVAL, "frame %#llx: type %u with count %llu%s; expected an unused frame for type %u\n",
                        (unsigned long long)mfn_to_guest(d, frame_mfn(f)), word_type(w),
                        (unsigned long long)word_type_count(w),
                        (w & FRAME_SPECIAL) ? ", shared with the hypervisor" : "", type);
}

/* Takes the type for a frame that nobody uses; the caller has a reference. Flushed when it returns 0. -XEN_EAGAIN: it was
 * waited for another processor, and the frame may be what is wanted now. */
static int type_claim(struct domain *d, struct frame *f, enum frame_type type)
{
    const u64 bits = (u64)type << FRAME_TYPE_SHIFT;
    u64 w = frame_word(f);
    do {
        if (unlikely(word_in_transition(w) || is_of_type(w, type))) {
            cpu_relax();
            return -XEN_EAGAIN;
        }
        if ((w & FRAME_TC_MASK) || (w & FRAME_SPECIAL))
            return claim_refuse(d, f, type, w);
    } while (!frame_swap(f, &w, ((w & ~(FRAME_TYPE_MASK | FRAME_VALIDATED)) | bits) + FRAME_TC_ONE));
    if (word_type(w) != FRAME_NONE && word_type(w) != type)
        tlb_flush_all();
    return 0;
}

static void type_unclaim(struct frame *f)
{
    atomic_fetch_sub_explicit(&f->word, FRAME_TC_ONE, memory_order_acq_rel);
}

static int table_promote_one(struct domain *d, struct frame *f, unsigned level, struct table_work *work)
{
    int rc = type_claim(d, f, (enum frame_type)level);
    if (rc)
        return rc;
    rc = table_validate(d, frame_ptr(f), level, work);
    if (rc)
        type_unclaim(f);
    else
        atomic_fetch_or_explicit(&f->word, FRAME_VALIDATED, memory_order_release);
    return rc;
}

/* The entries of an L1. Those of other domains' frames as in live_leaf_drop(), with one flush: nothing leads here any more. */
static void leaves_give_back(const struct domain *d, u64 *table, bool turn_back)
{
    const u16 own = d->id;
    bool flushed = turn_back;

    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        u64 e = table[i];
        if (!(e & PTE_PRESENT))
            continue;
        if (unlikely(!flushed && frame_of(mfn_make(pte_frame(e)))->owner != own)) {
            tlb_flush_all();
            flushed = true;
        }
        if (turn_back)
            table[i] = entry_turned_back(d, e);
        leaf_drop(e);
    }
}

static void children_give_back(const struct domain *d, u64 *table, unsigned level, bool turn_back, struct table_work *work)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        u64 e = table[i];
        if (is_hypervisor_slot(level, i)) {
            table[i] = 0;
            continue;
        }
        if (!(e & PTE_PRESENT))
            continue;
        if (turn_back)
            table[i] = entry_turned_back(d, e);
        child_drop(e, work);
    }
}

/* The frame is ours alone: type count 1, not validated. Gives back all that its entries hold. */
static void table_invalidate(struct frame *f, unsigned level, struct table_work *work)
{
    const struct domain *d = domain_find(f->owner);
    bool turn_back = arch_domain_translated(d);

    /* A cpu may still have the way here in its caches. What stands here now it may go on using until the guest flushes;
     * the guest's numbers it must never take for machine frames. */
    if (turn_back)
        tlb_flush_all();
    if (level == 1)
        leaves_give_back(d, frame_ptr(f), turn_back);
    else
        children_give_back(d, frame_ptr(f), level, turn_back, work);
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

static void list_push(u32 *head, struct frame *f)
{
    f->link = *head;
    *head = (u32)frame_mfn(f).n;
}

static struct frame *list_pop(u32 *head)
{
    struct frame *f = frame_of(mfn_make(*head));
    *head = f->link;
    return f;
}

void table_put(struct frame *f, struct table_work *work)
{
    u64 w = frame_word(f);
    for (;;) {
        bool last = (w & FRAME_TC_MASK) == FRAME_TC_ONE;
        BUG_ON(last && (w & FRAME_LISTED));
        u64 want = last ? w | FRAME_LISTED : w - FRAME_TC_ONE - FRAME_REF_ONE;
        if (frame_swap(f, &w, want)) {
            if (last)
                list_push(&work->dropped, f);
            return;
        }
    }
}

/* Puts a table that was promoted (a type count and a reference of it: both now the list's) on the held list; where it
 * stands on another's list already, that one keeps it, and a hold of our own is one too many. */
static void table_keep(struct frame *f, struct table_work *work)
{
    u64 w = frame_word(f), want;
    do {
        want = (w & FRAME_LISTED) ? w - FRAME_TC_ONE - FRAME_REF_ONE : w | FRAME_LISTED;
    } while (!frame_swap(f, &w, want));
    if (!(w & FRAME_LISTED))
        list_push(&work->held, f);
}

/* One listed frame: its hold is dropped; the last hold demotes it. */
static void table_work_step(struct frame *f, struct table_work *work)
{
    u64 w = frame_word(f), want;
    bool last;
    do {
        while (w & FRAME_LOCKED) {
            cpu_relax();
            w = frame_word(f);
        }
        last = (w & FRAME_TC_MASK) == FRAME_TC_ONE;
        want = last ? w & ~(FRAME_LISTED | FRAME_VALIDATED) : (w & ~FRAME_LISTED) - FRAME_TC_ONE - FRAME_REF_ONE;
    } while (!frame_swap(f, &w, want));
    if (!last)
        return;
    frame_batch_begin();
    table_invalidate(f, word_type(w), work);
    type_unclaim(f);
    frame_put(f);
    frame_batch_end(FRAMES_CLEAR_LATER);
}

bool table_work_one(struct table_work *work)
{
    if (table_work_pending(work))
        table_work_step(list_pop(work->dropped != FRAME_LIST_END ? &work->dropped : &work->held), work);
    return !table_work_pending(work);
}

bool table_work_run(struct table_work *work)
{
    while (!table_work_one(work))
        if (preempt_pending())
            return false;
    return true;
}

/* ---- a tree --------------------------------------------------------------------------------------------------- */

struct climb {
    struct frame *f;
    unsigned level;
    unsigned next; /* entries below this one name valid tables */
};

/*
 * Looks for the next entry whose table is not valid yet: 1, with a reference in *below; 0: none left; negative:
 * refused. What is read here is only a hint, as the guest may still be writing it: promotion reads it again.
 */
static int climb_next(struct domain *d, struct climb *c, struct frame **below)
{
    const u64 *table = frame_ptr(c->f);
    const u64 type = (u64)(c->level - 1) << FRAME_TYPE_SHIFT;

    for (; c->next < PT_ENTRIES; c->next++) {
        u64 e = read_once(table[c->next]);
        if (!(e & PTE_PRESENT) || is_hypervisor_slot(c->level, c->next))
            continue;
        int rc = 0;
        struct frame *f = child_frame(d, c->level, e, &rc);
        if (!f)
            return rc;
        u64 w = frame_word(f);
        if ((w & (FRAME_TYPE_MASK | FRAME_VALIDATED)) == (type | FRAME_VALIDATED))
            continue;
        if ((w & FRAME_TC_MASK) && (w & FRAME_TYPE_MASK) != type)
            return child_refuse(d, c->level, e, "the frame is in use as something else than a table one level below");
        if (!frame_get(f, d->id))
            return child_refuse(d, c->level, e, "the frame is not the domain's");
        *below = f;
        return 1;
    }
    return 0;
}

/* One step of the climb at the frame on top; *deeper: a frame to go down to first. */
static int climb_step(struct domain *d, struct climb *c, struct table_work *work, struct frame **deeper)
{
    *deeper = NULL;
    if (type_count(c->f, (enum frame_type)c->level))
        return 0; /* another processor was quicker */
    if (c->level > 1) {
        int rc = climb_next(d, c, deeper);
        /* What was read may be what another processor makes of it just now: it is looked at again when that is through. */
        if (unlikely(rc < 0 && is_of_type(frame_word(c->f), (enum frame_type)c->level))) {
            cpu_relax();
            return -XEN_EAGAIN;
        }
        if (rc)
            return rc < 0 ? rc : 0;
    }
    return table_promote_one(d, c->f, c->level, work);
}

static bool climbs_in_a_circle(const struct climb *path, unsigned depth, const struct frame *f)
{
    for (unsigned i = 0; i <= depth; i++)
        if (path[i].f == f)
            return true;
    return false;
}

static int table_promote(struct domain *d, struct frame *root, unsigned level, struct table_work *work)
{
    struct climb path[PT_LEVELS] = {{root, level, 0}};
    unsigned depth = 0;
    int rc;

    for (;;) {
        struct climb *c = &path[depth];
        struct frame *deeper;
        rc = climb_step(d, c, work, &deeper);
        if (rc == 0 && deeper && climbs_in_a_circle(path, depth, deeper)) {
            frame_put(deeper);
            rc = guest_refuse(d, XEN_EINVAL, "L%u table: entry %u names a table that stands above it\n", c->level, c->next);
            break;
        }
        if (rc == 0 && deeper) {
            path[++depth] = (struct climb){deeper, c->level - 1, 0};
            continue;
        }
        if (rc == -XEN_EAGAIN) {
            c->next = 0; /* the guest changed an entry after it was looked at */
        } else if (rc) {
            break;
        } else {
            if (depth == 0)
                return 0;
            table_keep(c->f, work);
            depth--;
        }
        if (preempt_pending()) {
            work->resume = true;
            rc = -XEN_ERESTART;
            break;
        }
    }
    for (; depth > 0; depth--)
        frame_put(path[depth].f);
    return rc;
}

int table_get(struct domain *d, struct frame *f, unsigned level, struct table_work *work)
{
    return type_count(f, (enum frame_type)level) ? 0 : table_promote(d, f, level, work);
}

/* ---- page lock ------------------------------------------------------------------------------------------------ */

bool table_lock(struct frame *f, u16 owner, unsigned *level)
{
    u64 w = frame_word(f);
    for (;;) {
        if (!(w & FRAME_VALIDATED) || word_type(w) > FRAME_L4 || !word_ref_ok(w))
            return false;
        if (unlikely(w & FRAME_LOCKED)) {
            cpu_relax();
            w = frame_word(f);
        } else if (likely(frame_swap(f, &w, (w | FRAME_LOCKED) + FRAME_REF_ONE))) {
            break;
        }
    }
    *level = word_type(w);
    if (likely(f->owner == owner))
        return true;
    table_unlock(f);
    return false;
}

void table_unlock(struct frame *f)
{
    u64 was = atomic_fetch_sub_explicit(&f->word, FRAME_LOCKED + FRAME_REF_ONE, memory_order_acq_rel);
    if (unlikely(word_refs(was) == 1))
        frame_last_put(f);
}

/* ---- descriptor tables ---------------------------------------------------------------------------------------- */

struct frame *descriptor_get(struct domain *d, gfn_t gfn)
{
    struct frame *f = arch_get_gfn(d, gfn);
    if (!f)
        return NULL;
    int rc;
    do {
        if (type_count(f, FRAME_DESCRIPTOR))
            return f;
        rc = type_claim(d, f, FRAME_DESCRIPTOR);
    } while (rc == -XEN_EAGAIN);
    if (rc == 0) {
        if (pv_check_descriptor_page(frame_ptr(f))) {
            atomic_fetch_or_explicit(&f->word, FRAME_VALIDATED, memory_order_release);
            return f;
        }
        type_unclaim(f);
    }
    frame_put(f);
    return NULL;
}

void descriptor_put(struct frame *f)
{
    u64 w = frame_word(f), want;
    do {
        want = w - FRAME_TC_ONE;
        if (!(want & FRAME_TC_MASK))
            want &= ~FRAME_VALIDATED;
    } while (!frame_swap(f, &w, want));
    frame_put(f);
}
