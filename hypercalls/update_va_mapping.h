/* SPDX-License-Identifier: MIT */
/* What the two forms of update_va_mapping have in common. */
#ifndef XL_HYPERCALLS_UPDATE_VA_MAPPING_H
#define XL_HYPERCALLS_UPDATE_VA_MAPPING_H

#include "lib/types.h"

struct domain;
struct vcpu;

/* The entry names a frame of `frames`; flags are UVMF_*. Errors: those of the entry, -XEN_EFAULT. */
long update_va_mapping(struct vcpu *v, vaddr_t va, u64 entry, u64 flags, struct domain *frames);

#endif
