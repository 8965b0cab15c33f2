/* SPDX-License-Identifier: MIT */
/* The root that the processor walks (pin.c holds what the guest may load). */
#ifndef XL_X86_PAGING_ROOTS_H
#define XL_X86_PAGING_ROOTS_H

#include "arch/x86/cpu/vcpu.h"

/* Loads the root of the mode that the vcpu is in; flushes guest translations. */
void root_load(struct x86_vcpu *v);

/* Both roots of a vcpu that does not run: what they held is left to work. */
void roots_give_up(struct x86_vcpu *v, struct table_work *work);

#endif
