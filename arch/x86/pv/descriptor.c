/* SPDX-License-Identifier: MIT */
/* Which descriptors a guest may have. Pure: a descriptor in, a descriptor or a refusal out. */
#include "arch/x86/pv/descriptor.h"

/*
 * A descriptor that is not present always faults: any is fine. Code and data become ring 3's and accessed (the
 * processor would set that bit in a page that is read-only). Of the others none: a gate leads to another ring.
 */
bool pv_fix_descriptor(u64 *descriptor)
{
    if (!(*descriptor & DESCRIPTOR_PRESENT))
        return true;
    if (!(*descriptor & DESCRIPTOR_USER))
        return false;
    *descriptor |= DESCRIPTOR_DPL | DESCRIPTOR_ACCESSED;
    return true;
}

/* The page has its type already and nobody can write to it: what the first pass saw the second one finds. */
bool pv_check_descriptor_page(u64 *page)
{
    for (unsigned i = 0; i < DESCRIPTORS_PER_PAGE; i++) {
        u64 descriptor = page[i];
        if (!pv_fix_descriptor(&descriptor))
            return false;
    }
    for (unsigned i = 0; i < DESCRIPTORS_PER_PAGE; i++)
        pv_fix_descriptor(&page[i]);
    return true;
}
