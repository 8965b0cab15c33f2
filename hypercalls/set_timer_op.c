/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_set_timer_op(time): the vcpu's one-shot timer at that system time, in ns; 0 stops it. */
#include "common/cpu.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/time.h>

/*
 * A time that is negative as a signed number, or further away than this, is a guest's overflow: some mean "now", others
 * "never". As on Xen it gets a moment in between.
 */
#define TIME_TOO_FAR (1ull << 50)
#define TIME_INSTEAD 100000000ull /* ns from now */

/* doc errors: -ENOMEM no room for one more timer; a time that is past is no error, it fires at once */
long hypercall_set_timer_op(u64 when, u64 a2, u64 a3, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    u64 now = system_time();
    (void)a2, (void)a3, (void)a4, (void)a5;

    if (when == 0) {
        timer_stop(&v->oneshot);
        return 0;
    }
    if (when >> 63 || (when > now && when - now >= TIME_TOO_FAR))
        when = now + TIME_INSTEAD;
    return vcpu_set_oneshot(v, when);
}
