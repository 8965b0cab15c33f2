/* SPDX-License-Identifier: MIT
 * XSA-505: EVTCHNOP_expand_array looked whether the domain uses FIFO event channels without the lock that a reset holds
 * while it takes them away.
 * Tried: an event array in the middle of a reset. Right where FIFO event channels are not offered: -ENOSYS, and the reset
 * goes on. (Where they are, -EINVAL for a domain that has no control block.) */
#include "attempt.h"
#include "fifo.h"
#include "midway.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

static uint64_t *page;
static long array, control;

static void take(void)
{
    while (event_alloc_unbound(DOMID_SELF) < 3000)
        ;
}

static void expand(void)
{
    array = fifo_expand_array(virt_to_frame(page));
    control = fifo_init_control(page, 0, 0);
}

void guest_main(void)
{
    static const struct midway reset = {
        .hypercall = __HYPERVISOR_event_channel_op, .prepare = take, .call = event_reset, .during = expand};
    long answer = -1;

    attempt_begin("xsa_505", "an event array in the middle of a reset");
    page = page_alloc();
    report_true("a reset, interrupted", midway_run(&reset, &answer));
    report_answer("refused: an event array meanwhile", array, -XEN_ENOSYS);
    report_answer("refused: a control block meanwhile", control, -XEN_ENOSYS);
    report_answer("the reset's answer", answer, 0);
    report_equal("the page is as it was", fifo_changed(page), 0);
    report_answer("the first port is closed", event_status(1), EVTCHNSTAT_closed);
    page_free(page);
    attempt_end();
}
