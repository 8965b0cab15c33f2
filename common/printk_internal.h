/* SPDX-License-Identifier: MIT */
/* Between panic.c and printk.c. */
#ifndef XL_COMMON_PRINTK_INTERNAL_H
#define XL_COMMON_PRINTK_INTERNAL_H

#include "lib/types.h"

/* Set once and for all by the first cpu that panics: its last words are printed even if it died holding the
 * lock. */
extern bool panic_under_way;

#endif
