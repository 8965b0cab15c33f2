/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: a domain in direct mode gives frames and gets others, in rows of another length. It goes by chunks, a
 * chunk being the larger of the two extents:
 *   1. the new frames are found and cleared;
 *   2. the old ones are taken from the domain, each by one compare-and-swap from "used by nobody but its owner" to
 *      nobody's, so that no table, no mapping and no grant can name it; if one cannot be, all get back what they were;
 *   3. they are freed behind one flush, and the new ones become the domain's, whole, before it is told which.
 * 1 and 2 may be interrupted at any page: struct extent_work keeps what was taken on either side, and gives it back if
 * the guest does not come back to it. 3 is one step of at most CHUNK_PAGES pages, some 100 instructions each. What the
 * guest says of chunks done before (nr_exchanged) is its word, checked like any other.
 */
#include "common/cpu.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include "hypercalls/memory_op.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/memory.h>

#define LIST_PART 64u /* numbers of a list that are copied at a time */

struct exchange {
    struct vcpu *v;
    struct domain *d;
    vaddr_t argument;
    vaddr_t in, out;             /* lists */
    u32 in_order, out_order;
    u64 in_extents, out_extents; /* of one chunk: one of them is 1 */
    u64 end;                     /* frames below this number only */
    u64 chunk;
};

static int list_copy(vaddr_t list, u64 index, u64 *numbers, u64 count)
{
    vaddr_t at;

    return guest_element(list, index, sizeof(u64), &at) ? copy_from_guest(numbers, at, count * sizeof(u64)) : -XEN_EFAULT;
}

/* 1. The new frames ------------------------------------------------------------------------------------------------- */

static void work_begin(const struct exchange *e)
{
    struct extent_work *x = &e->v->extent;

    if (x->of.d == e->d && x->of.command == XENMEM_exchange && x->of.order == e->out_order &&
        x->of.argument == e->argument && x->of.index == e->chunk && x->of.end == e->end)
        return;
    vcpu_extent_drop(e->v);
    x->of.d = e->d;
    x->of.command = XENMEM_exchange;
    x->of.order = e->out_order;
    x->of.argument = e->argument;
    x->of.index = e->chunk;
    x->of.end = e->end;
}

static void ready_push(struct extent_work *x, mfn_t first)
{
    frame_of(first)->link = x->ready;
    x->ready = (u32)first.n;
    x->ready_count++;
}

/* 0; -XEN_EAGAIN: interrupted; -XEN_ENOMEM. */
static int prepare(const struct exchange *e)
{
    struct extent_work *x = &e->v->extent;

    work_begin(e);
    while (x->ready_count < e->out_extents) {
        if (e->out_order == 0 && e->end == frame_count) {
            x->taken.next = frame_take(NULL);
            if (mfn_is_invalid(x->taken.next))
                return -XEN_ENOMEM;
            frame_of(x->taken.next)->note = FRAME_NOTE_ZEROED;
        } else {
            int rc = memory_extent_prepare(e->v, NULL, 1ull << e->out_order);
            if (rc)
                return rc;
        }
        ready_push(x, x->taken.next);
        x->taken = FRAME_EXTENT_NONE;
        if (x->ready_count < e->out_extents && preempt_pending())
            return -XEN_EAGAIN;
    }
    return 0;
}

/* 2. The old frames ------------------------------------------------------------------------------------------------- */

static int steal_one(const struct exchange *e, u64 gfn)
{
    struct extent_work *x = &e->v->extent;
    mfn_t mfn = arch_gfn_to_mfn(e->d, gfn_make(gfn));

    if (mfn_is_invalid(mfn) || !frame_steal(frame_of(mfn), e->d->id))
        return guest_refuse(e->d, XEN_EINVAL, "exchange: frame %#llx is not the domain's, or it is in use\n",
                            (unsigned long long)gfn);
    frame_of(mfn)->link = x->stolen;
    x->stolen = (u32)mfn.n;
    x->stolen_count++;
    return 0;
}

/* 0; -XEN_EAGAIN: interrupted. Numbers are read when their frames are taken, and not a second time. */
static int steal_chunk(const struct exchange *e)
{
    struct extent_work *x = &e->v->extent;
    u64 numbers[LIST_PART], end = e->in_extents << e->in_order;
    u64 first = x->stolen_count; /* page of the chunk; numbers[] begins with its extent */
    int rc = 0;

    for (u64 page = first; page < end && rc == 0; page = x->stolen_count) {
        u64 i = page >> e->in_order, part = (i - (first >> e->in_order)) % LIST_PART, within = page - (i << e->in_order);
        if (page == first || (part == 0 && within == 0))
            rc = list_copy(e->in, e->chunk * e->in_extents + i, numbers, min_u64(e->in_extents - i, LIST_PART));
        if (rc == 0)
            rc = numbers[part] + within < within ? -XEN_EINVAL : steal_one(e, numbers[part] + within);
        if (rc == 0 && page + 1 < end && preempt_pending()) {
            arch_flush_before_reuse(); /* nobody has a way to what is nobody's */
            rc = -XEN_EAGAIN;
        }
    }
    return rc;
}

static void free_stolen(const struct exchange *e)
{
    struct extent_work *x = &e->v->extent;

    frame_batch_begin();
    while (x->stolen != FRAME_LIST_END) {
        struct frame *f = frame_of(mfn_make(x->stolen));
        x->stolen = f->link;
        frame_free_stolen(f);
    }
    x->stolen_count = 0;
    frame_batch_end(FRAMES_CLEAR_LATER);
}

/* 3. The change ----------------------------------------------------------------------------------------------------- */

/* One new extent becomes the domain's, at its own number gpfn (~0: it did not say). Where it lies. */
static u64 give_extent(const struct exchange *e, u64 gpfn)
{
    struct extent_work *x = &e->v->extent;
    struct frame_extent whole = {.next = mfn_make(x->ready)};
    u64 first = x->ready;

    x->ready = frame_of(whole.next)->link;
    x->ready_count--;
    whole.left = whole.cleared = 1ull << e->out_order;
    for (u64 i = 0; whole.left; i++) {
        m2p_table[whole.next.n] = gpfn == ~0ull ? gpfn : gpfn + i;
        frame_extent_give(&whole, e->d);
    }
    return first;
}

/* The frames are the domain's whether it can be told of them or not. */
static int give_chunk(const struct exchange *e)
{
    u64 numbers[LIST_PART];
    int rc = 0;

    for (u64 i = 0; i < e->out_extents; i += LIST_PART) {
        u64 part = min_u64(e->out_extents - i, LIST_PART), index = e->chunk * e->out_extents + i;
        bool told = list_copy(e->out, index, numbers, part) == 0;
        vaddr_t at;
        for (u64 j = 0; j < part; j++)
            numbers[j] = give_extent(e, told ? numbers[j] : ~0ull);
        if (!told || !guest_element(e->out, index, sizeof(u64), &at) || copy_to_guest(at, numbers, part * sizeof(u64)))
            rc = -XEN_EFAULT;
    }
    return rc;
}

/* One chunk. *done: the frames have changed hands, whatever the answer is. */
static int exchange_chunk(const struct exchange *e, bool *done)
{
    int rc = e->d->dying ? -XEN_EINVAL : prepare(e);

    *done = false;
    if (rc == 0)
        rc = steal_chunk(e);
    if (rc) {
        if (rc != -XEN_EAGAIN)
            vcpu_extent_drop(e->v);
        return rc;
    }
    free_stolen(e);
    *done = true;
    rc = give_chunk(e);
    vcpu_extent_drop(e->v);
    return rc;
}

/* The call ---------------------------------------------------------------------------------------------------------- */

static bool list_ok(vaddr_t list, u64 done, u64 count)
{
    vaddr_t at;

    return count == 0 || done >= count || guest_element(list, count - 1, sizeof(u64), &at);
}

static long arguments_ok(const struct domain *self, const struct xen_memory_exchange *x)
{
    u32 in_order = x->in.extent_order, out_order = x->out.extent_order;

    if (in_order > ORDER_MAX || out_order > ORDER_MAX)
        return guest_refuse(self, XEN_EPERM, "exchange: orders %u and %u, expected at most %u\n", in_order, out_order,
                            ORDER_MAX);
    if (x->in.domid != x->out.domid || x->nr_exchanged > x->in.nr_extents || x->in.nr_extents > ~0ull >> in_order ||
        x->out.nr_extents > ~0ull >> out_order || x->in.nr_extents << in_order != x->out.nr_extents << out_order)
        return guest_refuse(self, XEN_EINVAL, "exchange: %llu of %llu extents of order %u for %llu of order %u: expected "
                            "one domain and the same size\n", (unsigned long long)x->nr_exchanged,
                            (unsigned long long)x->in.nr_extents, in_order, (unsigned long long)x->out.nr_extents,
                            out_order);
    if (!list_ok((vaddr_t)x->in.extent_start.p, x->nr_exchanged, x->in.nr_extents) ||
        !list_ok((vaddr_t)x->out.extent_start.p, 0, x->out.nr_extents))
        return -XEN_EFAULT;
    return 0;
}

static long exchange_domain(const struct domain *self, const struct domain *d, u16 domid)
{
    if (!d)
        return guest_refuse(self, XEN_ESRCH, "exchange: there is no domain %u\n", domid);
    if (!domain_may_act_on(self, d))
        return guest_refuse(self, XEN_EPERM, "exchange: the frames of d%u\n", d->id);
    /* As on Xen: whoever has numbers of its own gains nothing by other machine frames. */
    if (arch_domain_translated(d))
        return guest_refuse(self, XEN_EOPNOTSUPP, "exchange: frame numbers of d%u are translated\n", d->id);
    return 0;
}

/* Chunk by chunk; x->nr_exchanged says how far it came. -XEN_EAGAIN: interrupted. */
static long exchange_run(struct exchange *e, struct xen_memory_exchange *x)
{
    const u64 chunks = x->in.nr_extents / e->in_extents, first = x->nr_exchanged / e->in_extents;
    long rc = 0;

    for (e->chunk = first; e->chunk < chunks && rc == 0;) {
        bool done;
        rc = e->chunk != first && preempt_pending() ? -XEN_EAGAIN : exchange_chunk(e, &done);
        if (rc == -XEN_EAGAIN)
            break;
        e->chunk += done;
    }
    x->nr_exchanged = e->chunk * e->in_extents;
    return rc;
}

long memory_op_exchange(struct vcpu *v, vaddr_t argument)
{
    struct xen_memory_exchange x;
    struct exchange e = {.v = v, .argument = argument};
    long rc;

    if (copy_from_guest(&x, argument, sizeof(x)))
        return -XEN_EFAULT;
    rc = arguments_ok(v->domain, &x);
    if (rc == 0 && !memory_flags_ok(v->domain, x.out.mem_flags, &e.end))
        rc = -XEN_EINVAL;
    if (rc == 0) {
        e.d = domain_named(v->domain, x.in.domid);
        rc = exchange_domain(v->domain, e.d, x.in.domid);
    }
    if (rc == 0) {
        e.in = (vaddr_t)x.in.extent_start.p;
        e.out = (vaddr_t)x.out.extent_start.p;
        e.in_order = x.in.extent_order;
        e.out_order = x.out.extent_order;
        e.in_extents = e.in_order < e.out_order ? 1ull << (e.out_order - e.in_order) : 1;
        e.out_extents = e.out_order < e.in_order ? 1ull << (e.in_order - e.out_order) : 1;
        rc = exchange_run(&e, &x);
    }
    if (copy_to_guest(argument + offsetof(struct xen_memory_exchange, nr_exchanged), &x.nr_exchanged,
                      sizeof(x.nr_exchanged)))
        return -XEN_EFAULT;
    return rc == -XEN_EAGAIN ? vcpu_restart(v, __HYPERVISOR_memory_op, XENMEM_exchange, argument, 0, 0, 0) : rc;
}
