/* SPDX-License-Identifier: MIT
 * latency: how long the hypervisor works without looking whether somebody waits. For each long request a timer is set
 * to fire inside it, at one offset after the other, and what passes between the deadline and the upcall is the
 * longest stretch without such a look, and the way there. Requests that leave work behind are measured by a second vcpu,
 * which waits for the end of the first one's slice; and while a domain of the same size is taken down, by the gaps in
 * this one's own time. Means something only where a nanosecond is an instruction: QEMU with -icount.
 * Another domain with the word `victim` waits to be the one that is taken down. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "latency.h"
#include "second.h"

#define BOUND   70000u /* instructions */
#define OFFSETS 24u    /* timers for each request */
#define SLICES  5u    /* ends of slices for each request */
#define SLICE   (10 * MILLISECOND)
#define TAKEDOWN_NS (120 * MILLISECOND)

static volatile uint64_t fired;
static uint64_t worst;

static void on_timer(evtchn_port_t port)
{
    (void)port;
    fired = event_system_time();
}

static uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void report(const char *name, uint64_t longest, uint64_t whole)
{
    printf("latency: %s\t%lu of %lu\n", name, longest, whole);
    report_true(name, longest <= BOUND);
    if (longest > worst)
        worst = longest;
}

static void call(void (*function)(void))
{
    if (function != NULL)
        function();
}

/* --- by the upcall of the vcpu that asks -------------------------------------------------------------------------- */

static uint64_t duration(const struct operation *op)
{
    uint64_t start, end;

    call(op->before);
    start = event_system_time();
    report_quiet(op->name, op->run(), 0);
    end = event_system_time();
    call(op->after);
    return end - start;
}

/* From the deadline to the upcall, of a timer that fires so long after the request begins. */
static uint64_t lateness(const struct operation *op, uint64_t offset)
{
    uint64_t deadline;

    call(op->before);
    fired = 0;
    events_enable();
    deadline = event_system_time() + offset + 1500; /* setting it takes its time */
    report_quiet("timer", hypercall_set_timer_op(deadline), 0);
    report_quiet(op->name, op->run(), 0);
    events_wait_until(fired != 0);
    events_disable();
    call(op->after);
    return fired - deadline;
}

static void restarted(const struct operation *op)
{
    uint64_t whole = duration(op), longest = 0, late;

    whole = max(whole, duration(op)); /* memory that was used before is cleared first */
    for (unsigned int i = 0; i < OFFSETS; i++) {
        late = lateness(op, whole * i / OFFSETS);
        if (late > longest)
            longest = late;
    }
    report(op->name, longest, whole);
}

/* --- by the other vcpu -------------------------------------------------------------------------------------------- */

static volatile bool watching;
static volatile uint64_t gap;

/* Gives its turn up at once and looks how long it takes to come again. */
static void watch(void)
{
    while (watching) {
        uint64_t start = event_system_time(), length;

        second_yield();
        length = event_system_time() - start;
        if (length >= SLICE && length - SLICE > gap)
            gap = length - SLICE;
    }
}

/* The slice that begins now ends so long after the request does. */
static void run_at_end_of_slice(const struct operation *op, uint64_t offset)
{
    uint64_t start;

    call(op->before);
    second_yield();
    start = event_system_time();
    while (event_system_time() - start < SLICE - offset)
        cpu_pause();
    report_quiet(op->name, op->run(), 0);
    call(op->after);
}

static void finished(const struct operation *op)
{
    uint64_t whole = duration(op);

    gap = 0;
    watching = true;
    second_order(watch);
    for (unsigned int i = 0; i < SLICES; i++)
        run_at_end_of_slice(op, 1500 + whole * i / SLICES);
    watching = false;
    report_true("the watcher is done", second_done());
    report(op->name, gap, whole);
}

/* --- while another domain is taken down ---------------------------------------------------------------------------- */

#define VICTIM      2u
#define VICTIM_PORT 1u

static struct evtchn_bind_interdomain link = {.remote_dom = VICTIM, .remote_port = VICTIM_PORT};

static bool linked(void)
{
    return hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &link) == 0;
}

/* The longest gap in this vcpu's time from when the other domain begins to end. */
static void taken_down(void)
{
    uint64_t until, last, now, longest = 0;

    if (!report_true("the other domain is there", second_wait(linked)))
        return;
    report_quiet("tell it", event_send(link.local_port), 0);
    while (event_status(link.local_port) == EVTCHNSTAT_interdomain)
        second_yield();
    last = event_system_time();
    for (until = last + TAKEDOWN_NS; last < until; last = now) {
        now = event_system_time();
        if (now - last > longest)
            longest = now - last;
    }
    report("another domain is taken down", longest, TAKEDOWN_NS);
}

static void victim(void)
{
    struct tree trees[3];
    evtchn_port_t port = (evtchn_port_t)event_alloc_unbound(1);
    struct sched_poll poll = {.nr_ports = 1};

    for (unsigned int i = 0; i < 3; i++) {
        tree_make_full(&trees[i], 48);
        tree_readonly(&trees[i]);
        report_quiet("pin", table_pin(4, trees[i].table[4]), 0);
    }
    report_equal("its port", port, VICTIM_PORT);
    set_xen_guest_handle(poll.ports, &port);
    while (!event_pending(port))
        hypercall_sched_op(SCHEDOP_poll, &poll);
}

void guest_main(void)
{
    unsigned int count = operations_restarted_count - (guest_is_rewrite() ? 3 : 0);

    report_title("latency", "instructions until the hypervisor looks who waits");
    if (guest_has_option("victim")) {
        victim();
        return;
    }
    if (!report_true("the timer", event_bind_virq(VIRQ_TIMER, on_timer) > 0))
        return;
    operations_prepare();
    event_sleep_until(event_system_time() + 300 * MILLISECOND); /* until the other domain waits */
    for (unsigned int i = 0; i < count; i++)
        restarted(&operations_restarted[i]);
    if (!second_bring_up())
        return;
    taken_down();
    for (unsigned int i = 0; i < operations_finished_count; i++)
        finished(&operations_finished[i]);
    printf("longest stretch: %lu instructions\n", worst);
}
