/* SPDX-License-Identifier: MIT */
/* xen_version and console_io: every field, to its last byte, and who may ask. */
#include "arch/x86/paging/p2m.h"
#include "common/cmdline.h"
#include "tests/unit/support/world.h"
#include <string.h>
#include <xen/version.h>
#include <xen/xen.h>

static struct domain *d, *p;
static u8 buffer[2048];
static u64 at;

static int setup(void **state)
{
    fake_setup(state);
    d = world_domain("a", 1);
    p = world_privileged("p");
    world_enter(d->vcpu[0]);
    this_cpu()->softirq = 0;
    memset(buffer, 0xa5, sizeof(buffer));
    at = fake_guest_pointer(buffer, sizeof(buffer));
    return 0;
}

static long version(u32 command, u64 argument)
{
    return world_call(__HYPERVISOR_xen_version, command, argument, 0);
}

static void untouched_from(size_t n)
{
    for (size_t i = n; i < sizeof(buffer); i++)
        assert_int_equal(buffer[i], 0xa5);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(version(XENVER_version, 0), 0x40011);
    assert_int_equal(version(XENVER_pagesize, 0), 4096);
    assert_answer(version(XENVER_pagesize, at), -XEN_EINVAL);
    assert_answer(version(XENVER_build_id, 0), -XEN_EPERM);
    assert_answer(version(11, at), -XEN_ENOSYS);
    world_enter(p->vcpu[0]);
    assert_answer(version(XENVER_build_id, 0), -XEN_ENODATA);
    untouched_from(0);
}

/* What is written is the whole field, text and zeros, and nothing behind it. */
static void expect_text(u32 command, size_t size, const char *text)
{
    size_t n = strlen(text);

    memset(buffer, 0xa5, sizeof(buffer));
    assert_answer(version(command, at), 0);
    assert_memory_equal(buffer, text, n);
    for (size_t i = n; i < size; i++)
        assert_int_equal(buffer[i], 0);
    untouched_from(size);
    assert_answer(version(command, 0xffff800000000000), -XEN_EFAULT);
}

static void test_texts(void **state)
{
    (void)state;
    cmdline_parse("console=com1 loglvl=all");
    expect_text(XENVER_extraversion, 16, ".0-xen-lite");
    expect_text(XENVER_capabilities, 1024, "xen-3.0-x86_64 ");
    expect_text(XENVER_changeset, 64, "unavailable");
    expect_text(XENVER_commandline, 1024, "<denied>");
    expect_text(XENVER_guest_handle, 16, "");
    world_enter(p->vcpu[0]);
    expect_text(XENVER_commandline, 1024, "console=com1 loglvl=all");
}

static void test_compile_info(void **state)
{
    const struct xen_compile_info *info = (const void *)buffer;
    (void)state;

    assert_answer(version(XENVER_compile_info, at), 0);
    assert_true(strncmp(info->compiler, "gcc ", 4) == 0 || strncmp(info->compiler, "clang ", 6) == 0);
    assert_int_equal(info->compiler[63], 0);
    for (size_t i = 64; i < sizeof(*info); i++)
        assert_int_equal(buffer[i], 0);
    untouched_from(sizeof(*info));
}

static void test_platform_parameters(void **state)
{
    (void)state;
    assert_answer(version(XENVER_platform_parameters, at), 0);
    assert_true(*(u64 *)buffer == 0xffff800000000000);
    untouched_from(8);
}

static u32 features(void)
{
    struct xen_feature_info *f = (void *)buffer;

    *f = (struct xen_feature_info){.submap_idx = 0, .submap = 0xffffffff};
    assert_answer(version(XENVER_get_features, at), 0);
    untouched_from(8);
    return f->submap;
}

static void test_features(void **state)
{
    struct xen_feature_info *f = (void *)buffer;
    u32 submap;
    (void)state;

    submap = features();
    assert_true(submap & 1u << XENFEAT_mmu_pt_update_preserve_ad);
    assert_true(submap & 1u << XENFEAT_gnttab_map_avail_bits); /* Linux does not start without these two */
    assert_false(submap & 1u << XENFEAT_writable_page_tables);
    assert_false(submap & 1u << XENFEAT_auto_translated_physmap);
    assert_false(submap & 1u << XENFEAT_supervisor_mode_kernel);
    assert_false(submap & 1u << XENFEAT_dom0);
    f->submap_idx = 1;
    assert_answer(version(XENVER_get_features, at), -XEN_EINVAL);
    assert_answer(version(XENVER_get_features, 0xffff800000000000), -XEN_EFAULT);
    world_enter(p->vcpu[0]);
    assert_true(features() & 1u << XENFEAT_dom0);
}

static void test_features_of_a_domain_that_knows_no_machine_frames(void **state)
{
    struct domain_config before = world_config;
    (void)state;

    world_config.paging = PAGING_REWRITE;
    struct domain *t = world_domain("t", 1);
    world_config = before;
    assert_int_equal(p2m_create(t, 8), 0);
    world_enter(t->vcpu[0]);
    assert_true(features() & 1u << XENFEAT_auto_translated_physmap);
}

static void test_features_that_cannot_be_written(void **state)
{
    static struct xen_feature_info read_only;
    (void)state;

    fake_guest_range((vaddr_t)&read_only, &read_only, sizeof(read_only), false);
    assert_answer(version(XENVER_get_features, (u64)&read_only), -XEN_EFAULT);
    assert_int_equal(read_only.submap, 0);
}

/* console_io ------------------------------------------------------------------------------------------------------ */

static long console(u32 command, u64 count, u64 argument)
{
    return world_call_through(__HYPERVISOR_console_io, command, count, argument);
}

static void test_a_domain_writes(void **state)
{
    (void)state;
    memcpy(buffer, "one\ntwo\nthree", 13);
    assert_answer(console(CONSOLEIO_write, 13, at), 0);
    assert_true(fake_console_has(":a) one\n"));
    assert_true(fake_console_has(":a) two\n"));
    assert_false(fake_console_has("three")); /* a line comes out when it is whole */
    assert_answer(console(CONSOLEIO_write, 0, 0), 0);
    assert_answer(console(CONSOLEIO_write, 5, 0xffff800000000000), -XEN_EFAULT);
    assert_answer(console(2, 0, 0), -XEN_ENOSYS);
}

static void test_a_long_text_gives_way_and_goes_on(void **state)
{
    char expected[2048];
    (void)state;

    for (u32 i = 0; i < 2000; i++)
        buffer[i] = i % 100 == 99 ? '\n' : (u8)('a' + i / 100);
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(console(CONSOLEIO_write, 2000, at), 0);
    assert_int_equal(world_restarts, 31); /* steps of 64 bytes */
    for (u32 line = 0; line < 20; line++) {
        memset(expected, 'a' + (int)line, 99);
        memcpy(expected + 99, "\n", 2);
        assert_true(fake_console_has(expected));
    }
}

static void test_what_is_typed_goes_to_one_domain(void **state)
{
    (void)state;
    fake_console_type("hello");
    assert_answer(console(CONSOLEIO_read, 10, at), -XEN_EPERM); /* the privileged one has it */
    world_enter(p->vcpu[0]);
    assert_answer(console(CONSOLEIO_read, 0x80000000, at), -XEN_E2BIG);
    assert_answer(console(CONSOLEIO_read, 3, at), 3);
    assert_memory_equal(buffer, "hel", 3);
    assert_answer(console(CONSOLEIO_read, 10, at), 2);
    assert_memory_equal(buffer, "lo", 2);
    untouched_from(3);
    assert_answer(console(CONSOLEIO_read, 10, at), 0);
    fake_console_type("x");
    assert_answer(console(CONSOLEIO_read, 1, 0xffff800000000000), -XEN_EFAULT);
    domain_shutdown(p, 0); /* then the first that still runs */
    world_enter(d->vcpu[0]);
    fake_console_type("y");
    assert_answer(console(CONSOLEIO_read, 10, at), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_numbers),
        TEST(test_texts),
        TEST(test_compile_info),
        TEST(test_platform_parameters),
        TEST(test_features),
        TEST(test_features_of_a_domain_that_knows_no_machine_frames),
        TEST(test_features_that_cannot_be_written),
        TEST(test_a_domain_writes),
        TEST(test_a_long_text_gives_way_and_goes_on),
        TEST(test_what_is_typed_goes_to_one_domain),
    };

    return cmocka_run_group_tests_name("xen_version and console_io", tests, NULL, NULL);
}
