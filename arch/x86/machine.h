/* SPDX-License-Identifier: MIT */
/* The machine as the start-up code finds it; its services to the common code are <arch/machine.h>. */
#ifndef XL_X86_MACHINE_H
#define XL_X86_MACHINE_H

#include "lib/types.h"

/* The serial port with the options of the moment. */
void machine_console_init(void);
/* A text screen, at this address; called again when the map changes. */
void machine_screen_init(void *memory);
void machine_screen_move(void *memory);

#endif
