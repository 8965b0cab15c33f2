/* SPDX-License-Identifier: MIT */
/* Boot information, good and damaged, in buffers of exactly its size: the address sanitizer sees a byte too
 * far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "arch/x86/boot/multiboot2.c"

#define ROUNDS 20000

static u64 random_state = 0x9e3779b97f4a7c15ull;

static u64 next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct {
    u8 bytes[65536] __attribute__((aligned(8)));
    u64 used;
} made;
static struct multiboot2 out;
static const char *error;

static void add_tag(u32 type, const void *body, u32 size)
{
    struct tag tag = {type, (u32)sizeof(tag) + size};

    memcpy(made.bytes + made.used, &tag, sizeof(tag));
    memcpy(made.bytes + made.used + sizeof(tag), body, size);
    made.used = align_up(made.used + tag.size, 8);
}

static void add_module(u32 start, u32 end, const char *string)
{
    u8 body[8 + 4096];

    memcpy(body, &start, 4);
    memcpy(body + 4, &end, 4);
    memcpy(body + 8, string, strlen(string) + 1);
    add_tag(TAG_MODULE, body, (u32)(8 + strlen(string) + 1));
}

static void add_memory_map(void)
{
    struct {
        u32 entry_size, version;
        struct memory_entry e[3];
    } map = {24, 0, {{0, 0x9f000, 1, 0}, {0x100000, 0xf00000, 1, 0}, {0x800000, 0x1000, 2, 0}}};

    add_tag(TAG_MEMORY_MAP, &map, sizeof(map));
}

static int begin(void **state)
{
    (void)state;
    memset(&made, 0, sizeof(made));
    memset(&memory_ram, 0, sizeof(memory_ram));
    made.used = 8;
    return 0;
}

static bool parse(u64 size)
{
    u8 *exact = malloc(size);

    memcpy(exact, made.bytes, size);
    bool ok = multiboot2_parse(exact, size, &out, &error);
    free(exact);
    return ok;
}

static void everything_is_copied_out(void **state)
{
    (void)state;
    u8 rsdp[36] = "RSD PTR ";
    u8 framebuffer[24] = {0};

    framebuffer[21] = FRAMEBUFFER_TEXT;
    add_tag(TAG_CMDLINE, "console=com1", 13);
    add_tag(TAG_LOADER, "GRUB", 5);
    add_module(0x400000, 0x412345, "domain name=a");
    add_module(0x500000, 0x500000, "");
    add_memory_map();
    add_tag(TAG_RSDP_NEW, rsdp, 36);
    add_tag(TAG_RSDP_OLD, rsdp, 20);
    add_tag(TAG_FRAMEBUFFER, framebuffer, sizeof(framebuffer));
    add_tag(TAG_END, "", 0);
    assert_true(parse(made.used));
    assert_string_equal(out.info.cmdline, "console=com1");
    assert_string_equal(out.info.loader, "GRUB");
    assert_int_equal(out.info.module_count, 2);
    assert_int_equal(out.info.modules[0].start, 0x400000);
    assert_int_equal(out.info.modules[0].size, 0x12345);
    assert_string_equal(out.info.modules[0].string, "domain name=a");
    assert_int_equal(out.info.modules[1].size, 0);
    assert_int_equal(out.rsdp_size, 36);
    assert_int_equal(out.screen, SCREEN_TEXT);
    assert_false(out.info.uefi);
    assert_int_equal(memory_ram.count, 3);
    assert_int_equal(range_list_total(&memory_ram), 0x9f000 + 0xf00000 - 0x1000);
}

static void a_text_without_its_end_is_ended(void **state)
{
    (void)state;
    add_memory_map();
    add_tag(TAG_CMDLINE, "abcdefgh", 8);
    assert_true(parse(made.used));
    assert_string_equal(out.info.cmdline, "abcdefgh");
    assert_string_equal(out.info.loader, "");
}

static void what_is_missing_or_impossible_is_named(void **state)
{
    (void)state;
    add_tag(TAG_CMDLINE, "x", 2);
    assert_false(parse(made.used));
    assert_string_equal(error, "there is no memory map in the boot information");
    add_module(0x2000, 0x1000, "");
    assert_false(parse(made.used));
    assert_string_equal(error, "a module with an impossible size");
}

static void too_many_modules_and_too_long_strings_are_refused(void **state)
{
    (void)state;
    char text[4000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    for (u32 i = 0; i < 9; i++)
        add_module(0, 1, text);
    assert_false(parse(made.used));
    assert_string_equal(error, "the strings of the modules are too long together");
    begin(state);
    for (u32 i = 0; i <= BOOT_MODULES_MAX; i++)
        add_module(0, 1, "");
    assert_false(parse(made.used));
    assert_string_equal(error, "more modules than this hypervisor takes (BOOT_MODULES_MAX)");
}

static void a_tag_that_leaves_the_information_is_refused(void **state)
{
    (void)state;
    add_memory_map();
    made.bytes[8 + 4] += 1;
    assert_false(parse(made.used));
    made.bytes[8 + 4] = 7; /* shorter than its own head: would never end */
    made.bytes[8 + 5] = 0;
    assert_false(parse(made.used));
    assert_string_equal(error, "a tag that is longer than the boot information");
}

static void damaged_information_is_read_within_its_bounds(void **state)
{
    (void)state;
    add_tag(TAG_CMDLINE, "console=com1", 13);
    add_module(0x400000, 0x412345, "domain name=a");
    add_memory_map();
    add_tag(TAG_END, "", 0);
    u8 *good = malloc(made.used);
    u64 size = made.used, refused = 0;
    memcpy(good, made.bytes, size);
    for (u32 i = 0; i < ROUNDS; i++) {
        memcpy(made.bytes, good, size);
        for (u64 n = 1 + next_random() % 4; n-- > 0;)
            made.bytes[8 + next_random() % (size - 8)] =
                (u8)(next_random() % 3 ? next_random() % 32 : next_random());
        memset(&memory_ram, 0, sizeof(memory_ram));
        refused += !parse(8 + next_random() % (size - 7));
        for (u32 m = 0; m < out.info.module_count && out.info.modules[m].string; m++)
            assert_true(strlen(out.info.modules[m].string) < size);
    }
    assert_true(refused > 0 && refused < ROUNDS);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_copied_out, begin),
        cmocka_unit_test_setup(a_text_without_its_end_is_ended, begin),
        cmocka_unit_test_setup(what_is_missing_or_impossible_is_named, begin),
        cmocka_unit_test_setup(too_many_modules_and_too_long_strings_are_refused, begin),
        cmocka_unit_test_setup(a_tag_that_leaves_the_information_is_refused, begin),
        cmocka_unit_test_setup(damaged_information_is_read_within_its_bounds, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
