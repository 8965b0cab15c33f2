/* SPDX-License-Identifier: MIT */
/* What the entry code offers to C: landing code for SYSCALL, addresses of the stubs, the way out. */
#ifndef XL_X86_ENTRY_STUB_H
#define XL_X86_ENTRY_STUB_H

#include "arch/x86/cpu/percpu.h"

extern const u64 trap_entry_table[256]; /* addresses for the IDT */
void entry_syscall(void);               /* not called: jumped to from the landing code of LSTAR */
void entry_syscall32(void);             /* of CSTAR */

/*
 * Writes the code that saves the guest's rsp in its place, loads this cpu's stack and jumps to entry; `to`: where it is
 * written, va: where it will run. Returns its length (at most 32 bytes).
 */
size_t entry_write_syscall_stub(u8 *to, u64 va, const struct x86_cpu *cpu, void (*entry)(void));

/* Forgets the stack and goes to the guest whose registers stand at its top, softirqs and events first. */
__noreturn void entry_return_to_guest(void);

extern const u8 iret_to_guest[]; /* the IRETQ whose frame is the guest's */

#endif
