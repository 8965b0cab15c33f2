/* SPDX-License-Identifier: MIT
 * XSA-358, XSA-359: the control block of FIFO event channels, and the functions that use it, were made visible in the wrong
 * order: an event sent meanwhile met one without the other.
 * Tried: vcpu 1 sends events without end while vcpu 0 asks for the other form of delivery. Right where that is not offered:
 * -ENOSYS each time, and each event stays one of the bitmap. */
#include "attempt.h"
#include "fifo.h"
#include "second.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define ROUNDS 200u

static evtchn_port_t port;
static volatile unsigned int sent, refused;

static void send_many(void)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (event_send(port) == 0)
            sent++;
        else
            refused++;
        if (i % 8 == 0)
            second_yield();
    }
}

void guest_main(void)
{
    uint64_t *block = page_alloc();
    long asked = 0;

    attempt_begin("xsa_358_359", "the form of delivery does not change under a send");
    if (!second_bring_up())
        return;
    port = (evtchn_port_t)event_bind_ipi(NULL);
    event_mask(port);
    second_order(send_many);
    for (unsigned int i = 0; i < ROUNDS && sent < ROUNDS; i++) {
        asked += fifo_init_control(block, 0, i % 2) != -XEN_ENOSYS;
        asked += fifo_expand_array(virt_to_frame(block)) != -XEN_ENOSYS;
        second_yield();
    }
    report_true("vcpu 1 has sent what it should", second_done());
    report_equal("sent", sent, ROUNDS);
    report_equal("refused", refused, 0);
    report_equal("answers other than ENOSYS to the calls between", (unsigned long)asked, 0);
    report_quiet("pending in the bitmap", event_pending(port), true);
    report_equal("the page is as it was", fifo_changed(block), 0);
    report_answer("the port is closed", event_close(port), 0);
    page_free(block);
    attempt_end();
}
