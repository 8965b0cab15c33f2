/* SPDX-License-Identifier: MIT */
/* Formatted text, see format.h. Writes into the caller's buffer alone; needs no memory, no locks, no other
 * file. */
#include "lib/format.h"
#include "lib/string.h"

struct output {
    char *to;
    size_t size;   /* of the buffer, its final 0 included */
    size_t length; /* of the whole text, whether it fitted or not */
};

/* One conversion as it was read: %[flags][width][.precision][length]letter */
struct conversion {
    bool left, zero, alternate;
    bool has_precision;
    size_t width;
    size_t precision;
    u8 bytes; /* of the integer argument */
    char letter;
};

#define WIDTH_MAX 4096 /* a wider field is a mistake of ours; it must not become an endless loop */

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size)
        out->to[out->length] = c;
    out->length++;
}

static void put_many(struct output *out, char c, size_t n)
{
    while (n-- != 0)
        put(out, c);
}

static void put_text(struct output *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(out, text[i]);
}

/* prefix, then zeros, then digits, in a field of c->width. */
static void put_field(struct output *out, const struct conversion *c, const char *prefix, size_t zeros,
                      const char *digits, size_t n)
{
    size_t used = strlen(prefix) + zeros + n;
    size_t padding = c->width > used ? c->width - used : 0;

    if (c->zero && !c->left && !c->has_precision) {
        zeros += padding;
        padding = 0;
    }
    if (!c->left)
        put_many(out, ' ', padding);
    put_text(out, prefix, strlen(prefix));
    put_many(out, '0', zeros);
    put_text(out, digits, n);
    if (c->left)
        put_many(out, ' ', padding);
}

static void put_number(struct output *out, const struct conversion *c, u64 value, bool negative)
{
    const char *digit = c->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = c->letter == 'x' || c->letter == 'X' || c->letter == 'p' ? 16 : 10;
    const char *prefix = "";
    char text[20];
    size_t n = 0;

    if (negative)
        prefix = "-";
    else if (c->letter == 'p' || (c->alternate && base == 16 && value != 0))
        prefix = c->letter == 'X' ? "0X" : "0x";
    if (value == 0 && !(c->has_precision && c->precision == 0))
        text[sizeof(text) - ++n] = '0';
    for (; value != 0; value /= base)
        text[sizeof(text) - ++n] = digit[value % base];

    size_t zeros = c->has_precision && c->precision > n ? c->precision - n : 0;
    put_field(out, c, prefix, zeros, text + sizeof(text) - n, n);
}

static void put_string(struct output *out, const struct conversion *c, const char *text)
{
    if (text == NULL)
        text = "(null)";
    size_t n = c->has_precision ? strnlen(text, c->precision) : strlen(text);
    size_t padding = c->width > n ? c->width - n : 0;

    if (!c->left)
        put_many(out, ' ', padding);
    put_text(out, text, n);
    if (c->left)
        put_many(out, ' ', padding);
}

/* A wrapper, so that functions can take the list on from where another stopped (C11 7.16 footnote). */
struct arguments {
    va_list list;
};

static u64 take_unsigned(struct arguments *args, u8 bytes)
{
    u64 value = bytes == 8 ? va_arg(args->list, u64) : va_arg(args->list, unsigned);

    return bytes < 4 ? value & ((1ull << (8 * bytes)) - 1) : value;
}

static s64 take_signed(struct arguments *args, u8 bytes)
{
    s64 value = bytes == 8 ? va_arg(args->list, s64) : va_arg(args->list, int);

    return bytes == 1 ? (signed char)value : bytes == 2 ? (int16_t)value : value;
}

/* A width or precision: digits or `*`; a negative `*` is returned as it is. */
static s64 read_count(const char **fmt, struct arguments *args)
{
    s64 n = 0;

    if (**fmt == '*') {
        (*fmt)++;
        n = va_arg(args->list, int);
        return n > WIDTH_MAX ? WIDTH_MAX : n < -WIDTH_MAX ? -WIDTH_MAX : n;
    }
    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        n = n * 10 + (**fmt - '0') > WIDTH_MAX ? WIDTH_MAX : n * 10 + (**fmt - '0');
    return n;
}

static void read_flags(const char **fmt, struct conversion *c)
{
    for (;; (*fmt)++) {
        if (**fmt == '-')
            c->left = true;
        else if (**fmt == '0')
            c->zero = true;
        else if (**fmt == '#')
            c->alternate = true;
        else
            return;
    }
}

static u8 read_length(const char **fmt)
{
    u8 bytes = 4;

    if (**fmt == 'z') {
        (*fmt)++;
        return 8;
    }
    if (**fmt == 'l') {
        while (**fmt == 'l')
            (*fmt)++;
        return 8;
    }
    for (; **fmt == 'h'; (*fmt)++)
        bytes /= 2;
    return bytes == 0 ? 1 : bytes;
}

/* Reads what follows a '%' up to and with the letter. */
static struct conversion read_conversion(const char **fmt, struct arguments *args)
{
    struct conversion c = {0};

    read_flags(fmt, &c);
    s64 width = read_count(fmt, args);
    if (width < 0)
        c.left = true;
    c.width = (size_t)(width < 0 ? -width : width);
    if (**fmt == '.') {
        (*fmt)++;
        s64 precision = read_count(fmt, args);
        c.has_precision = precision >= 0;
        c.precision = precision >= 0 ? (size_t)precision : 0;
    }
    c.bytes = read_length(fmt);
    c.letter = **fmt;
    if (c.letter != 0)
        (*fmt)++;
    return c;
}

static void put_conversion(struct output *out, const char **fmt, struct arguments *args)
{
    const char *start = *fmt - 1;
    struct conversion c = read_conversion(fmt, args);

    switch (c.letter) {
    case 'd':
    case 'i': {
        s64 value = take_signed(args, c.bytes);
        put_number(out, &c, value < 0 ? 0 - (u64)value : (u64)value, value < 0);
        break;
    }
    case 'u':
    case 'x':
    case 'X':
        put_number(out, &c, take_unsigned(args, c.bytes), false);
        break;
    case 'p':
        put_number(out, &c, (u64)(uintptr_t)va_arg(args->list, void *), false);
        break;
    case 's':
        put_string(out, &c, va_arg(args->list, const char *));
        break;
    case 'c': {
        char byte = (char)va_arg(args->list, int);
        c.zero = false;
        c.has_precision = false;
        put_field(out, &c, "", 0, &byte, 1);
        break;
    }
    case '%':
        put(out, '%');
        break;
    default:
        put_text(out, start, (size_t)(*fmt - start));
    }
}

int format_text_v(char *to, size_t size, const char *fmt, va_list list)
{
    struct output out = {.to = to, .size = size};
    struct arguments args;

    va_copy(args.list, list);
    while (*fmt != 0) {
        char c = *fmt++;
        if (c != '%')
            put(&out, c);
        else
            put_conversion(&out, &fmt, &args);
    }
    va_end(args.list);
    if (size != 0)
        to[out.length < size ? out.length : size - 1] = 0;
    return (int)out.length;
}

int format_text(char *to, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = format_text_v(to, size, fmt, args);
    va_end(args);
    return n;
}

void text_make_printable(char *text)
{
    for (; *text != 0; text++)
        if (*text < ' ' || *text > '~')
            *text = '.';
}
