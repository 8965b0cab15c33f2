/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_sched_op(command, argument): giving up the processor, and ending (xen/sched.h). */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/event_channel.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/sched.h>

#define POLL_PORTS_MAX 128

/* Blocks first and looks then: an event that comes in between is seen by one of the two. */
static long sched_op_block(struct vcpu *v)
{
    __atomic_store_n(&v->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (event_upcall_due(v))
        return 0; /* nothing to wait for: the way out delivers it */
    sched_block(v, false, 0);
    if (event_upcall_due(v)) /* one that came before it was noted as waiting */
        sched_unblock(v);
    return 0;
}

/* 1: one of the ports is pending; 0: none; or -XEN_Exxx. *port: the last one looked at. */
static long poll_look(const struct vcpu *v, const struct sched_poll *poll, evtchn_port_t *port)
{
    for (u32 i = 0; i < poll->nr_ports; i++) {
        vaddr_t at;
        if (!guest_element((vaddr_t)poll->ports.p, i, sizeof(*port), &at) || copy_from_guest(port, at, sizeof(*port)))
            return -XEN_EFAULT;
        if (!event_port_in_use(v->domain, *port))
            return guest_refuse(v->domain, XEN_EINVAL, "poll: port %u is not in use\n", *port);
        if (event_pending_port(v->domain, *port))
            return 1;
    }
    return 0;
}

static long sched_op_poll(struct vcpu *v, vaddr_t argument)
{
    struct sched_poll poll;
    evtchn_port_t port = 0;
    long rc;

    if (copy_from_guest(&poll, argument, sizeof(poll)))
        return -XEN_EFAULT;
    if (poll.nr_ports > POLL_PORTS_MAX)
        return guest_refuse(v->domain, XEN_EINVAL, "poll: %u ports, expected at most %d\n", poll.nr_ports,
                            POLL_PORTS_MAX);
    sched_block(v, true, 0);
    rc = event_upcall_due(v) ? 1 : poll_look(v, &poll, &port);
    if (rc == 0) {
        v->poll_port = poll.nr_ports == 1 ? port : 0;
        rc = poll.timeout ? timer_set(&v->poll_timer, poll.timeout) : 0;
    }
    if (rc)
        sched_unblock(v);
    return rc < 0 ? rc : 0;
}

/* SCHEDOP_shutdown and SCHEDOP_shutdown_code, which only fixes the reason of a shutdown to come. */
static long sched_op_shutdown(u32 command, struct domain *d, vaddr_t argument)
{
    struct sched_shutdown shutdown;

    if (copy_from_guest(&shutdown, argument, sizeof(shutdown)))
        return -XEN_EFAULT;
    if (command == SCHEDOP_shutdown)
        domain_shutdown(d, (u8)shutdown.reason);
    else
        domain_set_reason(d, (u8)shutdown.reason);
    return 0;
}

static long sched_op_remote_shutdown(struct domain *caller, vaddr_t argument)
{
    struct sched_remote_shutdown shutdown;
    struct domain *d;

    if (copy_from_guest(&shutdown, argument, sizeof(shutdown)))
        return -XEN_EFAULT;
    d = domain_named(caller, shutdown.domain_id);
    if (!d)
        return -XEN_ESRCH;
    if (!caller->privileged)
        return guest_refuse(caller, XEN_EPERM, "remote_shutdown of d%u: only a privileged domain may\n", d->id);
    domain_shutdown(d, (u8)shutdown.reason);
    return 0;
}

long hypercall_sched_op(u64 command, u64 argument, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    (void)a3, (void)a4, (void)a5;

    switch ((u32)command) {
    case SCHEDOP_yield: /* doc: the other vcpus that can run come first */
        sched_yield();
        return 0;
    case SCHEDOP_block: /* doc: unmasks upcalls and waits for an event */
        return sched_op_block(v);
    case SCHEDOP_shutdown:
    case SCHEDOP_shutdown_code: /* doc: any reason is taken; for one that is none on_crash= decides */
        return sched_op_shutdown((u32)command, v->domain, argument);
    case SCHEDOP_poll: /* doc: -EINVAL more than 128 ports, or a port that is not in use */
        return sched_op_poll(v, argument);
    case SCHEDOP_remote_shutdown: /* doc: by a privileged domain, else -EPERM; -ESRCH no such domain */
        return sched_op_remote_shutdown(v->domain, argument);
    case SCHEDOP_pin_override: /* doc: refused, -EPERM: no vcpu is pinned here */
        return guest_refuse(v->domain, XEN_EPERM, "pin_override: no domain may\n");
    default: /* doc: -ENOSYS */
        return guest_refuse(v->domain, XEN_ENOSYS, "sched_op %u is not one of ours\n", (u32)command);
    }
}
