/* SPDX-License-Identifier: MIT
 * XSA-313: the profiler's call gave every domain a buffer that had never been cleared, and took the guest's number of a vcpu
 * as an index.
 * Tried: xenoprof_op and xenpmu_op of every number, with arguments of poison. Right where guests have no counters: -ENOSYS,
 * and not a byte is written. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/guest.h"
#include "guest/report.h"

static unsigned long answered(unsigned int hypercall_number)
{
    unsigned long count = 0;

    for (uint32_t command = 0; command < 64; command++) {
        void *argument = poisoned(0x5a);

        count += hypercall(hypercall_number, command, HYPERCALL_PTR(argument), 0, 0, 0) != -XEN_ENOSYS;
        count += bytes_spilt(0x5a, 0) != 0;
    }
    return count;
}

void guest_main(void)
{
    attempt_begin("xsa_313", "counters that guests have not");
    report_equal("xenoprof_op: numbers that were answered, or wrote", answered(__HYPERVISOR_xenoprof_op), 0);
    report_equal("xenpmu_op", answered(__HYPERVISOR_xenpmu_op), 0);
    attempt_end();
}
