/* SPDX-License-Identifier: MIT */
/* The processor's own interrupt controller (AMD APM vol. 2 §16, Intel SDM vol. 3 §10), in xAPIC or x2APIC
 * mode. */
#ifndef XL_X86_DEV_LAPIC_H
#define XL_X86_DEV_LAPIC_H

#include "lib/types.h"

/* Machine address of the registers; 0: it is in x2APIC mode and reached by MSRs. */
paddr_t lapic_address(void);
/* registers: where they are mapped, NULL in x2APIC mode. Switches it on with every local source masked. */
void lapic_init(volatile void *registers);
u32 lapic_id(void);
void lapic_eoi(void);

/* One-shot timer, not divided: the interrupt comes after count ticks; 0: stopped. */
void lapic_timer_vector(u8 vector);
void lapic_timer_start(u32 count);
/* Ticks left. */
u32 lapic_timer_left(void);

#endif
