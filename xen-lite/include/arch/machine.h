/* SPDX-License-Identifier: MIT */
/* Contract: the machine's console and its end. */
#ifndef XL_ARCH_MACHINE_H
#define XL_ARCH_MACHINE_H

#include "lib/types.h"

void arch_console_write(const char *text, size_t n); /* serial and screen, whichever console= names */
int arch_console_read(void);                         /* next byte typed, -1: none */
/* Long work on the way out to a guest lets interrupts in; they only raise softirqs. */
void arch_interrupts_on(void);
void arch_interrupts_off(void);
/* SOFTIRQ_CONSOLE: says what an interrupt handler noted, which itself prints nothing. */
void arch_irq_report(void);
__noreturn void arch_power_off(void);                /* ACPI S5; halts where that fails */
__noreturn void arch_reboot(void);
__noreturn void arch_halt(void);
void arch_debug_exit(u8 status);                     /* isa-debug-exit; returns where none is configured */
void arch_dump_stack(void);                          /* where we are: return addresses */

#endif
