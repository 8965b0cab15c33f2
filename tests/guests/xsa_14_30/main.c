/* SPDX-License-Identifier: MIT
 * XSA-14, XSA-30: memory that is to come only when it is touched ("populate on demand") is for guests whose frame numbers
 * are translated by the processor. A paravirtualized guest that asked for it for itself stopped the machine, and left
 * a lock behind on the way out.
 * Tried: such requests, of each order, for itself and others, a hundred times. Right: no extent is done, nothing else. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

static long populate(xen_pfn_t frame, unsigned int order, unsigned int flags, domid_t domain)
{
    return reservation(XENMEM_populate_physmap, &frame, 1, order, flags, domain);
}

void guest_main(void)
{
    static const unsigned int others[] = {0, XENMEMF_exact_node(0), XENMEMF_node(3), XENMEMF_address_bits(32)};
    void *page = page_alloc();
    unsigned long pfn = virt_to_pfn(page), done = 0;

    attempt_begin("xsa_14_30", "no memory that comes when it is touched");
    report_answer("give a page back", page_give(page), 0);
    for (unsigned int i = 0; i < 100; i++)
        for (unsigned int order = 0; order <= 9; order += 3)
            done += populate(pfn, order, others[i % 4] | XENMEMF_populate_on_demand, DOMID_SELF) != 0;
    report_equal("extents done on demand", done, 0);
    report_answer("for the neighbour, none",
                  populate(pfn, 0, XENMEMF_populate_on_demand, attempt_neighbour()), 0);
    report_answer("the usual way: a page comes", page_take(page), 0);
    page_free(page);
    attempt_end();
}
