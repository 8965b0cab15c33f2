/* SPDX-License-Identifier: MIT */
/*
 * The registers of an interrupted context, as the entry code pushes them (arch/x86/entry/): general registers in the
 * processor's encoding order, then vector and error code, then what the processor pushes.
 */
#ifndef XL_X86_CPU_REGS_H
#define XL_X86_CPU_REGS_H

#include "lib/types.h"

struct regs {
    union {
        u64 gpr[16]; /* indexed as instructions encode them; gpr[4] (rsp) is filled only for the decoder */
        struct {
            u64 rax, rcx, rdx, rbx, rsp_slot, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
        };
    };
    u32 error;
    u32 vector; /* ENTRY_SYSCALL: came by SYSCALL and may leave by SYSRET */
    u64 rip;
    u64 cs;
    u64 rflags;
    u64 rsp;
    u64 ss;
};

#define ENTRY_SYSCALL 0x100u

#define RFLAGS_CF   (1ull << 0)
#define RFLAGS_TF   (1ull << 8)
#define RFLAGS_IF   (1ull << 9)
#define RFLAGS_DF   (1ull << 10)
#define RFLAGS_IOPL (3ull << 12)
#define RFLAGS_NT   (1ull << 14)
#define RFLAGS_RF   (1ull << 16)
#define RFLAGS_VM   (1ull << 17)
#define RFLAGS_AC   (1ull << 18)
#define RFLAGS_VIF  (1ull << 19)
#define RFLAGS_VIP  (1ull << 20)
#define RFLAGS_ID   (1ull << 21)

enum vector {
    VECTOR_DE = 0, VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_BR = 5, VECTOR_UD = 6,
    VECTOR_NM = 7, VECTOR_DF = 8, VECTOR_TS = 10, VECTOR_NP = 11, VECTOR_SS = 12, VECTOR_GP = 13, VECTOR_PF = 14,
    VECTOR_MF = 16, VECTOR_AC = 17, VECTOR_MC = 18, VECTOR_XM = 19, VECTOR_CP = 21,
    VECTOR_TIMER = 0xf0, VECTOR_SPURIOUS = 0xff
};

#define PF_PRESENT  1u
#define PF_WRITE    2u
#define PF_USER     4u
#define PF_RESERVED 8u
#define PF_FETCH    16u

/* Selectors; the numbers of ring 3 are the guest ABI's (FLAT_RING3_* of xen/arch-x86/xen-x86_64.h). */
#define SEL_RING0_CS   0xe008
#define SEL_RING0_DS   0xe010
#define SEL_RING3_CS32 0xe023
#define SEL_RING3_DS   0xe02b
#define SEL_RING3_CS64 0xe033
#define SEL_TSS        0xe040 /* 16 bytes */
#define SEL_LDT        0xe050 /* 16 bytes */
#define GDT_GUEST_PAGES 14    /* pages 0..13 of the table are the guest's, ours begin at 0xe000 */

#endif
