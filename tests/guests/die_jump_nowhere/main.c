/* SPDX-License-Identifier: MIT
 * die_jump_nowhere: the guest's page-fault handler stands where nothing is mapped, so calling it faults
 * again, and again, until the stack has no room for one more frame. The guest dies of it with a reason; the
 * hypervisor does not spin, and its own stack never grows. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

void guest_main(void)
{
    uint8_t *below = page_alloc(), *stack = page_alloc();

    report_title("die_jump_nowhere", "a fault handler that is not there ends the guest");
    if (stack != below + PAGE_SIZE) {
        report_error("the two pages do not lie side by side");
        return;
    }
    report_answer("nothing below the stack", hypercall_update_va_mapping((uintptr_t)below, 0, UVMF_INVLPG),
                  0);
    report_answer("a #PF handler where nothing is", trap_set_entry(TRAP_PF, (const void *)0x10000, 0), 0);
    printf("a page fault now\n");
    __asm__ volatile("mov %0, %%rsp; mov 0x1000, %%rax" : : "r"(stack + PAGE_SIZE) : "rax", "memory");
    report_failure("still alive");
}
