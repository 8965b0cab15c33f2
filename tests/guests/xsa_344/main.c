/* SPDX-License-Identifier: MIT
 * XSA-344: EVTCHNOP_reset walked all ports of a domain in one go, 131072 of them, and nothing else ran meanwhile.
 * Tried: all ports are taken and given back at once, with a timer set. Right: its event comes in the middle, when some are
 * closed and others not; the call goes on from there and closes them all. */
#include "attempt.h"
#include "midway.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define PORTS 4096u

static long first, middle, last; /* states seen from inside of the call */

/* All but one, which the timer gets: the highest, so that it is closed last. */
static void take_all(void)
{
    long port;

    do
        port = event_alloc_unbound(DOMID_SELF);
    while (port >= 0 && port < PORTS - 2);
}

static void look(void)
{
    first = event_status(1);
    middle = event_status(PORTS / 2);
    last = event_status(PORTS - 2);
}

static unsigned int open_ports(void)
{
    unsigned int count = 0;

    for (evtchn_port_t port = 1; port < PORTS; port++)
        count += event_status(port) != EVTCHNSTAT_closed;
    return count;
}

void guest_main(void)
{
    static const struct midway reset = {
        .hypercall = __HYPERVISOR_event_channel_op, .prepare = take_all, .call = event_reset, .during = look};
    long answer = -1;

    attempt_begin("xsa_344", "closing all ports gives way in between");
    report_true("an event comes while 4095 ports are closed", midway_run(&reset, &answer));
    report_equal("the first port was closed by then", (unsigned long)first, EVTCHNSTAT_closed);
    report_equal("the last one was not", (unsigned long)last, EVTCHNSTAT_unbound);
    report_answer("the reset's answer", answer, 0);
    report_equal("ports that it left open", open_ports(), 0);
    report_answer("the next port is the first one", event_alloc_unbound(DOMID_SELF), 1);
    report_answer("close it", event_close(1), 0);
    attempt_end();
}
