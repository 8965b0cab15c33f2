/* SPDX-License-Identifier: MIT
 * XSA-317: when no memory was left for one more group of ports, the error was lost and the port was used, through a null
 * pointer.
 * Tried: ports until there are none, by each way that makes one. Right: -ENOSPC, and again one when one is closed. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define PORTS 4096u

static long bind(unsigned int operation)
{
    union {
        struct evtchn_bind_interdomain interdomain;
        struct evtchn_bind_virq virq;
        struct evtchn_bind_ipi ipi;
    } bind = {.interdomain = {.remote_dom = DOMID_SELF, .remote_port = 1}};

    if (operation == EVTCHNOP_bind_virq)
        bind.virq = (struct evtchn_bind_virq){.virq = VIRQ_DEBUG};
    else if (operation == EVTCHNOP_bind_ipi)
        bind.ipi = (struct evtchn_bind_ipi){.vcpu = 0};
    return hypercall_event_channel_op(operation, &bind);
}

void guest_main(void)
{
    long port, last = 0;

    attempt_begin("xsa_317", "ports until there are none");
    while ((port = event_alloc_unbound(DOMID_SELF)) > 0)
        last = port;
    report_equal("the last port", (unsigned long)last, PORTS - 1);
    report_answer("refused: one more", port, -XEN_ENOSPC);
    report_answer("refused: one bound to another", bind(EVTCHNOP_bind_interdomain), -XEN_ENOSPC);
    report_answer("refused: one of a virtual interrupt", bind(EVTCHNOP_bind_virq), -XEN_ENOSPC);
    report_answer("refused: an IPI", bind(EVTCHNOP_bind_ipi), -XEN_ENOSPC);
    report_answer("its port would not be there", event_status(PORTS), -XEN_EINVAL);
    report_answer("port 1 still waits for another", event_status(1), EVTCHNSTAT_unbound);
    report_answer("one is closed", event_close(2000), 0);
    report_answer("and given out again", event_alloc_unbound(DOMID_SELF), 2000);
    report_answer("refused: one more", event_alloc_unbound(DOMID_SELF), -XEN_ENOSPC);
    report_answer("all are closed", event_reset(), 0);
    attempt_end();
}
