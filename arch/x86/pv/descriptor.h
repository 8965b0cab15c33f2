/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that a guest may have in its GDT and LDT (descriptor.c), for the type engine and for segments.c.
 * Descriptors: AMD APM vol. 2 §4.7, Intel SDM vol. 3 §3.4.5.
 */
#ifndef XL_X86_PV_DESCRIPTOR_H
#define XL_X86_PV_DESCRIPTOR_H

#include "common/geometry.h"
#include "lib/types.h"

#define DESCRIPTOR_ACCESSED (1ull << 40)
#define DESCRIPTOR_CODE     (1ull << 43)
#define DESCRIPTOR_USER     (1ull << 44) /* code or data; 0: system (gates, TSS, LDT) */
#define DESCRIPTOR_DPL      (3ull << 45)
#define DESCRIPTOR_PRESENT  (1ull << 47)
#define DESCRIPTOR_LONG     (1ull << 53) /* code: 64-bit */

/* One descriptor as the guest may have it: DPL forced to 3, accessed bit set; false: a kind that is refused. */
bool pv_fix_descriptor(u64 *descriptor);
/* Checks all 512 descriptors; true: fixed in place (DPL, accessed bit); false: one is refused, nothing was changed. */
bool pv_check_descriptor_page(u64 *page);

#endif
