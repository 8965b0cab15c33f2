/* SPDX-License-Identifier: MIT
 * XSA-188: EVTCHNOP_init_control that failed freed the queues of the vcpu and left the pointer to them; the call after it
 * used them.
 * Tried: control blocks in frames that cannot be, then an event array. Right where FIFO event channels are not offered:
 * -ENOSYS for each, and nothing is written anywhere. */
#include "attempt.h"
#include "fifo.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

static long init_control_in(uint64_t frame)
{
    struct evtchn_init_control op = {.control_gfn = frame};

    return hypercall_event_channel_op(EVTCHNOP_init_control, &op);
}

void guest_main(void)
{
    uint64_t *page = page_alloc();

    attempt_begin("xsa_188", "a control block that is refused is not used");
    report_answer("refused: a control block in no frame", init_control_in(NO_FRAME), -XEN_ENOSYS);
    report_answer("refused: in another's frame", init_control_in(frame_foreign()), -XEN_ENOSYS);
    report_answer("refused: over the end of a page", fifo_init_control(page, PAGE_SIZE - 8, 0), -XEN_ENOSYS);
    report_answer("refused: for a vcpu that is not there", fifo_init_control(page, 0, 4000), -XEN_ENOSYS);
    report_answer("refused: an event array", fifo_expand_array(virt_to_frame(page)), -XEN_ENOSYS);
    report_answer("refused: in no frame", fifo_expand_array(NO_FRAME), -XEN_ENOSYS);
    report_answer("refused: from a place that cannot be read",
                  hypercall_event_channel_op(EVTCHNOP_expand_array, (void *)HYPERVISOR), -XEN_ENOSYS);
    report_equal("the page is as it was", fifo_changed(page), 0);
    report_answer("a port", event_alloc_unbound(DOMID_SELF), 1);
    report_answer("is closed", event_close(1), 0);
    page_free(page);
    attempt_end();
}
