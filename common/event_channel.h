/* SPDX-License-Identifier: MIT */
/* Event channels, two-level ABI: 4096 ports a domain, pending and mask bits in shared_info (xen/event_channel.h). */
#ifndef XL_COMMON_EVENT_CHANNEL_H
#define XL_COMMON_EVENT_CHANNEL_H

#include "lib/types.h"
#include <xen/event_channel.h>
#include <xen/xen.h>

struct domain;
struct vcpu;

#define EVENT_PORTS 4096

enum port_state { PORT_FREE, PORT_RESERVED, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_VIRQ, PORT_IPI };

struct event_port {
    u8 state;          /* enum port_state */
    u8 virq;           /* PORT_VIRQ */
    u16 remote_domain; /* PORT_UNBOUND, PORT_INTERDOMAIN: domain number */
    u32 remote_port;   /* PORT_INTERDOMAIN */
    u32 vcpu;          /* the vcpu that is told */
};

int event_init(struct domain *d); /* allocates the ports; -XEN_ENOMEM */
void event_destroy(struct domain *d);

/* The operations of EVTCHNOP_*, arguments checked here; 0 or -XEN_Exxx as Xen answers. */
long event_alloc_unbound(struct domain *caller, struct evtchn_alloc_unbound *op);
long event_bind_interdomain(struct domain *caller, struct evtchn_bind_interdomain *op);
long event_bind_virq(struct domain *d, struct evtchn_bind_virq *op);
long event_bind_ipi(struct domain *d, struct evtchn_bind_ipi *op);
long event_bind_vcpu(struct domain *d, const struct evtchn_bind_vcpu *op);
long event_close(struct domain *d, evtchn_port_t port);
long event_send(struct domain *d, evtchn_port_t port);
long event_status(struct domain *caller, struct evtchn_status *op);
long event_unmask(struct domain *d, evtchn_port_t port);
long event_reset(struct domain *d); /* closes all; -XEN_ERESTART: some are closed, to be given again */

/* Raises a virtual interrupt to a vcpu; nothing where the guest has not bound it. */
void event_virq(struct vcpu *v, u32 virq);
/* Sets a port pending: the bits in shared_info, the upcall flag of its vcpu, and wakes the vcpu. */
void event_set_pending(struct domain *d, evtchn_port_t port);
bool event_pending_port(const struct domain *d, evtchn_port_t port);
bool event_port_in_use(const struct domain *d, evtchn_port_t port);

/* Is an upcall due? (pending and not masked) */
bool event_upcall_due(const struct vcpu *v);

#endif
