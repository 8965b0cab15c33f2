/* SPDX-License-Identifier: MIT
 * XSA-340: the number of valid ports was raised before the memory behind them could be seen by other processors.
 * Tried: vcpu 1 sends to the port that comes next while vcpu 0 makes it. Right: each send is -EINVAL before and 0 after,
 * never anything else, and no event is lost that was sent after. */
#include "attempt.h"
#include "second.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define LAST 1000u

static volatile unsigned int made;           /* the highest port that vcpu 0 knows of */
static volatile unsigned int early, strange; /* sends to a port before it was known, and answers that cannot be */

static void send_ahead(void)
{
    while (made < LAST) {
        unsigned int known = made;
        long answer = event_send(known + 1);

        if (answer != 0 && answer != -XEN_EINVAL)
            strange++;
        if (answer == 0 && made == known)
            early++; /* between its making and its being known: right as well */
        if (known > 0 && event_send(known) != 0)
            strange++;
        second_yield();
    }
}

static bool make_ports(void)
{
    while (made < LAST) {
        struct evtchn_bind_ipi bind = {.vcpu = 0};

        if (hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind) != 0 || bind.port != made + 1)
            return false;
        made = bind.port;
        if (made % 4 == 0)
            second_yield();
    }
    return true;
}

void guest_main(void)
{
    attempt_begin("xsa_340", "a port is there as a whole or not at all");
    for (unsigned int port = 1; port <= LAST; port++)
        event_mask(port);
    if (!second_bring_up())
        return;
    second_order(send_ahead);
    report_true("a thousand ports, one after the other", make_ports());
    made = LAST;
    report_true("vcpu 1 has seen them come", second_done());
    report_equal("sends to a known port that failed, and strange answers", strange, 0);
    report_answer("an event on the last one", event_send(LAST), 0);
    report_true("is pending", event_pending(LAST));
    report_answer("all are closed", event_reset(), 0);
    attempt_end();
}
