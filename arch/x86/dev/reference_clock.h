/* SPDX-License-Identifier: MIT */
/* Counters whose rate is known beforehand: the HPET, ACPI's power-management timer, channel 2 of the PIT. */
#ifndef XL_X86_DEV_REFERENCE_CLOCK_H
#define XL_X86_DEV_REFERENCE_CLOCK_H

#include "lib/types.h"

struct reference_clock {
    const char *name;
    u64 hz;
    u64 mask; /* of the bits that count; it wraps behind them */
    u64 (*read)(void);
};

/* hpet_registers: where they are mapped; NULL: there is none. False: there is no such counter, or it is
 * nonsense. */
bool reference_hpet(volatile void *hpet_registers, struct reference_clock *out);
bool reference_pm_timer(struct reference_clock *out);
/* Starts the channel. */
bool reference_pit(struct reference_clock *out);

#endif
