/* SPDX-License-Identifier: MIT */
/* The fake machine's clock: stands still until a test turns it. One tick of the TSC is one nanosecond. */
#include "arch/fake/fake.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/vcpu.h"
#include <arch/time.h>

#define WALL_CLOCK_BASE 1700000000123456789ull

static u64 now;
static u64 programmed = ~0ull;

u64 fake_time_updates;

u64 system_time(void)
{
    return now;
}

u64 arch_wall_clock_base(void)
{
    return WALL_CLOCK_BASE;
}

/* A time that is past raises at once. */
void arch_timer_program(u64 when)
{
    programmed = when;
    fake_clock_advance(0);
}

u64 fake_timer_programmed(void)
{
    return programmed;
}

void fake_clock_set(u64 ns)
{
    now = ns;
    programmed = ~0ull;
    fake_time_updates = 0;
}

void fake_clock_advance(u64 ns)
{
    now += ns;
    if (programmed <= now) {
        programmed = ~0ull;
        softirq_raise(SOFTIRQ_TIMER);
    }
}

/* Version odd, fill, version even: xen/xen.h. */
void arch_update_vcpu_time(struct vcpu *v)
{
    struct vcpu_time_info *time = &v->info->time;

    fake_time_updates++;
    time->version++;
    time->tsc_timestamp = now;
    time->system_time = now;
    time->tsc_to_system_mul = 0x80000000u;
    time->tsc_shift = 1;
    time->version++;
}

void arch_update_wall_clock(struct domain *d)
{
    struct shared_info *shared = d->shared_info;

    shared->wc_version++;
    shared->wc_sec = (u32)(WALL_CLOCK_BASE / 1000000000);
    shared->wc_nsec = (u32)(WALL_CLOCK_BASE % 1000000000);
    shared->wc_sec_hi = (u32)(WALL_CLOCK_BASE / 1000000000 >> 32);
    shared->wc_version++;
}
