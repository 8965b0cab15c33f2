/* SPDX-License-Identifier: MIT */
/*
 * The bits of page-table entries, and the formats as rows of data: x86-64 long mode (AMD APM vol. 2 §5.3, Intel SDM
 * vol. 3 §4.5), AMD nested paging (APM §15.25: the same as long mode) and Intel EPT (SDM vol. 3 §29.3).
 */
#ifndef XL_X86_PAGING_FORMAT_H
#define XL_X86_PAGING_FORMAT_H

#include "common/geometry.h"
#include "lib/types.h"

#define PTE_PRESENT  (1ull << 0)
#define PTE_RW       (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_PWT      (1ull << 3)
#define PTE_PCD      (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_PSE      (1ull << 7) /* levels 2 and 3: a large page; level 1: PAT */
#define PTE_GLOBAL   (1ull << 8)
#define PTE_AVAIL    (7ull << 9)
#define PTE_ADDR     0x000ffffffffff000ull
#define PTE_AVAIL_HIGH (0x7ffull << 52) /* 52..62; protection keys are off */
#define PTE_NX       (1ull << 63)

struct pt_format {
    const char *name;
    u64 present;   /* any of these bits: present */
    u64 writable;  /* all of these: a store is allowed by this entry */
    u64 user;      /* all of these: ring 3 may; 0: the format has no such right */
    u64 no_exec;   /* any of these set forbids execution; 0: execution is a right (exec) */
    u64 exec;      /* all of these: execution is allowed; 0: see no_exec */
    u64 large;     /* this bit makes an entry of level 2 or 3 a leaf */
    u64 address;   /* where the frame number stands */
};

extern const struct pt_format pt_format_x86_64, pt_format_npt, pt_format_ept;

/* Which entry of a table of that level (1 to 4) maps the address. */
static inline unsigned pt_index(u64 address, unsigned level)
{
    return (unsigned)(address >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}
/* Bytes that one entry of that level maps. */
static inline u64 pt_span(unsigned level)
{
    return 1ull << (PAGE_SHIFT + 9 * (level - 1));
}
static inline u64 pte_frame(u64 entry)
{
    return (entry & PTE_ADDR) >> PAGE_SHIFT;
}

#endif
