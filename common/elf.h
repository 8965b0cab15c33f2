/* SPDX-License-Identifier: MIT */
/*
 * Reads a guest kernel: ELF64 for x86-64 with Xen's ELF notes (PT_NOTE, else SHT_NOTE sections), or the older
 * __xen_guest section. The file is hostile: every offset, size and count is checked before use and nothing is
 * written. Format: System V ABI, chapter 4 and 5; notes: xen/elfnote.h.
 */
#ifndef XL_COMMON_ELF_H
#define XL_COMMON_ELF_H

#include "common/elf_image.h"
#include "lib/types.h"

/*
 * Reads data[0, size). 0; -XEN_ENOEXEC: not an image for this machine; -XEN_EINVAL: damaged. With a sentence
 * in error that names the field, what was seen and what is expected. *out is valid only after 0.
 */
int elf_parse(const void *data, size_t size, struct elf_image *out, char *error, size_t error_size);

/*
 * Fills to[0, n) with the loaded image at pseudo-physical address paddr: file bytes, and zeroes where no file
 * byte is. Returns how many of the n bytes belong to a segment.
 */
size_t elf_copy(const struct elf_image *image, u64 paddr, void *to, size_t n);

#endif
