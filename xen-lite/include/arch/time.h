/* SPDX-License-Identifier: MIT */
/* Contract: the machine's clock and its one interrupt timer. */
#ifndef XL_ARCH_TIME_H
#define XL_ARCH_TIME_H

#include "lib/types.h"

struct domain;
struct vcpu;

u64 system_time(void);             /* ns since the hypervisor started; never runs backwards */
u64 arch_wall_clock_base(void);    /* ns since 1970 at system time 0 */
void arch_timer_program(u64 when); /* raise SOFTIRQ_TIMER at that system time (soon if past); ~0: never */
void arch_update_vcpu_time(struct vcpu *v); /* fills v->info->time (version protocol of xen/xen.h) */
void arch_update_wall_clock(struct domain *d); /* fills wc_* of shared_info */

#endif
