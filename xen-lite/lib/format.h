/* SPDX-License-Identifier: MIT */
/*
 * Formatted text: %d %i %u %x %X %p %c %s %%, flags 0 - # and width, precision for %s (also `*`), lengths hh h l ll z.
 * Unknown conversions are printed as they stand. No floating point.
 */
#ifndef XL_LIB_FORMAT_H
#define XL_LIB_FORMAT_H

#include "lib/types.h"
#include <stdarg.h>

/* As C's vsnprintf: writes at most size bytes including the final 0 and returns the length the whole text would have. */
int format_text_v(char *to, size_t size, const char *fmt, va_list args) __printf(3, 0);
/* Bytes that are not printable ASCII become '.': text from outside that is shown on a terminal. */
void text_make_printable(char *text);
int format_text(char *to, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
