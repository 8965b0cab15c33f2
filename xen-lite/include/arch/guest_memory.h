/* SPDX-License-Identifier: MIT */
/*
 * Contract: the current guest's memory, by its own virtual addresses, as a hypercall's pointers name it.
 * The address is checked (canonical, not the hypervisor's, no wrap) and a missing or unwritable page gives an error,
 * never a fault. Guest memory can change at any moment: copy once, check the copy, use the copy.
 */
#ifndef XL_ARCH_GUEST_MEMORY_H
#define XL_ARCH_GUEST_MEMORY_H

#include "lib/types.h"

/* 0 or -XEN_EFAULT. On failure *to may be partly written. */
int copy_from_guest(void *to, vaddr_t from, size_t n);
int copy_to_guest(vaddr_t to, const void *from, size_t n);
/* Like copy_from_guest, but tells how many bytes came before the fault (instruction fetch at a page's end). */
size_t copy_from_guest_partial(void *to, vaddr_t from, size_t n);

/* Is [address, address + n) one that a guest may name at all? */
bool guest_range_ok(vaddr_t address, size_t n);
/* Element i of an array of elements of the given size: range of (base, index, size) checked without overflow. */
bool guest_element(vaddr_t base, u64 index, size_t size, vaddr_t *out);

#endif
