/* SPDX-License-Identifier: MIT */
/* The order in which the hypervisor comes up, once the machine's own start-up (arch/x86/boot) has memory and a clock. */
#include "common/cmdline.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/domain_builder.h"
#include "common/frame.h"
#include "common/keyhandler.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/softirq.h"
#include "common/spinlock.h"
#include "common/timer.h"
#include "lib/stack_guard.h"
#include <arch/boot.h>
#include <arch/time.h>

void start(const struct boot_info *info)
{
    lock_order_checked = true; /* this_cpu() works: the processor stands on its own stack */
    stack_guard_seed(system_time() ^ arch_wall_clock_base()); /* before anything that others wrote is read here */
    cmdline_print_warnings(); /* first of all: an option that was not understood may explain the rest */
    if (options.scatter)
        frame_alloc_scatter(options.scatter); /* before any domain has memory */
    this_cpu()->scratch = mfn_to_ptr(frame_alloc_host()); /* before any page table is registered */
    timers_init();
    sched_init();
    domains_init();
    keyhandler_init();
    softirq_raise(SOFTIRQ_KEYS);
    domains_from_modules(info);
    log_info("%llu MiB of memory are free\n", (unsigned long long)(frame_free_count() >> 8));
    sched_start();
}
