/* SPDX-License-Identifier: MIT */
/* What stands between a request or an interrupt and the return to a guest, in one loop that leaves nothing behind. */
#include "common/softirq.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/sched.h"
#include "common/timer.h"
#include <arch/domain.h>

/*
 * In this order: timers make vcpus runnable, the scheduler moves away from domains that ended, and only then are these
 * taken down.
 */
static void softirq_step(u32 work)
{
    if (work & SOFTIRQ_TIMER)
        timer_run();
    if (work & SOFTIRQ_TABLES)
        arch_tables_softirq(current_vcpu());
    if (work & SOFTIRQ_SCHEDULE)
        sched_run();
    if (work & SOFTIRQ_DOMAIN)
        domain_work();
}

void softirq_run(void)
{
    struct cpu *cpu = this_cpu();

    for (;;) {
        u32 work = __atomic_exchange_n(&cpu->softirq, 0, __ATOMIC_RELAXED);
        softirq_step(work);
        if (cpu->softirq)
            continue;
        if (!cpu->idle)
            break;
        if (domain_all_shut_down())
            domain_finish();
        arch_idle();
    }
    if (cpu->current->areas_stale)
        sched_write_areas(cpu->current);
}

void sched_start(void)
{
    this_cpu()->idle = true;
    softirq_raise(SOFTIRQ_SCHEDULE | SOFTIRQ_TIMER);
    arch_return_to_guest();
}
