/* SPDX-License-Identifier: MIT
 * XSA-146, XSA-152, XSA-169: requests that are refused were logged, each one, at whatever rate a guest made them: the log grew
 * and the console held everybody up.
 * Tried: refused requests of many kinds without end, with everything logged that can be (guest_loglvl=debug). Right: so many
 * lines and no more; how many were left out is said. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define ROUNDS 3000u

static unsigned int refused;

static void count(long answer)
{
    refused += answer < 0;
}

static void ask_in_vain(void)
{
    count(hypercall(__HYPERVISOR_xenpmu_op, 0, 0, 0, 0, 0));
    count(hypercall(__HYPERVISOR_xenoprof_op, 0, 0, 0, 0, 0));
    count(hypercall(__HYPERVISOR_hvm_op, 0, 0, 0, 0, 0));
    count(hypercall(63, 0, 0, 0, 0, 0));
    count(event_send(4000));
    count(hypercall_set_debugreg(0, HYPERVISOR));
    count(trap_set_callback(CALLBACKTYPE_event, (const void *)NONCANONICAL, 0));
}

void guest_main(void)
{
    uint64_t lines = 0;

    attempt_begin("xsa_146_152_169", "a log that a guest cannot flood");
    for (unsigned int i = 0; i < ROUNDS; i++, lines += 7)
        ask_in_vain();
    report_equal("requests that were refused", refused, lines);
    attempt_end();
}
