/* SPDX-License-Identifier: MIT */
/*
 * Types of the ELF notes named "Xen" by which a guest kernel describes itself. "S": the note is a string,
 * "N": a number of 4 or 8 bytes.
 */
#ifndef XL_ABI_ELFNOTE_H
#define XL_ABI_ELFNOTE_H

#define XEN_ELFNOTE_INFO               0
#define XEN_ELFNOTE_ENTRY              1  /* N: virtual address of the first instruction */
#define XEN_ELFNOTE_HYPERCALL_PAGE     2  /* N: virtual address of the page to fill */
#define XEN_ELFNOTE_VIRT_BASE          3  /* N: where pseudo-physical 0 is mapped at the start */
#define XEN_ELFNOTE_PADDR_OFFSET       4  /* N: subtracted from p_paddr to give pseudo-physical */
#define XEN_ELFNOTE_XEN_VERSION        5  /* S: "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS           6  /* S */
#define XEN_ELFNOTE_GUEST_VERSION      7  /* S */
#define XEN_ELFNOTE_LOADER             8  /* S: "generic" */
#define XEN_ELFNOTE_PAE_MODE           9  /* S: 32-bit only */
#define XEN_ELFNOTE_FEATURES           10 /* S: names joined by '|', '!' before one that is required */
#define XEN_ELFNOTE_BSD_SYMTAB         11 /* S: "yes": load the symbol table too */
#define XEN_ELFNOTE_HV_START_LOW       12 /* N: lowest address that the hypervisor may take */
#define XEN_ELFNOTE_L1_MFN_VALID       13 /* N N: mask and value of a valid entry */
#define XEN_ELFNOTE_SUSPEND_CANCEL     14 /* N: 1 if a cancelled suspend is understood */
#define XEN_ELFNOTE_INIT_P2M           15 /* N: virtual address for the P2M list */
#define XEN_ELFNOTE_MOD_START_PFN      16 /* N: 1 if an unmapped ramdisk is understood */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* N: bit per XENFEAT_* */
#define XEN_ELFNOTE_PHYS32_ENTRY       18 /* N: PVH entry, physical, 32-bit, paging off */
#define XEN_ELFNOTE_MAX                XEN_ELFNOTE_PHYS32_ENTRY

/* In crash and core dumps. */
#define XEN_ELFNOTE_CRASH_INFO              0x1000001
#define XEN_ELFNOTE_CRASH_REGS              0x1000002
#define XEN_ELFNOTE_DUMPCORE_NONE           0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER         0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION    0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif
