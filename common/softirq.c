/* SPDX-License-Identifier: MIT */
/* What stands between a request or an interrupt and the return to a guest, in one loop that leaves nothing behind. */
#include "common/softirq.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/keyhandler.h"
#include "common/sched.h"
#include "common/timer.h"
#include <arch/domain.h>
#include <arch/machine.h>

/* What can be long, in steps between which it looks whether something else is due: so that is let in. */
static void softirq_long_step(u32 work)
{
    arch_interrupts_on();
    if (work & SOFTIRQ_TABLES)
        arch_tables_softirq(current_vcpu());
    if (work & SOFTIRQ_DOMAIN)
        domain_work();
    if (work & SOFTIRQ_CONSOLE)
        arch_irq_report();
    if (work & SOFTIRQ_KEYS)
        keyhandler_work();
    arch_interrupts_off();
}

/*
 * In this order: timers make vcpus runnable, the scheduler moves away from domains that ended, and only then are these
 * taken down.
 */
static void softirq_step(u32 work)
{
    if (work & SOFTIRQ_TIMER)
        timer_run();
    if (work & SOFTIRQ_SCHEDULE)
        sched_run();
    if (work & (SOFTIRQ_TABLES | SOFTIRQ_DOMAIN | SOFTIRQ_CONSOLE | SOFTIRQ_KEYS))
        softirq_long_step(work);
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
    /* By its kernel's tables, which are not loaded while it is in user mode; pv_toggle_mode() comes back here. */
    if (cpu->current->areas_stale && arch_vcpu_in_kernel(cpu->current))
        sched_write_areas(cpu->current);
}

void sched_start(void)
{
    this_cpu()->idle = true;
    softirq_raise(SOFTIRQ_SCHEDULE | SOFTIRQ_TIMER);
    arch_return_to_guest();
}
