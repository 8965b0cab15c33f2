/* SPDX-License-Identifier: MIT
 * XSA-20: a periodic timer so long that its time overflowed was always due, and the hypervisor went on firing it for ever.
 * Tried: periods at and beyond both ends, and one-shot timers at the end of time. Right: -EINVAL below 1 ms and above 2^62 ns,
 * and a timer that is far away does not come. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define MILLISECOND 1000000ull
#define LONGEST     (~0ull >> 2)

static volatile unsigned int came;

static void on_timer(evtchn_port_t port)
{
    (void)port;
    came++;
}

static long set_periodic(uint64_t period)
{
    struct vcpu_set_periodic_timer set = {.period_ns = period};

    return hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &set);
}

static long set_singleshot(uint64_t when)
{
    struct vcpu_set_singleshot_timer set = {.timeout_abs_ns = when};

    return hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &set);
}

static void wait(uint64_t ns)
{
    uint64_t until = event_system_time() + ns;

    events_enable();
    while (event_system_time() < until)
        hypercall_sched_op(SCHEDOP_yield, NULL);
    events_disable();
}

static void is_silent(const char *what)
{
    wait(MILLISECOND); /* what was pending comes first */
    came = 0;
    wait(5 * MILLISECOND);
    report_equal(what, came, 0);
}

void guest_main(void)
{
    static const uint64_t refused[] = {0, 1, MILLISECOND - 1, LONGEST + 1, 1ull << 63, ~0ull - 1, ~0ull};

    attempt_begin("xsa_20", "periods at the ends of time");
    hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    report_true("a port of the timer", event_bind_virq(VIRQ_TIMER, on_timer) > 0);
    for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        printf("period %lu\n", refused[i]);
        report_answer("refused", set_periodic(refused[i]), -XEN_EINVAL);
    }
    is_silent("none of them fires");
    report_answer("the longest", set_periodic(LONGEST), 0);
    is_silent("it does not fire yet");
    report_answer("a one-shot timer at the end of time", set_singleshot(LONGEST), 0);
    is_silent("nor does it");
    report_answer("the shortest", set_periodic(MILLISECOND), 0);
    came = 0;
    wait(20 * MILLISECOND);
    report_true("fires, and not without end", came > 0 && came < 100);
    report_answer("stopped", hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    report_answer("the other too", hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    is_silent("all is silent");
    report_answer("all ports are closed", event_reset(), 0);
    attempt_end();
}
