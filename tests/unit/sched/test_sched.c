/* SPDX-License-Identifier: MIT */
/* Round robin: turns, waiting, waking, idling, and the account of time. Time is turned by hand, so all of it is exact. */
#include "arch/x86/cpu/vcpu.h"
#include "common/event_channel.h"
#include "common/frame.h"
#include "common/sched.h"
#include "common/softirq.h"
#include "tests/unit/support/world.h"
#include <arch/domain.h>
#include <arch/time.h>
#include <string.h>

#define MS 1000000ull

static struct domain *d[4];

static int setup(void **state)
{
    fake_setup(state);
    memset(d, 0, sizeof(d));
    return 0;
}

static void domains(u32 count)
{
    static const char *const names[] = {"a", "b", "c", "d"};

    for (u32 i = 0; i < count; i++)
        d[i] = world_domain(names[i], 1);
}

/* Time passes in steps while guests run and nothing else happens; who ran how long stands in ran[]. */
static void run_for(u64 ns, u64 step, u64 *ran)
{
    for (u64 t = 0; t < ns; t += step) {
        struct vcpu *v = world_leave();
        assert_non_null(v);
        fake_clock_advance(step);
        for (u32 i = 0; i < 4; i++)
            if (d[i] && v == d[i]->vcpu[0])
                ran[i] += step;
    }
}

static void test_turns_are_equal(void **state)
{
    u64 ran[4] = {0};
    (void)state;

    domains(3);
    run_for(3000 * MS, MS / 4, ran);
    for (u32 i = 0; i < 3; i++)
        assert_in_range(ran[i], 990 * MS, 1010 * MS);
}

static void test_nobody_waits_longer_than_the_slices_of_the_others(void **state)
{
    u64 last[4] = {0}, ran[4];
    (void)state;

    domains(4);
    for (u64 t = 0; t < 500; t++) {
        memset(ran, 0, sizeof(ran));
        run_for(MS, MS, ran);
        for (u32 i = 0; i < 4; i++) {
            if (ran[i])
                last[i] = t;
            assert_true(t - last[i] <= 3 * SCHED_SLICE / MS + 1);
        }
    }
}

static void test_one_alone_is_not_interrupted(void **state)
{
    (void)state;
    domains(1);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    assert_int_equal(fake_timer_programmed(), ~0ull);
    d[1] = world_domain("b", 1); /* now somebody waits */
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    assert_int_equal(fake_timer_programmed(), system_time() + SCHED_SLICE);
    fake_clock_advance(SCHED_SLICE);
    assert_ptr_equal(world_leave(), d[1]->vcpu[0]);
    sched_block(d[1]->vcpu[0], false, 0);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    fake_clock_advance(10 * SCHED_SLICE);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    assert_int_equal(fake_timer_programmed(), ~0ull);
}

/* Without memory for the timer that ends a slice, turns change at every occasion. */
static void test_turns_change_without_memory_for_a_timer(void **state)
{
    (void)state;
    fake_reset(FAKE_FRAMES);
    struct domain *one = world_domain("a", 1), *two = world_domain("b", 1);
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    const struct vcpu *last = NULL;
    for (u32 i = 0; i < 6; i++) {
        softirq_raise(SOFTIRQ_SCHEDULE);
        const struct vcpu *now = world_leave();
        assert_true(now == one->vcpu[0] || now == two->vcpu[0]);
        assert_ptr_not_equal(now, last);
        last = now;
    }
}

static void test_who_yields_goes_behind_the_others(void **state)
{
    (void)state;
    domains(3);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    sched_yield();
    assert_ptr_equal(world_leave(), d[1]->vcpu[0]);
    sched_yield();
    assert_ptr_equal(world_leave(), d[2]->vcpu[0]);
    sched_yield();
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    sched_block(d[1]->vcpu[0], false, 0);
    sched_yield();
    assert_ptr_equal(world_leave(), d[2]->vcpu[0]);
    sched_block(d[2]->vcpu[0], false, 0);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    sched_yield(); /* nobody else: goes on */
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
}

static void test_waking_does_not_take_the_turn_from_who_runs(void **state)
{
    (void)state;
    domains(2);
    sched_block(d[1]->vcpu[0], false, 0);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    sched_unblock(d[1]->vcpu[0]);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    fake_clock_advance(SCHED_SLICE);
    assert_ptr_equal(world_leave(), d[1]->vcpu[0]);
    sched_unblock(d[0]->vcpu[0]); /* waits for nothing: nothing happens */
    assert_ptr_equal(world_leave(), d[1]->vcpu[0]);
}

/* All wait; the machine idles until the earliest timer, and whose it is runs. */
static void test_idling_until_a_timer(void **state)
{
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 0};
    (void)state;

    domains(2);
    assert_int_equal(event_bind_virq(d[0], &virq), 0);
    assert_int_equal(event_bind_virq(d[1], &virq), 0);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    assert_int_equal(vcpu_set_oneshot(d[0]->vcpu[0], 70 * MS), 0);
    assert_int_equal(vcpu_set_oneshot(d[1]->vcpu[0], 30 * MS), 0);
    sched_block(d[0]->vcpu[0], false, 0);
    assert_ptr_equal(world_leave(), d[1]->vcpu[0]);
    sched_block(d[1]->vcpu[0], false, 0);
    assert_ptr_equal(world_leave(), d[1]->vcpu[0]);
    assert_int_equal(system_time(), 30 * MS);
    assert_true(d[1]->vcpu[0]->info->evtchn_upcall_pending);
    assert_false(this_cpu()->idle);
    sched_block(d[1]->vcpu[0], false, 0);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    assert_int_equal(system_time(), 70 * MS);
}

static void test_account_of_time(void **state)
{
    struct vcpu_runstate_info r;
    struct vcpu *v, *w;
    (void)state;

    domains(2);
    v = d[0]->vcpu[0];
    w = d[1]->vcpu[0];
    assert_ptr_equal(world_leave(), v);
    fake_clock_advance(4 * MS); /* v runs, w is runnable */
    sched_runstate(v, &r);
    assert_int_equal(r.state, RUNSTATE_running);
    assert_int_equal(r.time[RUNSTATE_running], 4 * MS);
    sched_block(v, false, 0);
    assert_ptr_equal(world_leave(), w);
    sched_runstate(w, &r);
    assert_int_equal(r.time[RUNSTATE_runnable], 4 * MS);
    fake_clock_advance(5 * MS); /* v is blocked, w runs */
    sched_runstate(v, &r);
    assert_int_equal(r.state, RUNSTATE_blocked);
    assert_int_equal(r.state_entry_time, 4 * MS);
    assert_int_equal(r.time[RUNSTATE_blocked], 5 * MS);
    sched_unblock(v);
    vcpu_down(w);
    assert_ptr_equal(world_leave(), v);
    fake_clock_advance(6 * MS); /* v runs, w is down */
    sched_runstate(w, &r);
    assert_int_equal(r.state, RUNSTATE_offline);
    assert_int_equal(r.time[RUNSTATE_offline], 6 * MS);
    for (u32 i = 0; i < 2; i++) {
        sched_runstate(d[i]->vcpu[0], &r);
        assert_int_equal(r.time[0] + r.time[1] + r.time[2] + r.time[3], system_time());
    }
}

static void test_registered_areas_are_written_when_a_turn_begins(void **state)
{
    struct vcpu_runstate_info area;
    struct vcpu_time_info time;
    struct vcpu *v;
    (void)state;

    domains(2);
    v = d[1]->vcpu[0];
    x86_vcpu(v)->in_kernel = true;
    memset(&area, 0xff, sizeof(area));
    v->runstate_area = fake_guest_pointer(&area, sizeof(area));
    v->time_area = fake_guest_pointer(&time, sizeof(time));
    fake_clock_advance(3 * MS);
    assert_ptr_equal(world_leave(), d[0]->vcpu[0]);
    assert_int_equal(area.state, -1); /* not its turn */
    fake_clock_advance(SCHED_SLICE);
    assert_ptr_equal(world_leave(), v);
    assert_int_equal(area.state, RUNSTATE_running);
    assert_int_equal(area.state_entry_time, system_time());
    assert_int_equal(area.time[RUNSTATE_runnable], system_time());
    assert_int_equal(time.system_time, v->info->time.system_time);
    assert_int_equal(time.version % 2, 0);

    d[1]->vm_assist |= 1ull << VMASST_TYPE_runstate_update_flag;
    sched_write_areas(v);
    assert_int_equal(area.state_entry_time, system_time()); /* the mark is gone when the guest sees it */
}

static void test_areas_that_cannot_be_written_now_are_written_later(void **state)
{
    struct vcpu_runstate_info area = {.state = 77};
    struct vcpu *v;
    (void)state;

    domains(1);
    v = d[0]->vcpu[0];
    x86_vcpu(v)->in_kernel = true;
    v->runstate_area = (vaddr_t)&area; /* not mapped */
    assert_ptr_equal(world_leave(), v);
    assert_true(v->areas_stale);
    assert_int_equal(area.state, 77);
    fake_guest_pointer(&area, sizeof(area));
    x86_vcpu(v)->in_kernel = false; /* in user mode the address may be a user page: never written */
    softirq_raise(SOFTIRQ_AREAS);
    world_leave();
    assert_true(v->areas_stale);
    assert_int_equal(area.state, 77);
    x86_vcpu(v)->in_kernel = true;
    softirq_raise(SOFTIRQ_AREAS);
    world_leave();
    assert_false(v->areas_stale);
    assert_int_equal(area.state, RUNSTATE_running);
}

static void test_who_leaves_the_ring_is_not_chosen_and_the_others_go_on(void **state)
{
    u64 ran[4] = {0};
    (void)state;

    domains(4);
    world_leave();
    for (u32 i = 1; i <= 3; i += 2) {
        vcpu_down(d[i]->vcpu[0]);
        world_leave();
        sched_remove(d[i]->vcpu[0]);
        sched_remove(d[i]->vcpu[0]); /* twice is no harm */
    }
    run_for(200 * MS, MS, ran);
    assert_int_equal(ran[1] + ran[3], 0);
    assert_in_range(ran[0], 90 * MS, 110 * MS);
    assert_in_range(ran[2], 90 * MS, 110 * MS);
}

static void test_the_first_vcpu_is_entered_like_all_others(void **state)
{
    (void)state;
    domains(2);
    assert_null(current_vcpu());
    assert_int_equal(fake_end_of((void (*)(void *))sched_start, NULL), FAKE_GUEST);
    assert_ptr_equal(current_vcpu(), d[0]->vcpu[0]);
    assert_false(this_cpu()->idle);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_turns_are_equal),
        TEST(test_nobody_waits_longer_than_the_slices_of_the_others),
        TEST(test_one_alone_is_not_interrupted),
        TEST(test_turns_change_without_memory_for_a_timer),
        TEST(test_who_yields_goes_behind_the_others),
        TEST(test_waking_does_not_take_the_turn_from_who_runs),
        TEST(test_idling_until_a_timer),
        TEST(test_account_of_time),
        TEST(test_registered_areas_are_written_when_a_turn_begins),
        TEST(test_areas_that_cannot_be_written_now_are_written_later),
        TEST(test_who_leaves_the_ring_is_not_chosen_and_the_others_go_on),
        TEST(test_the_first_vcpu_is_entered_like_all_others),
    };

    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
