/* SPDX-License-Identifier: MIT */
/* The page by which a guest makes hypercalls (xen/xen.h): slot n, 32 bytes, makes call n and keeps all but rax. */
#ifndef XL_X86_PV_HYPERCALL_PAGE_H
#define XL_X86_PV_HYPERCALL_PAGE_H

#define PV_MSR_HYPERCALL_PAGE 0x40000000u /* a write of the page's guest address fills it (Xen's CPUID leaf +2) */

/* Overwrites the whole page (4096 bytes, the hypervisor's address of it). */
void hypercall_page_fill(void *page);

#endif
