/* SPDX-License-Identifier: MIT */
/* sysctl(operation): the machine as a whole, for privileged domains: its memory in figures, and the keys of the console. */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/keyhandler.h"
#include "common/printk.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/sysctl.h>

/* Each may take as long as it takes to look at all frames: a privileged domain holds up the machine with it, not for ever. */
#define DEBUG_KEYS_MAX 16

static long sysctl_debug_keys(const struct xen_sysctl_debug_keys *op)
{
    char keys[DEBUG_KEYS_MAX];
    long rc = 0;

    if (op->nr_keys > sizeof(keys))
        return -XEN_EINVAL;
    if (copy_from_guest(keys, (vaddr_t)op->keys.p, op->nr_keys))
        return -XEN_EFAULT;
    for (u32 i = 0; i < op->nr_keys; i++) {
        int pressed = keyhandler_press(keys[i]);
        rc = rc ? rc : pressed;
    }
    return rc;
}

static long sysctl_physinfo(struct xen_sysctl_physinfo *info)
{
    *info = (struct xen_sysctl_physinfo){
        .threads_per_core = 1,
        .cores_per_socket = 1,
        .nr_cpus = 1,
        .nr_nodes = 1,
        .capabilities = XEN_SYSCTL_PHYSCAP_pv,
        .total_pages = frame_ram_count(),
        .free_pages = frame_free_count(),
        .max_mfn = frame_count - 1,
    };
    return 0;
}

/* doc errors: -EFAULT the operation is not readable; -EACCES its interface version is another; -EPERM not privileged */
long hypercall_sysctl(u64 operation, u64 unused2, u64 unused3, u64 unused4, u64 unused5)
{
    struct domain *d = current_vcpu()->domain;
    struct xen_sysctl op;
    long rc;
    (void)unused2, (void)unused3, (void)unused4, (void)unused5;

    if (copy_from_guest(&op, operation, sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return guest_refuse(d, XEN_EACCES, "sysctl: interface version %#x, expected %#x\n", op.interface_version,
                            XEN_SYSCTL_INTERFACE_VERSION);
    if (!d->privileged)
        return guest_refuse(d, XEN_EPERM, "sysctl %u: the domain is not privileged\n", op.cmd);
    switch (op.cmd) {
    case XEN_SYSCTL_physinfo: /* doc: processors, pages in all and free; what is not known is 0 */
        rc = sysctl_physinfo(&op.u.physinfo);
        break;
    case XEN_SYSCTL_debug_keys: /* doc: at most 16, else -EINVAL; -EIO: 'M' (audit) found differences, the console has them */
        return sysctl_debug_keys(&op.u.debug_keys);
    default: /* doc: -ENOSYS */
        return guest_refuse(d, XEN_ENOSYS, "sysctl %u is not one of ours\n", op.cmd);
    }
    return rc ? rc : copy_to_guest(operation, &op, sizeof(op));
}
