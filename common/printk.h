/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's log. Levels and thresholds as Xen's loglvl= and guest_loglvl= (error < warning < info < debug).
 * log_*: about the machine and the hypervisor. guest_log_*: about what a guest asked; rate-limited, prefixed with the
 * domain, so that every refusal can say what was seen and what was expected.
 */
#ifndef XL_COMMON_PRINTK_H
#define XL_COMMON_PRINTK_H

#include "lib/types.h"
#include <stdarg.h>

struct domain;

enum log_level { LOG_NONE, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG }; /* LOG_NONE: as a threshold only */

extern enum log_level log_threshold;       /* loglvl=, default info */
extern enum log_level guest_log_threshold; /* guest_loglvl=, default warning */

/* Prints one line "(xl) text"; the newline is part of the format. */
void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void printk_v(enum log_level level, const char *fmt, va_list args) __printf(2, 0);
/* Prints "(xl) dN:name: text". At most a burst of lines per domain and second; what was dropped is counted and said. */
void guest_printk(const struct domain *d, enum log_level level, const char *fmt, ...) __printf(3, 4);
/* Writes text as it is to all consoles, e.g. a guest's own line. */
void console_write(const char *text, size_t n);

#define log_error(...)   printk(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) printk(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    printk(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   printk(LOG_DEBUG, __VA_ARGS__)

/* The test stands here so that a refusal costs nothing where nobody reads it. */
#define guest_log(d, level, ...)                                                                                    \
    do {                                                                                                            \
        if (unlikely((level) <= guest_log_threshold))                                                               \
            guest_printk(d, level, __VA_ARGS__);                                                                    \
    } while (0)
/* A refused request: says what was seen and what was expected; evaluates to the error, so handlers can return it. */
#define guest_refuse(d, err, ...)                                                                                   \
    ({                                                                                                              \
        guest_log(d, LOG_DEBUG, __VA_ARGS__);                                                                       \
        -(err);                                                                                                     \
    })

__noreturn void panic(const char *fmt, ...) __printf(1, 2);

#endif
