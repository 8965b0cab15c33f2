/* SPDX-License-Identifier: MIT
 * lesson_timer: the program of docs/tutorial/04-timer.md. */
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define TICK  10000000ull /* nanoseconds */
#define TICKS 3u
#define SLACK 200000ull /* Xen's timers may come a little early */

static volatile unsigned int ticks;

static void on_timer(evtchn_port_t port)
{
    (void)port;
    ticks++;
}

void guest_main(void)
{
    uint64_t start;

    report_title("lesson_timer", "a guest sleeps until its timer wakes it");
    report_true("VIRQ_TIMER has a port", event_bind_virq(VIRQ_TIMER, on_timer) > 0);
    report_answer("no other timer", hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);

    start = event_system_time();
    for (unsigned int n = 1; n <= TICKS; n++) {
        report_answer("set the timer", hypercall_set_timer_op(start + n * TICK), 0);
        events_wait_until(ticks >= n);
        printf("tick %u\n", ticks);
    }
    report_true("three ticks took their time", event_system_time() + SLACK >= start + TICKS * TICK);
}
