/* SPDX-License-Identifier: MIT
 * XSA-221: SCHEDOP_poll took a port's record without asking whether its group of 64 had ever been allocated.
 * Tried: polls on every number that is no port, alone and behind one that is. Right: -EINVAL, and the vcpu does not sleep. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

/* Waits at most a tenth of a second, in case it is taken. */
static long poll(evtchn_port_t *ports, unsigned int count)
{
    struct sched_poll poll = {.nr_ports = count, .timeout = event_system_time() + 100000000};

    set_xen_guest_handle(poll.ports, ports);
    return hypercall_sched_op(SCHEDOP_poll, &poll);
}

static unsigned long taken(evtchn_port_t from, evtchn_port_t to)
{
    unsigned long count = 0;

    for (evtchn_port_t port = from; port != to; port++)
        count += poll(&port, 1) != -XEN_EINVAL;
    return count;
}

void guest_main(void)
{
    static evtchn_port_t many[129];
    long ipi;

    attempt_begin("xsa_221", "a poll on what is no port");
    report_equal("numbers below 4096 that were taken without a port", taken(1, 4096), 0);
    report_equal("numbers above", taken(4096, 5000), 0);
    report_equal("the highest numbers", taken(~0u - 100, 0), 0);
    ipi = event_bind_ipi(NULL);
    many[0] = (evtchn_port_t)ipi;
    many[1] = (evtchn_port_t)ipi + 1;
    event_mask(many[0]);
    report_answer("refused: a port and one that is free", poll(many, 2), -XEN_EINVAL);
    many[1] = 4095;
    report_answer("refused: a port and one that is in no group", poll(many, 2), -XEN_EINVAL);
    report_answer("refused: 129 ports", poll(many, 129), -XEN_EINVAL);
    report_answer("send", event_send(many[0]), 0);
    report_answer("a poll on a port that is pending", poll(many, 1), 0);
    report_answer("the port is closed", event_close(many[0]), 0);
    report_answer("refused: a poll on it", poll(many, 1), -XEN_EINVAL);
    attempt_end();
}
