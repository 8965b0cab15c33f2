/* SPDX-License-Identifier: MIT
 * XSA-338: whether a port number is valid was asked of a bound that a reset made smaller, so that a port that had been
 * looked up under the old bound was used under the new one.
 * Tried: the bound is looked at from the middle of a reset and after it. Right: a number that was valid once stays so, if
 * closed, and one that was never reached is -EINVAL. */
#include "attempt.h"
#include "midway.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define TAKEN 2048u /* ports 1 to 2047, and the timer's */

static unsigned int refused_during;

static void take(void)
{
    long port;

    do
        port = event_alloc_unbound(DOMID_SELF);
    while (port >= 0 && port < TAKEN - 2);
}

static unsigned int refused(void)
{
    unsigned int count = 0;

    for (evtchn_port_t port = 1; port < TAKEN; port++)
        count += event_status(port) < 0;
    return count;
}

static void look(void)
{
    refused_during = refused();
}

static void is_closed(evtchn_port_t port)
{
    printf("port %u\n", port);
    report_answer("refused: send", event_send(port), -XEN_EINVAL);
    report_answer("refused: close", event_close(port), -XEN_EINVAL);
}

void guest_main(void)
{
    static const struct midway reset = {
        .hypercall = __HYPERVISOR_event_channel_op, .prepare = take, .call = event_reset, .during = look};
    long answer = -1;

    attempt_begin("xsa_338", "a port number that was valid stays so through a reset");
    report_true("a reset, interrupted", midway_run(&reset, &answer));
    report_answer("the reset's answer", answer, 0);
    report_equal("valid numbers that were none in the middle", refused_during, 0);
    report_equal("valid numbers that are none afterwards", refused(), 0);
    report_answer("the last of them is closed", event_status(TAKEN - 1), EVTCHNSTAT_closed);
    report_answer("refused: status of one that was never reached", event_status(TAKEN), -XEN_EINVAL);
    report_answer("refused: status of one that cannot be", event_status(4096), -XEN_EINVAL);
    report_answer("refused: and of the highest number", event_status(~0u), -XEN_EINVAL);
    is_closed(1);
    is_closed(TAKEN - 1);
    attempt_end();
}
