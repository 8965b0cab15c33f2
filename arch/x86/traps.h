/* SPDX-License-Identifier: MIT */
/* Where the entry code goes (traps.asm): exceptions and interrupts, by what they interrupted. */
#ifndef XL_X86_TRAPS_H
#define XL_X86_TRAPS_H

#include "arch/x86/cpu/regs.h"

void trap_from_guest(struct regs *r);
void trap_from_hypervisor(struct regs *r);
/* Prints where and why, and stops the machine. */
__noreturn void trap_fatal(const struct regs *r, const char *what);

#endif
