/* SPDX-License-Identifier: MIT */
/* Event channels: every operation with every answer it can give, delivery bit by bit, polling, and both ends of pairs. */
#include "common/event_channel.h"
#include "common/sched.h"
#include "tests/unit/support/world.h"
#include <string.h>

static struct domain *a, *b;

static int setup(void **state)
{
    fake_setup(state);
    a = world_domain("a", 2);
    b = world_domain("b", 1);
    world_enter(a->vcpu[0]);
    return 0;
}

static bool shared_bit(const xen_ulong_t *words, u32 port)
{
    return words[port / 64] >> port % 64 & 1;
}
static bool pending(const struct domain *d, u32 port)
{
    return shared_bit(d->shared_info->evtchn_pending, port);
}
static bool selected(const struct vcpu *v, u32 port)
{
    return v->info->evtchn_pending_sel >> port / 64 & 1;
}
static void clear_all(struct domain *d)
{
    memset(d->shared_info->evtchn_pending, 0, sizeof(d->shared_info->evtchn_pending));
    for (u32 i = 0; i < d->vcpu_count; i++) {
        d->vcpu[i]->info->evtchn_pending_sel = 0;
        d->vcpu[i]->info->evtchn_upcall_pending = 0;
    }
}
static void mask(struct domain *d, u32 port)
{
    d->shared_info->evtchn_mask[port / 64] |= 1ul << port % 64;
}

/* With nothing else to do, in one go. */
static void reset(struct domain *d)
{
    this_cpu()->softirq = 0;
    assert_answer(event_reset(d), 0);
}

static evtchn_port_t ipi(struct domain *d, u32 vcpu)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};

    assert_answer(event_bind_ipi(d, &op), 0);
    return op.port;
}
static evtchn_port_t unbound(struct domain *d, u16 remote)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};

    assert_answer(event_alloc_unbound(d, &op), 0);
    return op.port;
}
static evtchn_port_t bound_to(struct domain *d, const struct domain *rd, evtchn_port_t port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = rd->id, .remote_port = port};

    assert_answer(event_bind_interdomain(d, &op), 0);
    return op.local_port;
}
static struct evtchn_status status_of(struct domain *d, evtchn_port_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    memset(&op.u, 0xff, sizeof(op.u));
    assert_answer(event_status(d, &op), 0);
    return op;
}

static void test_ports_are_given_from_the_lowest(void **state)
{
    (void)state;
    assert_int_equal(ipi(a, 0), 1);
    assert_int_equal(ipi(a, 1), 2);
    assert_int_equal(ipi(a, 0), 3);
    assert_answer(event_close(a, 2), 0);
    assert_int_equal(ipi(a, 0), 2);
    assert_int_equal(ipi(a, 0), 4);
}

static void test_all_ports_can_be_used_and_no_more(void **state)
{
    struct evtchn_bind_ipi op = {.vcpu = 0};
    struct evtchn_alloc_unbound unb = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 0};
    struct evtchn_bind_interdomain inter = {.remote_dom = b->id, .remote_port = 1};
    (void)state;

    for (u32 port = 1; port < EVENT_PORTS; port++)
        assert_int_equal(ipi(a, 0), port);
    assert_answer(event_bind_ipi(a, &op), -XEN_ENOSPC);
    assert_answer(event_alloc_unbound(a, &unb), -XEN_ENOSPC);
    assert_answer(event_bind_virq(a, &virq), -XEN_ENOSPC);
    assert_int_equal(a->vcpu[0]->virq_port[VIRQ_TIMER], 0);
    unbound(b, a->id);
    assert_answer(event_bind_interdomain(a, &inter), -XEN_ENOSPC);
    assert_int_equal(status_of(b, 1).status, EVTCHNSTAT_unbound);
    assert_answer(event_send(a, EVENT_PORTS - 1), 0);
    assert_true(pending(a, EVENT_PORTS - 1));
    assert_true(selected(a->vcpu[0], EVENT_PORTS - 1));
    reset(a);
    assert_int_equal(ipi(a, 0), 1);
}

static void test_ports_that_were_never_given_do_not_exist(void **state)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = 64};
    struct evtchn_bind_vcpu move = {.port = 64, .vcpu = 0};
    (void)state;

    assert_int_equal(status_of(a, 63).status, EVTCHNSTAT_closed);
    assert_int_equal(status_of(a, 0).status, EVTCHNSTAT_closed);
    assert_answer(event_status(a, &op), -XEN_EINVAL);
    assert_answer(event_bind_vcpu(a, &move), -XEN_EINVAL);
    assert_answer(event_unmask(a, 64), -XEN_EINVAL);
    assert_answer(event_send(a, 64), -XEN_EINVAL);
    assert_answer(event_close(a, 64), -XEN_EINVAL);
    assert_false(event_port_in_use(a, 64));
    assert_false(event_port_in_use(a, 63));
    assert_false(event_port_in_use(a, 0));
    for (u32 port = 1; port <= 64; port++)
        ipi(a, 0);
    assert_int_equal(status_of(a, 64).status, EVTCHNSTAT_ipi);
    assert_true(event_port_in_use(a, 64));
    reset(a);
    assert_int_equal(status_of(a, 64).status, EVTCHNSTAT_closed); /* what was once valid stays so */
    op.port = 0xffffffff;
    assert_answer(event_status(a, &op), -XEN_EINVAL);
}

static void test_alloc_unbound(void **state)
{
    struct domain *p = world_privileged("p");
    struct evtchn_alloc_unbound op = {.dom = 999, .remote_dom = DOMID_SELF};
    (void)state;

    assert_answer(event_alloc_unbound(a, &op), -XEN_ESRCH);
    op.dom = b->id;
    assert_answer(event_alloc_unbound(a, &op), -XEN_EPERM);
    assert_int_equal(status_of(b, 1).status, EVTCHNSTAT_closed);
    assert_answer(event_alloc_unbound(p, &op), 0);
    assert_int_equal(status_of(b, op.port).u.unbound.dom, p->id);
    op = (struct evtchn_alloc_unbound){.dom = a->id, .remote_dom = 77};
    assert_answer(event_alloc_unbound(a, &op), 0);
    assert_int_equal(status_of(a, op.port).u.unbound.dom, 77);
}

static void test_bind_interdomain(void **state)
{
    struct evtchn_bind_interdomain op = {.remote_dom = 999, .remote_port = 1};
    evtchn_port_t pb = unbound(b, a->id), other = unbound(b, 77), pa;
    (void)state;

    assert_answer(event_bind_interdomain(a, &op), -XEN_ESRCH);
    op = (struct evtchn_bind_interdomain){.remote_dom = b->id, .remote_port = other};
    assert_answer(event_bind_interdomain(a, &op), -XEN_EINVAL); /* kept for 77 */
    op.remote_port = 63;
    assert_answer(event_bind_interdomain(a, &op), -XEN_EINVAL); /* closed */
    op.remote_port = 5000;
    assert_answer(event_bind_interdomain(a, &op), -XEN_EINVAL); /* none */
    op.remote_port = ipi(b, 0);
    assert_answer(event_bind_interdomain(a, &op), -XEN_EINVAL); /* not unbound */
    clear_all(a);
    for (u32 port = 1; port < EVENT_PORTS; port++)
        assert_false(event_port_in_use(a, port)); /* what is refused takes none */
    pa = bound_to(a, b, pb);
    assert_true(pending(a, pa)); /* something may have been sent before */
    assert_false(pending(b, pb));
    struct evtchn_status s = status_of(a, pa);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, b->id);
    assert_int_equal(s.u.interdomain.port, pb);
    s = status_of(b, pb);
    assert_int_equal(s.u.interdomain.dom, a->id);
    assert_int_equal(s.u.interdomain.port, pa);
    op.remote_port = pb;
    assert_answer(event_bind_interdomain(a, &op), -XEN_EINVAL); /* taken */
}

static void test_interdomain_carries_both_ways_until_one_side_closes(void **state)
{
    evtchn_port_t pb = unbound(b, a->id), pa = bound_to(a, b, pb);
    (void)state;

    clear_all(a);
    assert_answer(event_send(a, pa), 0);
    assert_true(pending(b, pb));
    assert_true(b->vcpu[0]->info->evtchn_upcall_pending);
    assert_false(pending(a, pa));
    assert_answer(event_send(b, pb), 0);
    assert_true(pending(a, pa));
    assert_answer(event_close(a, pa), 0);
    assert_false(pending(a, pa)); /* the next owner must not see it */
    assert_int_equal(status_of(b, pb).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(b, pb).u.unbound.dom, a->id);
    assert_answer(event_send(b, pb), 0); /* into the void */
    pa = bound_to(a, b, pb);             /* and it can be taken up again */
    assert_answer(event_send(b, pb), 0);
    assert_true(pending(a, pa));
}

static void test_a_pair_inside_one_domain(void **state)
{
    evtchn_port_t one = unbound(a, a->id), two = bound_to(a, a, one);
    (void)state;

    clear_all(a);
    assert_answer(event_send(a, one), 0);
    assert_true(pending(a, two));
    assert_false(pending(a, one));
    reset(a);
    assert_int_equal(status_of(a, one).status, EVTCHNSTAT_closed);
    assert_int_equal(status_of(a, two).status, EVTCHNSTAT_closed);
}

static void test_the_pair_of_a_domain_that_goes_is_free_again(void **state)
{
    evtchn_port_t pb = unbound(b, a->id), pa = bound_to(a, b, pb);
    (void)state;

    b->vcpu[0]->online = false;
    domain_destroy(b);
    b = NULL;
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_answer(event_send(a, pa), 0);
    assert_answer(event_close(a, pa), 0);
}

static void test_bind_virq(void **state)
{
    struct evtchn_bind_virq op = {.virq = NR_VIRQS, .vcpu = 0};
    (void)state;

    assert_answer(event_bind_virq(a, &op), -XEN_EINVAL);
    op = (struct evtchn_bind_virq){.virq = VIRQ_CONSOLE, .vcpu = 1};
    assert_answer(event_bind_virq(a, &op), -XEN_EINVAL); /* exists once */
    op = (struct evtchn_bind_virq){.virq = VIRQ_ARCH_0, .vcpu = 1};
    assert_answer(event_bind_virq(a, &op), -XEN_EINVAL);
    op = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 2};
    assert_answer(event_bind_virq(a, &op), -XEN_ENOENT);
    op = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 1};
    assert_answer(event_bind_virq(a, &op), 0);
    evtchn_port_t port = op.port;
    assert_answer(event_bind_virq(a, &op), -XEN_EEXIST);
    op.vcpu = 0;
    assert_answer(event_bind_virq(a, &op), 0); /* each vcpu has its own */
    assert_int_equal(status_of(a, port).status, EVTCHNSTAT_virq);
    assert_int_equal(status_of(a, port).u.virq, VIRQ_TIMER);
    assert_int_equal(status_of(a, port).vcpu, 1);
    assert_answer(event_send(a, port), -XEN_EINVAL); /* the guest cannot raise it */
    event_virq(a->vcpu[1], VIRQ_TIMER);
    assert_true(pending(a, port));
    assert_false(pending(a, op.port));
    assert_true(selected(a->vcpu[1], port));
    event_virq(a->vcpu[1], VIRQ_DEBUG); /* nobody asked for it */
    assert_answer(event_close(a, port), 0);
    event_virq(a->vcpu[1], VIRQ_TIMER);
    assert_false(pending(a, port));
    op.vcpu = 1;
    assert_answer(event_bind_virq(a, &op), 0);
    assert_int_equal(op.port, port);
}

static void test_bind_ipi_and_bind_vcpu(void **state)
{
    struct evtchn_bind_ipi op = {.vcpu = 2};
    struct evtchn_bind_virq console = {.virq = VIRQ_CONSOLE, .vcpu = 0}, timer = {.virq = VIRQ_TIMER, .vcpu = 0};
    struct evtchn_bind_vcpu move = {.port = 1, .vcpu = 2};
    (void)state;

    assert_answer(event_bind_ipi(a, &op), -XEN_ENOENT);
    assert_answer(event_bind_vcpu(a, &move), -XEN_ENOENT);
    move.vcpu = 1;
    assert_answer(event_bind_vcpu(a, &move), -XEN_EINVAL); /* closed */
    move.port = ipi(a, 0);
    assert_answer(event_bind_vcpu(a, &move), -XEN_EINVAL); /* an IPI stays where it is */
    assert_answer(event_bind_virq(a, &timer), 0);
    move.port = timer.port;
    assert_answer(event_bind_vcpu(a, &move), -XEN_EINVAL); /* so does what is the vcpu's own */
    assert_answer(event_bind_virq(a, &console), 0);
    move.port = console.port;
    assert_answer(event_bind_vcpu(a, &move), 0);
    assert_int_equal(status_of(a, console.port).vcpu, 1);
    move.port = unbound(a, b->id);
    assert_answer(event_bind_vcpu(a, &move), 0);
    evtchn_port_t pb = bound_to(b, a, move.port);
    clear_all(a);
    assert_answer(event_send(b, pb), 0);
    assert_true(selected(a->vcpu[1], move.port));
    assert_true(a->vcpu[1]->info->evtchn_upcall_pending);
    assert_false(a->vcpu[0]->info->evtchn_upcall_pending);
}

static void test_close_refuses_what_is_not_in_use(void **state)
{
    (void)state;
    assert_answer(event_close(a, 0), -XEN_EINVAL);
    assert_answer(event_close(a, 1), -XEN_EINVAL);
    evtchn_port_t port = ipi(a, 0);
    assert_answer(event_close(a, port), 0);
    assert_answer(event_close(a, port), -XEN_EINVAL);
    assert_answer(event_send(a, port), -XEN_EINVAL);
    assert_answer(event_send(a, 0), -XEN_EINVAL);
}

static void test_status_of_others(void **state)
{
    struct domain *p = world_privileged("p");
    struct evtchn_status op = {.dom = 999, .port = 1};
    (void)state;

    ipi(b, 0);
    assert_answer(event_status(a, &op), -XEN_ESRCH);
    op.dom = b->id;
    assert_answer(event_status(a, &op), -XEN_EPERM);
    assert_answer(event_status(p, &op), 0);
    assert_int_equal(op.status, EVTCHNSTAT_ipi);
}

/* The four bits, one after the other, as the ABI orders them. */
static void test_delivery(void **state)
{
    evtchn_port_t port = ipi(a, 0);
    struct vcpu_info *info = a->vcpu[0]->info;
    (void)state;

    info->evtchn_upcall_mask = 0;
    assert_false(event_upcall_due(a->vcpu[0]));
    mask(a, port);
    assert_answer(event_send(a, port), 0); /* masked: noted, nothing else */
    assert_true(pending(a, port));
    assert_false(selected(a->vcpu[0], port));
    assert_false(event_upcall_due(a->vcpu[0]));

    assert_answer(event_unmask(a, port), 0); /* and now it comes */
    assert_true(selected(a->vcpu[0], port));
    assert_true(event_upcall_due(a->vcpu[0]));
    info->evtchn_upcall_mask = 1;
    assert_false(event_upcall_due(a->vcpu[0]));

    info->evtchn_upcall_pending = 0; /* pending already: a second one adds nothing */
    info->evtchn_pending_sel = 0;
    assert_answer(event_send(a, port), 0);
    assert_false(selected(a->vcpu[0], port));
    assert_int_equal(info->evtchn_upcall_pending, 0);

    clear_all(a);
    info->evtchn_pending_sel = ~0ul; /* selected already: no new upcall */
    assert_answer(event_send(a, port), 0);
    assert_int_equal(info->evtchn_upcall_pending, 0);

    clear_all(a);
    assert_answer(event_unmask(a, port), 0); /* not masked: nothing to do */
    mask(a, port);
    assert_answer(event_unmask(a, port), 0); /* not pending: nothing to bring */
    assert_false(event_upcall_due(a->vcpu[0]));
    assert_answer(event_unmask(a, 5), 0); /* not in use, but nameable */
}

static void test_set_pending_from_inside(void **state)
{
    evtchn_port_t port = ipi(a, 0);
    (void)state;

    event_set_pending(a, port);
    assert_true(pending(a, port));
    assert_true(event_pending_port(a, port));
    event_set_pending(a, port + 1); /* not in use */
    assert_false(event_pending_port(a, port + 1));
    event_set_pending(a, 0);
    event_set_pending(a, 70000);
    assert_false(event_pending_port(a, 70000));
}

static void test_an_event_wakes_who_is_blocked(void **state)
{
    evtchn_port_t port = ipi(a, 0);
    struct vcpu *v = a->vcpu[0];
    (void)state;

    sched_block(v, false, 0);
    assert_false(vcpu_runnable(v));
    mask(a, port);
    event_send(a, port);
    assert_false(vcpu_runnable(v)); /* a masked port wakes nobody who merely blocks */
    event_unmask(a, port);
    assert_true(vcpu_runnable(v));
}

static void test_polling_sees_masked_ports(void **state)
{
    evtchn_port_t one = ipi(a, 0), two = ipi(a, 0);
    struct vcpu *v = a->vcpu[0];
    (void)state;

    mask(a, one);
    mask(a, two);
    sched_block(v, true, two);
    event_send(a, one);
    assert_false(vcpu_runnable(v)); /* waits for the other */
    event_send(a, two);
    assert_true(vcpu_runnable(v));
    assert_false(v->polling);
    clear_all(a);
    sched_block(v, true, 0);
    event_send(a, one);
    assert_true(vcpu_runnable(v));
}

static void test_reset_stops_for_other_work_and_goes_on(void **state)
{
    (void)state;
    for (u32 i = 0; i < 100; i++)
        ipi(a, 0);
    softirq_raise(SOFTIRQ_CONSOLE);
    u32 rounds = 1;
    while (event_reset(a) == -XEN_ERESTART)
        rounds++;
    assert_in_range(rounds, 2, 101);
    for (u32 port = 1; port <= 100; port++)
        assert_int_equal(status_of(a, port).status, EVTCHNSTAT_closed);
}

/* Nothing new is bound in a domain that is being taken down, nor once its ports are gone. */
static void test_a_domain_that_ends_gets_no_ports(void **state)
{
    struct evtchn_bind_ipi op = {.vcpu = 0};
    (void)state;

    a->dying = true;
    assert_answer(event_bind_ipi(a, &op), -XEN_EINVAL);
    a->dying = false;
    assert_answer(event_bind_ipi(a, &op), 0);
    this_cpu()->softirq = 0;
    event_destroy(a);
    assert_answer(event_bind_ipi(a, &op), -XEN_EINVAL);
    assert_answer(event_close(a, op.port), -XEN_EINVAL);
    assert_false(event_port_in_use(a, op.port));
    event_destroy(a);
}

/* Somebody else waits all the time: each port is closed in a step of its own, and all are. */
static void test_ports_are_closed_at_the_end_whatever_is_due(void **state)
{
    (void)state;
    for (u32 i = 0; i < 5; i++)
        ipi(a, 0);
    softirq_raise(SOFTIRQ_CONSOLE);
    event_destroy(a);
    assert_null(a->ports);
}

/* An upcall that the guest has not taken yet is not made once more: who is blocked since is not woken by it. */
static void test_one_upcall_for_many_events(void **state)
{
    evtchn_port_t low = ipi(a, 0), high = 0;
    struct vcpu *v = a->vcpu[0];
    (void)state;

    while (high / 64 == low / 64)
        high = ipi(a, 0);
    assert_answer(event_send(a, low), 0);
    sched_block(v, false, 0);
    assert_answer(event_send(a, high), 0);
    assert_true(selected(v, high));
    assert_true(v->blocked);
}

/* The guest scribbles over all that it shares: nothing but its own bits may follow from it. */
static void test_hostile_shared_info(void **state)
{
    evtchn_port_t port = ipi(a, 0), pb = unbound(b, a->id), pa = bound_to(a, b, pb);
    (void)state;

    memset(a->shared_info, 0xff, sizeof(*a->shared_info));
    assert_answer(event_send(a, port), 0);
    assert_answer(event_unmask(a, port), 0);
    assert_answer(event_send(a, pa), 0);
    assert_true(pending(b, pb));
    memset(a->shared_info, 0, sizeof(*a->shared_info));
    assert_answer(event_send(b, pb), 0);
    assert_true(pending(a, pa));
    reset(a);
}

/* While a domain is taken down its ports go first: whoever asks for one is told that there is none. */
static void test_ports_that_are_gone(void **state)
{
    evtchn_port_t pb = unbound(b, a->id);
    struct evtchn_bind_interdomain bind = {.remote_dom = b->id, .remote_port = pb};
    struct evtchn_status about = {.dom = DOMID_SELF, .port = pb};
    struct evtchn_bind_ipi another = {.vcpu = 0};
    (void)state;

    event_destroy(b);
    assert_answer(event_bind_interdomain(a, &bind), -XEN_EINVAL);
    assert_answer(event_status(b, &about), -XEN_EINVAL);
    assert_answer(event_bind_ipi(b, &another), -XEN_EINVAL);
    assert_answer(event_send(b, pb), -XEN_EINVAL);
    assert_answer(event_unmask(b, pb), -XEN_EINVAL);
    assert_answer(event_close(b, pb), -XEN_EINVAL);
    assert_false(event_port_in_use(b, pb));
    event_set_pending(b, pb);
    event_destroy(b);
    for (u32 port = 1; port < EVENT_PORTS; port++)
        assert_false(event_port_in_use(a, port));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_ports_are_given_from_the_lowest),
        TEST(test_all_ports_can_be_used_and_no_more),
        TEST(test_ports_that_were_never_given_do_not_exist),
        TEST(test_alloc_unbound),
        TEST(test_bind_interdomain),
        TEST(test_interdomain_carries_both_ways_until_one_side_closes),
        TEST(test_a_pair_inside_one_domain),
        TEST(test_the_pair_of_a_domain_that_goes_is_free_again),
        TEST(test_bind_virq),
        TEST(test_bind_ipi_and_bind_vcpu),
        TEST(test_close_refuses_what_is_not_in_use),
        TEST(test_status_of_others),
        TEST(test_delivery),
        TEST(test_set_pending_from_inside),
        TEST(test_an_event_wakes_who_is_blocked),
        TEST(test_polling_sees_masked_ports),
        TEST(test_reset_stops_for_other_work_and_goes_on),
        TEST(test_a_domain_that_ends_gets_no_ports),
        TEST(test_ports_are_closed_at_the_end_whatever_is_due),
        TEST(test_one_upcall_for_many_events),
        TEST(test_hostile_shared_info),
        TEST(test_ports_that_are_gone),
    };

    return cmocka_run_group_tests_name("event channels", tests, NULL, NULL);
}
