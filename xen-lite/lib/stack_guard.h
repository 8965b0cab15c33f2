/* SPDX-License-Identifier: MIT */
/* The value that the stack protector checks (stack_guard.c). */
#ifndef XL_LIB_STACK_GUARD_H
#define XL_LIB_STACK_GUARD_H

#include "lib/types.h"

/* Makes the value one that cannot be foreseen. The caller must not be compiled with the protector, and not return. */
void stack_guard_seed(u64 seed);

#endif
