// SPDX-License-Identifier: MIT
/*
 * The bytes of an instruction become a struct insn: what a PV kernel executes that traps (privileged
 * instructions, port I/O) and what writes to a page table. 64-bit mode only. Pure: no state, no memory access
 * but the bytes given, no recursion, no allocation. Encodings: AMD APM vol. 3, Intel SDM vol. 2.
 */
#ifndef XL_ARCH_X86_EMULATE_DECODE_H
#define XL_ARCH_X86_EMULATE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest instruction that the processor takes, and the same with the forced-emulation prefix before it.
 */
#define INSN_MAX_LENGTH   15
#define INSN_FETCH_LENGTH 20

/* Numbers of the general registers, as encoded: the index into regs[16] of every function here. */
enum insn_register {
    INSN_RAX,
    INSN_RCX,
    INSN_RDX,
    INSN_RBX,
    INSN_RSP,
    INSN_RBP,
    INSN_RSI,
    INSN_RDI,
    INSN_R8,
    INSN_R15 = 15,
    INSN_RIP = 16,    /* only as base */
    INSN_NO_REG = 17, /* no base or no index */
};

/*
 * op, its name. The first group can be executed by execute.h; the second belongs to the privileged-operation
 * code; the third is recognised so that a refusal can name it.
 */
#define INSN_OPS(X)                                                                                          \
    X(NONE, "(none)")                                                                                        \
    X(ADD, "add")                                                                                            \
    X(OR, "or")                                                                                              \
    X(ADC, "adc")                                                                                            \
    X(SBB, "sbb")                                                                                            \
    X(AND, "and")                                                                                            \
    X(SUB, "sub")                                                                                            \
    X(XOR, "xor")                                                                                            \
    X(MOV, "mov")                                                                                            \
    X(MOVNTI, "movnti")                                                                                      \
    X(XCHG, "xchg")                                                                                          \
    X(CMPXCHG, "cmpxchg")                                                                                    \
    X(CMPXCHG8B, "cmpxchg8b")                                                                                \
    X(CMPXCHG16B, "cmpxchg16b")                                                                              \
    X(XADD, "xadd")                                                                                          \
    X(BTS, "bts")                                                                                            \
    X(BTR, "btr")                                                                                            \
    X(BTC, "btc")                                                                                            \
    X(INC, "inc")                                                                                            \
    X(DEC, "dec")                                                                                            \
    X(NOT, "not")                                                                                            \
    X(NEG, "neg")                                                                                            \
    X(STOS, "stos")                                                                                          \
    X(MOVS, "movs")                                                                                          \
    X(CPUID, "cpuid")                                                                                        \
    X(RDMSR, "rdmsr")                                                                                        \
    X(WRMSR, "wrmsr")                                                                                        \
    X(MOV_FROM_CR, "mov from cr")                                                                            \
    X(MOV_TO_CR, "mov to cr")                                                                                \
    X(MOV_FROM_DR, "mov from dr")                                                                            \
    X(MOV_TO_DR, "mov to dr")                                                                                \
    X(CLTS, "clts")                                                                                          \
    X(LMSW, "lmsw")                                                                                          \
    X(SMSW, "smsw")                                                                                          \
    X(INVLPG, "invlpg")                                                                                      \
    X(HLT, "hlt")                                                                                            \
    X(CLI, "cli")                                                                                            \
    X(STI, "sti")                                                                                            \
    X(IN, "in")                                                                                              \
    X(OUT, "out")                                                                                            \
    X(INS, "ins")                                                                                            \
    X(OUTS, "outs")                                                                                          \
    X(XGETBV, "xgetbv")                                                                                      \
    X(XSETBV, "xsetbv")                                                                                      \
    X(INVD, "invd")                                                                                          \
    X(WBINVD, "wbinvd")                                                                                      \
    X(RDTSC, "rdtsc")                                                                                        \
    X(RDTSCP, "rdtscp")                                                                                      \
    X(RDPMC, "rdpmc")                                                                                        \
    X(SGDT, "sgdt")                                                                                          \
    X(SIDT, "sidt")                                                                                          \
    X(SLDT, "sldt")                                                                                          \
    X(STR, "str")                                                                                            \
    X(LGDT, "lgdt")                                                                                          \
    X(LIDT, "lidt")                                                                                          \
    X(LLDT, "lldt")                                                                                          \
    X(LTR, "ltr")                                                                                            \
    X(IRET, "iret")                                                                                          \
    X(SWAPGS, "swapgs")                                                                                      \
    X(SYSRET, "sysret")                                                                                      \
    X(SYSEXIT, "sysexit")                                                                                    \
    X(FAR_CALL, "far call")                                                                                  \
    X(FAR_JMP, "far jmp")                                                                                    \
    X(FAR_RET, "far ret")                                                                                    \
    X(CLAC, "clac")                                                                                          \
    X(STAC, "stac")                                                                                          \
    X(MONITOR, "monitor")                                                                                    \
    X(MWAIT, "mwait")                                                                                        \
    X(VMCALL, "vmcall")                                                                                      \
    X(VMMCALL, "vmmcall")                                                                                    \
    X(UD2, "ud2")

enum insn_op {
#define X(op, name) INSN_##op,
    INSN_OPS(X)
#undef X
        INSN_OP_COUNT
};

enum decode_result {
    DECODE_OK,
    DECODE_TRUNCATED, /* the bytes end before the instruction does */
    DECODE_UNKNOWN,   /* an instruction that is not in the list above */
    DECODE_BAD, /* the processor raises #UD: LOCK where it may not stand, no such register, or (#GP) over 15
                   bytes */
};

enum insn_segment { INSN_SEG_FLAT, INSN_SEG_FS, INSN_SEG_GS };
enum insn_rep { INSN_REP_NONE, INSN_REP, INSN_REPNE };

/* Where the second operand comes from (for IN and OUT: the port; DX is INSN_SOURCE_REG with reg = INSN_RDX).
 */
enum insn_source { INSN_SOURCE_NONE, INSN_SOURCE_REG, INSN_SOURCE_IMM };

/*
 * operand_size: bytes of the operand that op reads or writes (CMPXCHG16B 16; SGDT, LGDT and their like 10;
 * far calls: of the offset; IRET, SYSRET: by their prefixes; 0 where there is none). rm, reg: register
 * numbers; *_high: bits 8 to 15 of it (AH, CH, DH, BH). reg is the number of a control or debug register in
 * the four MOVs that have one, where rm is the general register.
 */
struct insn {
    uint8_t op;     /* enum insn_op */
    uint8_t length; /* bytes, with all prefixes, the forced-emulation one included */
    uint8_t operand_size;
    uint8_t address_size; /* 4 or 8 */
    uint8_t segment;      /* enum insn_segment */
    uint8_t rep;          /* enum insn_rep; set for STOS, MOVS, INS and OUTS only */
    uint8_t source;       /* enum insn_source */
    bool lock;
    bool forced; /* the forced-emulation prefix stood before it */
    bool
        has_memory; /* the r/m operand is memory (string instructions, too); else it is register rm, if any */
    bool rm_high;
    bool reg_high;
    uint8_t rm;
    uint8_t reg;
    uint8_t base;         /* INSN_RAX to INSN_R15, INSN_RIP, INSN_NO_REG */
    uint8_t index;        /* INSN_RAX to INSN_R15, INSN_NO_REG */
    uint8_t scale;        /* 1, 2, 4, 8 */
    int64_t displacement; /* sign-extended; a moffs is 64 bits of address */
    uint64_t immediate;   /* sign-extended to 64 bits; a port or a count of bytes is not */
};

/*
 * Decode the instruction that begins at bytes[0]; at most n bytes are looked at. *out is complete with
 * DECODE_OK and all zero (INSN_NONE) otherwise. UD2 followed by the letters "xen" is a prefix: forced is set.
 */
enum decode_result insn_decode(const uint8_t *bytes, size_t n, struct insn *out);

/* "mov", "rdmsr", ...: for messages. */
const char *insn_name(enum insn_op op);

/*
 * The linear address of the memory operand: the destination of STOS, MOVS and INS, the source of OUTS. A bit
 * offset in a register (BTS, BTR, BTC) is counted in, so that the access is operand_size bytes there. rip is
 * the address of the instruction's first byte. Needs has_memory. Whether the result is canonical is the
 * caller's business.
 */
uint64_t insn_effective_address(const struct insn *insn, const uint64_t regs[16], uint64_t rip,
                                uint64_t fs_base, uint64_t gs_base);

/* The linear address that MOVS reads. */
uint64_t insn_source_address(const struct insn *insn, const uint64_t regs[16], uint64_t fs_base,
                             uint64_t gs_base);

#endif
