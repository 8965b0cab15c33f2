/* SPDX-License-Identifier: MIT */
/*
 * Recounts from the tables themselves what every frame's word claims, and compares. The count starts from what is
 * known to hold references (allocation, pins, lists, roots, descriptor tables, registered pages) and goes over the
 * entries of every valid table. Nothing of the engine's own bookkeeping is used. Run when no update is under way.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/paging/format.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/printk.h"
#include "lib/string.h"
#include <arch/paging.h>

struct tally {
    u32 refs, types;
    u32 rights; /* what one domain's grant maps allow it, while that is looked at */
};
#define RIGHT_READ  1u
#define RIGHT_WRITE 2u

struct audit {
    struct tally *tally; /* [frame_count] */
    u64 wrong;
};

static __cold void complain(struct audit *a, u64 n, const char *what, u64 saw, u64 expected)
{
    u64 w = frame_word(&frame_table[n]);
    if (a->wrong++ < 20)
        log_error("audit: frame %llx of d%u, type %u: %s is %llu, expected %llu (word %016llx)\n", (unsigned long long)n,
                  frame_table[n].owner, word_type(w), what, (unsigned long long)saw, (unsigned long long)expected,
                  (unsigned long long)w);
}

static void hold(struct audit *a, mfn_t mfn, bool typed)
{
    if (mfn_is_invalid(mfn))
        return;
    a->tally[mfn.n].refs++;
    if (typed)
        a->tally[mfn.n].types++;
}

/* An entry names frames of the table's owner; a leaf also what a privileged domain mapped, or what was granted: whether
 * it was is looked at later (compare_foreign). */
static bool may_name(u16 table_owner, unsigned level, u16 frame_owner)
{
    const struct domain *d = domain_find(table_owner);
    return frame_owner == table_owner ||
           (level == 1 && d && (d->privileged || d->grants.map_fresh) && frame_owner != OWNER_NONE);
}

static void count_entry(struct audit *a, u64 table, unsigned level, u64 entry)
{
    mfn_t mfn = mfn_make(pte_frame(entry));
    if (!mfn_valid(mfn)) {
        complain(a, table, "an entry's frame", mfn.n, frame_count);
        return;
    }
    const struct frame *target = frame_of(mfn);
    if (!may_name(frame_table[table].owner, level, target->owner))
        complain(a, table, "the owner of an entry's frame", target->owner, frame_table[table].owner);
    u64 w = frame_word(target);
    bool typed = level > 1 || (entry & PTE_RW);
    enum frame_type expected = level > 1 ? (enum frame_type)(level - 1) : FRAME_WRITABLE;
    if (typed && word_type(w) != expected)
        complain(a, mfn.n, "the type that an entry relies on", word_type(w), expected);
    if (level > 1 && !(w & FRAME_VALIDATED))
        complain(a, mfn.n, "validated", 0, 1);
    if (level > 1 && (entry & (PTE_PSE | PTE_GLOBAL)))
        complain(a, table, "an entry's forbidden bits", entry & (PTE_PSE | PTE_GLOBAL), 0);
    hold(a, mfn, typed);
}

static void count_table(struct audit *a, u64 n, unsigned level)
{
    const u64 *table = mfn_to_ptr(mfn_make(n));
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        if (!is_hypervisor_slot(level, i) && (table[i] & PTE_PRESENT))
            count_entry(a, n, level, table[i]);
    }
}

static void count_vcpu(struct audit *a, const struct x86_vcpu *v)
{
    hold(a, v->kernel_root, true);
    hold(a, v->user_root, true);
    hold(a, v->vcpu.info_mfn, true);
    if (v->cursor)
        hold(a, frame_mfn(v->cursor), false);
    for (unsigned i = 0; i < PV_GDT_FRAMES && i * DESCRIPTORS_PER_PAGE < v->gdt_entries; i++)
        hold(a, v->gdt_frame[i], true);
    for (unsigned i = 0; i < v->descriptor_kept_count; i++)
        hold(a, v->descriptor_kept[i], true);
    for (unsigned i = 0; i < PV_LDT_FRAMES && i * DESCRIPTORS_PER_PAGE < v->ldt_entries; i++)
        hold(a, v->ldt_frame[i], true);
}

static void count_frames(struct audit *a)
{
    for (u64 n = 0; n < frame_count; n++) {
        u64 w = frame_word(&frame_table[n]);
        if (w & FRAME_ALLOC)
            a->tally[n].refs++;
        if (w & FRAME_PINNED)
            hold(a, mfn_make(n), true);
        if (w & FRAME_LISTED)
            hold(a, mfn_make(n), true);
        if ((w & FRAME_VALIDATED) && word_type(w) >= FRAME_L1 && word_type(w) <= FRAME_L4)
            count_table(a, n, word_type(w));
    }
}

/* A pinned entry holds the frame once; a device's map that writes, a reference and the type. */
static void count_grants(struct audit *a, const struct domain *d)
{
    for (grant_ref_t ref = 0; ref < grant_entries(d); ref++)
        hold(a, grant_pinned_frame(d, ref), false);
    for (grant_handle_t handle = 0; handle < d->grants.map_fresh; handle++) {
        mfn_t mfn;
        u32 flags = grant_map_record(d, handle, &mfn);
        if ((flags & GNTMAP_device_map) && !(flags & GNTMAP_readonly))
            hold(a, mfn, true);
    }
}

static void set_rights(struct audit *a, const struct domain *d, bool on)
{
    for (grant_handle_t handle = 0; handle < d->grants.map_fresh; handle++) {
        mfn_t mfn;
        u32 flags = grant_map_record(d, handle, &mfn);
        if (flags & GNTMAP_host_map)
            a->tally[mfn.n].rights |= flags & GNTMAP_readonly ? RIGHT_READ : RIGHT_WRITE;
        if (flags && !on)
            a->tally[mfn.n].rights = 0;
    }
}

/* Every leaf of d that names another's frame does so by a map record with the same rights. */
static void compare_foreign(struct audit *a, const struct domain *d)
{
    set_rights(a, d, true);
    for (u64 n = 0; n < frame_count; n++) {
        const u64 *table = mfn_to_ptr(mfn_make(n));
        u64 w = frame_word(&frame_table[n]);
        if (frame_table[n].owner != d->id || !(w & FRAME_VALIDATED) || word_type(w) != FRAME_L1)
            continue;
        for (unsigned i = 0; i < PT_ENTRIES; i++) {
            u64 mfn = pte_frame(table[i]);
            u32 right = table[i] & PTE_RW ? RIGHT_WRITE : RIGHT_READ;
            if ((table[i] & PTE_PRESENT) && mfn < frame_count && frame_table[mfn].owner != d->id &&
                !(a->tally[mfn].rights & right))
                complain(a, n, "the rights of a grant that an entry relies on", a->tally[mfn].rights, right);
        }
    }
    set_rights(a, d, false);
}

static void compare(struct audit *a)
{
    for (u64 n = 0; n < frame_count; n++) {
        const struct frame *f = &frame_table[n];
        u64 w = frame_word(f);
        if (word_refs(w) != a->tally[n].refs)
            complain(a, n, "the reference count", word_refs(w), a->tally[n].refs);
        if (word_type_count(w) != a->tally[n].types)
            complain(a, n, "the type count", word_type_count(w), a->tally[n].types);
        if (word_refs(w) && !domain_find(f->owner))
            complain(a, n, "the owner (no such domain)", f->owner, OWNER_NONE);
    }
}

/* Rewrite mode: the map is injective and its way back leads home; every page charged is the domain's. */
static void compare_domain(struct audit *a, const struct domain *d)
{
    const struct x86_domain *xd = x86_domain_const(d);
    u64 owned = 0;
    for (u64 n = 0; n < frame_count; n++)
        owned += frame_table[n].owner == d->id && !(frame_word(&frame_table[n]) & FRAME_SPECIAL);
    /* Charged before they are given. */
    for (const struct domain *other = domain_next(NULL); other; other = domain_next(other))
        for (u32 i = 0; i < other->vcpu_count; i++)
            if (other->vcpu[i]->extent.of.d == d)
                owned += other->vcpu[i]->extent.charged + other->vcpu[i]->extent.stolen_count;
    if (owned != d->tot_pages)
        complain(a, 0, "the number of the domain's frames", owned, d->tot_pages);
    for (u64 pfn = 0; xd->p2m && pfn < xd->p2m_count; pfn++) {
        u32 n = xd->p2m[pfn];
        if (n == P2M_NONE)
            continue;
        if (frame_table[n].owner != d->id)
            complain(a, n, "the owner of a frame in a p2m", frame_table[n].owner, d->id);
        if (m2p_table[n] != pfn)
            complain(a, n, "the way back from a p2m", m2p_table[n], pfn);
    }
}

u64 arch_audit(void)
{
    u64 pages = align_up(frame_count * sizeof(struct tally), PAGE_SIZE) >> PAGE_SHIFT;
    mfn_t mfn = frame_alloc_host_run(pages);
    if (mfn_is_invalid(mfn)) {
        log_error("audit: no memory for the tally of %llu frames\n", (unsigned long long)frame_count);
        return 1;
    }
    struct audit a = {.tally = mfn_to_ptr(mfn)};
    count_frames(&a);
    for (const struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        count_grants(&a, d);
        for (u32 i = 0; i < d->vcpu_count; i++)
            count_vcpu(&a, container_of(d->vcpu[i], const struct x86_vcpu, vcpu));
    }
    compare(&a);
    for (const struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        compare_domain(&a, d);
        if (!d->privileged && d->grants.map_fresh)
            compare_foreign(&a, d);
    }
    frame_free_host(mfn, pages);
    return a.wrong;
}
