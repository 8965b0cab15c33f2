/* SPDX-License-Identifier: MIT */
/*
 * increase_reservation, decrease_reservation, populate_physmap: memory given back and taken, by extents of 2^order pages.
 * They answer with the number of extents done, never with an error.
 *
 * No step is long. Between two extents, and between two pages of one, it is asked whether somebody waits: at most
 * FRAMES_PER_FLUSH pages are scrubbed (520 instructions each), or CHUNK_PAGES pages given (some 30 each), between
 * two such points. How far an extent of several pages came stands in the vcpu (struct extent_work), out of the guest's
 * reach: who comes back with another request, or not at all, begins anew. An extent is taken whole or not at all, but
 * for one that is larger than CHUNK_PAGES; one that is given back and abandoned stays given as far as it came.
 */
#include "common/cpu.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/memory_op.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/memory.h>

#define EXTENT_SHIFT 6
#define EXTENTS_MAX  (0xffffffffu >> EXTENT_SHIFT) /* what the command can say was done */
#define NODES_MAX    64u                           /* of Xen's builds; node 0 is the one that is there */
#define NODE_NONE    0xffu

/* One reservation call: what the guest asked for, and how far it came. */
struct reservation {
    struct vcpu *v;
    struct domain *d; /* whose memory */
    u32 op;
    vaddr_t argument;
    vaddr_t list;     /* frames, one for each extent; 0: none given (increase) */
    u64 count;        /* extents */
    u32 order;
    u64 end;          /* frames below this number only */
    u64 done;
    bool preempted;
};

static u64 extent_pages(const struct reservation *r)
{
    return 1ull << r->order;
}

static bool list_read(const struct reservation *r, u64 i, u64 *gfn)
{
    vaddr_t at;

    return guest_element(r->list, i, sizeof(*gfn), &at) && copy_from_guest(gfn, at, sizeof(*gfn)) == 0;
}

static bool list_write(const struct reservation *r, u64 i, u64 gfn)
{
    vaddr_t at;

    return guest_element(r->list, i, sizeof(gfn), &at) && copy_to_guest(at, &gfn, sizeof(gfn)) == 0;
}

bool memory_flags_ok(const struct domain *caller, u32 flags, u64 *end)
{
    u32 bits = XENMEMF_get_address_bits(flags), node = XENMEMF_get_node(flags);
    bool exact = flags & XENMEMF_exact_node_request;

    *end = frame_count;
    if (bits && bits <= PAGE_SHIFT) {
        guest_log(caller, LOG_DEBUG, "memory_op: memory below 2^%u, expected more than a page\n", bits);
        return false;
    }
    if (bits && bits - PAGE_SHIFT < 64)
        *end = min_u64(frame_count, 1ull << (bits - PAGE_SHIFT));
    if (node == NODE_NONE || (flags & XENMEMF_vnode))
        return true;
    if (caller->privileged ? node < NODES_MAX && (!exact || node == 0) : !exact)
        return true;
    guest_log(caller, LOG_DEBUG, "memory_op: node %u%s: there is node 0, and it is for privileged domains to name\n", node,
              exact ? " and no other" : "");
    return false;
}

/* Extents of several pages ---------------------------------------------------------------------------------------- */

/*
 * Goes on with the extent that was interrupted, if the request is the same, or begins with it. False: that would be
 * more than the domain may have.
 */
static bool extent_begin(const struct reservation *r, u64 gfn)
{
    struct extent_work *x = &r->v->extent;
    bool takes = r->op != XENMEM_decrease_reservation;

    if (x->of.d == r->d && x->of.command == r->op && x->of.order == r->order && x->of.argument == r->argument &&
        x->of.index == r->done && x->of.gfn == gfn && x->of.end == r->end)
        return true;
    vcpu_extent_drop(r->v);
    if (takes && !domain_charge(r->d, extent_pages(r)))
        return false;
    x->of.d = r->d;
    x->of.command = r->op;
    x->of.order = r->order;
    x->of.argument = r->argument;
    x->of.index = r->done;
    x->of.gfn = gfn;
    x->of.end = r->end;
    x->charged = takes ? extent_pages(r) : 0;
    return true;
}

int memory_extent_prepare(struct vcpu *v, struct domain *claims, u64 pages)
{
    struct extent_work *x = &v->extent;
    int rc;

    while (mfn_is_invalid(x->taken.next)) {
        rc = frame_extent_take(&x->taken, claims, x->of.order, x->of.end);
        if (rc && (rc != -XEN_EAGAIN || preempt_pending()))
            return rc;
        x->first = x->taken.next;
    }
    while (x->taken.cleared < pages) {
        frame_extent_clear_one(&x->taken);
        if (x->taken.cleared < pages && preempt_pending())
            return -XEN_EAGAIN;
    }
    return 0;
}

/* Rewrite mode: all numbers of the chunk, or none, if one is taken or out of range. */
static bool chunk_bind(struct domain *d, u64 gfn, mfn_t first, u64 pages)
{
    for (u64 i = 0; i < pages; i++) {
        if (arch_p2m_set(d, gfn_make(gfn + i), mfn_make(first.n + i)) == 0)
            continue;
        guest_log(d, LOG_DEBUG, "populate_physmap: frame %#llx is taken, or out of range\n", (unsigned long long)(gfn + i));
        while (i-- > 0) {
            arch_p2m_set(d, gfn_make(gfn + i), MFN_INVALID);
            m2p_table[first.n + i] = ~0ull;
        }
        return false;
    }
    return true;
}

/* The next chunk, which is clear, becomes the domain's. */
static bool chunk_give(const struct reservation *r, u64 pages)
{
    struct extent_work *x = &r->v->extent;
    u64 gfn = x->of.gfn + x->pages;
    bool populate = r->op == XENMEM_populate_physmap, translated = arch_domain_translated(r->d);

    if (populate && translated && !chunk_bind(r->d, gfn, x->taken.next, pages))
        return false;
    for (u64 i = 0; i < pages; i++) {
        struct frame *f = frame_extent_give(&x->taken, r->d);
        if (populate && !translated)
            m2p_table[frame_mfn(f).n] = gfn + i;
    }
    x->pages += pages;
    x->charged -= pages;
    return true;
}

/* Takes all of an extent. 0; -XEN_EAGAIN: interrupted; -XEN_ENOMEM: not to be had, and nothing was taken. *first: where
 * it lies. */
static int extent_take(const struct reservation *r, u64 gfn, mfn_t *first)
{
    struct extent_work *x = &r->v->extent;

    if (!extent_begin(r, gfn))
        return -XEN_ENOMEM;
    while (x->pages < extent_pages(r)) {
        u64 chunk = min_u64(extent_pages(r) - x->pages, CHUNK_PAGES);
        int rc = memory_extent_prepare(r->v, r->d, chunk);
        if (rc == -XEN_EAGAIN)
            return rc;
        if (rc || !chunk_give(r, chunk)) {
            vcpu_extent_drop(r->v);
            return -XEN_ENOMEM;
        }
        if (x->pages < extent_pages(r) && preempt_pending())
            return -XEN_EAGAIN;
    }
    *first = x->first;
    vcpu_extent_drop(r->v);
    return 0;
}

/* One extent ------------------------------------------------------------------------------------------------------ */

/* Between two pages: those that were freed so far, if they are many, get their flush. */
static void batch_step(const struct reservation *r)
{
    if (r->op == XENMEM_decrease_reservation && frame_batch_count(this_cpu()) >= FRAMES_PER_FLUSH) {
        frame_batch_end(FRAMES_SCRUB);
        frame_batch_begin();
    }
}

static int decrease_one(const struct reservation *r)
{
    struct extent_work *x = &r->v->extent;
    u64 gfn;

    if (!list_read(r, r->done, &gfn) || gfn + extent_pages(r) < gfn)
        return -XEN_EINVAL;
    if (r->order == 0)
        return memory_release(r->d, gfn, "decrease_reservation") ? 0 : -XEN_EINVAL;
    extent_begin(r, gfn); /* takes nothing: there is nothing to fail */
    while (x->pages < extent_pages(r)) {
        if (!memory_release(r->d, gfn + x->pages, "decrease_reservation")) {
            vcpu_extent_drop(r->v);
            return -XEN_EINVAL;
        }
        x->pages++;
        batch_step(r);
        if (x->pages < extent_pages(r) && preempt_pending())
            return -XEN_EAGAIN;
    }
    vcpu_extent_drop(r->v);
    return 0;
}

/* The frame is the domain's before it is told which: what cannot be told stays with it. */
static int populate_page(const struct reservation *r, u64 gfn)
{
    struct frame *f = frame_alloc_domain(r->d);

    if (!f)
        return -XEN_ENOMEM;
    if (!arch_domain_translated(r->d)) {
        m2p_table[frame_mfn(f).n] = gfn;
        return list_write(r, r->done, frame_mfn(f).n) ? 0 : -XEN_EFAULT;
    }
    if (arch_p2m_set(r->d, gfn_make(gfn), frame_mfn(f)) == 0)
        return 0;
    frame_drop_alloc(f);
    guest_log(r->d, LOG_DEBUG, "populate_physmap: frame %#llx is taken, or out of range\n", (unsigned long long)gfn);
    return -XEN_EINVAL;
}

static int populate_one(const struct reservation *r)
{
    mfn_t first;
    u64 gfn;
    int rc;

    if (!list_read(r, r->done, &gfn) || gfn + extent_pages(r) < gfn)
        return -XEN_EINVAL;
    if (r->order == 0 && r->end == frame_count)
        return populate_page(r, gfn);
    rc = extent_take(r, gfn, &first);
    if (rc == 0 && !arch_domain_translated(r->d) && !list_write(r, r->done, first.n))
        rc = -XEN_EFAULT;
    return rc;
}

/* Direct mode only: frames of which the guest says later by MMU_MACHPHYS_UPDATE where they stand. */
static int increase_one(const struct reservation *r)
{
    mfn_t first;
    int rc = 0;

    if (r->order == 0 && r->end == frame_count) {
        struct frame *f = frame_alloc_domain(r->d);
        if (!f)
            return -XEN_ENOMEM;
        first = frame_mfn(f);
    } else {
        rc = extent_take(r, 0, &first);
    }
    return rc || !r->list || list_write(r, r->done, first.n) ? rc : -XEN_EFAULT;
}

/* The call --------------------------------------------------------------------------------------------------------- */

/* Can the call be begun at all? What cannot does nothing, as on Xen, and says why. */
static bool reservation_ok(const struct reservation *r)
{
    vaddr_t last;

    /* Of a single element the copy itself finds out. */
    if (r->count > 1 && (r->list || r->op != XENMEM_increase_reservation))
        if (!guest_element(r->list, r->count - 1, sizeof(u64), &last)) {
            guest_log(r->d, LOG_DEBUG, "memory_op %u: its list is no guest memory\n", r->op);
            return false;
        }
    if (r->order > order_max(r->v->domain)) {
        guest_log(r->d, LOG_DEBUG, "memory_op %u: order %u, expected at most %u\n", r->op, r->order,
                  order_max(r->v->domain));
        return false;
    }
    return r->op != XENMEM_increase_reservation || !arch_domain_translated(r->d);
}

static bool reservation_flags_ok(struct reservation *r, u32 flags)
{
    if (r->op != XENMEM_populate_physmap || !(flags & XENMEMF_populate_on_demand))
        return memory_flags_ok(r->v->domain, flags, &r->end);
    guest_log(r->v->domain, LOG_DEBUG, "populate_physmap: there is no memory on demand\n");
    return false;
}

static int reservation_one(const struct reservation *r)
{
    switch (r->op) {
    case XENMEM_increase_reservation:
        return increase_one(r);
    case XENMEM_decrease_reservation:
        return decrease_one(r);
    default:
        return populate_one(r);
    }
}

static void reservation_run(struct reservation *r)
{
    int rc = reservation_one(r);

    while (rc == 0 && ++r->done < r->count) {
        batch_step(r);
        rc = preempt_pending() ? -XEN_EAGAIN : reservation_one(r);
    }
    r->preempted = rc == -XEN_EAGAIN;
}

long memory_op_reservation(struct vcpu *v, u32 op, u64 start, vaddr_t argument)
{
    struct xen_memory_reservation in;
    struct reservation r;

    if (copy_from_guest(&in, argument, sizeof(in)) || in.nr_extents > EXTENTS_MAX || start >= in.nr_extents)
        return (long)start;
    r = (struct reservation){.v = v, .d = domain_named(v->domain, in.domid), .op = op, .argument = argument,
                             .list = (vaddr_t)in.extent_start.p, .count = in.nr_extents, .order = in.extent_order,
                             .end = frame_count, .done = start};
    if (!r.d || !domain_may_act_on(v->domain, r.d) || !reservation_ok(&r) ||
        (unlikely(in.mem_flags) && !reservation_flags_ok(&r, in.mem_flags)))
        return (long)start;
    if (op == XENMEM_decrease_reservation) { /* one flush; what is few is cleared by whoever takes it */
        frame_batch_begin();
        reservation_run(&r);
        frame_batch_end(r.order || r.count - start > 1 ? FRAMES_SCRUB : FRAMES_CLEAR_LATER);
    } else {
        reservation_run(&r);
    }
    if (r.preempted)
        return vcpu_restart(v, __HYPERVISOR_memory_op, op | r.done << EXTENT_SHIFT, argument, 0, 0, 0);
    return (long)r.done;
}
