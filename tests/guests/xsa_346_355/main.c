/* SPDX-License-Identifier: MIT
 * XSA-346: a page was freed at once, but what remembered where it was mapped was flushed later; in between it belonged
 * to another, and was still reached by the old owner. (There it was the translation of devices.) XSA-355: the list of
 * pages that waited for the flush, made by ranges of add_to_physmap, was one too short.
 * Tried: a page is mapped at a second place, used, unmapped there without a flush, given back, and a page comes. Then
 * the second place is read and written. And ranges. Right: from the moment a page is somebody's, no old way leads to it;
 * there are no ranges (-EINVAL, in direct mode -EACCES). */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define ROUNDS 32u

static uint64_t *window, *page;

static void ranges(void)
{
    for (unsigned int size = 0; size <= 64; size += 16) {
        struct xen_add_to_physmap add = {.domid = DOMID_SELF, .size = (uint16_t)size, .space = XENMAPSPACE_gmfn_range,
                                         .idx = virt_to_frame(page), .gpfn = virt_to_pfn(window)};

        report_answer("refused: a range", hypercall_memory_op(XENMEM_add_to_physmap, &add),
                      guest_is_rewrite() ? -XEN_EINVAL : -XEN_EACCES);
    }
}

void guest_main(void)
{
    unsigned int shut = 0, kept = 0;
    uint64_t word;

    attempt_begin("xsa_346_355", "no old way leads to a page that comes");
    window = page_alloc();
    page = page_alloc();
    for (unsigned int i = 0; i < ROUNDS; i++) {
        uint64_t entry = entry_make(page, ENTRY_RW | ENTRY_NX);
        xen_pfn_t frame = virt_to_frame(page);

        report_quiet("map", hypercall_update_va_mapping((uintptr_t)window, entry, UVMF_INVLPG), 0);
        window[0] = 1;
        report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)window, 0, UVMF_NONE), 0);
        report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_NONE), 0);
        report_quiet("give", reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF), 1);
        report_quiet("take", page_take(page), 0);
        page[0] = 0x346;
        shut += !try_read(window, &word) && !try_write(window, 0xbad);
        kept += page[0] == 0x346;
    }
    report_equal("the second place leads nowhere", shut, ROUNDS);
    report_equal("the page that came has what was written to it", kept, ROUNDS);
    ranges();
    report_quiet("the window is memory again", page_writable(window), 0);
    page_free(window);
    page_free(page);
    attempt_end();
}
