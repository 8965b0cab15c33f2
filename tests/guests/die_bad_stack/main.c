/* SPDX-License-Identifier: MIT
 * die_bad_stack: the guest's kernel lets its stack point at nothing and then faults. There is no place for
 * the frame of the exception, so the guest cannot go on: it must die by the hypervisor's hand, with a reason,
 * and nobody else. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

void guest_main(void)
{
    report_title("die_bad_stack", "an exception with no stack to go to ends the guest");
    printf("the stack goes away now\n");
    __asm__ volatile("mov $0x1000, %%rsp; ud2" : : : "memory");
    report_failure("still alive");
}
