/* SPDX-License-Identifier: MIT
 * The second vcpu of this guest: how it is described, what it is told to do, and the events of both. Vcpu 0
 * gives orders (functions) and prints; vcpu 1 carries them out and never prints, as the console is not for
 * two at once. */
#ifndef SECOND_H
#define SECOND_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>

#define MILLISECOND 1000000ull
#define PATIENCE    (5000 * MILLISECOND) /* for what must come soon: long enough for a slow host */
#define PORTS       64u                  /* all ports of this guest are in the first word */

/* Where each vcpu's vcpu_info lies now, which ports (bits) are bound to it, and how often a port's event
 * reached which vcpu. The pending bits are the domain's: a vcpu looks at those of its own ports alone. */
extern struct vcpu_info *second_info[2];
extern uint64_t second_ports[2];
extern volatile unsigned int second_came[2][PORTS];

/* What vcpu 1 found in its registers when it started. */
struct second_start {
    uint64_t rdi, rsi, rdx, fs, gs, cr3;
    bool mask;
};
extern volatile struct second_start second_start;

/* A description that starts vcpu 1 in second_entry, on its own stack and this root. */
void second_describe(struct vcpu_guest_context *context, const uint64_t *root);

/* Takes over the event callback of both vcpus. */
void second_events_init(void);

/* All of it at once, for guests whose story begins later: vcpu 1 runs and obeys, on the boot root. False, and
 * reported: it does not. */
bool second_bring_up(void);

/* Vcpu 1 does this, next; and it has done it (false: not within PATIENCE). */
void second_order(void (*order)(void));
bool second_done(void);

/* Lets the other one run until the condition holds; false: not within PATIENCE. */
bool second_wait(bool (*condition)(void));

/* Waits, blocked, until an event of the port has reached this vcpu (0 or 1, the caller's own). */
void second_block_for(unsigned int vcpu, evtchn_port_t port);

void second_yield(void);

#endif
