/* SPDX-License-Identifier: MIT */
/* The 80 by 25 text screen of a PC, where the firmware left one. */
#ifndef XL_X86_DEV_VGA_H
#define XL_X86_DEV_VGA_H

#include "lib/types.h"

#define VGA_TEXT_ADDRESS 0xb8000ull
#define VGA_TEXT_SIZE    (80 * 25 * 2)

/* Clears the screen and writes to it from now on; where its memory is mapped now. */
void vga_init(void *memory);
/* The mapping moved; what stands on the screen stays. */
void vga_move(void *memory);
/* Nothing where vga_init() was never called. */
void vga_write(const char *text, size_t n);

#endif
