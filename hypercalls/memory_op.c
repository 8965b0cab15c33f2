/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_memory_op(command, argument): how much memory a domain has, and which. Bits 6 and up of the command are the
 * extents that are done already, when a request goes on after a stop (as on Xen; they are the guest's word and are
 * checked like any other). The reservation calls answer with the number of extents done, never with an error.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>
#include <xen/memory.h>

#define EXTENT_SHIFT 6
#define COMMAND_MASK ((1u << EXTENT_SHIFT) - 1)
#define ORDER_MAX    9                            /* larger extents are for privileged domains on Xen */
#define EXTENTS_MAX  (0xffffffffu >> EXTENT_SHIFT) /* what the command can say was done */

/* One reservation call: what the guest asked for, and how far it came. */
struct reservation {
    struct domain *d; /* whose memory */
    vaddr_t list;     /* frames, one for each extent; 0: none given (increase) */
    u64 count;        /* extents */
    u32 order;
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

/* Takes a frame from the domain: its number means nothing from now on; the memory goes with the last who uses it. */
static bool frame_release(struct domain *d, u64 gfn)
{
    struct frame *f = arch_get_gfn(d, gfn_make(gfn));
    bool done = false;

    if (!f) {
        guest_log(d, LOG_DEBUG, "decrease_reservation: frame %#llx is not the domain's\n", (unsigned long long)gfn);
        return false;
    }
    if (frame_word(f) & FRAME_SPECIAL)
        guest_log(d, LOG_DEBUG, "decrease_reservation: frame %#llx is shared with the hypervisor\n",
                  (unsigned long long)gfn);
    else
        done = !arch_domain_translated(d) || arch_p2m_set(d, gfn_make(gfn), MFN_INVALID) == 0;
    if (done)
        frame_drop_alloc(f);
    frame_put(f);
    return done;
}

static bool decrease_one(const struct reservation *r, u64 i)
{
    u64 gfn;

    if (!list_read(r, i, &gfn) || gfn + extent_pages(r) < gfn)
        return false;
    for (u64 page = 0; page < extent_pages(r); page++)
        if (!frame_release(r->d, gfn + page))
            return false;
    return true;
}

/* A new frame under the guest's number gfn, written back to the list in direct mode: the frame is the domain's before
 * it is told which. */
static bool populate_direct(const struct reservation *r, u64 i, u64 gfn)
{
    struct frame *f = frame_alloc_domain(r->d);

    if (!f)
        return false;
    m2p_table[frame_mfn(f).n] = gfn;
    return list_write(r, i, frame_mfn(f).n);
}

/* All pages of the extent or none. */
static bool populate_translated(const struct reservation *r, u64 gfn)
{
    for (u64 page = 0; page < extent_pages(r); page++) {
        struct frame *f = frame_alloc_domain(r->d);
        if (f && arch_p2m_set(r->d, gfn_make(gfn + page), frame_mfn(f)) == 0)
            continue;
        if (f)
            frame_drop_alloc(f);
        guest_log(r->d, LOG_DEBUG, "populate_physmap: frame %#llx is taken, out of range, or memory is used up\n",
                  (unsigned long long)(gfn + page));
        while (page-- > 0)
            frame_release(r->d, gfn + page);
        return false;
    }
    return true;
}

static bool populate_one(const struct reservation *r, u64 i)
{
    u64 gfn;

    if (!list_read(r, i, &gfn) || gfn + extent_pages(r) < gfn)
        return false;
    return arch_domain_translated(r->d) ? populate_translated(r, gfn) : populate_direct(r, i, gfn);
}

/* Direct mode only: a frame of which the guest says later by MMU_MACHPHYS_UPDATE where it stands. */
static bool increase_one(const struct reservation *r, u64 i)
{
    struct frame *f = frame_alloc_domain(r->d);

    return f && (!r->list || list_write(r, i, frame_mfn(f).n));
}

/* Can the call be begun at all? What cannot does nothing, as on Xen, and says why. */
static bool reservation_ok(u32 command, const struct reservation *r)
{
    vaddr_t last;

    if (r->list || command != XENMEM_increase_reservation)
        if (!guest_element(r->list, r->count - 1, sizeof(u64), &last)) {
            guest_log(r->d, LOG_DEBUG, "memory_op %u: its list is no guest memory\n", command);
            return false;
        }
    if (r->order > ORDER_MAX) {
        guest_log(r->d, LOG_DEBUG, "memory_op %u: order %u, expected at most %d\n", command, r->order, ORDER_MAX);
        return false;
    }
    /* Machine frames in a row are not on offer. */
    if (r->order > 0 && command != XENMEM_decrease_reservation && !arch_domain_translated(r->d)) {
        guest_log(r->d, LOG_DEBUG, "memory_op %u: order %u, expected 0\n", command, r->order);
        return false;
    }
    return command != XENMEM_increase_reservation || !arch_domain_translated(r->d);
}

static void reservation_run(u32 command, struct reservation *r)
{
    const u64 first = r->done;

    for (; r->done < r->count; r->done++) {
        bool ok;
        if (r->done != first && preempt_pending()) {
            r->preempted = true;
            return;
        }
        if (command == XENMEM_increase_reservation)
            ok = increase_one(r, r->done);
        else if (command == XENMEM_decrease_reservation)
            ok = decrease_one(r, r->done);
        else
            ok = populate_one(r, r->done);
        if (!ok)
            return;
    }
}

static long memory_op_reservation(struct vcpu *v, u64 command, vaddr_t argument)
{
    u64 start = (u32)command >> EXTENT_SHIFT;
    u32 op = (u32)command & COMMAND_MASK;
    struct xen_memory_reservation in;
    struct reservation r;

    if (copy_from_guest(&in, argument, sizeof(in)) || in.nr_extents > EXTENTS_MAX || start >= in.nr_extents)
        return (long)start;
    r = (struct reservation){.d = domain_named(v->domain, in.domid), .list = (vaddr_t)in.extent_start.p,
                             .count = in.nr_extents, .order = in.extent_order, .done = start};
    if (!r.d || !domain_may_act_on(v->domain, r.d) || (in.mem_flags & XENMEMF_populate_on_demand) ||
        !reservation_ok(op, &r))
        return (long)start;
    reservation_run(op, &r);
    if (r.preempted)
        return vcpu_restart(v, __HYPERVISOR_memory_op, op | r.done << EXTENT_SHIFT, argument, 0, 0, 0);
    return (long)r.done;
}

/* How much: of the domain that is named --------------------------------------------------------------------------- */

/* One past the highest pseudo-physical frame. In direct mode that is what the guest wrote into shared_info. */
static u64 frames_end(const struct domain *d)
{
    return arch_domain_translated(d) ? d->max_pages : read_once(d->shared_info->arch.max_pfn);
}

static bool asks_size(u32 op)
{
    return op == XENMEM_maximum_ram_page || op == XENMEM_current_reservation || op == XENMEM_maximum_reservation ||
           op == XENMEM_maximum_gpfn;
}

static long memory_op_size(struct vcpu *v, u32 op, vaddr_t argument)
{
    struct xen_memory_domain which;
    struct domain *d;

    if (copy_from_guest(&which, argument, sizeof(which)))
        return -XEN_EFAULT;
    d = domain_named(v->domain, which.domid);
    if (!d)
        return -XEN_ESRCH;
    if (!domain_may_act_on(v->domain, d))
        return guest_refuse(v->domain, XEN_EPERM, "memory_op %u about d%u\n", op, d->id);
    if (op == XENMEM_current_reservation)
        return (long)atomic_load_explicit(&d->tot_pages, memory_order_relaxed);
    if (op == XENMEM_maximum_reservation)
        return (long)d->max_pages;
    return (long)(max_u64(frames_end(d), 1) - 1);
}

/* Maps and places ------------------------------------------------------------------------------------------------- */

#define E820_RAM 1

/* The pseudo-physical memory is one piece of RAM from 0. */
static long memory_op_map(const struct domain *d, vaddr_t argument)
{
    struct __attribute__((packed)) {
        u64 start, size;
        u32 type;
    } ram = {.start = 0, .size = d->max_pages << PAGE_SHIFT, .type = E820_RAM};
    struct xen_memory_map map;

    if (copy_from_guest(&map, argument, sizeof(map)))
        return -XEN_EFAULT;
    map.nr_entries = map.nr_entries ? 1 : 0;
    if (map.nr_entries && copy_to_guest((vaddr_t)map.buffer.p, &ram, sizeof(ram)))
        return -XEN_EFAULT;
    return copy_to_guest(argument, &map, sizeof(map));
}

static long memory_op_m2p_place(vaddr_t argument)
{
    const struct xen_machphys_mapping place = {
        .v_start = MACH2PHYS_VIRT_START, .v_end = MACH2PHYS_VIRT_END, .max_mfn = MACH2PHYS_NR_ENTRIES - 1};

    return copy_to_guest(argument, &place, sizeof(place));
}

/*
 * What stands at gpfn now gives way, as on Xen; shared_info leaves the place where it was, once it has its new one.
 */
static long place_shared_info(struct domain *d, u64 gpfn)
{
    mfn_t shared = d->shared_info_mfn, there = arch_gfn_to_mfn(d, gfn_make(gpfn));
    u64 before = m2p_table[shared.n];
    long rc;

    if (there.n == shared.n)
        return 0;
    if (!mfn_is_invalid(there) && !frame_release(d, gpfn))
        return -XEN_EINVAL;
    rc = arch_p2m_set(d, gfn_make(gpfn), shared);
    if (rc)
        return guest_refuse(d, (int)-rc, "add_to_physmap: shared_info at frame %#llx: out of range\n",
                            (unsigned long long)gpfn);
    if (before != ~0ull && arch_gfn_to_mfn(d, gfn_make(before)).n == shared.n)
        arch_p2m_set(d, gfn_make(before), MFN_INVALID);
    return 0;
}

static long memory_op_add_to_physmap(struct vcpu *v, vaddr_t argument)
{
    struct xen_add_to_physmap add;
    struct domain *d;

    if (copy_from_guest(&add, argument, sizeof(add)))
        return -XEN_EFAULT;
    d = domain_named(v->domain, add.domid);
    if (!d)
        return -XEN_ESRCH;
    if (!domain_may_act_on(v->domain, d))
        return guest_refuse(v->domain, XEN_EPERM, "add_to_physmap of d%u\n", d->id);
    if (!arch_domain_translated(d))
        return guest_refuse(d, XEN_EACCES, "add_to_physmap: frame numbers of this domain are not translated\n");
    if (add.space != XENMAPSPACE_shared_info || add.idx != 0)
        return guest_refuse(d, XEN_EINVAL, "add_to_physmap: space %u index %llu, expected shared_info 0\n", add.space,
                            (unsigned long long)add.idx);
    return place_shared_info(d, add.gpfn);
}

long hypercall_memory_op(u64 command, u64 argument, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    u32 op = (u32)command & COMMAND_MASK;
    (void)a3, (void)a4, (void)a5;

    /* doc XENMEM_increase_reservation: answers the number of extents done; order 0; in rewrite mode always 0 */
    /* doc XENMEM_decrease_reservation: answers the number of extents done; orders 0 to 9 */
    /* doc XENMEM_populate_physmap: answers the number of extents done; order 0, in rewrite mode 0 to 9 */
    if (op == XENMEM_increase_reservation || op == XENMEM_decrease_reservation || op == XENMEM_populate_physmap)
        return memory_op_reservation(v, command, argument);
    if ((u32)command >> EXTENT_SHIFT)
        return guest_refuse(v->domain, asks_size(op) ? XEN_EINVAL : XEN_ENOSYS,
                            "memory_op %u has no extents to go on with\n", op);
    switch (op) {
    case XENMEM_maximum_ram_page: /* doc: frames of the machine */
        return (long)frame_count;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: /* doc: -ESRCH no such domain, -EPERM another domain's */
        return memory_op_size(v, op, argument);
    case XENMEM_memory_map: /* doc: one piece of RAM, from 0 to maxmem */
        return memory_op_map(v->domain, argument);
    case XENMEM_machphys_mapping: /* doc: where the machine-to-physical table stands */
        return memory_op_m2p_place(argument);
    case XENMEM_add_to_physmap: /* doc: rewrite mode, shared_info only: else -EACCES in direct mode, -EINVAL */
        return memory_op_add_to_physmap(v, argument);
    case XENMEM_machine_memory_map: /* doc: refused: -EPERM, to a privileged domain -ENOSYS */
        if (!v->domain->privileged)
            return guest_refuse(v->domain, XEN_EPERM, "machine_memory_map: the domain is not privileged\n");
        return -XEN_ENOSYS;
    default: /* doc: -ENOSYS */
        return guest_refuse(v->domain, XEN_ENOSYS, "memory_op %u is not one of ours\n", op);
    }
}
