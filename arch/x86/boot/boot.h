/* SPDX-License-Identifier: MIT */
/* Between head.asm and boot.c. */
#ifndef XL_X86_BOOT_BOOT_H
#define XL_X86_BOOT_BOOT_H

#include "lib/types.h"

/* The first C function: on the boot stack, under the boot loader's map (identity below 4 GiB),
 * early_traps.asm's IDT. */
__noreturn void boot_main(u32 multiboot2_address);
/* Goes on in `function` on another stack under other page tables. */
__noreturn void boot_continue(u64 stack, u64 cr3, void (*function)(void));

#endif
