/* SPDX-License-Identifier: MIT */
/*
 * What guests print. A domain's text is gathered into lines; each whole line appears as "(dN:name) text", so
 * lines of two domains or of the hypervisor never mix. Bytes that are not printable appear as '.', except
 * tabs; '\r' is left out.
 */
#ifndef XL_COMMON_CONSOLE_H
#define XL_COMMON_CONSOLE_H

#include "lib/types.h"

struct domain;

/*
 * console_io write: n bytes, already copied from the guest. Lines beyond a burst of CONSOLE_BURST and then
 * CONSOLE_PER_SECOND are dropped, and it is said how many.
 */
void console_guest_write(struct domain *d, const char *text, size_t n);
/* Prints the line that was begun and not ended: when the domain shuts down, or waits for input. */
void console_guest_flush(struct domain *d);

#define CONSOLE_BURST      1000
#define CONSOLE_PER_SECOND 200

#endif
