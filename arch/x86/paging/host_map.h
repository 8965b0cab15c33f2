/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own part of every address space (arch/x86/cpu/layout.h): L4 slots 256 to 271, built once.
 * The L4 entries never change after host_map_build(), so that guests' roots can hold copies of them. Rights:
 * text executable and read-only, all else never executable; text, constants, the SYSCALL stub and the IDT
 * read-only by every address that they have; guard pages under stacks; global but for the GDT and LDT pages.
 */
#ifndef XL_X86_PAGING_HOST_MAP_H
#define XL_X86_PAGING_HOST_MAP_H

#include "arch/x86/cpu/setup.h"
#include "common/geometry.h"
#include "lib/types.h"

#define IMAGE_PHYS MIB(2) /* where the loader puts the image (arch/x86/boot/xen-lite.lds) */

extern u64 host_l4_slots[HYPERVISOR_SLOTS]; /* for slots 256 to 271 of each guest root */
extern mfn_t host_root;       /* a root with only those, for when no guest's is loaded */

/* Builds all of it in memory from memory_map_take(), under the boot loader's map. Panics where memory is too
 * small. */
void host_map_build(void);
/* The first thing under it: frame table, M2P, and everything that is left goes to the frame allocator. */
void host_map_take_over(void);

/* The memory of one processor. */
void host_map_cpu(u32 id, struct cpu_pages *out);

/* Device registers (uncached, read-write). Panics where no memory is left for the tables: start-up only. */
void *host_map_device(paddr_t address, u64 size);
/* Firmware tables (cached, read-only); NULL: not an address that this machine can have. */
const void *host_map_firmware(paddr_t address, u64 size);
/* Takes the right to write from whole pages of the image, by both of their addresses. */
void host_map_read_only(void *start, u64 size);
/* The same for memory named by its address in the direct map. */
void host_map_read_only_alias(void *start, u64 size);

#endif
