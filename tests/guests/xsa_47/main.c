/* SPDX-License-Identifier: MIT
 * XSA-47: memory for more ports was entered into the domain's table before the check that could still refuse the new
 * port; the refusal freed the memory and left the entry.
 * Tried: a request that is refused when the next port would be the first one of a new group of 64. Right: the refusal's own
 * code, no port more than before, and the next request that is allowed gets that port. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define GROUP 64u

static long bind_to(domid_t domain, evtchn_port_t port)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = domain, .remote_port = port, .local_port = 0x1234};
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    report_quiet("the argument is as it was", bind.local_port, answer == 0 ? GROUP : 0x1234);
    return answer;
}

/* Not there, or there and closed: both are right, as the group may have been made. */
static void is_no_port(evtchn_port_t port)
{
    long status = event_status(port);

    report_true("it is no port, or closed", status == -XEN_EINVAL || status == EVTCHNSTAT_closed);
    report_answer("refused: send", event_send(port), -XEN_EINVAL);
    report_answer("refused: close", event_close(port), -XEN_EINVAL);
}

void guest_main(void)
{
    long port;

    attempt_begin("xsa_47", "a port that is refused leaves no trace");
    do
        port = event_alloc_unbound(DOMID_SELF);
    while (port >= 0 && port < GROUP - 2);
    event_bind_ipi(NULL);
    report_answer("63 ports are open: the last is an IPI", event_status(GROUP - 1), EVTCHNSTAT_ipi);
    report_answer("refused: bind to a port that is not for it", bind_to(DOMID_SELF, GROUP - 1), -XEN_EINVAL);
    is_no_port(GROUP);
    report_answer("refused: bind to a port that is not there", bind_to(DOMID_SELF, 4095), -XEN_EINVAL);
    report_answer("refused: bind in a domain that is not there", bind_to(0x7000, 1), -XEN_ESRCH);
    is_no_port(GROUP);
    report_answer("bind to one that is", bind_to(DOMID_SELF, 1), 0);
    report_answer("it is bound", event_status(GROUP), EVTCHNSTAT_interdomain);
    report_answer("all are closed", event_reset(), 0);
    attempt_end();
}
