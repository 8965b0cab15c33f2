/* SPDX-License-Identifier: MIT */
/* The serial port COM1: a 16550 at 0x3f8, polled. Works from the first line of C on. */
#ifndef XL_X86_DEV_UART_H
#define XL_X86_DEV_UART_H

#include "lib/types.h"

struct com1_options;

/* Sets speed and format; finds out whether there is a port at all. */
void uart_init(const struct com1_options *options);
bool uart_present(void);
/* Sends text; a newline goes out as CR LF. Waits for the port only so long: a dead one loses text, not the
 * machine. */
void uart_write(const char *text, size_t n);
/* Waits until all of it is on the wire: before the machine goes off. */
void uart_drain(void);
/* The next byte that came in; -1: none. */
int uart_read(void);

#endif
