/* SPDX-License-Identifier: MIT */
/* The hypervisor's log, see printk.h. A message is formatted first and written in one piece under the
 * console's lock. */
#include "common/printk.h"
#include "common/domain.h"
#include "common/printk_internal.h"
#include "common/spinlock.h"
#include "lib/format.h"
#include "lib/string.h"
#include <arch/machine.h>
#include <arch/time.h>

enum log_level log_threshold = LOG_INFO;
enum log_level guest_log_threshold = LOG_WARNING;

/* Lines of one domain's refusals: a burst, then so many a second. */
#define GUEST_LOG_BURST      200
#define GUEST_LOG_PER_SECOND 20

#define MESSAGE_MAX 512
#define PREFIX      "(xl) "

static struct spinlock lock = SPINLOCK(LOCK_CONSOLE);
bool panic_under_way;

static void console_lock(void)
{
    if (!panic_under_way)
        spinlock_lock(&lock);
}
static void console_unlock(void)
{
    if (!panic_under_way)
        spinlock_unlock(&lock);
}

void console_write(const char *text, size_t n)
{
    console_lock();
    arch_console_write(text, n);
    console_unlock();
}

/* Each line of the message on a line of its own behind the prefix; the last one ends even if it was cut
 * short. */
static void write_lines(const char *text)
{
    console_lock();
    while (*text != 0) {
        const char *end = strchr(text, '\n');
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
        arch_console_write(PREFIX, sizeof(PREFIX) - 1);
        arch_console_write(text, n);
        arch_console_write("\n", 1);
        text += end != NULL ? n + 1 : n;
    }
    console_unlock();
}

static void mark_if_cut(char *text, size_t size, int length)
{
    if (length >= (int)size)
        memcpy(text + size - 4, "...", 4);
}

void printk_v(enum log_level level, const char *fmt, va_list args)
{
    char text[MESSAGE_MAX];

    if (level > log_threshold)
        return;
    mark_if_cut(text, sizeof(text), format_text_v(text, sizeof(text), fmt, args));
    write_lines(text);
}

void printk(enum log_level level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    printk_v(level, fmt, args);
    va_end(args);
}

/* The domain is const to those who complain about it; its rate limit is this file's business. */
static bool allowed(const struct domain *d, u64 *dropped)
{
    struct rate_limit *limit = (struct rate_limit *)&d->log_limit;
    bool ok;

    console_lock();
    ok = rate_limit_allow(limit, system_time(), GUEST_LOG_BURST, GUEST_LOG_PER_SECOND);
    *dropped = ok ? limit->dropped : 0;
    if (ok)
        limit->dropped = 0;
    console_unlock();
    return ok;
}

void guest_printk(const struct domain *d, enum log_level level, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    u64 dropped;
    va_list args;

    if (level > guest_log_threshold || !allowed(d, &dropped))
        return;
    int n = format_text(text, sizeof(text), "d%u:%s: ", d->id, d->config.name);
    if (dropped != 0) {
        format_text(text + n, sizeof(text) - (size_t)n, "%lu messages left out\n", dropped);
        write_lines(text);
    }
    va_start(args, fmt);
    n += format_text_v(text + n, sizeof(text) - (size_t)n, fmt, args);
    va_end(args);
    mark_if_cut(text, sizeof(text), n);
    write_lines(text);
}
