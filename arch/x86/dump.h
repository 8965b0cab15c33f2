/* SPDX-License-Identifier: MIT */
/* Registers and walks in words (dump.c). */
#ifndef XL_X86_DUMP_H
#define XL_X86_DUMP_H

#include "arch/x86/cpu/vcpu.h"
#include "common/printk.h"

void dump_regs(enum log_level level, const struct regs *r);
/* The entries that map an address in a vcpu's present tables, each with its frame's owner, type and counts. */
void dump_walk(enum log_level level, const struct x86_vcpu *v, vaddr_t address);

#endif
