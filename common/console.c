/* SPDX-License-Identifier: MIT */
/* What guests print, gathered into lines: see console.h. */
#include "common/console.h"
#include "common/domain.h"
#include "common/printk.h"
#include "common/spinlock.h"
#include "lib/format.h"
#include "lib/string.h"
#include <arch/time.h>

/* Guards console_line, console_fill and console_limit of every domain. */
static struct spinlock lock = SPINLOCK(LOCK_GUEST_LINE);

static void say_dropped(struct domain *d)
{
    char text[DOMAIN_NAME_MAX + 64];

    if (d->console_limit.dropped == 0)
        return;
    int n = format_text(text, sizeof(text), "(d%u:%s) %lu lines left out\n", d->id, d->config.name,
                        d->console_limit.dropped);
    console_write(text, (size_t)n);
    d->console_limit.dropped = 0;
}

/* Prints the line as far as it goes, be it empty. */
static void end_line(struct domain *d)
{
    char text[DOMAIN_NAME_MAX + 16 + sizeof(d->console_line)];
    u32 fill = d->console_fill;

    d->console_fill = 0;
    if (!rate_limit_allow(&d->console_limit, system_time(), CONSOLE_BURST, CONSOLE_PER_SECOND))
        return;
    say_dropped(d);
    int n =
        format_text(text, sizeof(text), "(d%u:%s) %.*s\n", d->id, d->config.name, (int)fill, d->console_line);
    console_write(text, (size_t)n);
}

void console_guest_flush(struct domain *d)
{
    spinlock_lock(&lock);
    if (d->console_fill != 0)
        end_line(d);
    say_dropped(d);
    spinlock_unlock(&lock);
}

void console_guest_write(struct domain *d, const char *text, size_t n)
{
    spinlock_lock(&lock);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '\n') {
            end_line(d);
        } else if (c != '\r') {
            if (d->console_fill == sizeof(d->console_line))
                end_line(d);
            d->console_line[d->console_fill++] = (c >= ' ' && c <= '~') || c == '\t' ? c : '.';
        }
    }
    spinlock_unlock(&lock);
}
