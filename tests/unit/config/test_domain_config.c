/* SPDX-License-Identifier: MIT */
/* Descriptions of domains: what is read, what is said of what cannot be, and random text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/domain_config.h"
#include <xen/errno.h>

static struct domain_config config;
static char error[256];

static int parse(const char *text)
{
    memset(error, 0, sizeof(error));
    return domain_config_parse(text, &config, error, sizeof(error));
}

static void nothing_said_gives_the_defaults(void **state)
{
    static const char *const texts[] = {"", "domain", " domain ", "domain --", "--", "domain -- "};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(parse(texts[i]), 0);
        assert_string_equal(config.name, "dom");
        assert_int_equal(config.type, DOMAIN_PV);
        assert_int_equal(config.paging, PAGING_AUTO);
        assert_int_equal(config.memory, MIB(32));
        assert_int_equal(config.maxmem, MIB(32));
        assert_int_equal(config.vcpus, 1);
        assert_int_equal(config.on_poweroff, ACTION_DESTROY);
        assert_int_equal(config.on_reboot, ACTION_RESTART);
        assert_int_equal(config.on_crash, ACTION_PRESERVE);
        assert_false(config.privileged);
        assert_string_equal(config.cmdline, "");
    }
}

static void every_key_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("domain name=hello-1 type=pv memory=48 maxmem=1G vcpus=4 paging=rewrite on_poweroff=preserve "
                           "on_reboot=destroy on_crash=restart privileged=1 -- console=hvc0 root=\"a  b\" -- x='y'"),
                     0);
    assert_string_equal(config.name, "hello-1");
    assert_int_equal(config.memory, MIB(48));
    assert_int_equal(config.maxmem, GIB(1));
    assert_int_equal(config.vcpus, 4);
    assert_int_equal(config.paging, PAGING_REWRITE);
    assert_int_equal(config.on_poweroff, ACTION_PRESERVE);
    assert_int_equal(config.on_reboot, ACTION_DESTROY);
    assert_int_equal(config.on_crash, ACTION_RESTART);
    assert_true(config.privileged);
    assert_string_equal(config.cmdline, "console=hvc0 root=\"a  b\" -- x='y'");
}

static void quotes_are_grubs_own(void **state)
{
    (void)state;
    assert_int_equal(parse("domain name=\"a\" \"memory=64\" 'paging=direct'"), 0);
    assert_string_equal(config.name, "a");
    assert_int_equal(config.memory, MIB(64));
    assert_int_equal(config.paging, PAGING_DIRECT);
}

static void the_limits_themselves_are_allowed(void **state)
{
    (void)state;
    assert_int_equal(parse("memory=1M vcpus=32 maxmem=1024G name=a234567890123456789012345678901"), 0);
    assert_int_equal(config.memory, MIB(1));
    assert_int_equal(config.maxmem, GIB(1024));
    assert_int_equal(config.vcpus, 32);
    assert_int_equal(strlen(config.name), 31);
    assert_int_equal(parse("memory=1028K"), 0);
    assert_int_equal(config.memory, KIB(1028));
}

static const struct {
    const char *text, *sentence;
} faults[] = {
    {"domain title=x", "unknown key 'title', expected one of name type memory maxmem vcpus"},
    {"domain hello", "found 'hello', expected key=value or --"},
    {"domain =x", "unknown key ''"},
    {"memory=32 domain", "found 'domain', expected key=value or --"},
    {"domain name=", "name: found '', expected 1 to 31 characters"},
    {"name=a2345678901234567890123456789012", "name: found 'a2345678901234567890123456789012', expected 1 to 31"},
    {"name=a/b", "name: found 'a/b'"},
    {"\"name=a b\"", "name: found 'a b'"},
    {"type=\033[2J\xff", "type: found '.[2J.'"},
    {"type=hvm", "type: found 'hvm', expected pv"},
    {"memory=lots", "memory: found 'lots', expected a size from 1M to 1024G in whole pages"},
    {"memory=0", "memory: found '0'"},
    {"memory=1023K", "memory: found '1023K'"},
    {"memory=1025K", "memory: found '1025K'"},
    {"memory=1025G", "memory: found '1025G'"},
    {"memory=-1", "memory: found '-1'"},
    {"memory=32MB", "memory: found '32MB'"},
    {"memory=18446744073709551616", "memory: found '18446744073709551616'"},
    {"memory=64 maxmem=32", "maxmem: found 32768 KiB, expected at least memory, 65536 KiB"},
    {"maxmem=16", "maxmem: found 16384 KiB, expected at least memory, 32768 KiB"},
    {"vcpus=0", "vcpus: found '0', expected a number from 1 to 32"},
    {"vcpus=33", "vcpus: found '33'"},
    {"vcpus=two", "vcpus: found 'two'"},
    {"paging=shadow", "paging: found 'shadow', expected direct, rewrite or auto"},
    {"on_crash=explode", "on_crash: found 'explode', expected destroy, restart or preserve"},
    {"on_poweroff=", "on_poweroff: found ''"},
    {"on_reboot=Restart", "on_reboot: found 'Restart'"},
    {"privileged=yes", "privileged: found 'yes', expected 0 or 1"},
    {"name=a name=b", "name is given twice, the second time as 'b'"},
    {"memory=32 vcpus=1 memory=32", "memory is given twice, the second time as '32'"},
    {"name=\"abc", "a quote that is not closed: 'name=abc'"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        if (parse(faults[i].text) != -XEN_EINVAL || strstr(error, faults[i].sentence) == NULL)
            fail_msg("'%s': expected '%s', found '%s'", faults[i].text, faults[i].sentence, error);
}

static void long_words_and_command_lines_are_refused(void **state)
{
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[300] = 0;
    memcpy(text, "name=", 5);
    assert_int_equal(parse(text), -XEN_EINVAL);
    assert_non_null(strstr(error, "a word longer than 127 characters: 'name=xxx"));
    memset(text, 'x', sizeof(text));
    memcpy(text, "-- ", 3);
    text[3 + 1023] = 0;
    assert_int_equal(parse(text), 0);
    assert_int_equal(strlen(config.cmdline), 1023);
    text[3 + 1023] = 'x';
    text[3 + 1024] = 0;
    assert_int_equal(parse(text), -XEN_EINVAL);
    assert_string_equal(error, "the command line has over 1023 characters");
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        u64 bytes;
    } rows[] = {
        {"64", true, MIB(64)},    {"512K", true, KIB(512)},  {"512k", true, KIB(512)},  {"3M", true, MIB(3)},
        {"3m", true, MIB(3)},     {"2G", true, GIB(2)},      {"2g", true, GIB(2)},      {"0", true, 0},
        {"", false, 0},           {"K", false, 0},           {"1T", false, 0},          {"1KK", false, 0},
        {" 1", false, 0},         {"1 ", false, 0},          {"0x10", false, 0},        {"+1", false, 0},
        {"17592186044415", true, 0xfffffffffff00000},        {"17592186044416", false, 0},
        {"17179869183G", true, 0xffffffffc0000000},          {"17179869184G", false, 0},
        {"18446744073709551615K", false, 0},                 {"99999999999999999999", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        u64 bytes = 4711;
        size_t n = strlen(rows[i].text);
        char *exact = malloc(n + 1);
        memcpy(exact, rows[i].text, n);
        exact[n] = '9'; /* not part of it */
        assert_int_equal(parse_size(exact, n, &bytes), rows[i].ok);
        assert_int_equal(bytes, rows[i].ok ? rows[i].bytes : 4711);
        free(exact);
    }
}

/* Whatever is said, either it is refused with a sentence or the result keeps its promises. */
static void random_text_is_refused_or_in_range(void **state)
{
    static const char *const pieces[] = {"domain", "name=", "memory=", "maxmem=", "vcpus=", "paging=", "on_crash=", "type=pv",
                                         "privileged=", "--", " ", "\t", "\"", "'", "\\", "=", "1", "32", "999999", "K",
                                         "G", "direct", "restart", "x", "\x80", "%s%n", "\n"};
    u64 random = 4242;
    unsigned accepted = 0;
    char text[400];

    (void)state;
    for (int round = 0; round < 100000; round++) {
        text[0] = 0;
        for (random = random * 6364136223846793005ull + 1442695040888963407ull; strlen(text) < 300 && random >> 60 != 0;
             random = random * 6364136223846793005ull + 1442695040888963407ull)
            strcat(text, pieces[(random >> 33) % ARRAY_SIZE(pieces)]);
        if (parse(text) != 0) {
            assert_true(strlen(error) > 5);
            continue;
        }
        accepted++;
        assert_in_range(config.memory, MIB(1), GIB(1024));
        assert_int_equal(config.memory % PAGE_SIZE, 0);
        assert_true(config.maxmem >= config.memory);
        assert_in_range(config.vcpus, 1, 32);
        assert_in_range(strlen(config.name), 1, DOMAIN_NAME_MAX - 1);
    }
    assert_in_range(accepted, 100, 99900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_gives_the_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(quotes_are_grubs_own),
        cmocka_unit_test(the_limits_themselves_are_allowed),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(long_words_and_command_lines_are_refused),
        cmocka_unit_test(sizes),
        cmocka_unit_test(random_text_is_refused_or_in_range),
    };
    return cmocka_run_group_tests_name("domain_config", tests, NULL, NULL);
}
