/* SPDX-License-Identifier: MIT
 * Event channels of vcpu 0: bind a port to a handler, mask and unmask it, mask all upcalls. */
#ifndef GUEST_EVENT_H
#define GUEST_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>

struct trap_regs;
typedef void (*event_handler)(evtchn_port_t port);

/* Ports bound to a virtual interrupt (VIRQ_..., <xen/xen.h>) or to itself; the port is unmasked. Returns the
 * port or a negated error. */
long event_bind_virq(unsigned int virq, event_handler handler);
long event_bind_ipi(event_handler handler);

/* A port of this domain that `remote` may bind to; the port or a negated error. No handler. */
long event_alloc_unbound(domid_t remote);

/* The two ends of a channel, the port or a negated error: kept for that domain; bound to a port that it keeps for us. */
long event_keep_for(domid_t remote, event_handler handler);
long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port, event_handler handler);

/* EVTCHNSTAT_... of a port of this domain, or a negated error. */
long event_status(evtchn_port_t port);

/* Closes all ports of this domain (EVTCHNOP_reset). */
long event_reset(void);

long event_send(evtchn_port_t port);
long event_close(evtchn_port_t port);
void event_mask(evtchn_port_t port);
long event_unmask(evtchn_port_t port); /* by hypercall, so that a pending event comes at once */
bool event_pending(evtchn_port_t port);
void event_clear(evtchn_port_t port);

/* The vcpu's own upcall mask, the virtual interrupt flag. Enabling delivers what is pending. */
void events_enable(void);
void events_disable(void);

/* In an event's handler: what the upcall interrupted. */
const struct trap_regs *events_interrupted(void);

/* Waits until an event is pending (SCHEDOP_block, which also enables upcalls). */
void events_block(void);

/*
 * Waits until the condition holds, which an event's handler brings about. Upcalls stay masked between the look at the
 * condition and the block: what comes there ends the block at once, where a plain `while (!condition) events_block();`
 * would take it before the block and sleep on for ever. Upcalls are enabled afterwards.
 */
#define events_wait_until(condition)                                                                         \
    do {                                                                                                     \
        events_disable();                                                                                    \
        while (!(condition)) {                                                                               \
            events_block();                                                                                  \
            events_disable();                                                                                \
        }                                                                                                    \
        events_enable();                                                                                     \
    } while (0)

/* Sleeps until that system time, by set_timer_op. VIRQ_TIMER must be bound; its handler may do nothing. */
void event_sleep_until(uint64_t deadline);

/* The domain's own number, which others name it by; it is told nowhere, but a port kept for oneself shows it. */
domid_t event_own_domain(void);

/* Nanoseconds of system time, from the vcpu's time record. */
uint64_t event_system_time(void);

#endif
