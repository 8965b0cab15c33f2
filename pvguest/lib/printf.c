/* SPDX-License-Identifier: MIT
 * Formatting for console.h: one pass over the format, one character at a time into a bounded buffer. */
#include <stdbool.h>
#include <stdint.h>
#include "guest/console.h"
#include "guest/string.h"

struct output {
    char *buffer;
    size_t size;
    size_t length; /* as if the buffer had no end */
};

struct field {
    bool left, zero;
    unsigned int width;
    size_t precision; /* of a string; SIZE_MAX: none */
    unsigned int longs;
};

static void output_char(struct output *out, char c)
{
    if (out->length + 1 < out->size)
        out->buffer[out->length] = c;
    out->length++;
}

static void output_padded(struct output *out, const struct field *field, const char *sign, const char *text,
                          size_t length)
{
    size_t signs = strlen(sign);
    size_t pad = field->width > length + signs ? field->width - length - signs : 0;

    if (!field->left && !field->zero)
        for (size_t i = 0; i < pad; i++)
            output_char(out, ' ');
    for (size_t i = 0; i < signs; i++)
        output_char(out, sign[i]);
    if (!field->left && field->zero)
        for (size_t i = 0; i < pad; i++)
            output_char(out, '0');
    for (size_t i = 0; i < length; i++)
        output_char(out, text[i]);
    if (field->left)
        for (size_t i = 0; i < pad; i++)
            output_char(out, ' ');
}

static void output_number(struct output *out, const struct field *field, const char *sign, uint64_t value,
                          unsigned int base, bool capital)
{
    const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[20];
    size_t start = sizeof(text);

    do {
        text[--start] = digits[value % base];
        value /= base;
    } while (value != 0);
    output_padded(out, field, sign, text + start, sizeof(text) - start);
}

static void output_string(struct output *out, const struct field *field, const char *text)
{
    size_t length = 0;

    while (length < field->precision && text[length] != '\0')
        length++;
    output_padded(out, field, "", text, length);
}

/* Reads the flags, width, precision and length behind a %; returns where the conversion letter stands. */
static const char *field_parse(struct field *field, const char *format)
{
    *field = (struct field){.precision = SIZE_MAX};
    for (; *format == '-' || *format == '0'; format++) {
        field->left |= *format == '-';
        field->zero |= *format == '0';
    }
    for (; *format >= '0' && *format <= '9'; format++)
        field->width = field->width * 10 + (unsigned int)(*format - '0');
    if (*format == '.') {
        field->precision = 0;
        for (format++; *format >= '0' && *format <= '9'; format++)
            field->precision = field->precision * 10 + (size_t)(*format - '0');
    }
    for (; *format == 'l' || *format == 'z'; format++)
        field->longs++;
    return format;
}

static void output_signed(struct output *out, const struct field *field, int64_t value)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    output_number(out, field, value < 0 ? "-" : "", magnitude, 10, false);
}

size_t vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {.buffer = buffer, .size = size};
    struct field field;
    va_list args;
    char c;

    va_copy(args, arguments);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            output_char(&out, *format);
            continue;
        }
        format = field_parse(&field, format + 1);
        switch (*format) {
        case 'c':
            c = (char)va_arg(args, int);
            output_padded(&out, &field, "", &c, 1);
            break;
        case 's':
            output_string(&out, &field, va_arg(args, const char *));
            break;
        case 'd':
        case 'i':
            output_signed(&out, &field, field.longs ? va_arg(args, long) : va_arg(args, int));
            break;
        case 'u':
        case 'x':
        case 'X':
            output_number(&out, &field, "",
                          field.longs ? va_arg(args, unsigned long) : va_arg(args, unsigned int),
                          *format == 'u' ? 10 : 16, *format == 'X');
            break;
        case 'p':
            output_number(&out, &field, "0x", (uintptr_t)va_arg(args, void *), 16, false);
            break;
        case '\0':
            format--; /* a lone % at the end */
            break;
        default:
            output_char(&out, *format);
            break;
        }
    }
    va_end(args);
    if (size > 0)
        buffer[out.length < size ? out.length : size - 1] = '\0';
    return out.length;
}

size_t snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
