/* SPDX-License-Identifier: MIT */
/* What is typed: who gets it, what the keys say, and the same keys by sysctl. */
#include "tests/unit/support/tables.h"
#include "common/keyhandler.h"
#include <string.h>
#include <xen/sysctl.h>

static struct tables a;
static struct xen_sysctl op;
static char text[32];

static int setup(void **state)
{
    (void)state;
    tables_reset(256);
    tables_make(&a, "a", PAGING_DIRECT, 8);
    fake_guest_pointer(&op, sizeof(op));
    fake_guest_pointer(text, sizeof(text));
    fake_console_clear();
    return 0;
}

/* What the guests get of it. */
static const char *typed(const char *bytes)
{
    static char got[512];
    size_t n = 0;
    fake_console_type(bytes);
    for (int c; (c = keyhandler_read()) >= 0;)
        got[n++] = (char)c;
    got[n] = 0;
    return got;
}

static void guests_get_what_is_typed(void **state)
{
    (void)state;
    assert_string_equal(typed("M, h\n"), "M, h\n");
    assert_string_equal(fake_console_text(), "");
}

static void three_times_ctrl_a_goes_over_and_back(void **state)
{
    (void)state;
    assert_string_equal(typed("x\1\1\1hM\1\1\1y"), "xy");
    assert_true(fake_console_has("what is typed goes to xen-lite now"));
    assert_true(fake_console_has("key 'M': audit"));
    assert_true(fake_console_has("audit: 0 differences in 256 frames"));
    assert_true(fake_console_has("what is typed goes to the guests now"));
    /* Fewer are bytes like any other. */
    assert_string_equal(typed("\1a\1\1b"), "\1a\1\1b");
    assert_string_equal(typed("\1\1\1\1\1h\1\1\1c"), "c");
}

static void what_nobody_reads_is_kept_as_far_as_there_is_room(void **state)
{
    (void)state;
    char many[400];
    memset(many, 'a', sizeof(many));
    memset(many + 256, 'b', 143);
    many[399] = 0;
    fake_console_type(many);
    keyhandler_work();
    assert_int_equal(strlen(typed("c")), 256);
    assert_string_equal(typed("d"), "d");
}

static void it_looks_again_by_itself(void **state)
{
    (void)state;
    keyhandler_work();
    assert_false(this_cpu()->softirq & SOFTIRQ_KEYS);
    fake_clock_advance(100000000);
    world_leave();
    fake_console_type("\1\1\1m");
    fake_clock_advance(100000000);
    world_leave();
    assert_true(fake_console_has(":a: 8 frames of at most 8, 1 shared with the hypervisor"));
    assert_true(fake_console_has("memory: 256 frames"));
}

static void the_key_of_memory_tells_of_the_dead(void **state)
{
    struct tables b;
    (void)state;
    tables_make(&b, "b", PAGING_REWRITE, 8);
    struct frame *held = tables_frame(&b, 3);
    assert_true(frame_get(held, b.d->id));
    world_enter(&a.v->vcpu);
    tables_destroy(&b);
    keyhandler_press('m');
    assert_true(fake_console_has("1 frames of at most 8, 0 shared with the hypervisor; gone, but others hold them"));
    frame_put(held);
}

static void without_room_for_its_timer_it_says_so(void **state)
{
    (void)state;
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    keyhandler_work();
    assert_true(fake_console_has("the console is not looked after"));
    assert_string_equal(typed("x"), "x");
}

static void a_key_without_meaning_says_so(void **state)
{
    (void)state;
    assert_int_equal(keyhandler_press('Q'), 0);
    assert_true(fake_console_has("key 'Q' has no meaning"));
    assert_int_equal(keyhandler_press(7), 0);
    assert_true(fake_console_has("key '?' has no meaning"));
}

/* ---- sysctl --------------------------------------------------------------------------------------------------- */

static long sysctl(u32 cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return tables_call(__HYPERVISOR_sysctl, (u64)&op, 0, 0, 0);
}

static long press(const char *keys, u32 count)
{
    strcpy(text, keys);
    op.u.debug_keys.keys.p = text;
    op.u.debug_keys.nr_keys = count;
    return sysctl(XEN_SYSCTL_debug_keys);
}

static void a_privileged_domain_presses_keys(void **state)
{
    (void)state;
    assert_answer(press("M", 1), -XEN_EPERM);
    a.d->privileged = true;
    assert_answer(press("M", 1), 0);
    assert_true(fake_console_has("audit: 0 differences in 256 frames"));
    assert_answer(press("mh", 2), 0);
    assert_true(fake_console_has("key 'h'"));
    assert_answer(press("", 0), 0);
    assert_answer(press("", 17), -XEN_EINVAL);
    op.u.debug_keys.keys.p = (char *)0x123000;
    op.u.debug_keys.nr_keys = 1;
    assert_answer(sysctl(XEN_SYSCTL_debug_keys), -XEN_EFAULT);
    /* The key that checks answers what it found, whatever comes after it. */
    atomic_fetch_add(&tables_frame(&a, 3)->word, 1);
    assert_answer(press("Mh", 2), -XEN_EIO);
    assert_true(fake_console_has("audit: 1 differences"));
}

static void a_privileged_domain_reads_the_figures_of_memory(void **state)
{
    (void)state;
    a.d->privileged = true;
    memset(&op, 0xa5, sizeof(op));
    assert_answer(sysctl(XEN_SYSCTL_physinfo), 0);
    assert_int_equal(op.u.physinfo.total_pages, 255);
    assert_int_equal(op.u.physinfo.free_pages, frame_free_count());
    assert_int_equal(op.u.physinfo.max_mfn, 255);
    assert_int_equal(op.u.physinfo.capabilities, XEN_SYSCTL_PHYSCAP_pv);
    assert_int_equal(op.u.physinfo.pad, 0);
    assert_int_equal(op.u.physinfo.hw_cap[7], 0);
}

static void the_caller_and_the_version_are_looked_at(void **state)
{
    (void)state;
    a.d->privileged = true;
    assert_answer(sysctl(99), -XEN_ENOSYS);
    op.interface_version--;
    assert_answer(tables_call(__HYPERVISOR_sysctl, (u64)&op, 0, 0, 0), -XEN_EACCES);
    assert_answer(tables_call(__HYPERVISOR_sysctl, 0x123000, 0, 0, 0), -XEN_EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(guests_get_what_is_typed, setup),
        cmocka_unit_test_setup(three_times_ctrl_a_goes_over_and_back, setup),
        cmocka_unit_test_setup(what_nobody_reads_is_kept_as_far_as_there_is_room, setup),
        cmocka_unit_test_setup(it_looks_again_by_itself, setup),
        cmocka_unit_test_setup(the_key_of_memory_tells_of_the_dead, setup),
        cmocka_unit_test_setup(without_room_for_its_timer_it_says_so, setup),
        cmocka_unit_test_setup(a_key_without_meaning_says_so, setup),
        cmocka_unit_test_setup(a_privileged_domain_presses_keys, setup),
        cmocka_unit_test_setup(a_privileged_domain_reads_the_figures_of_memory, setup),
        cmocka_unit_test_setup(the_caller_and_the_version_are_looked_at, setup),
    };
    return cmocka_run_group_tests_name("keyhandler", tests, NULL, NULL);
}
