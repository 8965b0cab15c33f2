/* SPDX-License-Identifier: MIT */
/* The PC's two old interrupt controllers (Intel 8259A): put out of the way of the processor's vectors and
 * masked. */
#ifndef XL_X86_DEV_PIC_H
#define XL_X86_DEV_PIC_H

#define PIC_VECTOR_FIRST 0x20 /* 16 vectors; only spurious interrupts can come */
#define PIC_VECTOR_LAST  0x2f

void pic_mask_all(void);

#endif
