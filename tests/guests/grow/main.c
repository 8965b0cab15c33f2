/* SPDX-License-Identifier: MIT
 * grow: takes 100 MiB more than it was given (populate_physmap), waiting for as long as two seconds while
 * there is no more to be had. Where the machine has less, it gets them only when another domain has ended and
 * its frames were given back. Needs maxmem=memory + 100. */
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define WANTED      25600u /* pages */
#define BATCH       512u
#define PATIENCE_NS 2000000000ull
#define PAUSE_NS    10000000ull

static xen_pfn_t frames[BATCH];
static volatile bool ticked;

static void on_timer(evtchn_port_t port)
{
    (void)port;
    ticked = true;
}

/* Asks for pages from this one of its own numbers on; returns how many came. */
static unsigned int take(unsigned long pfn, unsigned int count)
{
    struct xen_memory_reservation request = {.nr_extents = count, .domid = DOMID_SELF};
    long answer;

    for (unsigned int i = 0; i < count; i++)
        frames[i] = pfn + i;
    set_xen_guest_handle(request.extent_start, frames);
    answer = hypercall_memory_op(XENMEM_populate_physmap, &request);
    return answer > 0 ? (unsigned int)answer : 0;
}

static void pause(void)
{
    ticked = false;
    hypercall_set_timer_op(event_system_time() + PAUSE_NS);
    events_wait_until(ticked);
    events_disable();
}

void guest_main(void)
{
    uint64_t until = event_system_time() + PATIENCE_NS;
    unsigned int have = 0;

    report_title("grow", "a hundred MiB more, when there are any");
    if (!report_true("the timer", event_bind_virq(VIRQ_TIMER, on_timer) > 0))
        return;
    while (have < WANTED && event_system_time() < until) {
        unsigned int left = WANTED - have, count = left < BATCH ? left : BATCH;
        unsigned int came = take(guest_start_info->nr_pages + have, count);

        have += came;
        if (came < count)
            pause();
    }
    report_true("all of the hundred MiB came", have == WANTED);
}
