/* SPDX-License-Identifier: MIT */
/* The hypervisor's command line: each option, each complaint, and that one fault leaves the rest alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "common/cmdline.h"
#include "common/printk.h"

/* Parses and returns the complaints as they are printed. */
static const char *parse(const char *line)
{
    fake_console_clear();
    cmdline_parse(line);
    enum log_level level = log_threshold;
    log_threshold = LOG_DEBUG;
    cmdline_print_warnings();
    log_threshold = level;
    return fake_console_text();
}

static void nothing_said_gives_the_defaults(void **state)
{
    (void)state;
    assert_string_equal(parse(""), "");
    assert_true(options.console_com1 && options.console_vga && options.hap);
    assert_false(options.noreboot);
    assert_int_equal(options.com1.baud, 115200);
    assert_int_equal(options.com1.data_bits, 8);
    assert_int_equal(options.com1.parity, 'n');
    assert_int_equal(options.com1.stop_bits, 1);
    assert_int_equal(options.maxcpus, 0);
    assert_int_equal(options.idle, IDLE_POWEROFF);
    assert_int_equal(options.debug_exit, 0);
    assert_int_equal(options.scatter, 0);
    assert_int_equal(log_threshold, LOG_INFO);
    assert_int_equal(guest_log_threshold, LOG_WARNING);
}

static void every_option_is_read(void **state)
{
    (void)state;
    assert_string_equal(parse("console=com1 com1=9600,7e2 loglvl=all guest_loglvl=none/debug noreboot hap=off maxcpus=3 "
                              "idle=reboot debug-exit=0xf4 scatter=12345"),
                        "");
    assert_true(options.console_com1);
    assert_false(options.console_vga);
    assert_int_equal(options.com1.baud, 9600);
    assert_int_equal(options.com1.data_bits, 7);
    assert_int_equal(options.com1.parity, 'e');
    assert_int_equal(options.com1.stop_bits, 2);
    assert_int_equal(log_threshold, LOG_DEBUG);
    assert_int_equal(guest_log_threshold, LOG_DEBUG);
    assert_true(options.noreboot);
    assert_false(options.hap);
    assert_int_equal(options.maxcpus, 3);
    assert_int_equal(options.idle, IDLE_REBOOT);
    assert_int_equal(options.debug_exit, 0xf4);
    assert_int_equal(options.scatter, 12345);
}

static void booleans_have_xens_words(void **state)
{
    static const struct {
        const char *line;
        bool noreboot;
    } rows[] = {
        {"noreboot", true},           {"noreboot=1", true},        {"noreboot=yes", true},
        {"noreboot=on", true},        {"noreboot=true", true},     {"noreboot=enable", true},
        {"noreboot=0", false},        {"noreboot no-noreboot", false}, {"noreboot noreboot=no", false},
        {"noreboot=off noreboot", true}, {"noreboot noreboot=false", false}, {"noreboot noreboot=disable", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(parse(rows[i].line), "");
        assert_int_equal(options.noreboot, rows[i].noreboot);
    }
}

static void levels_and_choices(void **state)
{
    static const struct {
        const char *line;
        enum log_level level;
    } rows[] = {{"loglvl=none", LOG_NONE},       {"loglvl=error", LOG_ERROR},       {"loglvl=warning", LOG_WARNING},
                {"loglvl=info", LOG_INFO},       {"loglvl=debug", LOG_DEBUG},       {"loglvl=all", LOG_DEBUG},
                {"loglvl=error/all", LOG_DEBUG}, {"loglvl=debug/error", LOG_DEBUG}, {"loglvl=none/warning", LOG_WARNING}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(parse(rows[i].line), "");
        assert_int_equal(log_threshold, rows[i].level);
    }
    assert_string_equal(parse("idle=halt"), "");
    assert_int_equal(options.idle, IDLE_HALT);
    assert_string_equal(parse("idle=poweroff"), "");
    assert_int_equal(options.idle, IDLE_POWEROFF);
    assert_string_equal(parse("console=none"), "");
    assert_false(options.console_com1 || options.console_vga);
    assert_string_equal(parse("console=vga,com1"), "");
    assert_true(options.console_com1 && options.console_vga);
    assert_string_equal(parse("com1=115200"), "");
    assert_string_equal(parse("placeholder loglvl=all"), "");
}

static const struct {
    const char *line, *sentence;
} complaints[] = {
    {"nonsense", "unknown option 'nonsense'"},
    {"x\033=\n", "unknown option 'x.='"},
    {"nonsense=5", "unknown option 'nonsense=5'"},
    {"loglvl", "loglvl: found no value, expected none, error, warning, info, debug or all"},
    {"no-loglvl", "unknown option 'no-loglvl'"},
    {"no-", "unknown option 'no-'"},
    {"loglvl=loud", "loglvl: found 'loud', expected none, error, warning"},
    {"loglvl=error/loud", "loglvl: found 'error/loud'"},
    {"loglvl=err", "loglvl: found 'err'"},
    {"loglvl=", "loglvl: found ''"},
    {"console=com2", "console: found 'com2', expected com1, vga, both with a comma, or none"},
    {"console=", "console: found ''"},
    {"console=com1,", "console: found 'com1,'"},
    {"com1=115201", "com1: found '115201', expected a rate that divides 115200"},
    {"com1=0", "com1: found '0'"},
    {"com1=auto", "com1: found 'auto'"},
    {"com1=9600,8n", "com1: found '9600,8n'"},
    {"com1=9600,9n1", "com1: found '9600,9n1'"},
    {"com1=9600,8x1", "com1: found '9600,8x1'"},
    {"com1=9600,8n3", "com1: found '9600,8n3'"},
    {"com1=9600x", "com1: found '9600x'"},
    {"com1=99999999999999999999", "com1: found '99999999999999999999'"},
    {"noreboot=maybe", "noreboot: found 'maybe', expected yes or no"},
    {"maxcpus=4294967296", "maxcpus: found '4294967296', expected a number below 2^32"},
    {"idle=sleep", "idle: found 'sleep', expected poweroff, halt or reboot"},
    {"debug-exit=0x10000", "debug-exit: found '0x10000', expected a port number up to 0xffff"},
    {"scatter=some", "scatter: found 'some', expected a number below 2^64"},
    {"loglvl=all placeholder", "unknown option 'placeholder'"},
    {"noreboot \"open", "a quote that is not closed: 'open'"},
};

static void each_complaint_names_what_was_found_and_expected(void **state)
{
    char line[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
        strcpy(line, "maxcpus=7 ");
        if (strncmp(complaints[i].line, "maxcpus", 7) == 0)
            line[0] = 0;
        strcat(line, complaints[i].line);
        if (strchr(line, '"') == NULL)
            strcat(line, " scatter=9");
        const char *text = parse(line);
        if (strncmp(text, "(xl) command line: ", 19) != 0 || strstr(text, complaints[i].sentence) == NULL)
            fail_msg("'%s': expected '%s', found '%s'", line, complaints[i].sentence, text);
        /* The rest of the line counts, and what was not understood changed nothing. */
        assert_int_equal(options.maxcpus, line[0] == 'm' && line[8] == '7' ? 7 : 0);
        if (strchr(line, '"') == NULL)
            assert_int_equal(options.scatter, 9);
        assert_int_equal(options.com1.baud, 115200);
        assert_true(options.console_com1 && options.console_vga);
    }
}

static void the_last_one_wins(void **state)
{
    (void)state;
    assert_string_equal(parse("maxcpus=1 maxcpus=2 idle=halt idle=reboot"), "");
    assert_int_equal(options.maxcpus, 2);
    assert_int_equal(options.idle, IDLE_REBOOT);
    parse("maxcpus=5 maxcpus=x");
    assert_int_equal(options.maxcpus, 5);
}

static void many_complaints_are_counted(void **state)
{
    char line[2000] = "";

    (void)state;
    for (int i = 0; i < 20; i++)
        strcat(line, "wrong ");
    memset(line + strlen(line), 'x', 500);
    const char *text = parse(line);
    assert_non_null(strstr(text, "unknown option 'wrong'"));
    assert_non_null(strstr(text, "13 further complaints"));
    assert_int_equal(cmdline_print_warnings(), 21);
    assert_string_equal(parse("noreboot"), "");
}

static void long_words_are_named_and_passed_over(void **state)
{
    char line[600];

    (void)state;
    memset(line, 'y', sizeof(line));
    strcpy(line + 300, " maxcpus=2");
    assert_non_null(strstr(parse(line), "a word longer than 127 characters: 'yyyy"));
    assert_int_equal(options.maxcpus, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_said_gives_the_defaults, fake_setup),
        cmocka_unit_test_setup(every_option_is_read, fake_setup),
        cmocka_unit_test_setup(booleans_have_xens_words, fake_setup),
        cmocka_unit_test_setup(levels_and_choices, fake_setup),
        cmocka_unit_test_setup(each_complaint_names_what_was_found_and_expected, fake_setup),
        cmocka_unit_test_setup(the_last_one_wins, fake_setup),
        cmocka_unit_test_setup(many_complaints_are_counted, fake_setup),
        cmocka_unit_test_setup(long_words_are_named_and_passed_over, fake_setup),
    };
    return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
