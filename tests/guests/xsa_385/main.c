/* SPDX-License-Identifier: MIT
 * XSA-385: "what it has, and what it wants" was added in 32 bits; near their end a domain got more than it may have.
 * Tried: requests for as many extents as a number holds, of small and large orders. Right: what comes stays within what
 * the domain may have, and the answer says how much came. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static const unsigned long counts[] = {0x3ffffff, 0x4000000, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe};

static long most(void)
{
    domid_t self = DOMID_SELF;

    return hypercall_memory_op(XENMEM_maximum_reservation, &self);
}

/* The list begins at the end of what can be read: a request that begins ends at its second element. */
static void ask(unsigned int command, xen_pfn_t *list, unsigned long count, unsigned int order)
{
    long before = reservation_now(), answer = reservation(command, list, count, order, 0, DOMID_SELF);

    report_quiet("it has what came", reservation_now() - before, answer << order);
    report_quiet("within what it may have", reservation_now() <= most(), true);
    report_quiet("none came", answer, 0);
}

void guest_main(void)
{
    static xen_pfn_t list[8];

    attempt_begin("xsa_385", "more than a number holds");
    if (attempt_privileged())
        return report_skip("a privileged domain may take all of the machine");
    for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        for (unsigned int order = 0; order <= 32; order++) {
            ask(XENMEM_increase_reservation, NULL, counts[i], order);
            ask(XENMEM_increase_reservation, list, counts[i], order);
            for (unsigned int k = 0; k < 8; k++)
                list[k] = guest_start_info->nr_pages + 0x100000;
            ask(XENMEM_populate_physmap, list, counts[i], order);
        }
    printf("none of them came\n");
    attempt_end();
}
