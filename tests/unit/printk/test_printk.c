/* SPDX-License-Identifier: MIT */
/* The log, what guests print, rate limits, panic and BUG, and the order of locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "common/cmdline.h"
#include "common/console.h"
#include "common/domain.h"
#include "common/printk.h"
#include "common/rate_limit.h"
#include "common/spinlock.h"
#include "lib/bug.h"

#define SECOND 1000000000ull

static struct domain d;

static int setup(void **state)
{
    fake_setup(state);
    memset(&d, 0, sizeof(d));
    d.id = 3;
    strcpy(d.config.name, "web");
    return 0;
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; *text != 0; text++)
        n += *text == '\n';
    return n;
}

static void lines_carry_the_prefix(void **state)
{
    (void)state;
    log_info("one %d\n", 1);
    log_info("two\nthree\n");
    log_info("no end");
    log_info("%s", "");
    assert_string_equal(fake_console_text(), "(xl) one 1\n(xl) two\n(xl) three\n(xl) no end\n");
}

static void the_threshold_decides(void **state)
{
    (void)state;
    for (int threshold = LOG_NONE; threshold <= LOG_DEBUG; threshold++) {
        fake_console_clear();
        log_threshold = (enum log_level)threshold;
        log_error("e\n");
        log_warning("w\n");
        log_info("i\n");
        log_debug("d\n");
        assert_int_equal(count_lines(fake_console_text()), threshold);
    }
}

static void long_messages_are_cut_visibly(void **state)
{
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[1999] = 0;
    log_info("%s\n", text);
    const char *out = fake_console_text();
    assert_true(strlen(out) < 600);
    assert_string_equal(out + strlen(out) - 5, "x...\n");
    fake_console_clear();
    guest_printk(&d, LOG_ERROR, "%s\n", text);
    out = fake_console_text();
    assert_string_equal(out + strlen(out) - 5, "x...\n");
}

static long refuse(void)
{
    return guest_refuse(&d, 22, "frame %#x is not the domain's\n", 0x123);
}

static void refusals_name_the_domain_and_return_the_error(void **state)
{
    (void)state;
    assert_int_equal(refuse(), -22);
    assert_string_equal(fake_console_text(), "");
    guest_log_threshold = LOG_DEBUG;
    assert_int_equal(refuse(), -22);
    assert_string_equal(fake_console_text(), "(xl) d3:web: frame 0x123 is not the domain's\n");
}

static void refusals_are_limited_and_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        guest_printk(&d, LOG_ERROR, "refused\n");
    assert_int_equal(count_lines(fake_console_text()), 200);
    fake_console_clear();
    fake_clock_advance(SECOND);
    for (int i = 0; i < 1000; i++)
        guest_printk(&d, LOG_ERROR, "refused\n");
    assert_int_equal(count_lines(fake_console_text()), 21);
    assert_true(fake_console_has("(xl) d3:web: 800 messages left out\n(xl) d3:web: refused\n"));
    struct domain other = {.id = 4};
    fake_console_clear();
    guest_printk(&other, LOG_ERROR, "mine\n");
    assert_true(fake_console_has("mine"));
}

static void guests_lines_are_gathered_and_prefixed(void **state)
{
    (void)state;
    console_guest_write(&d, "he", 2);
    assert_string_equal(fake_console_text(), "");
    console_guest_write(&d, "llo\r\nsecond\n\nlast", 17);
    assert_string_equal(fake_console_text(), "(d3:web) hello\n(d3:web) second\n(d3:web) \n");
    console_guest_flush(&d);
    assert_true(fake_console_has("(d3:web) last\n"));
    fake_console_clear();
    console_guest_flush(&d);
    assert_string_equal(fake_console_text(), "");
}

static void what_cannot_be_printed_shows_as_a_dot(void **state)
{
    static const char text[] = "a\tb\033[2J\0\x80\xff\x7f(xl) x\n";

    (void)state;
    console_guest_write(&d, text, sizeof(text) - 1);
    assert_string_equal(fake_console_text(), "(d3:web) a\tb.[2J....(xl) x\n");
}

/* No text makes a line that begins as another's does. */
static void no_guest_can_speak_as_another(void **state)
{
    char byte[2];

    (void)state;
    for (int c = 0; c < 256; c++) {
        byte[0] = (char)c;
        console_guest_write(&d, byte, 1);
        console_guest_write(&d, "(xl) panic", 10);
    }
    console_guest_flush(&d);
    const char *line = fake_console_text();
    while (*line != 0) {
        assert_memory_equal(line, "(d3:web) ", 9);
        line = strchr(line, '\n') + 1;
    }
}

static void endless_lines_are_broken(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        console_guest_write(&d, "0123456789", 10);
    console_guest_flush(&d);
    assert_int_equal(count_lines(fake_console_text()), (10000 + 255) / 256);
}

static void guests_lines_are_limited_and_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        console_guest_write(&d, "x\n", 2);
    assert_int_equal(count_lines(fake_console_text()), CONSOLE_BURST);
    fake_console_clear();
    fake_clock_advance(SECOND / 2);
    for (int i = 0; i < 5000; i++)
        console_guest_write(&d, "x\n", 2);
    assert_int_equal(count_lines(fake_console_text()), CONSOLE_PER_SECOND / 2 + 1);
    assert_true(fake_console_has("(d3:web) 4000 lines left out\n"));
    fake_console_clear();
    console_guest_flush(&d);
    assert_string_equal(fake_console_text(), "(d3:web) 4900 lines left out\n");
}

static void a_bucket_refills_exactly(void **state)
{
    struct rate_limit limit = {0};
    unsigned allowed = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(rate_limit_allow(&limit, 0, 10, 4));
    assert_false(rate_limit_allow(&limit, 0, 10, 4));
    assert_false(rate_limit_allow(&limit, SECOND / 4 - 1, 10, 4));
    assert_true(rate_limit_allow(&limit, SECOND / 4, 10, 4));
    assert_int_equal(limit.dropped, 2);
    /* Asked a thousand times a second for 100 seconds: 4 a second, no fraction lost. */
    for (u64 t = SECOND / 4; t <= 100 * SECOND + SECOND / 4; t += SECOND / 1000)
        allowed += rate_limit_allow(&limit, t, 10, 4);
    assert_int_equal(allowed, 400);
    /* A very long pause fills it, no further. */
    allowed = 0;
    for (int i = 0; i < 100; i++)
        allowed += rate_limit_allow(&limit, ~0ull - 5, 10, 4);
    assert_int_equal(allowed, 10);
}

static void do_panic(void *data)
{
    panic("%s %d", (const char *)data, 42);
}
static void do_bug(void *data)
{
    (void)data;
    BUG_ON(d.id == 3);
}
static void panic_in_silence(void *data)
{
    log_threshold = LOG_NONE;
    do_panic(data);
}

static void panic_says_why_and_reboots(void **state)
{
    (void)state;
    assert_int_equal(fake_end_of(do_panic, (void *)"out of"), FAKE_REBOOT);
    assert_string_equal(fake_console_text(), "(xl) panic: out of 42\n(xl) rebooting\n");
    assert_int_equal(fake_exit_status, 0x11);
    assert_int_equal(fake_dumps, 1);
}

static void panic_halts_with_noreboot(void **state)
{
    (void)state;
    cmdline_parse("noreboot");
    assert_int_equal(fake_end_of(do_panic, (void *)"out of"), FAKE_HALT);
    assert_string_equal(fake_console_text(), "(xl) panic: out of 42\n(xl) halted (noreboot)\n");
}

static void panic_is_heard_at_any_log_level(void **state)
{
    (void)state;
    assert_int_equal(fake_end_of(panic_in_silence, (void *)"quiet"), FAKE_REBOOT);
    assert_true(fake_console_has("(xl) panic: quiet 42\n"));
}

static void a_second_panic_only_halts(void **state)
{
    (void)state;
    assert_int_equal(fake_end_of(do_panic, (void *)"first"), FAKE_REBOOT);
    fake_console_clear();
    assert_int_equal(fake_end_of(do_panic, (void *)"second"), FAKE_HALT);
    assert_string_equal(fake_console_text(), "");
}

static void bug_names_file_line_and_condition(void **state)
{
    (void)state;
    assert_true(fake_panics(do_bug, NULL));
    assert_true(fake_console_has("(xl) panic: BUG at tests/unit/printk/test_printk.c:"));
    assert_true(fake_console_has(": d.id == 3\n"));
}

static struct spinlock upper = SPINLOCK(LOCK_EVENT), lower = SPINLOCK(LOCK_FRAMES), same = SPINLOCK(LOCK_EVENT);

static void in_order(void *data)
{
    (void)data;
    for (int i = 0; i < 70000; i++) {
        spinlock_lock(&upper);
        spinlock_lock(&lower);
        spinlock_unlock(&lower);
        spinlock_unlock(&upper);
        spinlock_lock(&lower);
        spinlock_unlock(&lower);
    }
}
static void against_the_order(void *data)
{
    (void)data;
    spinlock_lock(&lower);
    spinlock_lock(&upper);
}
static void two_of_a_level(void *data)
{
    (void)data;
    spinlock_lock(&upper);
    spinlock_lock(&same);
}
static void twice(void *data)
{
    (void)data;
    spinlock_lock(&upper);
    spinlock_lock(&upper);
}

static void the_order_of_locks_is_kept(void **state)
{
    (void)state;
    assert_false(fake_panics(in_order, NULL));
    assert_true(fake_panics(against_the_order, NULL));
    assert_true(fake_panics(two_of_a_level, NULL));
    assert_true(fake_panics(twice, NULL));
    assert_true(fake_console_has("held >> lock->level"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_carry_the_prefix, setup),
        cmocka_unit_test_setup(the_threshold_decides, setup),
        cmocka_unit_test_setup(long_messages_are_cut_visibly, setup),
        cmocka_unit_test_setup(refusals_name_the_domain_and_return_the_error, setup),
        cmocka_unit_test_setup(refusals_are_limited_and_counted, setup),
        cmocka_unit_test_setup(guests_lines_are_gathered_and_prefixed, setup),
        cmocka_unit_test_setup(what_cannot_be_printed_shows_as_a_dot, setup),
        cmocka_unit_test_setup(no_guest_can_speak_as_another, setup),
        cmocka_unit_test_setup(endless_lines_are_broken, setup),
        cmocka_unit_test_setup(guests_lines_are_limited_and_counted, setup),
        cmocka_unit_test_setup(a_bucket_refills_exactly, setup),
        cmocka_unit_test_setup(panic_says_why_and_reboots, setup),
        cmocka_unit_test_setup(panic_halts_with_noreboot, setup),
        cmocka_unit_test_setup(panic_is_heard_at_any_log_level, setup),
        cmocka_unit_test_setup(a_second_panic_only_halts, setup),
        cmocka_unit_test_setup(bug_names_file_line_and_condition, setup),
        cmocka_unit_test_setup(the_order_of_locks_is_kept, setup),
    };
    return cmocka_run_group_tests_name("printk", tests, NULL, NULL);
}
