/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_set_trap_table(list): the guest kernel's handlers of vectors 0 to 255 (struct trap_info of
 * xen/arch-x86/xen.h). The list ends with an entry whose address is 0; no list at all clears the whole table.
 */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/pv.h>
#include <xen/errno.h>
#include <xen/xen.h>

/* doc errors: -EINVAL an address is not canonical; -EFAULT the list is not readable */
/* Entries before a wrong one stay set, as on Xen. A list without end is given up at each preemption and carried on. */
long hypercall_set_trap_table(u64 list, u64 a2, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    (void)a2, (void)a3, (void)a4, (void)a5;

    if (!list) {
        arch_clear_traps(v);
        return 0;
    }
    for (;;) {
        struct trap_info entry;
        if (copy_from_guest(&entry, list, sizeof(entry)))
            return -XEN_EFAULT;
        if (!entry.address)
            return 0;
        long rc = arch_set_trap(v, &entry);
        if (rc)
            return rc;
        list += sizeof(entry);
        if (preempt_pending())
            return vcpu_restart(v, __HYPERVISOR_set_trap_table, list, 0, 0, 0, 0);
    }
}
