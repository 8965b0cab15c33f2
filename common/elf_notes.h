/* SPDX-License-Identifier: MIT */
/* Between elf.c (the file) and elf_notes.c (what the guest says of itself in it). */
#ifndef XL_COMMON_ELF_NOTES_H
#define XL_COMMON_ELF_NOTES_H

#include "common/elf_image.h"

struct elf_reader {
    const u8 *data;
    size_t size;
    struct elf_image *image;
    char *error;
    size_t error_size;
    bool described;           /* something of Xen's was found */
    bool hypercall_pfn_given; /* __xen_guest: hypercall_page is the number of a page behind virt_base */
};

/* Writes the sentence and returns rc. */
int elf_fail(struct elf_reader *r, int rc, const char *fmt, ...) __printf(3, 4);
/* A row of ELF notes; those of other owners and of unknown types are passed over. align: of the segment or
 * section. */
int elf_read_notes(struct elf_reader *r, const u8 *notes, u64 size, u64 align);
/* "KEY=value,KEY=value,KEY"; ends at the first 0 or after size bytes. */
int elf_read_guest_section(struct elf_reader *r, const char *text, u64 size);

#endif
