/* SPDX-License-Identifier: MIT */
/* Keys of the console: see keyhandler.h. The letters are those of Xen's debug keys where Xen has the thing. */
#include "common/keyhandler.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/frame.h"
#include "common/printk.h"
#include "common/timer.h"
#include "lib/bug.h"
#include <arch/machine.h>
#include <arch/paging.h>
#include <arch/time.h>
#include <xen/errno.h>

#define POLL_NS      100000000ull
#define SWITCH_KEY   1 /* Ctrl-A */
#define SWITCH_COUNT 3

/* What is used on the way out to a guest alone, by one processor at a time. */
static struct {
    struct timer poll;
    bool ours;         /* what is typed is for the hypervisor */
    u32 switch_keys;   /* Ctrl-A so often in a row */
    u8 typed[256];     /* for the guests; what comes while it is full is lost */
    u32 first, count;
} input;

/* The keys ---------------------------------------------------------------------------------------------------------*/

static int key_help(void);

static int key_memory(void)
{
    u64 owned = 0;

    for (const struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        u64 pages = atomic_load_explicit(&d->tot_pages, memory_order_relaxed);
        owned += pages;
        printk(LOG_ERROR, "d%u:%s: %llu frames of at most %llu, %llu shared with the hypervisor%s\n", d->id, d->config.name,
               (unsigned long long)pages, (unsigned long long)d->max_pages,
               (unsigned long long)atomic_load_explicit(&d->shared_pages, memory_order_relaxed),
               d->zombie ? "; gone, but others hold them" : "");
    }
    printk(LOG_ERROR, "memory: %llu frames, %llu of them free, %llu of domains\n", (unsigned long long)frame_count,
           (unsigned long long)frame_free_count(), (unsigned long long)owned);
    return 0;
}

static int key_audit(void)
{
    u64 wrong = arch_audit();

    printk(LOG_ERROR, "audit: %llu differences in %llu frames\n", (unsigned long long)wrong,
           (unsigned long long)frame_count);
    return wrong ? -XEN_EIO : 0;
}

static const struct {
    char key;
    int (*press)(void);
    const char *what;
} keys[] = {
    {'h', key_help, "this list"},
    {'m', key_memory, "memory: how much is free, and whose the rest is"},
    {'M', key_audit, "audit: recounts every reference and type from the page tables and compares"},
};

static int key_help(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
        printk(LOG_ERROR, "key '%c': %s\n", keys[i].key, keys[i].what);
    return 0;
}

int keyhandler_press(char key)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key)
            return keys[i].press();
    printk(LOG_ERROR, "key '%c' has no meaning; 'h' lists those that have\n", key > ' ' && key <= '~' ? key : '?');
    return 0;
}

/* What is typed ----------------------------------------------------------------------------------------------------*/

static void input_keep(u8 byte)
{
    if (input.count < sizeof(input.typed))
        input.typed[(input.first + input.count++) % sizeof(input.typed)] = byte;
}

/* A Ctrl-A that turns out to be none of three is typed like any other byte. */
static void input_take(u8 byte)
{
    if (byte == SWITCH_KEY) {
        if (++input.switch_keys < SWITCH_COUNT)
            return;
        input.switch_keys = 0;
        input.ours = !input.ours;
        printk(LOG_ERROR, "what is typed goes to %s (Ctrl-A three times: back)\n",
               input.ours ? "xen-lite now, 'h' lists its keys" : "the guests now");
        return;
    }
    for (; input.switch_keys; input.switch_keys--)
        if (!input.ours)
            input_keep(SWITCH_KEY);
    if (input.ours)
        keyhandler_press((char)byte);
    else
        input_keep(byte);
}

static void input_poll(void)
{
    for (int c; (c = arch_console_read()) >= 0;)
        input_take((u8)c);
}

int keyhandler_read(void)
{
    input_poll();
    if (!input.count)
        return -1;
    u8 byte = input.typed[input.first];
    input.first = (input.first + 1) % sizeof(input.typed);
    input.count--;
    return byte;
}

void keyhandler_work(void)
{
    input_poll();
    /* Without room for the timer nothing more is taken by itself; a guest that reads still gets what is typed. */
    if (timer_set(&input.poll, system_time() + POLL_NS))
        log_warning("the console is not looked after: no memory for a timer\n");
}

static void poll_due(void *data)
{
    (void)data;
    softirq_raise(SOFTIRQ_KEYS);
}

void keyhandler_init(void)
{
    input.ours = false;
    input.switch_keys = input.first = input.count = 0;
    timer_init(&input.poll, poll_due, NULL);
}
