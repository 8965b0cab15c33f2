/* SPDX-License-Identifier: MIT
 * XSA-496: a virtual interrupt that could not be bound because no port was left was cleaned up after as if it had been,
 * and with it something that belongs to the whole machine.
 * Tried: VIRQs with all ports taken. Right: -ENOSPC each time, and with a port free again they can be bound, once. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

static long bind_virq(uint32_t virq)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = 0, .port = 0x77};
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);

    if (answer != 0)
        report_quiet("the argument is as it was", bind.port, 0x77);
    return answer != 0 ? answer : (long)bind.port;
}

void guest_main(void)
{
    static const uint32_t virqs[] = {VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU};

    attempt_begin("xsa_496", "a virtual interrupt without a port");
    while (event_alloc_unbound(DOMID_SELF) > 0)
        ;
    for (unsigned int i = 0; i < sizeof(virqs) / sizeof(virqs[0]); i++) {
        printf("VIRQ %u\n", virqs[i]);
        report_answer("refused: no port is left", bind_virq(virqs[i]), -XEN_ENOSPC);
        report_answer("refused: once more", bind_virq(virqs[i]), -XEN_ENOSPC);
        report_answer("a port is closed", event_close(100), 0);
        report_answer("which it gets", bind_virq(virqs[i]), 100);
        report_answer("refused: it has one", bind_virq(virqs[i]), -XEN_EEXIST);
    }
    report_answer("refused: a VIRQ that does not exist", bind_virq(24), -XEN_EINVAL);
    report_answer("all are closed", event_reset(), 0);
    attempt_end();
}
