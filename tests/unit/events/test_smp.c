/* SPDX-License-Identifier: MIT */
/* Two processors (threads) at both ends of the same pairs of ports: one lock keeps what the two ends say of one another. */
#include "common/event_channel.h"
#include "tests/unit/support/world.h"
#include <pthread.h>
#include <stdatomic.h>

#ifdef UNIT_SHORT
#define ROUNDS 100u
#else
#define ROUNDS 4000u
#endif
#define PAIRS 60u

static struct domain *d[2];
static _Atomic unsigned round_begun, round_done;

static int setup(void **state)
{
    fake_setup(state);
    d[0] = world_domain("a", 1);
    d[1] = world_domain("b", 1);
    world_enter(d[0]->vcpu[0]);
    this_cpu()->softirq = 0;
    return 0;
}

/* One closes all it has upwards, the other downwards, so that they meet at some port. */
static void *closer(void *unused)
{
    (void)unused;
    fake_cpu_select(1);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        while (round_begun < round)
            cpu_relax();
        for (evtchn_port_t port = PAIRS; port >= 1; port--)
            event_close(d[1], port);
        round_done = round;
    }
    return NULL;
}

static void bind_pairs(void)
{
    for (u32 i = 0; i < PAIRS; i++) {
        struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = d[1]->id};
        struct evtchn_bind_interdomain bind = {.remote_dom = d[0]->id};
        assert_answer(event_alloc_unbound(d[0], &alloc), 0);
        bind.remote_port = alloc.port;
        assert_answer(event_bind_interdomain(d[1], &bind), 0);
    }
}

/* Who closes first leaves the other end unbound: both have closed all they had, whichever way they met. */
static void test_both_ends_close_at_once(void **state)
{
    pthread_t thread;
    (void)state;

    round_begun = round_done = 0;
    assert_int_equal(pthread_create(&thread, NULL, closer, NULL), 0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        bind_pairs();
        round_begun = round;
        event_reset(d[0]);
        while (round_done < round)
            cpu_relax();
        for (unsigned n = 0; n < 2; n++)
            for (evtchn_port_t port = 1; port <= PAIRS; port++)
                if (event_port_in_use(d[n], port))
                    fail_msg("round %u: port %u of d%u is left in use", round, port, d[n]->id);
    }
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_both_ends_close_at_once, setup)};
    return cmocka_run_group_tests_name("events on two processors", tests, NULL, NULL);
}
