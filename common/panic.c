/* SPDX-License-Identifier: MIT */
/*
 * The end of the hypervisor itself: says why and where, leaves the status of a failed run at the debug-exit
 * port, then halts (noreboot) or reboots. A fault on the way here must not start it all over: the second time
 * it only halts.
 */
#include "common/cmdline.h"
#include "common/printk.h"
#include "common/printk_internal.h"
#include "lib/bug.h"
#include "lib/format.h"
#include "lib/string.h"
#include <arch/machine.h>

#define STATUS_FAILED 0x11

static __noreturn void stop(void)
{
    arch_dump_stack();
    arch_debug_exit(STATUS_FAILED);
    if (options.noreboot) {
        printk(LOG_ERROR, "halted (noreboot)\n");
        arch_halt();
    }
    printk(LOG_ERROR, "rebooting\n");
    arch_reboot();
}

/* Nothing may keep the last words back: neither the log level nor a lock. */
static void begin(void)
{
    if (__atomic_exchange_n(&panic_under_way, true, __ATOMIC_ACQ_REL))
        arch_halt();
    if (log_threshold < LOG_ERROR)
        log_threshold = LOG_ERROR;
}

void panic(const char *fmt, ...)
{
    char text[400];
    va_list args;

    begin();
    va_start(args, fmt);
    format_text_v(text, sizeof(text), fmt, args);
    va_end(args);
    size_t n = strlen(text);
    printk(LOG_ERROR, "panic: %s%s", text, n != 0 && text[n - 1] == '\n' ? "" : "\n");
    stop();
}

void bug(const char *file, unsigned line, const char *what)
{
    begin();
    printk(LOG_ERROR, "panic: BUG at %s:%u: %s\n", file, line, what);
    stop();
}
