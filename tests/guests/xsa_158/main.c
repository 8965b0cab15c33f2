/* SPDX-License-Identifier: MIT
 * XSA-158: extents of up to 2^20 pages could be asked for by any guest, each cleared or given back in one go.
 * Tried: orders above 9 by a guest that is not privileged (above 18 by one that is), for every request that takes an
 * order. Right: no extent is done; what is below is served piece by piece. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

void guest_main(void)
{
    xen_pfn_t frame = guest_start_info->nr_pages;
    uint64_t *page = page_alloc();

    attempt_begin("xsa_158", "extents larger than what is served in one go");
    page[4] = 0x58;
    for (unsigned int order = attempt_privileged() ? 19 : 10; order <= 20; order++) {
        report_quiet("increase: none", reservation(XENMEM_increase_reservation, &frame, 1, order, 0, DOMID_SELF), 0);
        report_quiet("populate: none", reservation(XENMEM_populate_physmap, &frame, 1, order, 0, DOMID_SELF), 0);
        frame = virt_to_frame(page);
        report_quiet("decrease: none", reservation(XENMEM_decrease_reservation, &frame, 1, order, 0, DOMID_SELF), 0);
    }
    printf("none of the large ones is done\n");
    report_equal("the page is there", page[4], 0x58);
    report_answer("a small one: given back", page_give(page), 0);
    report_answer("and taken", page_take(page), 0);
    page_free(page);
    attempt_end();
}
