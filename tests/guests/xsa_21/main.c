/* SPDX-License-Identifier: MIT
 * XSA-21: the number of a device's interrupt was used as an index unchecked, where it is acknowledged and asked about.
 * Tried: numbers at and beyond the end, in each call that takes one, and an event channel for one. Right where guests have
 * no devices: -ENOSYS for physdev_op, and for the event channel -EINVAL from 256 on; nothing is written, no port taken. */
#include "attempt.h"
#include "physdev.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define IRQ_UNMASK_NOTIFY 4u
#define IRQ_STATUS_QUERY  5u
#define EOI               12u
#define PIRQ_EOI_GMFN_V1  17u
#define PIRQ_EOI_GMFN_V2  28u

static const int32_t numbers[] = {255, 256, 1023, 4096, 0x7fffffff, -1, (int32_t)0x80000000};

static long bind_pirq(uint32_t number)
{
    struct evtchn_bind_pirq bind = {.pirq = number};

    return hypercall_event_channel_op(EVTCHNOP_bind_pirq, &bind);
}

void guest_main(void)
{
    static const unsigned int calls[] = {IRQ_UNMASK_NOTIFY, IRQ_STATUS_QUERY, EOI, PIRQ_EOI_GMFN_V1, PIRQ_EOI_GMFN_V2};
    unsigned long other = 0, written = 0, bound = 0;

    attempt_begin("xsa_21", "the number of an interrupt");
    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        for (unsigned int k = 0; k < sizeof(calls) / sizeof(calls[0]); k++) {
            bool same;

            other += physdev(calls[k], physdev_argument(numbers[i], 0), &same) != -XEN_ENOSYS;
            written += !same;
        }
        if ((uint32_t)numbers[i] >= 256)
            bound += bind_pirq((uint32_t)numbers[i]) != -XEN_EINVAL;
    }
    report_equal("answers other than ENOSYS", other, 0);
    report_equal("arguments that were written to", written, 0);
    report_equal("event channels for numbers from 256 on: answers other than EINVAL", bound, 0);
    report_answer("the first port is still free", event_alloc_unbound(DOMID_SELF), 1);
    report_answer("and closed again", event_close(1), 0);
    attempt_end();
}
