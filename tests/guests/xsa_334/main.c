/* SPDX-License-Identifier: MIT
 * XSA-334: a request for the hypervisor's own pages that serve a domain (XENMEM_acquire_resource) left a lock behind when
 * it was refused early.
 * Tried: each kind of such pages, a hundred times, with and without a list. Right: refused, and the next request of
 * another kind is served. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

static long acquire(domid_t domain, unsigned int type, unsigned int count, xen_pfn_t *list)
{
    struct xen_mem_acquire_resource request = {.domid = domain, .type = (uint16_t)type, .nr_frames = count};

    set_xen_guest_handle(request.frame_list, list);
    return hypercall_memory_op(XENMEM_acquire_resource, &request);
}

void guest_main(void)
{
    static xen_pfn_t list[4];
    unsigned int refused = 0;

    attempt_begin("xsa_334", "the hypervisor's own pages are not handed out");
    for (unsigned int i = 0; i < 100; i++)
        for (unsigned int type = 0; type < 4; type++) {
            refused += acquire(DOMID_SELF, type, 1, list) < 0;
            refused += acquire(attempt_neighbour(), type, 4, list) < 0;
            refused += acquire(4321, type, 0, list) < 0;
            refused += acquire(DOMID_SELF, type, 0xffffffff, NULL) < 0;
        }
    report_equal("refused, of 1600", refused, 1600);
    report_equal("the list is as it was", list[0] | list[1] | list[2] | list[3], 0);
    report_true("refused: a request that cannot be read",
                hypercall_memory_op(XENMEM_acquire_resource, (void *)HYPERVISOR) < 0);
    attempt_end();
}
