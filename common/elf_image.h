/* SPDX-License-Identifier: MIT */
/*
 * A guest kernel as elf_parse() found it (elf.h): what to load where, and what the kernel says of itself.
 *
 * Two kinds of addresses: pseudo-physical (p_paddr - PADDR_OFFSET; 0 is the domain's first byte of memory),
 * by which segments are loaded, and virtual (pseudo-physical + VIRT_BASE), by which notes name places.
 * p_vaddr counts for nothing: Linux's per-cpu segment has 0 there.
 */
#ifndef XL_COMMON_ELF_IMAGE_H
#define XL_COMMON_ELF_IMAGE_H

#include "lib/types.h"

#define ELF_SEGMENTS_MAX 32  /* loaded ones; kernels have 1 to 8 */
#define ELF_HEADERS_MAX  256 /* entries of the program header table */
#define ELF_STRING_MAX   32

struct elf_segment {
    const u8 *file; /* file_size bytes of the image */
    u64 file_size;
    u64 paddr;       /* pseudo-physical, bytes */
    u64 memory_size; /* > 0, at least file_size; the rest is zero */
    u32 flags;       /* PF_X 1, PF_W 2, PF_R 4 */
};

/* About 2 KiB: not for the stack. Holds pointers into the file, which must stay as long as it is used. */
struct elf_image {
    const u8 *file;
    size_t file_size;

    u32 segment_count;
    struct elf_segment segment[ELF_SEGMENTS_MAX]; /* by ascending paddr, never overlapping */
    u64 paddr_start, paddr_end;                   /* pseudo-physical span [start, end) of all segments */
    vaddr_t virt_start, virt_end;                 /* the same + virt_base; no wrap */

    u64 virt_base;    /* default 0 */
    u64 paddr_offset; /* default 0; with __xen_guest: virt_base */
    vaddr_t entry;    /* default e_entry; inside the image */

    bool from_guest_section; /* described by __xen_guest, not by notes */
    bool has_virt_base;
    bool has_paddr_offset;
    bool has_entry; /* named by a note */
    bool has_hypercall_page;
    bool has_init_p2m;
    bool has_phys32_entry;
    bool has_hv_start_low;
    bool mod_start_pfn; /* the guest takes an unmapped ramdisk */
    bool suspend_cancel;
    bool bsd_symtab;

    vaddr_t hypercall_page; /* page-aligned, inside the image */
    vaddr_t init_p2m;       /* page-aligned, outside the image */
    u64 phys32_entry;       /* PVH, pseudo-physical */
    vaddr_t hv_start_low;
    u64 l1_valid_mask, l1_valid_value; /* 1, 1 by default */

    u32 features_supported; /* bit XENFEAT_* */
    u32 features_required;  /* subset of supported */

    char guest_os[ELF_STRING_MAX]; /* cut to fit, "" if not given */
    char guest_version[ELF_STRING_MAX];
    char xen_version[ELF_STRING_MAX];
    char loader[ELF_STRING_MAX];
};

#endif
