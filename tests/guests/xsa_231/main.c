/* SPDX-License-Identifier: MIT
 * XSA-231: the number of a memory node in a request was used as an index before it was compared with how many there
 * are.
 * Tried: every number of a node that fits, asked for exactly or not, and as a virtual one. Right: the number is ignored,
 * or the request does nothing; the domain has as many pages more as the answer says. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

static uint64_t *page;
static unsigned long wrong;

/* A page of the domain's is away, so that there is room for one. */
static void ask(unsigned int flags)
{
    xen_pfn_t frame = virt_to_pfn(page);
    long before = reservation_now(), answer;

    answer = reservation(XENMEM_populate_physmap, &frame, 1, 0, flags, DOMID_SELF);
    wrong += answer < 0 || answer > 1 || reservation_now() != before + answer;
    if (answer == 1)
        wrong += reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF) != 1;
    if (!guest_is_rewrite()) {
        answer = reservation(XENMEM_increase_reservation, &frame, 1, 0, flags, DOMID_SELF);
        wrong += answer < 0 || answer > 1 || reservation_now() != before + answer;
        if (answer == 1)
            wrong += reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF) != 1;
    }
    wrong += reservation_now() != before;
}

void guest_main(void)
{
    attempt_begin("xsa_231", "numbers of memory nodes");
    page = page_alloc();
    report_answer("make room", page_give(page), 0);
    for (unsigned int node = 0; node < 256; node++) {
        ask(node << 8);
        ask(node << 8 | XENMEMF_exact_node_request);
        ask(node << 8 | XENMEMF_vnode);
        ask(node << 8 | 0xff);
    }
    report_equal("answers that are wrong, of 1024", wrong, 0);
    report_answer("a page comes", page_take(page), 0);
    page_free(page);
    attempt_end();
}
