/* SPDX-License-Identifier: MIT */
/*
 * The address space while a paravirtualized guest runs. L4 slots 256 to 271 are the hypervisor's, in every table.
 *
 *   256  0xffff800000000000  machine-to-physical table, read-only, readable from ring 3 (guest ABI)
 *   260  0xffff820000000000  frame table          0xffff821000000000  writable M2P
 *        0xffff823000000000  device registers (local APIC, HPET...)
 *   261  0xffff82d080000000  the hypervisor's image (text RX, rodata R, data RW)
 *        0xffff82d0c0000000  per-cpu areas, 64 KiB each
 *        0xffff82d0d0000000  per-cpu descriptor tables: 32 pages each (GDT 16, LDT 16)
 *   262  0xffff830000000000  all RAM, read-write, never executable (the image's text read-only)
 */
#ifndef XL_X86_CPU_LAYOUT_H
#define XL_X86_CPU_LAYOUT_H

#include "common/geometry.h"
#include "lib/types.h"

/* Is entry `index` of a table of that level (1 to 4) the hypervisor's? */
static inline bool is_hypervisor_slot(unsigned level, unsigned index)
{
    return level == PT_LEVELS && index >= HYPERVISOR_FIRST_SLOT && index <= HYPERVISOR_LAST_SLOT;
}

#define HYPERVISOR_START      0xffff800000000000ull
#define HYPERVISOR_END        0xffff880000000000ull /* first address above */

#define M2P_READ_ONLY     0xffff800000000000ull
#define FRAME_TABLE_START 0xffff820000000000ull
#define M2P_WRITABLE      0xffff821000000000ull
#define DEVICE_MAP_START  0xffff823000000000ull
#define IMAGE_START       0xffff82d080000000ull
#define CPU_AREAS_START   0xffff82d0c0000000ull
#define CPU_TABLES_START  0xffff82d0d0000000ull
#define CPU_TABLES_SIZE   0x20000ull
#define DIRECT_MAP_START  0xffff830000000000ull
#define DIRECT_MAP_END    0xffff880000000000ull

/*
 * Addresses that a guest may name: both canonical halves but for the hypervisor's slots. Counted from the end of those
 * slots, modulo 2^64, they are one range.
 */
#define GUEST_SPAN 0xf80000000000ull
static inline bool is_guest_range(u64 address, u64 n)
{
    u64 from_end = address - HYPERVISOR_END;
    return from_end < GUEST_SPAN && n <= GUEST_SPAN - from_end;
}
static inline bool is_canonical(u64 address)
{
    return (u64)((s64)(address << 16) >> 16) == address;
}

/* Pages of a per-cpu area (4 KiB each, from its start): */
#define CPU_PAGE_STUB      0 /* SYSCALL landing code (read, execute) */
/* 1: guard */
#define CPU_PAGE_STACK_DF  2
/* 3: guard */
#define CPU_PAGE_STACK_NMI 4
/* 5: guard */
#define CPU_PAGE_STACK_DB  6
/* 7: guard */
#define CPU_PAGE_STACK_MC  8
/* 9: guard */
#define CPU_PAGE_STACK     10 /* to 15: main stack, guest registers and struct x86_cpu at its top */

#endif
