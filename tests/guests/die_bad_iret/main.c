/* SPDX-License-Identifier: MIT
 * die_bad_iret: the iret hypercall with a frame that cannot be read. There is no state to go on with, so the
 * guest must die by the hypervisor's hand, with a reason, and nobody else. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

void guest_main(void)
{
    report_title("die_bad_iret", "an iret frame that cannot be read ends the guest");
    printf("iret from nowhere now\n");
    __asm__ volatile("mov $0x1000, %%rsp; mov $23, %%eax; syscall" : : : "memory");
    report_failure("still alive");
}
