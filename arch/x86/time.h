/* SPDX-License-Identifier: MIT */
/* Setting the clock up; the clock itself is <arch/time.h>. */
#ifndef XL_X86_TIME_H
#define XL_X86_TIME_H

#include "lib/types.h"

/*
 * Measures the rates of TSC and local APIC timer against the HPET (its registers, NULL: none), else the ACPI
 * PM timer, else the PIT; system time begins. Panics where none of them counts.
 */
void time_init(volatile void *hpet);

#endif
