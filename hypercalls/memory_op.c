/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_memory_op(command, argument): how much memory a domain has, and which. Bits 6 and up of the command are the
 * extents that are done already, when a request goes on after a stop (as on Xen; they are the guest's word and are
 * checked like any other). Here is the door, and what only tells something; memory_op.h names the other parts.
 */
#include "hypercalls/memory_op.h"
#include "common/cpu.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/memory.h>

#define EXTENT_SHIFT 6
#define COMMAND_MASK ((1u << EXTENT_SHIFT) - 1)

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

/* Memory nodes as a guest may be shown them: no domain has any. */
static long memory_op_vnuma(struct domain *self, vaddr_t argument)
{
    struct xen_vnuma_topology_info info;
    struct domain *d;

    if (copy_from_guest(&info, argument, sizeof(info)))
        return -XEN_EFAULT;
    d = domain_named(self, info.domid);
    if (!d)
        return -XEN_ESRCH;
    if (!domain_may_act_on(self, d))
        return guest_refuse(self, XEN_EPERM, "get_vnumainfo of d%u\n", d->id);
    return -XEN_EOPNOTSUPP;
}

static long memory_op_m2p_place(vaddr_t argument)
{
    const struct xen_machphys_mapping place = {
        .v_start = MACH2PHYS_VIRT_START, .v_end = MACH2PHYS_VIRT_END, .max_mfn = MACH2PHYS_NR_ENTRIES - 1};

    return copy_to_guest(argument, &place, sizeof(place));
}

/* The machine frames behind the machine-to-physical table, the first of each 2 MiB of it. */
static long memory_op_m2p_frames(vaddr_t argument)
{
    struct xen_machphys_mfn_list list;
    u32 count = (u32)(align_up(frame_count * sizeof(u64), M2P_CHUNK) / M2P_CHUNK), i;

    if (copy_from_guest(&list, argument, sizeof(list)))
        return -XEN_EFAULT;
    for (i = 0; i < count && i < list.max_extents; i++) {
        u64 mfn = arch_m2p_mfn(i * M2P_CHUNK).n;
        vaddr_t at;
        if (!guest_element((vaddr_t)list.extent_start.p, i, sizeof(mfn), &at) || copy_to_guest(at, &mfn, sizeof(mfn)))
            return -XEN_EFAULT;
    }
    list.nr_extents = i;
    return copy_to_guest(argument, &list, sizeof(list));
}

/* Claims ---------------------------------------------------------------------------------------------------------- */

/*
 * Free frames are set aside for a domain until it has nr_extents pages in all: others cannot take them meanwhile, so
 * that its builder need not fear to run out half-way. What it takes comes out of the claim; 0 gives the rest up.
 */
static long memory_op_claim(struct domain *self, vaddr_t argument)
{
    struct xen_memory_reservation in;
    struct domain *d;
    u64 has;

    if (copy_from_guest(&in, argument, sizeof(in)))
        return -XEN_EFAULT;
    if (in.extent_start.p || in.extent_order || in.mem_flags)
        return guest_refuse(self, XEN_EINVAL, "claim_pages: a list, an order or flags, expected none of them\n");
    d = domain_find(in.domid);
    if (!d || d->dying)
        return guest_refuse(self, XEN_EINVAL, "claim_pages: there is no domain %u\n", in.domid);
    if (!self->privileged)
        return guest_refuse(self, XEN_EPERM, "claim_pages: the domain is not privileged\n");
    has = atomic_load_explicit(&d->tot_pages, memory_order_relaxed);
    if (in.nr_extents == 0)
        return frame_claim(d, 0);
    if (in.nr_extents <= has || in.nr_extents > d->max_pages)
        return guest_refuse(self, XEN_EINVAL, "claim_pages: %llu pages for d%u, expected more than its %llu, at most %llu\n",
                            (unsigned long long)in.nr_extents, d->id, (unsigned long long)has,
                            (unsigned long long)d->max_pages);
    return frame_claim(d, in.nr_extents - has);
}

/* The door -------------------------------------------------------------------------------------------------------- */

/* What Xen says to a request that claims to go on where it cannot have been stopped. */
static bool goes_on_einval(u32 op)
{
    return asks_size(op) || op == XENMEM_exchange || op == XENMEM_claim_pages || op == XENMEM_remove_from_physmap;
}

long hypercall_memory_op(u64 command, u64 argument, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    u32 op = (u32)command & COMMAND_MASK, start = (u32)command >> EXTENT_SHIFT;
    (void)a3, (void)a4, (void)a5;

    /* doc XENMEM_increase_reservation: answers the number of extents done; orders 0 to 9, privileged 18; 0 in rewrite mode */
    /* doc XENMEM_decrease_reservation: answers the number of extents done; the same orders */
    /* doc XENMEM_populate_physmap: answers the number of extents done; the same orders; 0 on demand */
    if (op == XENMEM_increase_reservation || op == XENMEM_decrease_reservation || op == XENMEM_populate_physmap)
        return memory_op_reservation(v, op, start, argument);
    /* doc XENMEM_add_to_physmap_batch: as add_to_physmap, an error for each; -EOPNOTSUPP ranges; -EILSEQ, -EDOM goes too far */
    if (op == XENMEM_add_to_physmap_batch)
        return memory_op_add_to_physmap_batch(v, start, argument);
    if (start)
        return guest_refuse(v->domain, goes_on_einval(op) ? XEN_EINVAL : XEN_ENOSYS,
                            "memory_op %u has no extents to go on with\n", op);
    switch (op) {
    case XENMEM_maximum_ram_page: /* doc: frames of the machine */
        return (long)frame_count;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: /* doc: -ESRCH no such domain, -EPERM another domain's */
        return memory_op_size(v, op, argument);
    /* doc XENMEM_exchange: -EINVAL sizes, a frame not its own or in use; -EPERM order above 9; -EOPNOTSUPP in rewrite mode */
    case XENMEM_exchange:
        return memory_op_exchange(v, argument);
    case XENMEM_memory_map: /* doc: one piece of RAM, from 0 to maxmem */
        return memory_op_map(v->domain, argument);
    case XENMEM_get_vnumainfo: /* doc: refused: -EOPNOTSUPP; -ESRCH no such domain, -EPERM another's */
        return memory_op_vnuma(v->domain, argument);
    case XENMEM_machphys_mapping: /* doc: where the machine-to-physical table stands */
        return memory_op_m2p_place(argument);
    case XENMEM_machphys_mfn_list: /* doc: the first machine frame of each 2 MiB of that table */
        return memory_op_m2p_frames(argument);
    /* doc XENMEM_claim_pages: -EPERM not privileged; -EINVAL no such domain, a size it has or may not have, a claim; -ENOMEM */
    case XENMEM_claim_pages:
        return memory_op_claim(v->domain, argument);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages: /* doc: 0, nothing is shared */
        return 0;
    case XENMEM_add_to_physmap: /* doc: rewrite mode, shared_info and the grant table: else -EACCES in direct mode, -EINVAL */
        return memory_op_add_to_physmap(v, argument);
    /* doc XENMEM_remove_from_physmap: the memory stays charged; -EACCES in direct mode, -ENOENT not the domain's */
    case XENMEM_remove_from_physmap:
        return memory_op_remove_from_physmap(v, argument);
    case XENMEM_machine_memory_map: /* doc: refused: -EPERM, to a privileged domain -ENOSYS */
        if (!v->domain->privileged)
            return guest_refuse(v->domain, XEN_EPERM, "machine_memory_map: the domain is not privileged\n");
        return -XEN_ENOSYS;
    default: /* doc: -ENOSYS */
        return guest_refuse(v->domain, XEN_ENOSYS, "memory_op %u is not one of ours\n", op);
    }
}
