/* SPDX-License-Identifier: MIT */
/* What the type engine asks of the descriptor rules (segments.c): may this page be a GDT or LDT page? */
#ifndef XL_X86_PV_DESCRIPTOR_H
#define XL_X86_PV_DESCRIPTOR_H

#include "lib/types.h"

/* Checks all 512 descriptors; true: fixed in place (DPL, accessed bit); false: one is refused, nothing was changed. */
bool pv_check_descriptor_page(u64 *page);

#endif
