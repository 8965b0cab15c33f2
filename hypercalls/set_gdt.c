/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_set_gdt(frames, entries): pages 0 to 13 of the descriptor table. The frames must not be mapped writable
 * and all 512 descriptors of each are checked; the table of before is given back.
 */
#include "common/cpu.h"
#include "common/geometry.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/pv.h>
#include <xen/errno.h>
#include <xen/xen.h>

/* doc errors: -EINVAL over 7168 entries, or a frame that cannot be a page of the table; -EFAULT the list is not readable */
long hypercall_set_gdt(u64 frames, u64 entries, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    u64 gfns[FIRST_RESERVED_GDT_PAGE];
    u32 count = (u32)entries;
    (void)a3, (void)a4, (void)a5;

    if (count > FIRST_RESERVED_GDT_ENTRY)
        return -XEN_EINVAL;
    u32 pages = (count + DESCRIPTORS_PER_PAGE - 1) / DESCRIPTORS_PER_PAGE;
    if (copy_from_guest(gfns, frames, pages * sizeof(gfns[0])))
        return -XEN_EFAULT;
    long rc = arch_set_gdt(v, gfns, count);
    return rc == -XEN_ERESTART ? vcpu_restart(v, __HYPERVISOR_set_gdt, frames, entries, 0, 0, 0) : rc;
}
