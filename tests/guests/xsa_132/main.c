/* SPDX-License-Identifier: MIT
 * XSA-132: a toolstack's call (domctl gettscinfo) gave back a structure with bytes of the hypervisor's stack.
 * Tried: domctl and platform_op of every number, by a domain that is no toolstack, with arguments of poison. Right: refused,
 * -ENOSYS or -EPERM, and not a byte is written. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/guest.h"
#include "guest/report.h"

static unsigned long answered(unsigned int hypercall_number)
{
    unsigned long count = 0;

    for (uint32_t command = 0; command < 128; command++) {
        uint32_t *argument = poisoned(0x5a);
        long answer;

        argument[0] = command;
        answer = hypercall(hypercall_number, HYPERCALL_PTR(argument), 0, 0, 0, 0);
        argument[0] = 0x5a5a5a5a;
        count += (answer != -XEN_ENOSYS && answer != -XEN_EPERM && answer != -XEN_EACCES) || bytes_spilt(0x5a, 0) != 0;
    }
    return count;
}

void guest_main(void)
{
    attempt_begin("xsa_132", "calls of toolstacks by one that is none");
    report_equal("domctl: numbers that were answered, or wrote", answered(__HYPERVISOR_domctl), 0);
    report_equal("platform_op", answered(__HYPERVISOR_platform_op), 0);
    attempt_end();
}
