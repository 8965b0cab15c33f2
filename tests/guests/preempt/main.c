/* SPDX-License-Identifier: MIT
 * preempt: one domain ("worker") pins and unpins a tree of 480 full tables, again and again, each time a
 * quarter of a million entries in one hypercall. Another ("watcher") sees that its turn comes nevertheless:
 * it lets a timer wake it every 10 ms and keeps the longest delay, and before and after that it spins and
 * looks how much of the processor it got. Means something only where time is a count of instructions: QEMU
 * with -icount, Bochs. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"

#define MILLISECOND 1000000ull
#define TABLES      480u
#define WORK_NS     (1200 * MILLISECOND)
#define SPIN_NS     (200 * MILLISECOND)
#define TICKS       20u
#define TICK_NS     (10 * MILLISECOND)

/* Who waits for his turn waits for the other's slice, 10 ms. Beyond that comes what is not interrupted, one
 * table of 512 entries: about 100 000 instructions, which are 0.1 ms in QEMU and 1 ms in Bochs. A whole tree
 * would be at least 6. */
#define DELAY_MAX (13 * MILLISECOND)

/* --- the worker
 * -------------------------------------------------------------------------------------------------- */

static uint64_t *tree_build(void)
{
    uint64_t *root = page_alloc(), *l3 = page_alloc(), *l2 = page_alloc(), *l1;

    for (unsigned int i = 0; i < TABLES; i++) {
        l1 = page_alloc();
        for (unsigned int k = 0; k < TABLE_ENTRIES; k++)
            l1[k] = entry_make(pfn_to_virt(k), ENTRY_RO);
        l2[i] = entry_make(l1, ENTRY_TABLE);
        report_quiet("read-only", page_readonly(l1), 0);
    }
    l3[0] = entry_make(l2, ENTRY_TABLE);
    root[0] = entry_make(l3, ENTRY_TABLE);
    report_quiet("read-only", page_readonly(l2), 0);
    report_quiet("read-only", page_readonly(l3), 0);
    report_quiet("read-only", page_readonly(root), 0);
    return root;
}

static void worker(void)
{
    uint64_t start = event_system_time(), *root = tree_build();
    unsigned int rounds = 0;

    while (event_system_time() - start < WORK_NS) {
        if (!report_quiet("pin", table_pin(4, root), 0) || !report_quiet("unpin", table_unpin(root), 0))
            return;
        rounds++;
    }
    printf("%u rounds\n", rounds);
    report_true("it came to something", rounds >= 2);
}

/* --- the watcher
 * ------------------------------------------------------------------------------------------------- */

static volatile bool ticked;

static void on_timer(evtchn_port_t port)
{
    (void)port;
    ticked = true;
}

static uint64_t time_run(void)
{
    struct vcpu_runstate_info info = {.state = 0};

    hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &info);
    return info.time[RUNSTATE_running];
}

/* Per cent of the processor, while both want it. */
static void share(void)
{
    uint64_t start = event_system_time(), run = time_run(), percent;

    while (event_system_time() - start < SPIN_NS)
        cpu_pause();
    percent = (time_run() - run) * 100 / (event_system_time() - start);
    printf("its share: %lu per cent\n", percent);
    report_true("about a half", percent >= 40 && percent <= 60);
}

static void delays(void)
{
    uint64_t longest = 0;

    for (unsigned int i = 0; i < TICKS; i++) {
        uint64_t deadline = event_system_time() + TICK_NS, delay;

        ticked = false;
        hypercall_set_timer_op(deadline);
        events_wait_until(ticked);
        events_disable();
        delay = event_system_time() - deadline;
        if (delay > longest)
            longest = delay;
    }
    printf("longest delay of %u: %lu us\n", TICKS, longest / 1000);
    report_true("none beyond a slice and a little", longest <= DELAY_MAX);
}

static void watcher(void)
{
    if (!report_true("the timer", event_bind_virq(VIRQ_TIMER, on_timer) > 0))
        return;
    share();
    delays();
    share();
}

void guest_main(void)
{
    report_title("preempt", "long work of one domain does not hold up the other");
    if (guest_has_option("worker"))
        worker();
    else if (guest_has_option("watcher"))
        watcher();
    else
        report_error("expected the word worker or the word watcher");
}
