/* SPDX-License-Identifier: MIT */
/*
 * Event channels. What a port is stands in our own memory and is checked there; shared_info and vcpu_info belong to the
 * guest, so only single bits are set in them, by atomic operations, and nothing read from them is relied on.
 * One lock for the ports of all domains: a pair in two domains needs no order between locks, and nothing is done under
 * it that takes long. Results are those of Xen 4.17.
 */
#include "common/event_channel.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/spinlock.h"
#include "common/vcpu.h"
#include "lib/bug.h"
#include <xen/errno.h>

/* Ports become nameable in steps of this many, as on Xen: one beyond the last step is "no such port". */
#define PORTS_STEP 64

static struct spinlock event_lock = SPINLOCK(LOCK_EVENT);

int event_init(struct domain *d)
{
    d->ports = heap_alloc(EVENT_PORTS * sizeof(*d->ports));
    if (!d->ports)
        return -XEN_ENOMEM;
    d->ports[0].state = PORT_RESERVED;
    d->valid_ports = PORTS_STEP;
    return 0;
}

/* The record of a port that the domain may name; NULL: no such port. */
static struct event_port *port_of(const struct domain *d, evtchn_port_t port)
{
    if (!d->ports || port >= d->valid_ports)
        return NULL;
    return &d->ports[port % EVENT_PORTS]; /* the bound holds under speculation too */
}

static struct vcpu *vcpu_of(const struct domain *d, u32 id)
{
    return id < d->vcpu_count ? d->vcpu[id % DOMAIN_VCPUS_MAX] : NULL;
}

/* The lowest free port, or -XEN_ENOSPC. The caller gives it a state. */
static long port_find_free(struct domain *d)
{
    BUG_ON(!spinlock_is_held(&event_lock));
    if (!d->ports || d->dying)
        return -XEN_EINVAL;
    for (u32 port = 1; port < EVENT_PORTS; port++) {
        if (d->ports[port].state != PORT_FREE)
            continue;
        while (port >= d->valid_ports)
            d->valid_ports += PORTS_STEP;
        return port;
    }
    return guest_refuse(d, XEN_ENOSPC, "no event channel left: all %d are in use\n", EVENT_PORTS);
}

/* Bits that the guest shares --------------------------------------------------------------------------------------*/

static bool bit_test_and_set(xen_ulong_t *words, u32 bit)
{
    xen_ulong_t mask = 1ul << (bit % 64);

    return __atomic_fetch_or(&words[bit / 64], mask, __ATOMIC_SEQ_CST) & mask;
}
static bool bit_test_and_clear(xen_ulong_t *words, u32 bit)
{
    xen_ulong_t mask = 1ul << (bit % 64);

    return __atomic_fetch_and(&words[bit / 64], ~mask, __ATOMIC_SEQ_CST) & mask;
}
static bool bit_test(const xen_ulong_t *words, u32 bit)
{
    return __atomic_load_n(&words[bit / 64], __ATOMIC_SEQ_CST) >> (bit % 64) & 1;
}

/* The port is pending and not masked: marks its word for the vcpu, and calls it if it was not called already. */
static void event_select(struct vcpu *v, evtchn_port_t port)
{
    if (bit_test_and_set(&v->info->evtchn_pending_sel, port / 64))
        return;
    if (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST) == 0)
        sched_unblock(v);
}

/* Who waits for this port in SCHEDOP_poll is woken, whatever is masked. */
static void event_wake_pollers(struct domain *d, evtchn_port_t port)
{
    for (u32 i = 0; i < d->vcpu_count; i++) {
        struct vcpu *v = d->vcpu[i];
        if (v && v->polling && (v->poll_port == 0 || v->poll_port == port))
            sched_unblock(v);
    }
}

static void port_set_pending(struct domain *d, const struct event_port *p, evtchn_port_t port)
{
    struct vcpu *v = vcpu_of(d, p->vcpu);

    if (!v || bit_test_and_set(d->shared_info->evtchn_pending, port))
        return;
    if (!bit_test(d->shared_info->evtchn_mask, port))
        event_select(v, port);
    event_wake_pollers(d, port);
}

void event_set_pending(struct domain *d, evtchn_port_t port)
{
    spinlock_lock(&event_lock);
    const struct event_port *p = port_of(d, port);
    if (p && p->state > PORT_RESERVED)
        port_set_pending(d, p, port);
    spinlock_unlock(&event_lock);
}

void event_virq(struct vcpu *v, u32 virq)
{
    struct domain *d = v->domain;

    BUG_ON(virq >= NR_VIRQS);
    spinlock_lock(&event_lock);
    if (v->virq_port[virq])
        port_set_pending(d, &d->ports[v->virq_port[virq]], v->virq_port[virq]);
    spinlock_unlock(&event_lock);
}

bool event_pending_port(const struct domain *d, evtchn_port_t port)
{
    return port < EVENT_PORTS && bit_test(d->shared_info->evtchn_pending, port);
}

bool event_port_in_use(const struct domain *d, evtchn_port_t port)
{
    const struct event_port *p = port_of(d, port);

    return p && p->state > PORT_RESERVED;
}

bool event_upcall_due(const struct vcpu *v)
{
    return __atomic_load_n(&v->info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&v->info->evtchn_upcall_mask, __ATOMIC_SEQ_CST);
}

/* Operations: the part under the lock, then the door ---------------------------------------------------------------*/

static long alloc_unbound(struct domain *d, u16 remote, evtchn_port_t *out)
{
    long port = port_find_free(d);

    if (port < 0)
        return port;
    d->ports[port] = (struct event_port){.state = PORT_UNBOUND, .remote_domain = remote};
    *out = (evtchn_port_t)port;
    return 0;
}

long event_alloc_unbound(struct domain *caller, struct evtchn_alloc_unbound *op)
{
    struct domain *d = domain_named(caller, op->dom);
    u16 remote = op->remote_dom == DOMID_SELF ? caller->id : op->remote_dom;
    long rc;

    if (!d)
        return -XEN_ESRCH;
    if (!domain_may_act_on(caller, d))
        return guest_refuse(caller, XEN_EPERM, "alloc_unbound in d%u: only a privileged domain may\n", d->id);
    spinlock_lock(&event_lock);
    rc = alloc_unbound(d, remote, &op->port);
    spinlock_unlock(&event_lock);
    return rc;
}

/* Something may have been sent to the remote port while nobody was there: the guest looks at its new port at once. */
static long bind_interdomain(struct domain *d, struct domain *rd, evtchn_port_t remote_port, evtchn_port_t *out)
{
    long port = port_find_free(d);
    struct event_port *rp = port_of(rd, remote_port);

    if (port < 0)
        return port;
    if (!rp || rp->state != PORT_UNBOUND || rp->remote_domain != d->id)
        return guest_refuse(d, XEN_EINVAL, "bind_interdomain: port %u of d%u is %s\n", remote_port, rd->id,
                            !rp                             ? "not there"
                            : rp->state != PORT_UNBOUND     ? "not unbound"
                                                            : "kept for another domain");
    d->ports[port] = (struct event_port){
        .state = PORT_INTERDOMAIN, .remote_domain = rd->id, .remote_port = remote_port};
    rp->remote_domain = d->id;
    rp->remote_port = (u32)port;
    rp->state = PORT_INTERDOMAIN;
    port_set_pending(d, &d->ports[port], (evtchn_port_t)port);
    *out = (evtchn_port_t)port;
    return 0;
}

long event_bind_interdomain(struct domain *caller, struct evtchn_bind_interdomain *op)
{
    struct domain *rd = domain_named(caller, op->remote_dom);
    long rc;

    if (!rd)
        return -XEN_ESRCH;
    spinlock_lock(&event_lock);
    rc = bind_interdomain(caller, rd, op->remote_port, &op->local_port);
    spinlock_unlock(&event_lock);
    return rc;
}

/* Does it exist once, and not once per vcpu? */
static bool virq_is_global(u32 virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

static long bind_virq(struct domain *d, struct vcpu *v, u32 virq, evtchn_port_t *out)
{
    long port;

    if (v->virq_port[virq])
        return guest_refuse(d, XEN_EEXIST, "virq %u of vcpu %u is bound to port %u already\n", virq, v->id,
                            v->virq_port[virq]);
    port = port_find_free(d);
    if (port < 0)
        return port;
    d->ports[port] = (struct event_port){.state = PORT_VIRQ, .virq = (u8)virq, .vcpu = v->id};
    v->virq_port[virq] = (u32)port;
    *out = (evtchn_port_t)port;
    return 0;
}

long event_bind_virq(struct domain *d, struct evtchn_bind_virq *op)
{
    struct vcpu *v;
    long rc;

    if (op->virq >= NR_VIRQS)
        return guest_refuse(d, XEN_EINVAL, "bind_virq: virq %u, expected less than %d\n", op->virq, NR_VIRQS);
    if (virq_is_global(op->virq) && op->vcpu != 0)
        return guest_refuse(d, XEN_EINVAL, "bind_virq: virq %u exists once, vcpu %u given\n", op->virq, op->vcpu);
    v = vcpu_of(d, op->vcpu);
    if (!v)
        return guest_refuse(d, XEN_ENOENT, "bind_virq: there is no vcpu %u\n", op->vcpu);
    spinlock_lock(&event_lock);
    rc = bind_virq(d, v, op->virq % NR_VIRQS, &op->port);
    spinlock_unlock(&event_lock);
    return rc;
}

long event_bind_ipi(struct domain *d, struct evtchn_bind_ipi *op)
{
    long port;

    if (!vcpu_of(d, op->vcpu))
        return guest_refuse(d, XEN_ENOENT, "bind_ipi: there is no vcpu %u\n", op->vcpu);
    spinlock_lock(&event_lock);
    port = port_find_free(d);
    if (port >= 0) {
        d->ports[port] = (struct event_port){.state = PORT_IPI, .vcpu = op->vcpu};
        op->port = (evtchn_port_t)port;
    }
    spinlock_unlock(&event_lock);
    return port < 0 ? port : 0;
}

static long bind_vcpu(struct domain *d, evtchn_port_t port, u32 vcpu)
{
    struct event_port *p = port_of(d, port);

    if (!p)
        return guest_refuse(d, XEN_EINVAL, "bind_vcpu: there is no port %u\n", port);
    if (p->state != PORT_UNBOUND && p->state != PORT_INTERDOMAIN &&
        !(p->state == PORT_VIRQ && virq_is_global(p->virq)))
        return guest_refuse(d, XEN_EINVAL, "bind_vcpu: port %u belongs to its vcpu or is not in use\n", port);
    p->vcpu = vcpu;
    return 0;
}

long event_bind_vcpu(struct domain *d, const struct evtchn_bind_vcpu *op)
{
    long rc;

    if (!vcpu_of(d, op->vcpu))
        return guest_refuse(d, XEN_ENOENT, "bind_vcpu: there is no vcpu %u\n", op->vcpu);
    spinlock_lock(&event_lock);
    rc = bind_vcpu(d, op->port, op->vcpu);
    spinlock_unlock(&event_lock);
    return rc;
}

/* Both ends: what the other side had becomes a port that waits for this domain again. */
static void port_close(struct domain *d, struct event_port *p, evtchn_port_t port)
{
    BUG_ON(!spinlock_is_held(&event_lock));
    if (p->state == PORT_VIRQ) {
        for (u32 i = 0; i < d->vcpu_count; i++)
            if (d->vcpu[i] && d->vcpu[i]->virq_port[p->virq] == port)
                d->vcpu[i]->virq_port[p->virq] = 0;
    } else if (p->state == PORT_INTERDOMAIN) {
        struct domain *rd = domain_find(p->remote_domain);
        struct event_port *rp = rd ? port_of(rd, p->remote_port) : NULL;
        BUG_ON(!rp || rp->state != PORT_INTERDOMAIN || rp->remote_domain != d->id || rp->remote_port != port);
        rp->state = PORT_UNBOUND;
        rp->remote_port = 0;
    }
    *p = (struct event_port){.state = PORT_FREE};
    bit_test_and_clear(d->shared_info->evtchn_pending, port); /* the next owner of the port must not see it */
}

long event_close(struct domain *d, evtchn_port_t port)
{
    long rc = 0;

    spinlock_lock(&event_lock);
    struct event_port *p = port_of(d, port);
    if (p && p->state > PORT_RESERVED)
        port_close(d, p, port);
    else
        rc = guest_refuse(d, XEN_EINVAL, "close: port %u is not in use\n", port);
    spinlock_unlock(&event_lock);
    return rc;
}

static long send(struct domain *d, evtchn_port_t port)
{
    struct event_port *p = port_of(d, port);
    struct domain *rd;

    switch (p ? p->state : PORT_FREE) {
    case PORT_INTERDOMAIN:
        rd = domain_find(p->remote_domain);
        BUG_ON(!rd);
        port_set_pending(rd, &rd->ports[p->remote_port], p->remote_port);
        return 0;
    case PORT_IPI:
        port_set_pending(d, p, port);
        return 0;
    case PORT_UNBOUND: /* nobody there yet */
        return 0;
    default:
        return guest_refuse(d, XEN_EINVAL, "send: port %u is neither interdomain nor an IPI\n", port);
    }
}

long event_send(struct domain *d, evtchn_port_t port)
{
    long rc;

    spinlock_lock(&event_lock);
    rc = send(d, port);
    spinlock_unlock(&event_lock);
    return rc;
}

/* What a status does not speak of stays as the caller gave it. */
static void status(const struct event_port *p, struct evtchn_status *op)
{
    op->status = EVTCHNSTAT_closed;
    switch ((enum port_state)p->state) {
    case PORT_FREE:
    case PORT_RESERVED:
        break;
    case PORT_UNBOUND:
        op->status = EVTCHNSTAT_unbound;
        op->u.unbound.dom = p->remote_domain;
        break;
    case PORT_INTERDOMAIN:
        op->status = EVTCHNSTAT_interdomain;
        op->u.interdomain.dom = p->remote_domain;
        op->u.interdomain.port = p->remote_port;
        break;
    case PORT_VIRQ:
        op->status = EVTCHNSTAT_virq;
        op->u.virq = p->virq;
        break;
    case PORT_IPI:
        op->status = EVTCHNSTAT_ipi;
        break;
    }
    op->vcpu = p->vcpu;
}

long event_status(struct domain *caller, struct evtchn_status *op)
{
    struct domain *d = domain_named(caller, op->dom);
    long rc = 0;

    if (!d)
        return -XEN_ESRCH;
    spinlock_lock(&event_lock);
    const struct event_port *p = port_of(d, op->port);
    if (!p)
        rc = -XEN_EINVAL;
    else if (!domain_may_act_on(caller, d))
        rc = guest_refuse(caller, XEN_EPERM, "status of a port of d%u: only a privileged domain may\n", d->id);
    else
        status(p, op);
    spinlock_unlock(&event_lock);
    return rc;
}

long event_unmask(struct domain *d, evtchn_port_t port)
{
    long rc = 0;

    spinlock_lock(&event_lock);
    const struct event_port *p = port_of(d, port);
    struct vcpu *v = p ? vcpu_of(d, p->vcpu) : NULL;
    if (!v)
        rc = guest_refuse(d, XEN_EINVAL, "unmask: there is no port %u\n", port);
    else if (bit_test_and_clear(d->shared_info->evtchn_mask, port) &&
             bit_test(d->shared_info->evtchn_pending, port))
        event_select(v, port);
    spinlock_unlock(&event_lock);
    return rc;
}

/* Closed ports are passed over quickly, so the same request given again goes on where this one stopped. */
long event_reset(struct domain *d)
{
    for (u32 port = 1; port < d->valid_ports; port++) {
        if (read_once(d->ports[port].state) <= PORT_RESERVED)
            continue;
        spinlock_lock(&event_lock);
        bool in_use = d->ports[port].state > PORT_RESERVED;
        if (in_use)
            port_close(d, &d->ports[port], port);
        spinlock_unlock(&event_lock);
        if (in_use && preempt_pending() && port + 1 < d->valid_ports)
            return -XEN_ERESTART;
    }
    return 0;
}

void event_destroy(struct domain *d)
{
    if (!d->ports)
        return;
    while (event_reset(d) == -XEN_ERESTART)
        ;
    spinlock_lock(&event_lock);
    heap_free(d->ports);
    d->ports = NULL;
    spinlock_unlock(&event_lock);
}
