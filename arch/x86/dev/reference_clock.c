/* SPDX-License-Identifier: MIT */
/* IA-PC HPET 1.0a §2.3, ACPI 6.4 §4.8.3.3, Intel 8254 data sheet. */
#include "arch/x86/dev/reference_clock.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/dev/acpi.h"

#define HPET_CAPABILITIES 0x000u
#define HPET_CONFIG       0x010u
#define HPET_COUNTER      0x0f0u
#define HPET_RUN          1ull
#define FEMTOSECONDS      1000000000000000ull
#define HPET_PERIOD_MAX   100000000ull /* fs, by the specification */

#define PM_TIMER_HZ 3579545u

#define PIT_HZ       1193182u
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61 /* bit 0: gate of channel 2, bit 1: speaker */
#define PIT_LATCH2   0x80
#define PIT_2_RATE   0xb4 /* channel 2, low then high byte, mode 2: counts 65535 down to 1 and again */

static volatile u8 *hpet;

static u64 hpet_get(u32 reg)
{
    volatile u32 *at = (volatile u32 *)(hpet + reg);
    u64 low = at[0];

    return (u64)at[1] << 32 | low;
}

/* The low half alone: 32 bits last for minutes, and two halves could be torn. */
static u64 hpet_read(void)
{
    return *(volatile u32 *)(hpet + HPET_COUNTER);
}

bool reference_hpet(volatile void *hpet_registers, struct reference_clock *out)
{
    hpet = hpet_registers;
    if (!hpet)
        return false;
    u64 period = hpet_get(HPET_CAPABILITIES) >> 32;
    if (period == 0 || period > HPET_PERIOD_MAX)
        return false;
    volatile u32 *config = (volatile u32 *)(hpet + HPET_CONFIG);
    *config |= (u32)HPET_RUN;
    *out = (struct reference_clock){"HPET", (FEMTOSECONDS + period / 2) / period, 0xffffffff, hpet_read};
    return true;
}

static u64 pm_timer_read(void)
{
    return insn_in32((u16)acpi.pm_timer.address);
}

bool reference_pm_timer(struct reference_clock *out)
{
    if (!acpi.pm_timer.is_port || !acpi.pm_timer.address)
        return false;
    *out = (struct reference_clock){"ACPI PM timer", PM_TIMER_HZ, acpi.pm_timer_32bit ? 0xffffffff : 0xffffff,
                                    pm_timer_read};
    return true;
}

static u64 pit_read(void)
{
    insn_out8(PIT_COMMAND, PIT_LATCH2);
    u32 low = insn_in8(PIT_CHANNEL2);
    u32 high = insn_in8(PIT_CHANNEL2);
    return 0x10000u - (high << 8 | low); /* it counts down */
}

bool reference_pit(struct reference_clock *out)
{
    insn_out8(PIT_GATE, (u8)((insn_in8(PIT_GATE) & ~2u) | 1u));
    insn_out8(PIT_COMMAND, PIT_2_RATE);
    insn_out8(PIT_CHANNEL2, 0); /* 0 stands for 65536 */
    insn_out8(PIT_CHANNEL2, 0);
    *out = (struct reference_clock){"PIT", PIT_HZ, 0xffff, pit_read};
    return true;
}
