/* SPDX-License-Identifier: MIT
 * die_no_handler: the guest takes its trap table away and then executes an undefined instruction. What a
 * processor would answer with a reset by triple fault ends this guest, with a reason, and nobody else. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

void guest_main(void)
{
    report_title("die_no_handler", "an exception that nobody handles ends the guest");
    report_answer("take the trap table away", hypercall_set_trap_table(NULL), 0);
    printf("an undefined instruction now\n");
    __asm__ volatile("ud2");
    report_failure("still alive");
}
