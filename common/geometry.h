/* SPDX-License-Identifier: MIT */
/*
 * How large tables are and how far counts go: in one place, so that a build of the same sources can make the world small
 * enough to be looked at whole (tests/assurance/explore gives other values on the compiler's line). The values here are
 * those of the processor and of the guest interface; the hypervisor itself is built with no others.
 */
#ifndef XL_COMMON_GEOMETRY_H
#define XL_COMMON_GEOMETRY_H

/* Entries of a page table (a power of two) and levels of tables (2 to 4). A smaller table is the beginning of its page. */
#ifndef PT_ENTRIES
#define PT_ENTRIES 512u
#endif
#ifndef PT_LEVELS
#define PT_LEVELS 4u
#endif

/* The slots of a root that are the hypervisor's. A tiny table may do without: one slot behind its last entry. */
#ifndef HYPERVISOR_FIRST_SLOT
#define HYPERVISOR_FIRST_SLOT 256
#define HYPERVISOR_LAST_SLOT  271
#endif
#define HYPERVISOR_SLOTS (HYPERVISOR_LAST_SLOT - HYPERVISOR_FIRST_SLOT + 1)

/* Bits of a frame's reference count; its type count has as many, as each type count comes with a reference. */
#ifndef FRAME_REF_BITS
#define FRAME_REF_BITS 26
#endif

/* Descriptors of a page of a GDT or LDT. */
#ifndef DESCRIPTORS_PER_PAGE
#define DESCRIPTORS_PER_PAGE 512
#endif

#endif
