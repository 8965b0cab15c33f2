/* SPDX-License-Identifier: MIT */
/* The timer queue against a model that is a plain list, over random histories; growth, no memory, and floods. */
#include "common/frame.h"
#include "common/timer.h"
#include "tests/unit/support/world.h"
#include <arch/time.h>
#include <stdlib.h>

#define TIMERS 200
#ifdef UNIT_SHORT
#define STEPS 20000
#else
#define STEPS 300000
#endif

struct model {
    struct timer timer;
    bool active;
    u64 expires;
    u32 fired;
};
static struct model model[TIMERS];
static u64 last_fired; /* the time of the timer that fired last in this run */

static void model_fire(void *data)
{
    struct model *m = data;

    assert_true(m->active);
    assert_false(timer_active(&m->timer));
    assert_true(m->expires <= system_time());
    assert_true(m->expires >= last_fired); /* the earliest first */
    last_fired = m->expires;
    m->active = false;
    m->fired++;
}

static u64 model_earliest(void)
{
    u64 earliest = ~0ull;

    for (u32 i = 0; i < TIMERS; i++)
        if (model[i].active && model[i].expires < earliest)
            earliest = model[i].expires;
    return earliest;
}

static void model_run(void)
{
    last_fired = 0;
    timer_run();
    for (u32 i = 0; i < TIMERS; i++)
        assert_true(!model[i].active || model[i].expires > system_time());
    assert_int_equal(fake_timer_programmed(), model_earliest());
    this_cpu()->softirq = 0;
}

/* A time now and then in the past, often equal to others, seldom far away. */
static u64 random_time(void)
{
    static const u64 spans[] = {1, 10, 1000, 100000};

    return system_time() + (u64)rand() % spans[rand() % 4] - (system_time() > 10 ? (u64)rand() % 10 : 0);
}

static void test_random_history(void **state)
{
    u32 fired = 0;
    (void)state;

    srand(1);
    for (u32 i = 0; i < TIMERS; i++) {
        model[i] = (struct model){.active = false};
        timer_init(&model[i].timer, model_fire, &model[i]);
    }
    for (u32 step = 0; step < STEPS; step++) {
        struct model *m = &model[rand() % TIMERS];
        switch (rand() % 8) {
        case 0:
            timer_stop(&m->timer);
            m->active = false;
            break;
        case 1:
            fake_clock_advance((u64)rand() % 500);
            model_run();
            break;
        default:
            m->expires = random_time();
            m->active = true;
            assert_int_equal(timer_set(&m->timer, m->expires), 0);
            break;
        }
        assert_int_equal(timer_active(&m->timer), m->active);
        /* Whatever is active: the machine calls in time, or has called already. */
        if (!(this_cpu()->softirq & SOFTIRQ_TIMER))
            assert_true(fake_timer_programmed() <= model_earliest());
    }
    fake_clock_advance(1000000);
    model_run();
    assert_int_equal(fake_timer_programmed(), ~0ull);
    for (u32 i = 0; i < TIMERS; i++)
        fired += model[i].fired;
    assert_true(fired > STEPS / 20);
}

static void test_an_active_timer_moves(void **state)
{
    (void)state;
    model[0] = (struct model){.active = true, .expires = 50};
    timer_init(&model[0].timer, model_fire, &model[0]);
    assert_int_equal(timer_set(&model[0].timer, 100), 0);
    assert_int_equal(timer_set(&model[0].timer, 50), 0);
    assert_int_equal(fake_timer_programmed(), 50);
    fake_clock_advance(60);
    model[1] = (struct model){.active = false};
    last_fired = 0;
    timer_run();
    assert_int_equal(model[0].fired, 1);
    fake_clock_advance(100);
    timer_run();
    assert_int_equal(model[0].fired, 1);
}

/* A timer that sets itself to the past from its own function: one shot a run, and the machine calls again at once. */
static struct timer greedy;
static u32 greedy_shots;
static void greedy_fire(void *data)
{
    (void)data;
    greedy_shots++;
    assert_int_equal(timer_set(&greedy, 0), 0);
}

static void test_a_timer_set_to_the_past_does_not_hold_the_processor(void **state)
{
    (void)state;
    greedy_shots = 0;
    timer_init(&greedy, greedy_fire, NULL);
    fake_clock_advance(1000);
    assert_int_equal(timer_set(&greedy, 5), 0);
    assert_true(this_cpu()->softirq & SOFTIRQ_TIMER);
    for (u32 i = 1; i <= 10; i++) {
        this_cpu()->softirq = 0;
        timer_run();
        assert_int_equal(greedy_shots, i);
        assert_true(this_cpu()->softirq & SOFTIRQ_TIMER);
    }
    timer_stop(&greedy);
}

#define MANY 5000
static struct timer many[MANY];
static u32 many_fired;
static void many_fire(void *data)
{
    (void)data;
    many_fired++;
}

static void test_the_queue_grows(void **state)
{
    (void)state;
    many_fired = 0;
    for (u32 i = 0; i < MANY; i++) {
        timer_init(&many[i], many_fire, NULL);
        assert_int_equal(timer_set(&many[i], 1 + (i * 7919u) % MANY), 0);
    }
    fake_clock_advance(MANY / 2);
    timer_run();
    assert_int_equal(many_fired, MANY / 2);
    fake_clock_advance(MANY);
    timer_run();
    assert_int_equal(many_fired, MANY);
}

static void test_no_memory_to_grow(void **state)
{
    u32 set = 0;
    (void)state;

    for (u32 i = 0; i < 64; i++)
        timer_init(&many[i], many_fire, NULL);
    assert_int_equal(timer_set(&many[0], 1), 0);
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    for (u32 i = 1; i < MANY; i++) {
        timer_init(&many[i], many_fire, NULL);
        if (timer_set(&many[i], 1) == 0) {
            set++;
            continue;
        }
        assert_int_equal(timer_set(&many[i], 1), -XEN_ENOMEM);
        assert_false(timer_active(&many[i]));
        break;
    }
    assert_in_range(set, 1, MANY - 2); /* room there was, and it ended */
    assert_int_equal(timer_set(&many[0], 2), 0); /* one that is in the queue can still be moved */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random_history, fake_setup),
        cmocka_unit_test_setup(test_an_active_timer_moves, fake_setup),
        cmocka_unit_test_setup(test_a_timer_set_to_the_past_does_not_hold_the_processor, fake_setup),
        cmocka_unit_test_setup(test_the_queue_grows, fake_setup),
        cmocka_unit_test_setup(test_no_memory_to_grow, fake_setup),
    };

    return cmocka_run_group_tests_name("timer queue", tests, NULL, NULL);
}
