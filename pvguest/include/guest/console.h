/* SPDX-License-Identifier: MIT
 * Printing: text goes to the hypervisor's console through console_io, a whole line at a time. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stdarg.h>
#include <stddef.h>

/* Conversions: %% %c %s %d %i %u %x %X %p with flags 0 and -, a width, a .precision for %s, and l ll z. Text
 * is kept until a newline or 255 characters. Not for use from two contexts at once. */
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* As C's snprintf: writes at most size bytes with the final zero, returns the length it would have had. */
size_t snprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Sends what is kept, without waiting for a newline. */
void console_flush(void);

#endif
