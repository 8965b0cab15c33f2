/* SPDX-License-Identifier: MIT
 * XSA-107: a port could be bound to a vcpu that had no FIFO control block yet; the first event on it went through a null
 * pointer.
 * Tried: ports of a vcpu that has nothing, then the block, then events. Right where FIFO event channels are not offered:
 * -ENOSYS for each of their calls, and events go on coming by the bitmap in shared_info. */
#include "attempt.h"
#include "fifo.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

static unsigned int came;

static void on_event(evtchn_port_t port)
{
    (void)port;
    came++;
}

static long bind_ipi(unsigned int vcpu)
{
    struct evtchn_bind_ipi bind = {.vcpu = vcpu};
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    return answer != 0 ? answer : (long)bind.port;
}

void guest_main(void)
{
    uint64_t *block = page_alloc();
    long own, others;

    attempt_begin("xsa_107", "no event goes through a control block that is not there");
    own = event_bind_ipi(on_event);
    others = bind_ipi(1);
    report_true("a port of vcpu 1, which was never up", others > own);
    report_answer("refused: a control block for vcpu 1", fifo_init_control(block, 0, 1), -XEN_ENOSYS);
    report_answer("refused: a control block for vcpu 0", fifo_init_control(block, 0, 0), -XEN_ENOSYS);
    report_answer("refused: a priority", fifo_set_priority((evtchn_port_t)own, 3), -XEN_ENOSYS);
    report_answer("an event for vcpu 1", event_send((evtchn_port_t)others), 0);
    report_true("is pending in the bitmap", event_pending((evtchn_port_t)others));
    report_answer("an event for vcpu 0", event_send((evtchn_port_t)own), 0);
    events_enable();
    events_disable();
    report_equal("came", came, 1);
    report_equal("the page is as it was", fifo_changed(block), 0);
    report_answer("all ports are closed", event_reset(), 0);
    page_free(block);
    attempt_end();
}
