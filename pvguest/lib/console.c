/* SPDX-License-Identifier: MIT
 * The console of console.h: collects a line, sends it by console_io. */
#include "guest/console.h"
#include "guest/hypercall.h"
#include "guest/string.h"

static char line[256];
static size_t line_length;

void console_flush(void)
{
    if (line_length > 0)
        hypercall_console_io(CONSOLEIO_write, (unsigned int)line_length, line);
    line_length = 0;
}

static void console_char(char c)
{
    line[line_length++] = c;
    if (c == '\n' || line_length == sizeof(line) - 1)
        console_flush();
}

void vprintf(const char *format, va_list arguments)
{
    static char text[1024];
    size_t length = vsnprintf(text, sizeof(text), format, arguments);

    if (length >= sizeof(text))
        length = sizeof(text) - 1;
    for (size_t i = 0; i < length; i++)
        console_char(text[i]);
}

void printf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}
