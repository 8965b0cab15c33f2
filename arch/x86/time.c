/* SPDX-License-Identifier: MIT */
/*
 * The clock is the TSC, scaled as the guest ABI scales it (struct vcpu_time_info): ns = ((ticks << shift) *
 * mul) >> 32. Guests get the same three numbers once and for all, so their clock and ours are one, without
 * updates.
 */
#include "arch/x86/time.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/regs.h"
#include "arch/x86/dev/acpi.h"
#include "arch/x86/dev/lapic.h"
#include "arch/x86/dev/reference_clock.h"
#include "arch/x86/dev/rtc.h"
#include "common/domain.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include <arch/time.h>

#define NS_PER_S      1000000000ull
#define MEASURE_PER_S 50u /* a measurement takes 1/50 s */
#define READS_MAX     20000000u
#define TRIES         8u            /* of which the one least disturbed counts */
#define LONGEST_NS    2000000000ull /* the timer is set no further ahead; it comes early and is set again */

static u64 tsc_start;      /* TSC at system time 0 */
static u32 tsc_mul;        /* 2^-32 ns per shifted tick */
static u32 tsc_shift_up;   /* ticks are shifted left by this ... */
static u32 tsc_shift_down; /* ... or right by this */
static u64 timer_mul;      /* APIC timer ticks per ns, times 2^32 */
static u64 wall_clock;     /* ns since 1970 at system time 0 */

/* One look at all three counters, as close together as can be had. */
struct look {
    u64 tsc, reference;
    u32 timer; /* counts down */
};

static struct look look_at(const struct reference_clock *clock)
{
    struct look best = {0};
    u64 least = ~0ull;

    for (unsigned i = 0; i < TRIES; i++) {
        struct look l;
        u64 before = insn_rdtsc();
        l.reference = clock->read();
        l.timer = lapic_timer_left();
        l.tsc = insn_rdtsc();
        if (l.tsc - before < least) {
            least = l.tsc - before;
            best = l;
        }
    }
    return best;
}

/* Rates in Hz; false: the reference clock does not move. */
static bool measure(const struct reference_clock *clock, u64 *tsc_hz, u64 *timer_hz)
{
    lapic_timer_start(0xffffffff);
    struct look from = look_at(clock), to = from;
    u64 want = clock->hz / MEASURE_PER_S, passed = 0;

    for (u32 i = 0; passed < want; i++) {
        if (i == READS_MAX)
            return false;
        passed = (clock->read() - from.reference) & clock->mask;
    }
    to = look_at(clock);
    lapic_timer_start(0);
    passed = (to.reference - from.reference) & clock->mask;
    if (passed == 0)
        return false;
    *tsc_hz = (to.tsc - from.tsc) * clock->hz / passed;
    *timer_hz = (u64)(from.timer - to.timer) * clock->hz / passed;
    return *tsc_hz > 1000000 && *timer_hz > 10000;
}

static const char *find_rates(volatile void *hpet, u64 *tsc_hz, u64 *timer_hz)
{
    struct reference_clock clock;

    if (reference_hpet(hpet, &clock) && measure(&clock, tsc_hz, timer_hz))
        return clock.name;
    if (reference_pm_timer(&clock) && measure(&clock, tsc_hz, timer_hz))
        return clock.name;
    if (reference_pit(&clock) && measure(&clock, tsc_hz, timer_hz))
        return clock.name;
    panic("no clock to measure the processor's against: neither HPET nor ACPI PM timer nor PIT counts\n");
}

/* The multiplier with the most significant bits: in 2^31 .. 2^32 - 1. */
static void set_scale(u64 hz)
{
    s32 shift = 0;

    while (hz > NS_PER_S * 2) {
        hz >>= 1;
        shift--;
    }
    while (hz <= NS_PER_S) {
        hz <<= 1;
        shift++;
    }
    tsc_mul = (u32)((NS_PER_S << 32) / hz);
    tsc_shift_up = shift > 0 ? (u32)shift : 0;
    tsc_shift_down = shift < 0 ? (u32)-shift : 0;
}

u64 system_time(void)
{
    u64 ticks = (insn_rdtsc() - tsc_start) << tsc_shift_up >> tsc_shift_down;

    return (u64)((unsigned __int128)ticks * tsc_mul >> 32);
}

u64 arch_wall_clock_base(void)
{
    return wall_clock;
}

void time_init(volatile void *hpet)
{
    u64 tsc_hz, timer_hz;
    const char *name = find_rates(hpet, &tsc_hz, &timer_hz);

    set_scale(tsc_hz);
    timer_mul = (timer_hz << 32) / NS_PER_S;
    tsc_start = insn_rdtsc();
    lapic_timer_vector(VECTOR_TIMER);

    u64 seconds = rtc_read(acpi.century_register);
    if (!seconds)
        log_warning("the CMOS clock says no date: guests see 1970\n");
    wall_clock = seconds * NS_PER_S;
    log_info(
        "clock: TSC %llu.%03u MHz, APIC timer %llu.%03u MHz, measured against the %s; %llu s since 1970\n",
        (unsigned long long)tsc_hz / 1000000, (u32)(tsc_hz / 1000 % 1000),
        (unsigned long long)timer_hz / 1000000, (u32)(timer_hz / 1000 % 1000), name,
        (unsigned long long)seconds);
}

void arch_timer_program(u64 when)
{
    if (when == ~0ull) {
        lapic_timer_start(0);
        return;
    }
    u64 now = system_time();
    u64 ns = when > now ? min_u64(when - now, LONGEST_NS) : 0;
    /* One tick more than the time that is left: an interrupt before its time finds nothing to do. */
    u64 ticks = (u64)((unsigned __int128)ns * timer_mul >> 32) + 1;
    lapic_timer_start((u32)min_u64(ticks, 0xffffffff));
}

/* Odd version: being written. The guest reads on the same processor or spins until it is even. */
void arch_update_vcpu_time(struct vcpu *v)
{
    struct vcpu_time_info *t = &v->info->time;
    u32 version = read_once(t->version) | 1;

    write_once(t->version, version);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    t->tsc_timestamp = tsc_start;
    t->system_time = 0;
    t->tsc_to_system_mul = tsc_mul;
    t->tsc_shift = (int8_t)tsc_shift_up;
    if (tsc_shift_down)
        t->tsc_shift = (int8_t) - (s32)tsc_shift_down;
    t->flags = XEN_PVCLOCK_TSC_STABLE_BIT;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    write_once(t->version, version + 1);
}

void arch_update_wall_clock(struct domain *d)
{
    struct shared_info *s = d->shared_info;
    u32 version = read_once(s->wc_version) | 1;
    u64 seconds = wall_clock / NS_PER_S;

    write_once(s->wc_version, version);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_sec = (u32)seconds;
    s->wc_sec_hi = (u32)(seconds >> 32);
    s->wc_nsec = (u32)(wall_clock % NS_PER_S);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    write_once(s->wc_version, version + 1);
}
