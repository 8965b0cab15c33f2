/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, see grant_table.h. One lock for the tables of all domains: two domains take part in every use, and
 * nothing is done under it that takes long. Locks on page tables stand above it, so an L1 entry is never changed here.
 */
#include "common/grant_table.h"
#include "common/cmdline.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/heap.h"
#include "common/printk.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/paging.h>
#include <xen/errno.h>

/* The user's side. */
struct grant_map {
    u32 ref; /* of a free record: the next free one, plus one */
    u16 granter;
    u16 flags; /* GNTMAP_*; 0: free, or not committed yet */
};

/* The granter's side of one entry. */
struct grant_active {
    u32 pins; /* 0: the rest means nothing */
    u32 mfn;
    u16 user;
};

#define MAPS_PER_PAGE     (PAGE_SIZE / sizeof(struct grant_map))
#define ACTIVE_PER_PAGE   (GRANTS_PER_FRAME / 2)
#define FRAMES_LIMIT      1024u /* of the two options: so far all numbers fit their fields */
#define FLAG_UNMAPPING    (1u << 15) /* in grant_map.flags, beside GNTMAP_* */
#define FLAGS_KEPT        (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly | GNTMAP_contains_pte)
#define CLAIM_TRIES       5 /* a guest may change its entry faster than we can; as many tries as Xen makes */
#define RELEASES_PER_STEP 256
#define PINS_BORROWED     0x01010100u /* one count of grant_active.pins went below 0 at the expense of the next */
_Static_assert(ACTIVE_PER_PAGE * sizeof(struct grant_active) <= PAGE_SIZE, "half a frame's active entries fit a page");

static struct spinlock grant_lock = SPINLOCK(LOCK_GRANT);

/* ---- where things stand --------------------------------------------------------------------------------------- */

static u32 limited(u32 option)
{
    return option == 0 ? 1 : (u32)min_u64(option, FRAMES_LIMIT);
}

u32 grant_max_frames(void)
{
    return limited(options.gnttab_max_frames);
}

/* A table that was never used counts as one empty frame, which Xen makes with the domain. */
u32 grant_frames(const struct domain *d)
{
    return d->grants.frames == 0 ? 1 : d->grants.frames;
}

u32 grant_entries(const struct domain *d)
{
    return d->grants.active ? d->grants.prepared * (u32)GRANTS_PER_FRAME : 0;
}

static bool ref_ok(const struct domain *d, grant_ref_t ref)
{
    return ref < grant_frames(d) * GRANTS_PER_FRAME;
}

/* NULL: nobody has written to it yet, or its domain is gone. */
static struct grant_entry_v1 *shared_entry(const struct grant_table *t, grant_ref_t ref)
{
    u64 frame = ref / GRANTS_PER_FRAME;

    return frame < t->frames && t->shared[frame] ? &t->shared[frame][ref % GRANTS_PER_FRAME] : NULL;
}

static struct grant_active *active_entry(const struct grant_table *t, grant_ref_t ref)
{
    return &t->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
}

static struct grant_map *map_record(const struct grant_table *t, grant_handle_t handle)
{
    return &t->maps[handle / MAPS_PER_PAGE][handle % MAPS_PER_PAGE];
}

/* ---- the table's size ----------------------------------------------------------------------------------------- */

static bool arrays_make(struct grant_table *t)
{
    if (t->active)
        return true;
    t->shared = heap_alloc(grant_max_frames() * sizeof(*t->shared));
    t->active = heap_alloc(grant_max_frames() * 2 * sizeof(*t->active));
    if (t->shared && t->active)
        return true;
    heap_free(t->shared);
    heap_free(t->active);
    t->shared = NULL;
    t->active = NULL;
    return false;
}

/* Memory for one more frame; nobody sees it yet. False: none left, and nothing has changed. */
static bool frame_prepare(struct grant_table *t)
{
    u32 n = t->prepared;
    mfn_t shared = frame_alloc_host();
    void *first = heap_alloc(PAGE_SIZE), *second = heap_alloc(PAGE_SIZE);

    if (mfn_is_invalid(shared) || !first || !second) {
        heap_free(first);
        heap_free(second);
        if (!mfn_is_invalid(shared))
            frame_free_host(shared, 1);
        return false;
    }
    t->shared[n] = mfn_to_ptr(shared);
    t->active[2 * n] = first;
    t->active[2 * n + 1] = second;
    t->prepared = n + 1;
    return true;
}

/* The last one that frame_prepare() made. */
static void frame_unprepare(struct grant_table *t)
{
    u32 n = --t->prepared;

    frame_free_host(ptr_to_mfn(t->shared[n]), 1);
    heap_free(t->active[2 * n]);
    heap_free(t->active[2 * n + 1]);
}

/* A frame at a time, as clearing memory takes its time; they become the table's together, when nothing can fail. */
static int grow(struct domain *d, u32 frames)
{
    struct grant_table *t = &d->grants;

    if (frames > grant_max_frames() || d->dying)
        return -XEN_EINVAL;
    if (frames <= t->frames)
        return 0;
    if (!arrays_make(t))
        return -XEN_ENOMEM;
    while (t->prepared < frames) {
        if (!frame_prepare(t)) {
            while (t->prepared > t->frames)
                frame_unprepare(t);
            return -XEN_ENOMEM;
        }
        if (t->prepared < frames && preempt_pending())
            return -XEN_ERESTART;
    }
    for (; t->frames < frames; t->frames++)
        frame_share(d, ptr_to_mfn(t->shared[t->frames]));
    return 0;
}

int grant_grow(struct domain *d, u32 frames)
{
    spinlock_lock(&grant_lock);
    int rc = grow(d, frames);
    spinlock_unlock(&grant_lock);
    if (rc == -XEN_ENOMEM)
        guest_log(d, LOG_DEBUG, "grant table: no memory for %u frames\n", frames);
    else if (rc == -XEN_EINVAL)
        guest_log(d, LOG_DEBUG, "grant table: %u frames, expected at most %u\n", frames, grant_max_frames());
    return rc;
}

mfn_t grant_frame(const struct domain *d, u32 index)
{
    return index < d->grants.frames ? ptr_to_mfn(d->grants.shared[index]) : MFN_INVALID;
}

/* ---- pins ----------------------------------------------------------------------------------------------------- */

static __cold int refuse(const struct domain *user, const struct domain *granter, grant_ref_t ref, int status,
                         const char *why)
{
    guest_log(user, LOG_DEBUG, "grant %#x of d%u: %s\n", ref, granter->id, why);
    return status;
}

/*
 * Marks the shared entry as used. first: nothing is pinned, so whom it is for is looked at; `type` says which of its
 * flags must be GTF_permit_access and nothing else. NULL, or why not.
 */
__always_inline_fn const char *entry_claim(struct grant_entry_v1 *entry, bool first, bool write, u16 user, u16 type)
{
    u32 *header = (u32 *)(void *)entry; /* flags below, domid above: both by one compare-and-swap */
    u32 seen = __atomic_load_n(header, __ATOMIC_RELAXED);

    for (unsigned tries = 0; tries < CLAIM_TRIES; tries++) {
        if (first && ((seen & type) != GTF_permit_access || seen >> 16 != user))
            return "not granted to this domain, or not as a whole page";
        if (write && (seen & GTF_readonly))
            return "granted read-only";
        u32 want = seen | GTF_reading | (write ? GTF_writing : 0);
        if (__atomic_compare_exchange_n(header, &seen, want, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return NULL;
    }
    return "the entry keeps changing";
}

/* Takes back what no pin is left for, now that `dropped` is over. */
static void entry_release(struct grant_entry_v1 *entry, u32 pins, u32 dropped)
{
    bool last_writer = (dropped & GRANT_PINS_WRITE) && !(pins & GRANT_PINS_WRITE);
    u16 gone = (u16)((pins ? 0 : GTF_reading) | (last_writer ? GTF_writing : 0));

    if (entry && gone)
        __atomic_fetch_and(&entry->flags, (u16)~gone, __ATOMIC_ACQ_REL);
}

/* The first pin, or the first that writes. */
__always_inline_fn int pin_claim(struct domain *granter, grant_ref_t ref, const struct domain *user, u32 pin, u16 type,
                     struct grant_active *a)
{
    struct grant_entry_v1 *entry = shared_entry(&granter->grants, ref);
    const char *why = entry_claim(entry, a->pins == 0, pin & GRANT_PINS_WRITE, user->id, type);

    if (unlikely(why != NULL))
        return refuse(user, granter, ref, GNTST_general_error, why);
    if (a->pins != 0)
        return GNTST_okay;
    struct frame *f = arch_get_gfn(granter, gfn_make(read_once(entry->frame)));
    if (unlikely(!f)) {
        entry_release(entry, 0, pin);
        return refuse(user, granter, ref, GNTST_bad_page, "its frame is not the granter's");
    }
    a->mfn = (u32)frame_mfn(f).n;
    a->user = user->id;
    return GNTST_okay;
}

static __cold int refuse_missing(const struct domain *user, const struct domain *granter, grant_ref_t ref)
{
    if (!ref_ok(granter, ref))
        return refuse(user, granter, ref, GNTST_bad_gntref, "beyond the end of the table");
    return refuse(user, granter, ref, GNTST_general_error, "not granted");
}

/* pin may be two at once: the halves of a map. */
__always_inline_fn int pin_take(struct domain *granter, grant_ref_t ref, const struct domain *user, u32 pin, u16 type,
                                mfn_t *mfn)
{
    if (unlikely(!shared_entry(&granter->grants, ref) || granter->dying))
        return refuse_missing(user, granter, ref);
    struct grant_active *a = active_entry(&granter->grants, ref);
    if (a->pins != 0 && unlikely(a->user != user->id))
        return refuse(user, granter, ref, GNTST_general_error, "in use by another domain");
    if (unlikely(a->pins & (pin << 7)))
        return refuse(user, granter, ref, GNTST_general_error, "used 128 times already");
    if (a->pins == 0 || ((pin & GRANT_PINS_WRITE) && !(a->pins & GRANT_PINS_WRITE))) {
        int status = pin_claim(granter, ref, user, pin, type, a);
        if (unlikely(status != GNTST_okay))
            return status;
    }
    a->pins += pin;
    *mfn = mfn_make(a->mfn);
    return GNTST_okay;
}

/* Returns the frame whose last pin it was, for frame_put(); else NULL. */
__always_inline_fn struct frame *pin_drop(struct domain *granter, grant_ref_t ref, u32 pin)
{
    struct grant_active *a = active_entry(&granter->grants, ref);
    u32 left = a->pins - pin;

    BUG_ON(a->pins < pin || ((left ^ a->pins ^ pin) & PINS_BORROWED));
    a->pins = left;
    entry_release(shared_entry(&granter->grants, ref), left, pin);
    return left == 0 ? frame_of(mfn_make(a->mfn)) : NULL;
}

int grant_pin(struct domain *granter, grant_ref_t ref, const struct domain *user, u32 pin, mfn_t *mfn)
{
    spinlock_lock(&grant_lock);
    int status = pin_take(granter, ref, user, pin, GTF_type_mask, mfn);
    spinlock_unlock(&grant_lock);
    return status;
}

void grant_unpin(struct domain *granter, grant_ref_t ref, u32 pin)
{
    spinlock_lock(&grant_lock);
    struct frame *last = pin_drop(granter, ref, pin);
    if (last)
        frame_put(last);
    spinlock_unlock(&grant_lock);
}

int grant_swap(struct domain *d, grant_ref_t a, grant_ref_t b)
{
    int status = GNTST_okay;

    if (!ref_ok(d, a) || !ref_ok(d, b))
        return refuse(d, d, ref_ok(d, a) ? b : a, GNTST_bad_gntref, "beyond the end of the table");
    spinlock_lock(&grant_lock);
    struct grant_entry_v1 *first = shared_entry(&d->grants, a), *second = shared_entry(&d->grants, b);
    if (a != b && first && second) {
        if (active_entry(&d->grants, a)->pins || active_entry(&d->grants, b)->pins) {
            status = refuse(d, d, active_entry(&d->grants, a)->pins ? a : b, GNTST_eagain, "in use, to be swapped");
        } else {
            struct grant_entry_v1 kept = *(volatile struct grant_entry_v1 *)first;
            *first = *second;
            *second = kept;
        }
    }
    spinlock_unlock(&grant_lock);
    return status;
}

/* ---- maps ----------------------------------------------------------------------------------------------------- */

static u32 pins_of(u32 flags)
{
    u32 host = flags & GNTMAP_readonly ? GRANT_PIN_READ : GRANT_PIN_WRITE;
    u32 device = flags & GNTMAP_readonly ? GRANT_PIN_DEVICE_READ : GRANT_PIN_DEVICE_WRITE;

    return (flags & GNTMAP_host_map ? host : 0) | (flags & GNTMAP_device_map ? device : 0);
}

/* A page of records more. */
static bool handles_grow(struct grant_table *t)
{
    u32 max = limited(options.gnttab_max_maptrack_frames);

    if (!t->maps)
        t->maps = heap_alloc(max * sizeof(*t->maps));
    if (!t->maps || t->map_pages >= max)
        return false;
    t->maps[t->map_pages] = heap_alloc(PAGE_SIZE);
    return t->maps[t->map_pages] && ++t->map_pages;
}

static bool handle_take(struct grant_table *t, grant_handle_t *handle)
{
    if (likely(t->map_free != 0)) {
        *handle = t->map_free - 1;
        t->map_free = map_record(t, *handle)->ref;
        return true;
    }
    if (t->map_fresh == t->map_pages * MAPS_PER_PAGE && !handles_grow(t))
        return false;
    *handle = t->map_fresh;
    __atomic_store_n(&t->map_fresh, *handle + 1, __ATOMIC_RELEASE);
    return true;
}

static void handle_put(struct grant_table *t, grant_handle_t handle)
{
    *map_record(t, handle) = (struct grant_map){.ref = t->map_free};
    t->map_free = handle + 1;
}

int grant_map_begin(struct domain *user, struct domain *granter, grant_ref_t ref, u32 flags, grant_handle_t *handle,
                    mfn_t *mfn)
{
    int status = GNTST_no_space;

    spinlock_lock(&grant_lock);
    if (likely(handle_take(&user->grants, handle))) {
        status = pin_take(granter, ref, user, pins_of(flags), GTF_type_mask | GTF_sub_page, mfn);
        if (unlikely(status != GNTST_okay))
            handle_put(&user->grants, *handle);
    } else {
        guest_log(user, LOG_DEBUG, "grant map: no handle left (%u are in use)\n", user->grants.map_fresh);
    }
    spinlock_unlock(&grant_lock);
    return status;
}

void grant_map_commit(struct domain *user, struct domain *granter, grant_ref_t ref, u32 flags, grant_handle_t handle)
{
    struct grant_map *m = map_record(&user->grants, handle);

    m->ref = ref;
    m->granter = granter->id;
    __atomic_store_n(&m->flags, (u16)(flags & FLAGS_KEPT), __ATOMIC_RELEASE);
}

void grant_map_cancel(struct domain *user, struct domain *granter, grant_ref_t ref, u32 flags, grant_handle_t handle)
{
    spinlock_lock(&grant_lock);
    struct frame *last = pin_drop(granter, ref, pins_of(flags));
    handle_put(&user->grants, handle);
    if (last)
        frame_put(last);
    spinlock_unlock(&grant_lock);
}

/* A record that is in use, with who granted it: he cannot be gone, as its pin holds one of his frames. */
static struct domain *record_granter(const struct grant_map *m)
{
    struct domain *granter = domain_find(m->granter);

    BUG_ON(!granter);
    return granter;
}

int grant_unmap_begin(struct domain *user, grant_handle_t handle, struct grant_unmap *u)
{
    struct grant_table *t = &user->grants;
    struct grant_map *m = likely(handle < __atomic_load_n(&t->map_fresh, __ATOMIC_ACQUIRE)) ? map_record(t, handle) : NULL;
    u16 flags = m ? __atomic_load_n(&m->flags, __ATOMIC_ACQUIRE) : 0;

    /* Who sets FLAG_UNMAPPING has the record for himself, and its pin keeps all that it names. */
    if (unlikely(flags == 0 || (flags & FLAG_UNMAPPING) ||
                 !__atomic_compare_exchange_n(&m->flags, &flags, (u16)(flags | FLAG_UNMAPPING), false, __ATOMIC_ACQ_REL,
                                              __ATOMIC_RELAXED))) {
        guest_log(user, LOG_DEBUG, "grant unmap: handle %#x is none of the domain's\n", handle);
        return GNTST_bad_handle;
    }
    u->handle = handle;
    u->flags = flags;
    u->done = 0;
    u->ref = m->ref;
    u->granter = record_granter(m);
    u->mfn = mfn_make(active_entry(&u->granter->grants, u->ref)->mfn);
    return GNTST_okay;
}

/* What the halves that are done held besides the pin. */
static void halves_drop(const struct grant_unmap *u)
{
    struct frame *f = frame_of(u->mfn);

    if (likely(u->done & GNTMAP_host_map))
        arch_grant_drop(f, u->flags);
    if ((u->done & GNTMAP_device_map) && !(u->flags & GNTMAP_readonly))
        arch_put_writable(f);
}

__always_inline_fn struct frame *record_end(struct grant_table *t, const struct grant_unmap *u)
{
    struct grant_map *m = map_record(t, u->handle);
    u32 left = u->flags & ~u->done;

    if (unlikely(left & (GNTMAP_host_map | GNTMAP_device_map)))
        __atomic_store_n(&m->flags, (u16)left, __ATOMIC_RELEASE);
    else
        handle_put(t, u->handle);
    return likely(u->done) ? pin_drop(u->granter, u->ref, pins_of(u->done | (u->flags & GNTMAP_readonly))) : NULL;
}

void grant_unmap_end(struct domain *user, struct grant_unmap *list, u32 count)
{
    spinlock_lock(&grant_lock);
    for (u32 i = 0; i < count; i++) {
        halves_drop(&list[i]); /* before the pin, so never the last reference */
        struct frame *last = record_end(&user->grants, &list[i]);
        if (last)
            frame_put(last);
    }
    spinlock_unlock(&grant_lock);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

/* The L1 entries of host maps are gone with the tables; what is left is the pin, and a device's hold. */
static void map_release(struct domain *d, grant_handle_t handle)
{
    struct grant_unmap u;

    if (map_record(&d->grants, handle)->flags == 0)
        return;
    BUG_ON(grant_unmap_begin(d, handle, &u) != GNTST_okay);
    if ((u.flags & GNTMAP_device_map) && !(u.flags & GNTMAP_readonly))
        arch_put_writable(frame_of(u.mfn));
    spinlock_lock(&grant_lock);
    handle_put(&d->grants, handle);
    struct frame *last = pin_drop(u.granter, u.ref, pins_of(u.flags));
    if (last)
        frame_put(last);
    spinlock_unlock(&grant_lock);
}

/* Bits in these entries are for nobody from now on; the active entries are still needed. */
static void frame_unshare(struct domain *d, u32 n)
{
    spinlock_lock(&grant_lock);
    mfn_t mfn = ptr_to_mfn(d->grants.shared[n]);
    d->grants.shared[n] = NULL;
    spinlock_unlock(&grant_lock);
    if (arch_domain_translated(d) && m2p_table[mfn.n] != ~0ull)
        arch_p2m_set(d, gfn_make(m2p_table[mfn.n]), MFN_INVALID);
    BUG_ON(!frame_drop_alloc(frame_of(mfn)));
}

bool grant_take_down(struct domain *d)
{
    struct grant_table *t = &d->grants;

    for (u32 n = 0; n < RELEASES_PER_STEP; n++) {
        if (t->map_ended < t->map_fresh)
            map_release(d, t->map_ended++);
        else if (t->unshared < t->frames)
            frame_unshare(d, t->unshared++);
        else
            return true;
        if (preempt_pending())
            break;
    }
    return false;
}

void grant_free(struct domain *d)
{
    struct grant_table *t = &d->grants;

    for (u32 i = 0; i < t->map_pages; i++)
        heap_free(t->maps[i]);
    heap_free(t->maps);
    while (t->prepared > t->frames)
        frame_unprepare(t);
    for (u32 i = 0; i < 2 * t->prepared; i++)
        heap_free(t->active[i]);
    heap_free(t->active);
    heap_free(t->shared);
    memset(t, 0, sizeof(*t));
}

/* ---- the audit ------------------------------------------------------------------------------------------------ */

mfn_t grant_pinned_frame(const struct domain *d, grant_ref_t ref)
{
    const struct grant_active *a = active_entry(&d->grants, ref);

    return a->pins ? mfn_make(a->mfn) : MFN_INVALID;
}

u32 grant_map_record(const struct domain *d, grant_handle_t handle, mfn_t *mfn)
{
    const struct grant_map *m = map_record(&d->grants, handle);

    if (m->flags)
        *mfn = mfn_make(active_entry(&record_granter(m)->grants, m->ref)->mfn);
    return m->flags;
}
