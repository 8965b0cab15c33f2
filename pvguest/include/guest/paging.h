/* SPDX-License-Identifier: MIT
 * Page tables in both modes. Words used here:
 *   pfn    the guest's own frame number, 0 .. nr_pages-1, contiguous
 *   frame  the number that crosses the interface: the machine frame in direct mode, the pfn in rewrite mode;
 * an unregistered table's entries hold frames mfn    the machine frame, which entries of registered tables
 * hold in both modes mfn_list turns pfns into frames (in rewrite mode it is the identity), the read-only M2P
 * table turns mfns into pfns. */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include <stdbool.h>
#include <stdint.h>
#include "guest/hypercall.h"

#define PAGE_SIZE     4096ul
#define TABLE_ENTRIES 512u
#define ENTRY_FRAME   0x000ffffffffff000ul /* the frame's bits of an entry */

#define ENTRY_PRESENT   0x001ul
#define ENTRY_WRITE     0x002ul
#define ENTRY_USER      0x004ul
#define ENTRY_ACCESSED  0x020ul
#define ENTRY_DIRTY     0x040ul
#define ENTRY_SUPERPAGE 0x080ul
#define ENTRY_NX        (1ul << 63)

/* The flags a PV guest gives: kernel pages come without USER, the hypervisor adds what it needs. */
#define ENTRY_RO    (ENTRY_PRESENT | ENTRY_ACCESSED)
#define ENTRY_RW    (ENTRY_RO | ENTRY_WRITE | ENTRY_DIRTY)
#define ENTRY_TABLE (ENTRY_RW | ENTRY_USER)

typedef uint64_t table_t[TABLE_ENTRIES];

extern uint8_t GUEST_VIRT_BASE[];

/* Pages of the image and of the initial map. */
static inline unsigned long virt_to_pfn(const volatile void *address)
{
    return ((uintptr_t)address - (uintptr_t)GUEST_VIRT_BASE) / PAGE_SIZE;
}

static inline void *pfn_to_virt(unsigned long pfn)
{
    return GUEST_VIRT_BASE + pfn * PAGE_SIZE;
}

unsigned long pfn_to_frame(unsigned long pfn);
unsigned long frame_to_pfn(unsigned long frame);
unsigned long mfn_to_pfn(unsigned long mfn);
unsigned long virt_to_frame(const volatile void *address);

/* The root that the builder made, whose kernel half every other root shares. */
uint64_t *paging_boot_root(void);

/* A zeroed page out of the image's pool of 512, mapped writable at its own address. Running out ends the
 * guest. */
void *page_alloc(void);
void page_free(void *page);

/* An entry that names the page at address. */
uint64_t entry_make(const volatile void *address, uint64_t flags);

/* The pfn that an entry names, read from a registered table (which holds mfns) or an unregistered one
 * (frames). */
unsigned long entry_pfn_registered(uint64_t entry);
unsigned long entry_pfn_plain(uint64_t entry);

/* An entry of a registered table as it must be written into an unregistered one. */
uint64_t entry_for_plain(uint64_t registered);

static inline unsigned int table_index(uint64_t address, unsigned int level)
{
    return (unsigned int)(address >> (12 + 9 * (level - 1)) & (TABLE_ENTRIES - 1));
}

/* The guest-visible number of a table's entry, for mmu_update: frame << 12 | byte offset. */
uint64_t entry_address(const volatile uint64_t *entry);

/* Changes the page's own mapping in the running address space. Return the hypervisor's answer. */
long page_readonly(void *page);
long page_writable(void *page);

/* Registering: level 1..4, the page must have no writable mapping. */
long table_pin(unsigned int level, void *table);
long table_unpin(void *table);

/* page_readonly() and table_pin(); page_writable() and table_unpin(), which stop at the first refusal. */
long table_register(unsigned int level, void *table);
long table_unregister(void *table);

/* One entry of a registered table by mmu_update. */
long entry_update(volatile uint64_t *entry, uint64_t value);

long root_load(void *root);            /* MMUEXT_NEW_BASEPTR */
long root_load_user(void *root);       /* MMUEXT_NEW_USER_BASEPTR; NULL: none */
long page_flush(const volatile void *address); /* MMUEXT_INVLPG_LOCAL */
long paging_flush(void);               /* MMUEXT_TLB_FLUSH_LOCAL */
void root_copy_kernel(uint64_t *root); /* the kernel's slot of the boot root into a new, unregistered one */

#endif
