/* SPDX-License-Identifier: MIT
 * reboot: ends at once with the reason that its command line names (reboot if none), every time it is
 * started. Nothing is kept from one life to the next; what the hypervisor does about it is for the matrix to
 * see. With the word "late" it lives for 300 ms. */
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

#define LATE_NS 300000000ull

static const struct {
    const char *word;
    unsigned int reason;
} reasons[] = {
    {"reboot", SHUTDOWN_reboot},
    {"poweroff", SHUTDOWN_poweroff},
    {"crash", SHUTDOWN_crash},
    {"watchdog", SHUTDOWN_watchdog},
};

static volatile bool been_here; /* in .bss, which is zero at the beginning of each life */

void guest_main(void)
{
    unsigned int chosen = 0;

    if (been_here) {
        report_failure("memory of the life before is still there");
        return;
    }
    been_here = true;
    for (unsigned int i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (guest_has_option(reasons[i].word))
            chosen = i;
    if (guest_has_option("late")) {
        uint64_t until = event_system_time() + LATE_NS;

        while (event_system_time() < until)
            hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    printf("ends: %s\n", reasons[chosen].word);
    guest_shutdown(reasons[chosen].reason);
}
