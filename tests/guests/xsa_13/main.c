/* SPDX-License-Identifier: MIT
 * XSA-13: PHYSDEVOP_get_free_pirq used its own error code, a negative number, as an index into the domain's interrupts.
 * Tried: free interrupts, of every type, again and again. Right where guests have none: -ENOSYS, and nothing is written. */
#include "attempt.h"
#include "physdev.h"
#include "guest/guest.h"
#include "guest/report.h"

#define GET_FREE_PIRQ 23u

void guest_main(void)
{
    unsigned long other = 0, written = 0;

    attempt_begin("xsa_13", "an interrupt that is free");
    for (int32_t type = -2; type < 300; type++) {
        bool same;

        other += physdev(GET_FREE_PIRQ, physdev_argument(type, -1), &same) != -XEN_ENOSYS;
        written += !same;
    }
    report_equal("answers other than ENOSYS", other, 0);
    report_equal("arguments that were written to", written, 0);
    attempt_end();
}
