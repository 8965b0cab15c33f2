/* SPDX-License-Identifier: MIT
 * Event channels and the timer: sending, masking, upcalls by the barest handler. */
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "bench.h"

extern uint8_t bench_event_entry[];

/* entries.asm: where the port's bits stand, and how often the upcall came. */
uint8_t *bench_pending_byte;
uint64_t *bench_select_word, *bench_pending_word;
uint64_t bench_port_mask;
volatile uint32_t bench_upcalls;

static evtchn_port_t ipi, timer, loop;

static void watch(evtchn_port_t port)
{
    bench_pending_byte = &guest_shared_info->vcpu_info[0].evtchn_upcall_pending;
    bench_select_word = &guest_shared_info->vcpu_info[0].evtchn_pending_sel;
    bench_pending_word = &guest_shared_info->evtchn_pending[port / 64];
    bench_port_mask = ~(1ul << port % 64);
}

static long listen(evtchn_port_t port)
{
    watch(port);
    event_clear(port);
    __atomic_fetch_and(&guest_shared_info->evtchn_mask[port / 64], bench_port_mask, __ATOMIC_SEQ_CST);
    __atomic_fetch_and(bench_select_word, 0ul, __ATOMIC_SEQ_CST);
    *bench_pending_byte = 0;
    bench_upcalls = 0;
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    return 0;
}

/* Behind each row that expects one: exactly one upcall came. */
static long heard_one(void)
{
    events_disable();
    return bench_upcalls == 1 ? 0 : -XEN_EINVAL;
}

static long quiet(void)
{
    events_disable();
    return 0;
}

static long ipi_listen(void)
{
    return listen(ipi);
}

static long ipi_send(void)
{
    return event_send(ipi);
}

static long ipi_masked(void)
{
    listen(ipi);
    event_mask(ipi);
    return 0;
}

static long ipi_pending(void)
{
    listen(ipi);
    events_disable();
    return event_send(ipi);
}

static long exit_upcall(void)
{
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    return hypercall_xen_version(XENVER_version, NULL);
}

static long ipi_masked_pending(void)
{
    ipi_masked();
    return event_send(ipi);
}

static long ipi_unmask(void)
{
    return event_unmask(ipi);
}

static long block(void)
{
    return hypercall_sched_op(SCHEDOP_block, NULL);
}

static long loop_listen(void)
{
    return loop == 0 ? -XEN_ENOSYS : listen(loop);
}

static evtchn_port_t loop_end;

static long loop_send(void)
{
    return event_send(loop_end);
}

static long status(void)
{
    struct evtchn_status query = {.dom = DOMID_SELF, .port = ipi};

    return hypercall_event_channel_op(EVTCHNOP_status, &query);
}

static long bind_and_close(void)
{
    struct evtchn_bind_ipi bind = {.vcpu = 0};
    struct evtchn_close close;
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    close.port = bind.port;
    return answer != 0 ? answer : hypercall_event_channel_op(EVTCHNOP_close, &close);
}

static long timer_listen(void)
{
    return listen(timer);
}

static long timer_past(void)
{
    return hypercall_set_timer_op(1);
}

static long timer_latency(void)
{
    uint64_t deadline = event_system_time() + 200000;

    hypercall_set_timer_op(deadline);
    while (bench_upcalls == 0)
        hypercall_sched_op(SCHEDOP_block, NULL);
    return 0;
}

static const struct bench_row rows[] = {
    {"event to itself (IPI) with upcall", 1, ipi_send, ipi_listen, heard_one},
    {"event send, masked", 1, ipi_send, ipi_masked, quiet},
    {"upcall on hypercall exit", 1, exit_upcall, ipi_pending, heard_one},
    {"unmask a pending port, upcall", 1, ipi_unmask, ipi_masked_pending, heard_one},
    {"block with an event pending", 1, block, ipi_pending, heard_one},
    {"event through an interdomain loop", 1, loop_send, loop_listen, heard_one},
    {"evtchn status", 1, status, NULL, NULL},
    {"bind and close a port", 1, bind_and_close, NULL, NULL},
    {"timer in the past, upcall", 1, timer_past, timer_listen, heard_one},
};

/* What the waiting itself takes, 200000 ns, is taken off. */
static void latency_row(void)
{
    uint32_t samples[BENCH_RUNS];

    for (unsigned int i = 0; i < BENCH_RUNS; i++) {
        uint64_t start;

        listen(timer);
        start = event_system_time();
        timer_latency();
        samples[i] = (uint32_t)(event_system_time() - start);
        events_disable();
    }
    bench_samples("latency of a 200 us timer after block (virtual ns; not in the mean)", samples, BENCH_RUNS,
                  200000);
}

static void make_loop(void)
{
    struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF};

    if (hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &unbound) != 0)
        return;
    bind.remote_port = unbound.port;
    if (hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) != 0)
        return;
    loop = unbound.port;
    loop_end = bind.local_port;
}

void bench_events(void)
{
    long port = event_bind_ipi(NULL), clock = event_bind_virq(VIRQ_TIMER, NULL);

    if (port < 0 || clock < 0) {
        report_failure("cannot bind an IPI and a timer: %ld, %ld", port, clock);
        return;
    }
    ipi = (evtchn_port_t)port;
    timer = (evtchn_port_t)clock;
    make_loop();
    events_disable();
    hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL); /* Xen begins with one of 10 ms */
    trap_set_callback(CALLBACKTYPE_event, bench_event_entry, 0);
    BENCH_ROWS(rows);
    latency_row();
    trap_init();
}
