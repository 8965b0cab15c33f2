// SPDX-License-Identifier: MIT
/*
 * Carries out one decoded instruction that writes to memory, exactly as the processor would, on values that
 * the caller fetched and will store. Pure: nothing is touched but what is passed. Flags: AMD APM vol. 3,
 * Intel SDM vol. 2.
 */
#ifndef XL_ARCH_X86_EMULATE_EXECUTE_H
#define XL_ARCH_X86_EMULATE_EXECUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/x86/emulate/decode.h"

enum execute_result {
    EXECUTE_WRITE,       /* store *value */
    EXECUTE_KEEP,        /* a CMPXCHG that did not match: memory stays as it is */
    EXECUTE_UNSUPPORTED, /* no memory operand, or not an instruction of this kind; nothing was changed */
};

/* True if this instruction is one that insn_execute carries out. */
bool insn_is_store(const struct insn *insn);

/* True if the result depends on what is in memory now, so that the caller must fetch it (for MOVS: its
 * source). */
bool insn_needs_value(const struct insn *insn);

/*
 * One instruction, or one round of a repeated one. regs are updated, and so are the arithmetic flags in
 * *rflags (the others are only read: DF, CF). *value, in: the operand_size bytes at insn_effective_address
 * (for MOVS: at insn_source_address), zero-extended, if insn_needs_value; out: the bytes to store there,
 * zero-extended. Where the store may be refused, pass copies of regs and rflags and commit them after it.
 */
enum execute_result insn_execute(const struct insn *insn, uint64_t regs[16], uint64_t *rflags,
                                 uint64_t *value);

/*
 * STOS, MOVS, INS, OUTS with REP (rep is not INSN_REP_NONE): true if no round is left. Ask before the first
 * round; while it is false after a round, rip must stay, so that the instruction goes on. Without REP: always
 * false, and rip advances after the one execution.
 */
bool insn_rep_done(const struct insn *insn, const uint64_t regs[16]);

/* After one round of INS or OUTS: step rdi or rsi by DF and count rcx down. insn_execute does so itself. */
void insn_string_step(const struct insn *insn, uint64_t regs[16], uint64_t rflags);

#endif
