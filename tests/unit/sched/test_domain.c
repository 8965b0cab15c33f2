/* SPDX-License-Identifier: MIT */
/* How domains begin and end: what stays, what goes, what is built again, and what the last line says. */
#include "common/cmdline.h"
#include "common/frame.h"
#include "common/heap.h"
#include "common/sched.h"
#include "common/softirq.h"
#include "tests/unit/support/world.h"
#include <arch/time.h>
#include <stdio.h>
#include <xen/sched.h>

static u64 frames_before;

/* What is allocated once and kept: the queue of timers, what the first vcpu to be loaded needs. */
static void warm_up(void)
{
    struct domain *d = world_domain("warm", 1);

    world_leave();
    vcpu_set_oneshot(d->vcpu[0], 1);
    this_cpu()->idle = true;
    sched_unload();
    domain_destroy(d);
    domains_init();
    this_cpu()->idle = false;
    this_cpu()->softirq = 0;
}

static int setup(void **state)
{
    fake_setup(state);
    world_config.on_reboot = ACTION_RESTART;
    world_config.on_crash = ACTION_PRESERVE;
    warm_up();
    frames_before = frame_free_count() + heap_frames();
    return 0;
}

/* Runs what is to be done until the machine is switched off. */
static void run_to_the_end(void *data)
{
    (void)data;
    for (;;) {
        softirq_raise(SOFTIRQ_SCHEDULE);
        softirq_run();
        if (!this_cpu()->softirq)
            fake_clock_advance(1000000);
    }
}
static void end_of_the_machine(void)
{
    assert_int_equal(fake_end_of(run_to_the_end, NULL), FAKE_POWER_OFF);
}

/* Domain numbers go on from test to test. */
static bool said(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool said(const char *fmt, ...)
{
    char text[200];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return fake_console_has(text);
}

static void give_frames(struct domain *d, u32 count)
{
    for (u32 i = 0; i < count; i++)
        assert_non_null(frame_alloc_domain(d));
}

static void test_all_is_given_back(void **state)
{
    struct domain *d = world_domain("a", 3), *other = world_domain("b", 1);
    u16 id = d->id;
    (void)state;

    give_frames(d, 200);
    assert_ptr_equal(world_leave(), d->vcpu[0]);
    domain_shutdown(d, SHUTDOWN_poweroff);
    assert_true(said("(xl) d%u:a has shut down: poweroff\n", id));
    assert_ptr_equal(world_leave(), other->vcpu[0]);
    for (u32 i = 0; i < 20 && domain_find(id); i++) {
        fake_clock_advance(2000000);
        world_leave();
    }
    assert_null(domain_find(id));
    assert_ptr_equal(current_vcpu(), other->vcpu[0]);
    domain_shutdown(other, SHUTDOWN_poweroff);
    end_of_the_machine();
    assert_null(domain_next(NULL));
    assert_null(current_vcpu());
    assert_int_equal(frame_free_count() + heap_frames(), frames_before);
    assert_false(fake_console_has("in use by others"));
}

static void test_frames_that_somebody_holds_keep_its_record(void **state)
{
    struct domain *d = world_domain("a", 1);
    struct frame *f = frame_alloc_domain(d);
    u16 id = d->id;
    (void)state;

    assert_true(frame_get(f, id));
    domain_shutdown(d, SHUTDOWN_poweroff);
    end_of_the_machine();
    assert_true(said("d%u:a is gone, but 1 of its frames are in use by others", id));
    assert_ptr_equal(domain_find(id), d);
    assert_int_equal(d->tot_pages, 1);
    frame_put(f);
    domain_work();
    assert_null(domain_find(id));
}

/* However much it had, others get their turn: each step stops when something else is due, and the next goes on. */
static void test_the_end_of_a_domain_comes_in_short_steps(void **state)
{
    struct domain *d = world_domain("a", 2), *other = world_domain("b", 1);
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    u16 id = d->id;
    u32 steps = 0, ports = 0;
    (void)state;

    while (event_bind_ipi(d, &ipi) == 0)
        ports++;
    give_frames(d, 200);
    world_enter(other->vcpu[0]);
    domain_shutdown(d, SHUTDOWN_poweroff);
    while (domain_find(id)) {
        softirq_raise(SOFTIRQ_CONSOLE);
        domain_work();
        steps++;
    }
    assert_in_range(steps, ports + FAKE_FRAMES, 2 * (ports + FAKE_FRAMES));
}

static void test_creation_without_memory_leaves_nothing(void **state)
{
    struct domain_config config = world_config;
    u64 before;
    (void)state;

    config.vcpus = 32;
    for (u32 left = 0; left < 60; left++) { /* it fails at another place each time */
        fake_reset(FAKE_FRAMES);
        mfn_t hole = frame_alloc_host_run(left + 1);
        while (!mfn_is_invalid(frame_alloc_host()))
            ;
        frame_free_host(hole, left + 1);
        before = frame_free_count() + heap_frames();
        struct domain *d = domain_create(&config);
        if (d != NULL) {
            domain_destroy(d);
        } else {
            assert_true(fake_console_has("no memory for its records"));
        }
        assert_null(domain_next(NULL));
        assert_int_equal(frame_free_count() + heap_frames(), before);
    }
}

/* Frames for the hypervisor: all that are left. */
static void use_up_memory(void)
{
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
}

static void test_not_even_a_record_without_memory(void **state)
{
    (void)state;
    fake_reset(FAKE_FRAMES);
    use_up_memory();
    assert_null(domain_create(&world_config));
    assert_true(fake_console_has("no memory for its records"));
    assert_null(domain_next(NULL));
}

/* Its frames and its stack are in use until the scheduler has left it. */
static void test_who_runs_is_not_taken_down_under_its_feet(void **state)
{
    struct domain *d = world_domain("a", 1);
    (void)state;

    world_enter(d->vcpu[0]);
    domain_shutdown(d, SHUTDOWN_poweroff);
    this_cpu()->softirq = 0;
    domain_work();
    assert_int_equal(this_cpu()->softirq, SOFTIRQ_SCHEDULE | SOFTIRQ_DOMAIN);
    assert_false(d->dying);
    end_of_the_machine();
    assert_null(domain_next(NULL));
}

/* Between two steps others run for a while; without memory for the timer that says how long, the next step comes at once. */
static void test_taking_down_goes_on_without_memory_for_a_timer(void **state)
{
    (void)state;
    fake_reset(FAKE_FRAMES);
    struct domain *d = world_domain("a", 1), *other = world_domain("b", 1);
    use_up_memory();
    world_enter(other->vcpu[0]);
    domain_shutdown(d, SHUTDOWN_poweroff);
    this_cpu()->softirq = 0;
    domain_work();
    assert_true(d->dying);
    assert_int_equal(this_cpu()->softirq & SOFTIRQ_DOMAIN, SOFTIRQ_DOMAIN);
}

static void test_numbers_of_vcpus(void **state)
{
    struct domain_config config = world_config;
    (void)state;

    config.vcpus = 0;
    assert_null(domain_create(&config));
    config.vcpus = DOMAIN_VCPUS_MAX + 1;
    assert_null(domain_create(&config));
    assert_true(fake_console_has("vcpus=33, expected 1 to 32"));
    config.vcpus = DOMAIN_VCPUS_MAX;
    assert_non_null(domain_create(&config));
}

static void test_too_many_domains(void **state)
{
    (void)state;
    fake_reset(4 * FAKE_FRAMES);
    for (u32 i = 0; i < DOMAINS_MAX; i++)
        assert_non_null(domain_create(&world_config));
    assert_null(domain_create(&world_config));
    assert_true(fake_console_has("there are 64 domains already"));
}

static void test_last_line_when_all_went_well(void **state)
{
    struct domain *a = world_domain("a", 1), *b = world_domain("b", 1);
    (void)state;

    world_leave();
    domain_shutdown(a, SHUTDOWN_poweroff);
    domain_shutdown(b, SHUTDOWN_poweroff);
    end_of_the_machine();
    assert_true(fake_console_has(
        "(xl) all domains have shut down: 2 powered off, 0 crashed, 0 ended otherwise, 0 not started\n"));
    assert_int_equal(fake_exit_status, 0x10);
}

static void test_last_line_when_one_crashed(void **state)
{
    struct domain *a = world_domain("a", 1), *b = world_domain("b", 1);
    (void)state;

    world_leave();
    domain_shutdown(a, SHUTDOWN_poweroff);
    domain_crash(b, "no handler for vector %d", 14);
    domain_crash(b, "the second reason");
    assert_string_equal(b->crash_reason, "no handler for vector 14");
    assert_true(said("(xl) d%u:b crashed: no handler for vector 14\n", b->id));
    assert_int_equal(fake_dumps, 0); /* it is not the one that runs */
    end_of_the_machine();
    assert_true(fake_console_has("1 powered off, 1 crashed, 0 ended otherwise, 0 not started\n"));
    assert_int_equal(fake_exit_status, 0x11);
    assert_ptr_equal(domain_next(NULL), b); /* kept, to be looked at */
}

static void test_exit_status_when_one_did_not_start(void **state)
{
    struct domain *a = world_domain("a", 1);
    (void)state;

    domain_note_failed_start();
    domain_shutdown(a, SHUTDOWN_poweroff);
    end_of_the_machine();
    assert_true(fake_console_has("1 powered off, 0 crashed, 0 ended otherwise, 1 not started\n"));
    assert_int_equal(fake_exit_status, 0x11);
}

static void test_no_domain_at_all_is_no_success(void **state)
{
    (void)state;
    this_cpu()->idle = true;
    end_of_the_machine();
    assert_int_equal(fake_exit_status, 0x11);
}

static void test_what_happens_at_the_end_is_an_option(void **state)
{
    (void)state;
    this_cpu()->idle = true;
    cmdline_parse("idle=halt");
    assert_int_equal(fake_end_of(run_to_the_end, NULL), FAKE_HALT);
    cmdline_parse("idle=reboot");
    assert_int_equal(fake_end_of(run_to_the_end, NULL), FAKE_REBOOT);
}

static void test_a_crash_of_who_runs_prints_its_state(void **state)
{
    struct domain *a = world_domain("a", 1);
    (void)state;

    world_leave();
    domain_crash(a, "reason");
    assert_int_equal(fake_dumps, 1);
    assert_false(vcpu_runnable(a->vcpu[0]));
}

static void test_every_reason_has_its_name_and_its_action(void **state)
{
    static const struct {
        u8 reason;
        const char *name;
        bool stays;
    } rows[] = {
        {SHUTDOWN_poweroff, "poweroff", false},    {SHUTDOWN_reboot, "reboot", false},
        {SHUTDOWN_suspend, "suspend", true},       {SHUTDOWN_crash, "crash", true},
        {SHUTDOWN_watchdog, "watchdog", true},     {SHUTDOWN_soft_reset, "soft reset", false},
        {200, "a reason that is none", true},
    };
    (void)state;

    world_config.on_reboot = ACTION_DESTROY;
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        struct domain *d = world_domain("a", 1);
        domain_shutdown(d, rows[i].reason);
        assert_true(said("d%u:a has shut down: %s\n", d->id, rows[i].name));
        assert_int_equal(d->to_destroy, !rows[i].stays);
    }
    end_of_the_machine();
    assert_true(fake_console_has("1 powered off, 2 crashed, 4 ended otherwise, 0 not started\n"));
}

static void test_the_reason_can_be_fixed_before(void **state)
{
    struct domain *d = world_domain("a", 1), *crashes = world_domain("b", 1);
    (void)state;

    domain_set_reason(d, SHUTDOWN_crash);
    domain_set_reason(d, SHUTDOWN_suspend); /* once */
    domain_shutdown(d, SHUTDOWN_poweroff);
    assert_int_equal(d->shutdown_reason, SHUTDOWN_crash);
    domain_set_reason(d, SHUTDOWN_reboot); /* too late */
    domain_shutdown(d, SHUTDOWN_reboot);
    assert_int_equal(d->shutdown_reason, SHUTDOWN_crash);
    domain_set_reason(crashes, SHUTDOWN_poweroff); /* that is no way to pass for a success */
    domain_crash(crashes, "reason");
    assert_int_equal(crashes->shutdown_reason, SHUTDOWN_crash);
}

static u32 rebuilt;
static bool rebuild_fails;
static struct domain *rebuild(const struct domain_config *config, const void *source)
{
    assert_ptr_equal(source, &rebuilt);
    rebuilt++;
    if (rebuild_fails)
        return NULL;
    struct domain *d = world_domain(config->name, config->vcpus);
    d->rebuild = rebuild;
    d->rebuild_source = source;
    return d;
}

static struct domain *domain_with_module(void)
{
    struct domain *d = world_domain("a", 1);

    rebuilt = 0;
    rebuild_fails = false;
    d->rebuild = rebuild;
    d->rebuild_source = &rebuilt;
    return d;
}

static void test_reboot_builds_it_again(void **state)
{
    struct domain *d = domain_with_module();
    (void)state;

    for (u32 i = 1; i <= 20; i++) {
        world_leave();
        fake_clock_advance(2000000000); /* a life that was long enough */
        assert_int_equal(rebuilt, i - 1);
        domain_shutdown(d, SHUTDOWN_reboot);
        while (rebuilt < i)
            assert_non_null(world_leave());
        d = domain_next(NULL);
        assert_non_null(d);
        assert_null(domain_next(d)); /* the old one is gone */
        assert_ptr_equal(world_leave(), d->vcpu[0]);
    }
    domain_shutdown(d, SHUTDOWN_poweroff);
    end_of_the_machine();
    assert_true(fake_console_has("1 powered off, 0 crashed, 0 ended otherwise, 0 not started\n"));
    assert_int_equal(fake_exit_status, 0x10);
}

static void test_a_storm_of_reboots_ends(void **state)
{
    struct domain *d = domain_with_module();
    (void)state;

    for (u32 i = 1; i < 100 && d != NULL; i++) {
        world_leave();
        domain_shutdown(d, SHUTDOWN_reboot);
        if (!d->to_restart)
            break;
        while (rebuilt < i)
            world_leave();
        d = domain_next(NULL);
    }
    assert_int_equal(rebuilt, 5);
    assert_true(fake_console_has("is not restarted: it ended 6 times in a row within a second"));
    end_of_the_machine();
    assert_true(fake_console_has("0 powered off, 0 crashed, 1 ended otherwise, 0 not started\n"));
}

static void test_a_restart_that_fails_counts_as_not_started(void **state)
{
    struct domain *d = domain_with_module();
    (void)state;

    rebuild_fails = true;
    domain_shutdown(d, SHUTDOWN_reboot);
    end_of_the_machine();
    assert_int_equal(rebuilt, 1);
    assert_true(fake_console_has("0 powered off, 0 crashed, 0 ended otherwise, 1 not started\n"));
    assert_int_equal(fake_exit_status, 0x11);
}

static void test_without_a_module_there_is_no_restart(void **state)
{
    struct domain *d = world_domain("a", 1);
    (void)state;

    domain_shutdown(d, SHUTDOWN_reboot);
    assert_true(fake_console_has("cannot be restarted: it was not built from a module"));
    end_of_the_machine();
    assert_true(fake_console_has("1 ended otherwise"));
}

/* A large machine: taking down goes in steps, and who else runs gets his turns in between. */
static void test_taking_down_goes_in_steps(void **state)
{
    u32 turns = 0;
    (void)state;

    fake_reset(60000);
    struct domain *d = world_domain("a", 1), *other = world_domain("b", 1);
    give_frames(d, 100);
    world_leave();
    domain_shutdown(d, SHUTDOWN_poweroff);
    while (domain_next(NULL) != other) {
        assert_ptr_equal(world_leave(), other->vcpu[0]);
        assert_int_equal(this_cpu()->softirq, 0); /* back to the guest each time */
        fake_clock_advance(1000000);
        assert_true(++turns < 400);
    }
    assert_true(turns >= 60000 / 1024); /* records */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_given_back),
        TEST(test_frames_that_somebody_holds_keep_its_record),
        TEST(test_the_end_of_a_domain_comes_in_short_steps),
        TEST(test_creation_without_memory_leaves_nothing),
        TEST(test_not_even_a_record_without_memory),
        TEST(test_who_runs_is_not_taken_down_under_its_feet),
        TEST(test_taking_down_goes_on_without_memory_for_a_timer),
        TEST(test_numbers_of_vcpus),
        TEST(test_too_many_domains),
        TEST(test_last_line_when_all_went_well),
        TEST(test_last_line_when_one_crashed),
        TEST(test_exit_status_when_one_did_not_start),
        TEST(test_no_domain_at_all_is_no_success),
        TEST(test_what_happens_at_the_end_is_an_option),
        TEST(test_a_crash_of_who_runs_prints_its_state),
        TEST(test_every_reason_has_its_name_and_its_action),
        TEST(test_the_reason_can_be_fixed_before),
        TEST(test_reboot_builds_it_again),
        TEST(test_a_storm_of_reboots_ends),
        TEST(test_a_restart_that_fails_counts_as_not_started),
        TEST(test_without_a_module_there_is_no_restart),
        TEST(test_taking_down_goes_in_steps),
    };

    return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
