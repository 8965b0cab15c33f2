/* SPDX-License-Identifier: MIT
 * The string functions of string.h. The compiler may call the mem... ones on its own. */
#include "guest/string.h"

void *memset(void *target, int byte, size_t count)
{
    void *cursor = target;
    size_t words = count / 8, rest = count % 8;

    __asm__ volatile("rep stosq"
                     : "+D"(cursor), "+c"(words)
                     : "a"((unsigned char)byte * 0x0101010101010101ul)
                     : "memory");
    __asm__ volatile("rep stosb" : "+D"(cursor), "+c"(rest) : "a"(byte) : "memory");
    return target;
}

void *memcpy(void *restrict target, const void *restrict source, size_t count)
{
    void *cursor = target;

    __asm__ volatile("rep movsb" : "+D"(cursor), "+S"(source), "+c"(count) : : "memory");
    return target;
}

void *memmove(void *target, const void *source, size_t count)
{
    unsigned char *to = target;
    const unsigned char *from = source;

    if (to <= from || to >= from + count)
        return memcpy(target, source, count);
    while (count-- > 0)
        to[count] = from[count];
    return target;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const unsigned char *a = left, *b = right;

    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, (size_t)-1);
}

int strncmp(const char *left, const char *right, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char a = (unsigned char)left[i], b = (unsigned char)right[i];

        if (a != b || a == '\0')
            return a - b;
    }
    return 0;
}
