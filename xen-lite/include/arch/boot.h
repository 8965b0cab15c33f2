/* SPDX-License-Identifier: MIT */
/* Contract: what the machine's start-up code hands to the common code once memory, processor and clock work.
 */
#ifndef XL_ARCH_BOOT_H
#define XL_ARCH_BOOT_H

#include "lib/types.h"

#define BOOT_MODULES_MAX 128

/* A file that the boot loader put into memory. Its frames stay out of the allocator. */
struct boot_module {
    paddr_t start;      /* machine address, in RAM: readable at direct_map + start */
    u64 size;           /* bytes */
    const char *string; /* the words after the file's name, without it; never NULL */
};

struct boot_info {
    const char *cmdline; /* the hypervisor's options, already read by cmdline_parse(); never NULL */
    const char *loader;  /* the boot loader's name for itself; never NULL */
    bool uefi;
    u32 module_count;
    struct boot_module modules[BOOT_MODULES_MAX];
};

/* common/start.c: the first of the common code, on the boot processor's own stack, interrupts off. */
__noreturn void start(const struct boot_info *info);

#endif
