/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_event_channel_op(command, argument): makes, binds, signals and closes event channels. Decode, one call, and
 * what it answers goes back into the argument.
 * Interrupts of devices (bind_pirq) are nobody's here; the FIFO form of delivery is not offered.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/event_channel.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/event_channel.h>

/* Room for any argument, and how much of it a command takes and gives back. */
union event_argument {
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
};

#define ARGUMENT(name) sizeof(struct evtchn_##name)
static const struct {
    u8 size;       /* bytes of the argument; 0: no such command */
    bool answered; /* written back when the answer is 0 */
} commands[] = {
    [EVTCHNOP_bind_interdomain] = {ARGUMENT(bind_interdomain), true},
    [EVTCHNOP_bind_virq] = {ARGUMENT(bind_virq), true},
    [EVTCHNOP_bind_pirq] = {ARGUMENT(bind_pirq), true},
    [EVTCHNOP_close] = {ARGUMENT(close), false},
    [EVTCHNOP_send] = {ARGUMENT(send), false},
    [EVTCHNOP_status] = {ARGUMENT(status), true},
    [EVTCHNOP_alloc_unbound] = {ARGUMENT(alloc_unbound), true},
    [EVTCHNOP_bind_ipi] = {ARGUMENT(bind_ipi), true},
    [EVTCHNOP_bind_vcpu] = {ARGUMENT(bind_vcpu), false},
    [EVTCHNOP_unmask] = {ARGUMENT(unmask), false},
    [EVTCHNOP_reset] = {ARGUMENT(reset), false},
};

static long event_op_reset(struct vcpu *v, const struct evtchn_reset *op, u64 command, u64 argument)
{
    struct domain *d = domain_named(v->domain, op->dom);
    long rc;

    if (!d)
        return -XEN_ESRCH;
    if (!domain_may_act_on(v->domain, d))
        return guest_refuse(v->domain, XEN_EPERM, "reset of the ports of d%u\n", d->id);
    if (d != v->domain)
        return guest_refuse(v->domain, XEN_EINVAL, "reset of the ports of d%u, which is not paused\n", d->id);
    rc = event_reset(d);
    return rc == -XEN_ERESTART ? vcpu_restart(v, __HYPERVISOR_event_channel_op, command, argument, 0, 0, 0) : rc;
}

#define PIRQS 256 /* numbers that could be interrupts of devices */

static long event_op_bind_pirq(const struct domain *d, const struct evtchn_bind_pirq *op)
{
    if (op->pirq >= PIRQS)
        return guest_refuse(d, XEN_EINVAL, "bind_pirq: interrupt %u, expected less than %d\n", op->pirq, PIRQS);
    return guest_refuse(d, XEN_EPERM, "bind_pirq: interrupt %u is not the domain's\n", op->pirq);
}

static long event_op(struct vcpu *v, u32 command, union event_argument *op, u64 argument)
{
    struct domain *d = v->domain;

    switch (command) {
    case EVTCHNOP_bind_interdomain: /* doc: -ESRCH no such domain, -EINVAL the remote port is not kept for the caller */
        return event_bind_interdomain(d, &op->bind_interdomain);
    case EVTCHNOP_bind_virq: /* doc: -EINVAL no such virq; -ENOENT no such vcpu; -EEXIST bound; only VIRQ_TIMER comes */
        return event_bind_virq(d, &op->bind_virq);
    case EVTCHNOP_bind_pirq: /* doc: refused, -EPERM, and -EINVAL from number 256 on: no domain has interrupts */
        return event_op_bind_pirq(d, &op->bind_pirq);
    case EVTCHNOP_close: /* doc: -EINVAL the port is not in use */
        return event_close(d, op->close.port);
    case EVTCHNOP_send: /* doc: -EINVAL neither interdomain nor IPI; to an unbound port: 0, without effect */
        return event_send(d, op->send.port);
    case EVTCHNOP_status: /* doc: another domain's ports: privileged callers, else -EPERM */
        return event_status(d, &op->status);
    case EVTCHNOP_alloc_unbound: /* doc: for itself; for another domain: privileged callers, else -EPERM; -ENOSPC none left */
        return event_alloc_unbound(d, &op->alloc_unbound);
    case EVTCHNOP_bind_ipi: /* doc: -ENOENT no such vcpu */
        return event_bind_ipi(d, &op->bind_ipi);
    case EVTCHNOP_bind_vcpu: /* doc: -EINVAL the port belongs to its vcpu (IPI, per-vcpu virq) or is not in use */
        return event_bind_vcpu(d, &op->bind_vcpu);
    case EVTCHNOP_unmask: /* doc: -EINVAL no such port */
        return event_unmask(d, op->unmask.port);
    /* doc EVTCHNOP_reset: of the caller's own ports; another domain's: -EPERM, or -EINVAL for a privileged caller */
    default: /* EVTCHNOP_reset, the last that the table above has */
        return event_op_reset(v, &op->reset, command, argument);
    }
}

long hypercall_event_channel_op(u64 command, u64 argument, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    u32 cmd = (u32)command;
    union event_argument op;
    long rc;
    (void)a3, (void)a4, (void)a5;

    /* doc default: -ENOSYS */
    if (cmd >= ARRAY_SIZE(commands) || commands[cmd].size == 0)
        return guest_refuse(v->domain, XEN_ENOSYS, "event_channel_op %u is not one of ours\n", cmd);
    if (copy_from_guest(&op, argument, commands[cmd].size))
        return -XEN_EFAULT;
    rc = event_op(v, cmd, &op, argument);
    if (rc == 0 && commands[cmd].answered && copy_to_guest(argument, &op, commands[cmd].size))
        return -XEN_EFAULT;
    return rc;
}
