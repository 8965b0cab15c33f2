/* SPDX-License-Identifier: MIT */
/* The boot information as Multiboot2 (version 2.0, chapter 3.6) hands it over; copied out, so that its memory
 * may go. */
#ifndef XL_X86_BOOT_MULTIBOOT2_H
#define XL_X86_BOOT_MULTIBOOT2_H

#include "lib/types.h"
#include <arch/boot.h>

enum multiboot2_screen {
    SCREEN_UNKNOWN, /* no framebuffer tag */
    SCREEN_TEXT,
    SCREEN_GRAPHICS,
};

struct multiboot2 {
    struct boot_info info;
    enum multiboot2_screen screen;
    u8 rsdp[36];      /* copy of the ACPI root pointer */
    u32 rsdp_size;    /* 20 or 36; 0: the loader gave none */
    char text[32768]; /* the strings that info points at */
    u32 text_used;
};

/*
 * Reads `size` bytes (the information's own first word, checked by the caller to be sane) at `data`. RAM goes
 * to memory_map_usable() and memory_map_unusable(). False: *error says what is wrong and nothing can be built
 * on it.
 */
bool multiboot2_parse(const void *data, u64 size, struct multiboot2 *out, const char **error);

#endif
