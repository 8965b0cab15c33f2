/* SPDX-License-Identifier: MIT */
/* Interrupts of devices: the local APIC's timer, and what must not happen. */
#ifndef XL_X86_IRQ_H
#define XL_X86_IRQ_H

#include "arch/x86/cpu/regs.h"

/* Called by the trap code for vectors from 0x20, interrupts off. Leaves the work to softirqs. */
void irq_handle(const struct regs *r);

#endif
