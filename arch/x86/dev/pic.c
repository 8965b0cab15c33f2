/* SPDX-License-Identifier: MIT */
/* 8259A: initialised once, so that a spurious interrupt has a harmless vector, then masked for good. */
#include "arch/x86/dev/pic.h"
#include "arch/x86/cpu/insn.h"

#define MASTER 0x20
#define SLAVE  0xa0

static void start_one(u16 port, u8 vector, u8 cascade)
{
    insn_out8(port, 0x11); /* ICW1: edge, cascaded, ICW4 follows */
    insn_out8((u16)(port + 1), vector);
    insn_out8((u16)(port + 1), cascade);
    insn_out8((u16)(port + 1), 1); /* ICW4: 8086 mode */
    insn_out8((u16)(port + 1), 0xff);
}

void pic_mask_all(void)
{
    start_one(MASTER, PIC_VECTOR_FIRST, 1 << 2);
    start_one(SLAVE, PIC_VECTOR_FIRST + 8, 2);
}
