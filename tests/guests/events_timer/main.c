/* SPDX-License-Identifier: MIT
 * events_timer: a guest sends events to itself, masks them in both ways there are, and lets the timer wake
 * it: once, in the past, again and again, while it blocks and while it polls. Nothing here depends on how
 * fast the machine is; only "not before its time" and "it comes" are asked. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define MILLISECOND 1000000ull
#define SLACK       200000ull /* Xen fires timers that are this close together, so one may come a little early */

static volatile unsigned int ipi_events, timer_events;
static evtchn_port_t ipi, timer;

static void on_ipi(evtchn_port_t port)
{
    ipi_events += port == ipi;
}

static void on_timer(evtchn_port_t port)
{
    timer_events += port == timer;
}

static void events_to_itself(void)
{
    ipi_events = 0;
    report_answer("send", event_send(ipi), 0);
    report_equal("upcalls masked: none came", ipi_events, 0);
    report_true("upcalls masked: the port is pending", event_pending(ipi));
    events_enable();
    report_equal("upcalls enabled: it came", ipi_events, 1);
    report_true("the port is clear again", !event_pending(ipi));
    report_answer("send again", event_send(ipi), 0);
    report_equal("it came at once", ipi_events, 2);

    event_mask(ipi);
    report_answer("send to a masked port", event_send(ipi), 0);
    report_equal("port masked: none came", ipi_events, 2);
    report_true("port masked: it is pending", event_pending(ipi));
    report_answer("unmask the port", event_unmask(ipi), 0);
    report_equal("port unmasked: it came", ipi_events, 3);
    events_disable();
}

static void ports_refused(void)
{
    struct evtchn_bind_virq bind = {.virq = VIRQ_TIMER, .vcpu = 0};
    struct evtchn_status status = {.dom = DOMID_SELF, .port = timer};
    long port = event_bind_ipi(NULL);

    report_answer("refused: bind VIRQ_TIMER a second time",
                  hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), -XEN_EEXIST);
    bind.virq = 1000;
    report_answer("refused: bind a virtual interrupt that does not exist",
                  hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), -XEN_EINVAL);
    bind = (struct evtchn_bind_virq){.virq = VIRQ_DEBUG, .vcpu = 77};
    report_answer("refused: bind for a vcpu that does not exist",
                  hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), -XEN_ENOENT);
    report_answer("refused: send to a port that does not exist", event_send(1u << 30), -XEN_EINVAL);
    report_answer("status of the timer's port", hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
    report_equal("it is bound to a virtual interrupt", status.status, EVTCHNSTAT_virq);
    report_equal("to the timer", status.u.virq, VIRQ_TIMER);
    report_true("a second IPI port", port > 0);
    report_answer("close it", event_close((evtchn_port_t)port), 0);
    report_answer("refused: close it a second time", event_close((evtchn_port_t)port), -XEN_EINVAL);
    report_answer("refused: send to it", event_send((evtchn_port_t)port), -XEN_EINVAL);
}

static void timer_wakes(void)
{
    uint64_t start = event_system_time(), deadline = start + 5 * MILLISECOND;

    timer_events = 0;
    report_answer("set_timer_op, 5 ms ahead", hypercall_set_timer_op(deadline), 0);
    events_wait_until(timer_events != 0);
    report_equal("blocked: the timer woke it, once", timer_events, 1);
    report_true("not before its time", event_system_time() + SLACK >= deadline);

    report_answer("set_timer_op, in the past", hypercall_set_timer_op(start), 0);
    events_wait_until(timer_events != 1);
    report_equal("it comes at once", timer_events, 2);

    report_answer("set_timer_op, 20 ms ahead", hypercall_set_timer_op(event_system_time() + 20 * MILLISECOND),
                  0);
    report_answer("stop it", hypercall_set_timer_op(0), 0);
    report_answer("set_timer_op, 60 ms ahead", hypercall_set_timer_op(event_system_time() + 60 * MILLISECOND),
                  0);
    start = event_system_time();
    events_wait_until(timer_events != 2);
    report_true("the stopped one did not come", event_system_time() >= start + 50 * MILLISECOND);
}

static void timer_interrupts(void)
{
    uint64_t limit;

    timer_events = 0;
    events_enable();
    hypercall_set_timer_op(event_system_time() + 2 * MILLISECOND);
    limit = event_system_time() + 2000 * MILLISECOND;
    while (timer_events == 0 && event_system_time() < limit)
        cpu_pause();
    report_equal("running: the timer interrupted it", timer_events, 1);
    events_disable();
}

/* The periodic timer runs while the vcpu runs; it does not wake one that blocks. */
static void periodic_timer(void)
{
    struct vcpu_set_periodic_timer period = {.period_ns = 5 * MILLISECOND};
    uint64_t start = event_system_time();

    timer_events = 0;
    report_answer("a period of 5 ms", hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &period), 0);
    events_enable();
    while (timer_events < 4 && event_system_time() - start < 2000 * MILLISECOND)
        cpu_pause();
    report_true("four of them came", timer_events >= 4);
    report_true("four of them take at least 15 ms", event_system_time() - start >= 15 * MILLISECOND);
    events_disable();
    report_answer("stop it", hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    event_clear(timer);
    start = event_system_time();
    while (event_system_time() - start < 15 * MILLISECOND)
        cpu_pause();
    report_true("none comes any more", !event_pending(timer));
    period.period_ns = 1000;
    report_answer("refused: a period of 1 us", hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &period),
                  -XEN_EINVAL);
}

static void single_shot(void)
{
    struct vcpu_set_singleshot_timer timeout = {.timeout_abs_ns = event_system_time() + 5 * MILLISECOND};

    timer_events = 0;
    report_answer("a single shot, 5 ms ahead", hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timeout),
                  0);
    events_wait_until(timer_events != 0);
    report_true("not before its time", event_system_time() + SLACK >= timeout.timeout_abs_ns);
    events_disable();
}

static long poll_ports(evtchn_port_t *port, unsigned int count, uint64_t timeout)
{
    struct sched_poll poll = {.nr_ports = count, .timeout = timeout};

    set_xen_guest_handle(poll.ports, port);
    return hypercall_sched_op(SCHEDOP_poll, &poll);
}

static void polls(void)
{
    uint64_t deadline;

    events_disable();
    event_mask(timer);
    event_clear(timer);
    hypercall_set_timer_op(event_system_time() + 5 * MILLISECOND);
    report_answer("poll the timer's port, upcalls masked", poll_ports(&timer, 1, 0), 0);
    report_true("the port is pending", event_pending(timer));
    event_clear(timer);
    deadline = event_system_time() + 5 * MILLISECOND;
    report_answer("poll a quiet port with a timeout", poll_ports(&ipi, 1, deadline), 0);
    report_true("it waited until then", event_system_time() + SLACK >= deadline);
    event_unmask(timer);
}

void guest_main(void)
{
    long a, b;

    report_title("events_timer", "events to itself, masks, and a timer that wakes, interrupts and repeats");
    a = event_bind_ipi(on_ipi);
    b = event_bind_virq(VIRQ_TIMER, on_timer);
    if (!report_true("an IPI to itself and the timer are bound", a > 0 && b > 0))
        return;
    ipi = (evtchn_port_t)a;
    timer = (evtchn_port_t)b;
    /* On Xen a domain begins with a periodic timer of 10 ms, which would come between. */
    report_answer("stop the periodic timer", hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    events_to_itself();
    ports_refused();
    timer_wakes();
    timer_interrupts();
    periodic_timer();
    single_shot();
    polls();
}
