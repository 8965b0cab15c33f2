/* SPDX-License-Identifier: MIT */
/* Plain stores of a guest kernel to its registered tables (VMASST_TYPE_writable_pagetables; writable.c). */
#ifndef XL_X86_PAGING_WRITABLE_H
#define XL_X86_PAGING_WRITABLE_H

#include "arch/x86/cpu/vcpu.h"

/*
 * A write fault of the guest's kernel at address. True: it was a store to one of its tables and has been carried out
 * (or is to be tried again); false: it was not, or is refused: the guest gets its page fault.
 */
bool writable_page_fault(struct x86_vcpu *v, struct regs *r, vaddr_t address);

#endif
