/* SPDX-License-Identifier: MIT
 * XSA-92: HVMOP_set_mem_type changed the type of whatever pages it was given, shared ones too, and took its time over 2^64 of
 * them.
 * Tried: each hvm_op on the domain itself, on the neighbour and on all pages there are. Right where no guest is HVM: -ENOSYS at
 * once, and nothing is written. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/guest.h"
#include "guest/report.h"

#define HVM_OPS 32u

struct mem_type { /* HVMOP_set_mem_type's, and long enough for the others */
    domid_t domid;
    uint16_t type;
    uint32_t nr;
    uint64_t first_pfn;
};

static unsigned long other_answers(domid_t domain, uint16_t type)
{
    unsigned long count = 0;

    for (uint32_t command = 0; command < HVM_OPS; command++) {
        struct mem_type *argument = poisoned(0x5a);
        const struct mem_type given = {.domid = domain, .type = type, .nr = ~0u, .first_pfn = 0};

        *argument = given;
        count += hypercall(__HYPERVISOR_hvm_op, command, HYPERCALL_PTR(argument), 0, 0, 0) != -XEN_ENOSYS;
        count += memcmp(argument, &given, sizeof(given)) != 0 || bytes_spilt(0x5a, sizeof(given)) != 0;
    }
    return count;
}

void guest_main(void)
{
    unsigned long count = 0;

    attempt_begin("xsa_92", "types of pages, from a guest that has none");
    for (uint16_t type = 0; type < 8; type++)
        count += other_answers(DOMID_SELF, type) + other_answers(attempt_neighbour(), type);
    report_equal("answers other than ENOSYS", count, 0);
    attempt_end();
}
