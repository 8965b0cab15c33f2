/* SPDX-License-Identifier: MIT
 * XSA-343: EVTCHNOP_reset changed how ports work and how many there are while other operations were using them.
 * Tried: in the middle of a reset, a send to a port that is closed already and to one that is not, a new port, the close
 * of one that the reset has still before it. Right: each answers for the state that it finds, and the reset says whether it
 * left a port open (-EAGAIN). */
#include "attempt.h"
#include "midway.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define IPI  1500u /* ports from here on are IPIs */
#define LAST 3000u

static struct {
    long send_closed, send_open, close_open, taken, taken_status;
    bool pending;
} during;

/* The IPIs are masked: they shall become pending, and no more. */
static void take(void)
{
    long port;

    do {
        port = event_alloc_unbound(DOMID_SELF);
    } while (port >= 0 && port < IPI - 1);
    do {
        struct evtchn_bind_ipi bind = {.vcpu = 0};

        if (hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind) != 0)
            return;
        port = bind.port;
        event_mask((evtchn_port_t)port);
    } while (port < LAST);
}

static void use(void)
{
    during.send_closed = event_send(1);
    during.send_open = event_send(LAST);
    during.pending = event_pending(LAST);
    during.close_open = event_close(LAST - 1);
    during.taken = event_alloc_unbound(DOMID_SELF);
    during.taken_status = event_status((evtchn_port_t)during.taken);
}

static unsigned int open_ports(void)
{
    unsigned int count = 0;

    for (evtchn_port_t port = 1; port <= LAST + 1; port++)
        count += event_status(port) != EVTCHNSTAT_closed;
    return count;
}

void guest_main(void)
{
    static const struct midway reset = {
        .hypercall = __HYPERVISOR_event_channel_op, .prepare = take, .call = event_reset, .during = use};
    unsigned int left;
    long answer = -1;

    attempt_begin("xsa_343", "ports are used while all are being closed");
    report_true("a reset, interrupted", midway_run(&reset, &answer));
    left = open_ports();
    report_true("its answer says whether a port is open", left == 0 ? answer == 0 : answer == -XEN_EAGAIN);
    report_answer("in the middle: send to a port that was closed", during.send_closed, -XEN_EINVAL);
    report_answer("send to one that is still open", during.send_open, 0);
    report_true("which became pending", during.pending);
    report_answer("close of one that is still open", during.close_open, 0);
    report_answer("a new port", during.taken, 1);
    report_answer("which is unbound", during.taken_status, EVTCHNSTAT_unbound);
    report_true("the pending one is not pending any more", !event_pending(LAST));
    report_true("at most the new port is open", left <= 1);
    report_answer("another reset", event_reset(), 0);
    report_equal("none is open", open_ports(), 0);
    attempt_end();
}
