/* SPDX-License-Identifier: MIT */
/*
 * What is typed at the console: it goes to the guests until Ctrl-A comes three times in a row, then to the hypervisor until
 * it comes three times again (Xen's habit). Each key that reaches the hypervisor shows or checks something; 'h' lists them.
 */
#ifndef XL_COMMON_KEYHANDLER_H
#define XL_COMMON_KEYHANDLER_H

#include "lib/types.h"

void keyhandler_init(void); /* nothing typed yet; before any other use */
/* SOFTIRQ_KEYS: takes what was typed, and has itself called again a tenth of a second later. May be long: interrupts are on. */
void keyhandler_work(void);
/* The next byte that was typed for the guests; -1: none. */
int keyhandler_read(void);
/* As if it had been typed to the hypervisor. 0; -XEN_EIO: what the key checks is not as it must be ('M'). */
int keyhandler_press(char key);

#endif
