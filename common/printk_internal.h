/* SPDX-License-Identifier: MIT */
/* Between panic.c and printk.c: the last words are printed even if the cpu died holding the console's lock.
 */
#ifndef XL_COMMON_PRINTK_INTERNAL_H
#define XL_COMMON_PRINTK_INTERNAL_H

void console_break_lock(void);

#endif
