/* SPDX-License-Identifier: MIT */
/* vcpu_op, sched_op, set_timer_op and event_channel_op at the door: arguments, answers, and what follows from them. */
#include "common/event_channel.h"
#include "common/frame.h"
#include "common/sched.h"
#include "tests/unit/support/world.h"
#include <arch/time.h>
#include <string.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define BAD 0xffff800000000000ull
#define MS  1000000ull

static struct domain *d;
static struct vcpu *v;
static evtchn_port_t timer_port;
static u8 room[8192] __attribute__((aligned(64)));
static u64 at;

static int setup(void **state)
{
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 0};

    fake_setup(state);
    d = world_domain("a", 3);
    v = d->vcpu[0];
    world_enter(v);
    event_bind_virq(d, &virq);
    timer_port = virq.port;
    this_cpu()->softirq = 0;
    fake_clock_advance(1000 * MS);
    memset(room, 0, sizeof(room));
    at = fake_guest_pointer(room, sizeof(room));
    return 0;
}

static long vcpu_op(u32 command, u32 id, u64 argument)
{
    return world_call_through(__HYPERVISOR_vcpu_op, command, id, argument);
}
static long sched_op(u32 command, u64 argument)
{
    return world_call(__HYPERVISOR_sched_op, command, argument, 0);
}
static long event_op(u32 command, u64 argument)
{
    return world_call_through(__HYPERVISOR_event_channel_op, command, argument, 0);
}
static long timer_op(u64 when)
{
    return world_call(__HYPERVISOR_set_timer_op, when, 0, 0);
}

/* Has the timer's port become pending since the last time this was asked? */
static bool ticked(void)
{
    bool pending;

    if (this_cpu()->softirq)
        world_leave();
    pending = event_pending_port(d, timer_port);
    d->shared_info->evtchn_pending[timer_port / 64] &= ~(1ul << timer_port % 64);
    v->info->evtchn_pending_sel = 0;
    v->info->evtchn_upcall_pending = 0;
    return pending;
}

static void test_one_shot(void **state)
{
    (void)state;
    assert_answer(timer_op(system_time() + 5 * MS), 0);
    fake_clock_advance(5 * MS - 1);
    assert_false(ticked());
    fake_clock_advance(1);
    assert_true(ticked());
    fake_clock_advance(100 * MS);
    assert_false(ticked()); /* one shot */
    assert_answer(timer_op(1), 0);
    assert_true(ticked()); /* past: at once */
    assert_answer(timer_op(system_time() + MS), 0);
    assert_answer(timer_op(0), 0);
    fake_clock_advance(10 * MS);
    assert_false(ticked());
}

static void test_one_shot_times_that_are_overflows(void **state)
{
    static const u64 odd[] = {~0ull, 1ull << 63, 1ull << 62, (1ull << 50) + 3000 * MS};
    (void)state;

    for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
        assert_answer(timer_op(odd[i]), 0);
        fake_clock_advance(100 * MS - 1);
        assert_false(ticked());
        fake_clock_advance(1);
        assert_true(ticked());
    }
    assert_answer(timer_op(1ull << 50), 0); /* far, but meant */
    fake_clock_advance(200 * MS);
    assert_false(ticked());
}

static void test_a_flood_of_past_times_is_one_event_each_way_out(void **state)
{
    (void)state;
    for (u32 i = 0; i < 1000; i++)
        assert_answer(timer_op(1), 0);
    assert_true(ticked());
    assert_false(ticked());
}

static void test_singleshot(void **state)
{
    struct vcpu_set_singleshot_timer *set = (void *)room;
    (void)state;

    *set = (struct vcpu_set_singleshot_timer){.timeout_abs_ns = system_time() + MS};
    assert_answer(vcpu_op(VCPUOP_set_singleshot_timer, 1, at), -XEN_EINVAL);
    assert_answer(vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0), -XEN_EINVAL);
    assert_answer(vcpu_op(VCPUOP_set_singleshot_timer, 0, BAD), -XEN_EFAULT);
    assert_answer(vcpu_op(VCPUOP_set_singleshot_timer, 0, at), 0);
    fake_clock_advance(MS);
    assert_true(ticked());
    assert_answer(vcpu_op(VCPUOP_set_singleshot_timer, 0, at), 0); /* past, and that is allowed */
    assert_true(ticked());
    set->flags = VCPU_SSHOTTMR_future;
    fake_clock_advance(1);
    assert_answer(vcpu_op(VCPUOP_set_singleshot_timer, 0, at), -XEN_ETIME);
    assert_false(ticked());
    set->timeout_abs_ns = system_time() + MS;
    assert_answer(vcpu_op(VCPUOP_set_singleshot_timer, 0, at), 0);
    assert_answer(vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
    fake_clock_advance(MS);
    assert_false(ticked());
}

static void test_periodic(void **state)
{
    struct vcpu_set_periodic_timer *set = (void *)room;
    static const u64 refused[] = {0, 1, MS - 1, 1ull << 62, 1ull << 63, ~0ull};
    (void)state;

    for (u32 i = 0; i < ARRAY_SIZE(refused); i++) {
        set->period_ns = refused[i];
        assert_answer(vcpu_op(VCPUOP_set_periodic_timer, 0, at), -XEN_EINVAL);
    }
    assert_answer(vcpu_op(VCPUOP_set_periodic_timer, 0, BAD), -XEN_EFAULT);
    set->period_ns = (1ull << 62) - 1; /* the longest */
    assert_answer(vcpu_op(VCPUOP_set_periodic_timer, 0, at), 0);
    set->period_ns = MS;
    assert_answer(vcpu_op(VCPUOP_set_periodic_timer, 0, at), 0);
    for (u32 i = 0; i < 100; i++) {
        fake_clock_advance(MS - 1);
        assert_false(ticked());
        fake_clock_advance(1);
        assert_true(ticked());
    }
    fake_clock_advance(50 * MS + MS / 2); /* what was missed comes as one, and the beat is kept */
    assert_true(ticked());
    assert_false(ticked());
    fake_clock_advance(MS / 2);
    assert_true(ticked());
    assert_answer(vcpu_op(VCPUOP_stop_periodic_timer, 0, 0), 0);
    fake_clock_advance(10 * MS);
    assert_false(ticked());
}

static void test_up_and_down(void **state)
{
    (void)state;
    assert_answer(vcpu_op(VCPUOP_is_up, 0, 0), 1);
    assert_answer(vcpu_op(VCPUOP_is_up, 1, 0), 0);
    assert_answer(vcpu_op(VCPUOP_is_up, 3, 0), -XEN_ENOENT);
    assert_answer(vcpu_op(VCPUOP_is_up, 0xffffffff, 0), -XEN_ENOENT);
    assert_answer(vcpu_op(VCPUOP_up, 1, 0), -XEN_EINVAL);
    assert_answer(vcpu_op(VCPUOP_initialise, 1, BAD), -XEN_EFAULT);
    assert_answer(vcpu_op(VCPUOP_initialise, 0, at), -XEN_EEXIST);
    assert_answer(vcpu_op(VCPUOP_initialise, 1, at), -XEN_EINVAL); /* a context of zeros */
    d->vcpu[1]->initialised = true;
    assert_answer(vcpu_op(VCPUOP_up, 1, 0), 0);
    assert_answer(vcpu_op(VCPUOP_up, 1, 0), 0);
    assert_answer(vcpu_op(VCPUOP_is_up, 1, 0), 1);
    assert_answer(vcpu_op(VCPUOP_down, 0, 0), 0);
    assert_ptr_equal(world_leave(), d->vcpu[1]);
    assert_false(d->is_shut_down);
    assert_answer(vcpu_op(VCPUOP_down, 1, 0), 0); /* the last one */
    assert_true(d->is_shut_down);
    assert_int_equal(d->shutdown_reason, SHUTDOWN_poweroff);
}

static void test_others(void **state)
{
    (void)state;
    assert_answer(vcpu_op(VCPUOP_get_physid, 0, at), -XEN_EINVAL);
    assert_answer(vcpu_op(14, 0, at), -XEN_ENOSYS);
    assert_answer(vcpu_op(0xffffffff, 0, at), -XEN_ENOSYS);
}

static void test_runstate(void **state)
{
    struct vcpu_runstate_info *info = (void *)room;
    u64 *address = (void *)(room + 4096);
    (void)state;

    softirq_raise(SOFTIRQ_SCHEDULE);
    world_leave();
    fake_clock_advance(3 * MS);
    assert_answer(vcpu_op(VCPUOP_get_runstate_info, 0, at), 0);
    assert_int_equal(info->time[0] + info->time[1] + info->time[2] + info->time[3], system_time());
    assert_answer(vcpu_op(VCPUOP_get_runstate_info, 2, at), 0);
    assert_int_equal(info->state, RUNSTATE_offline);
    assert_int_equal(info->time[RUNSTATE_offline], system_time());
    assert_answer(vcpu_op(VCPUOP_get_runstate_info, 0, BAD), -XEN_EFAULT);

    assert_answer(vcpu_op(VCPUOP_register_runstate_memory_area, 0, BAD), -XEN_EFAULT);
    *address = BAD;
    assert_answer(vcpu_op(VCPUOP_register_runstate_memory_area, 0, at + 4096), -XEN_EFAULT);
    *address = at;
    memset(info, 0xff, sizeof(*info));
    assert_answer(vcpu_op(VCPUOP_register_runstate_memory_area, 1, at + 4096), 0);
    assert_int_equal(info->state, -1); /* not the caller's: when its turn comes */
    assert_answer(vcpu_op(VCPUOP_register_runstate_memory_area, 0, at + 4096), 0);
    assert_in_range(info->state, RUNSTATE_running, RUNSTATE_offline);
    *address = 0;
    assert_answer(vcpu_op(VCPUOP_register_runstate_memory_area, 0, at + 4096), 0);
    assert_int_equal(v->runstate_area, 0);
}

static void test_second_time_record(void **state)
{
    struct vcpu_time_info *time = (void *)room;
    u64 *address = (void *)(room + 4096);
    (void)state;

    arch_update_vcpu_time(v);
    *address = at;
    assert_answer(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, at + 4096), 0);
    assert_memory_equal(time, &v->info->time, sizeof(*time));
    *address = BAD;
    assert_answer(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, at + 4096), -XEN_EFAULT);
    assert_int_equal(v->time_area, at);
}

static void test_register_vcpu_info(void **state)
{
    struct vcpu_register_vcpu_info *reg = (void *)room;
    struct frame *f = frame_alloc_domain(d);
    u64 refs = word_refs(frame_word(f));
    static const u32 refused[] = {4096, 4095, 4033, 4, 7, 0xffffffff, 0xfffffff8};
    (void)state;

    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, BAD), -XEN_EFAULT);
    for (u32 i = 0; i < ARRAY_SIZE(refused); i++) {
        *reg = (struct vcpu_register_vcpu_info){.mfn = frame_mfn(f).n, .offset = refused[i]};
        assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, at), -XEN_ENXIO);
    }
    *reg = (struct vcpu_register_vcpu_info){.mfn = ~0ull};
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, at), -XEN_EINVAL);
    reg->mfn = 1; /* not the domain's */
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, at), -XEN_EINVAL);
    d->vcpu[1]->initialised = true;
    vcpu_up(d->vcpu[1]);
    *reg = (struct vcpu_register_vcpu_info){.mfn = frame_mfn(f).n, .offset = 4032};
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 1, at), -XEN_EINVAL); /* it runs, and is another */
    assert_int_equal(word_refs(frame_word(f)), refs);

    v->info->arch.cr2 = 0x1234;
    v->info->evtchn_upcall_mask = 1;
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, at), 0);
    struct vcpu_info *info = (void *)((u8 *)frame_ptr(f) + 4032);
    assert_ptr_equal(v->info, info);
    assert_true(info->arch.cr2 == 0x1234);
    assert_int_equal(info->evtchn_upcall_mask, 1);
    assert_int_equal(info->evtchn_upcall_pending, 1);
    assert_true(info->evtchn_pending_sel == ~0ul);
    assert_int_equal(word_type(frame_word(f)), FRAME_WRITABLE); /* it can become no table now */
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, at), -XEN_EINVAL); /* once */
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 2, at), 0);           /* one that is down: from outside */
    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
    timer_op(1);
    world_leave();
    assert_int_equal(info->evtchn_upcall_pending, 1);
}

/* The frame is held as long as the hypervisor writes to it, and no longer. */
static void test_a_registered_vcpu_info_is_given_back(void **state)
{
    struct vcpu_register_vcpu_info *reg = (void *)room;
    struct frame *f = frame_alloc_domain(d);
    (void)state;

    *reg = (struct vcpu_register_vcpu_info){.mfn = frame_mfn(f).n};
    assert_answer(vcpu_op(VCPUOP_register_vcpu_info, 0, at), 0);
    assert_true(frame_drop_alloc(f)); /* as by decrease_reservation */
    timer_op(1);
    assert_true(ticked());
    assert_int_equal(d->tot_pages, 1);
    domain_shutdown(d, SHUTDOWN_poweroff);
    this_cpu()->idle = true;
    this_cpu()->current = NULL;
    domain_destroy(d);
    assert_int_equal(word_refs(frame_word(f)), 0);
    assert_false(fake_console_has("still in use"));
}

/* sched_op -------------------------------------------------------------------------------------------------------- */

static evtchn_port_t ipi(void)
{
    struct evtchn_bind_ipi op = {.vcpu = 0};

    event_bind_ipi(d, &op);
    return op.port;
}

static void test_block(void **state)
{
    evtchn_port_t port = ipi();
    (void)state;

    v->info->evtchn_upcall_mask = 1;
    assert_answer(sched_op(SCHEDOP_block, 0), 0);
    assert_int_equal(v->info->evtchn_upcall_mask, 0);
    assert_true(v->blocked);
    event_send(d, port);
    assert_false(v->blocked);
    v->info->evtchn_upcall_mask = 1;
    assert_answer(sched_op(SCHEDOP_block, 0), 0); /* an event is there already */
    assert_false(v->blocked);
    assert_answer(sched_op(SCHEDOP_yield, 0), 0);
    assert_answer(sched_op(99, 0), -XEN_ENOSYS);
    assert_answer(sched_op(SCHEDOP_watchdog, at), -XEN_ENOSYS);
    assert_answer(sched_op(SCHEDOP_pin_override, at), -XEN_EPERM);
}

static long poll(const evtchn_port_t *ports, u32 count, u64 timeout)
{
    struct sched_poll *op = (void *)room;

    memcpy(room + 64, ports, sizeof(*ports) * (count > 128 ? 128 : count));
    *op = (struct sched_poll){.nr_ports = count, .timeout = timeout};
    op->ports.p = (evtchn_port_t *)(room + 64);
    return sched_op(SCHEDOP_poll, at);
}

static void test_poll_refusals(void **state)
{
    evtchn_port_t ports[128] = {timer_port, 60};
    struct sched_poll *op = (void *)room;
    (void)state;

    assert_answer(sched_op(SCHEDOP_poll, BAD), -XEN_EFAULT);
    assert_answer(poll(ports, 129, 0), -XEN_EINVAL);
    assert_answer(poll(ports, 2, 0), -XEN_EINVAL); /* 60 is not in use */
    assert_false(v->blocked);
    op->ports.p = (evtchn_port_t *)BAD;
    assert_answer(sched_op(SCHEDOP_poll, at), -XEN_EFAULT);
    assert_false(v->blocked);
    assert_false(v->polling);
}

static void test_poll(void **state)
{
    evtchn_port_t one = ipi(), two = ipi(), both[2] = {one, two};
    (void)state;

    d->shared_info->evtchn_mask[0] = ~0ul;
    assert_answer(poll(&one, 1, 0), 0);
    assert_true(v->blocked);
    event_send(d, two);
    assert_true(v->blocked); /* not the one it waits for */
    event_send(d, one);
    assert_false(v->blocked);
    assert_answer(poll(both, 2, 0), 0); /* pending already */
    assert_false(v->blocked);
    d->shared_info->evtchn_pending[0] = 0;
    assert_answer(poll(both, 2, system_time() + 5 * MS), 0);
    assert_true(v->blocked);
    world_leave(); /* idle until the time is up */
    assert_false(v->blocked);
    assert_int_equal(system_time(), 1005 * MS);
    assert_answer(poll(both, 0, 1), 0); /* a time that has passed */
    world_leave();
    assert_false(v->blocked);
    assert_answer(poll(both, 2, system_time() + 5 * MS), 0);
    event_send(d, one);
    assert_false(timer_active(&v->poll_timer)); /* woken: the time does not matter any more */
    v->info->evtchn_upcall_mask = 0;
    v->info->evtchn_upcall_pending = 1;
    d->shared_info->evtchn_pending[0] = 0;
    assert_answer(poll(both, 2, 0), 0); /* an upcall is due */
    assert_false(v->blocked);
}

static void test_shutdown(void **state)
{
    struct sched_shutdown *op = (void *)room;
    (void)state;

    assert_answer(sched_op(SCHEDOP_shutdown, BAD), -XEN_EFAULT);
    assert_false(d->is_shut_down);
    op->reason = SHUTDOWN_crash;
    assert_answer(sched_op(SCHEDOP_shutdown_code, at), 0);
    op->reason = SHUTDOWN_poweroff;
    assert_answer(sched_op(SCHEDOP_shutdown, at), 0);
    assert_true(d->is_shut_down);
    assert_int_equal(d->shutdown_reason, SHUTDOWN_crash);
    assert_false(vcpu_runnable(v));
}

static void test_remote_shutdown(void **state)
{
    struct sched_remote_shutdown *op = (void *)room;
    struct domain *p = world_privileged("p");
    (void)state;

    assert_answer(sched_op(SCHEDOP_remote_shutdown, BAD), -XEN_EFAULT);
    *op = (struct sched_remote_shutdown){.domain_id = 9999, .reason = SHUTDOWN_poweroff};
    assert_answer(sched_op(SCHEDOP_remote_shutdown, at), -XEN_ESRCH);
    op->domain_id = p->id;
    assert_answer(sched_op(SCHEDOP_remote_shutdown, at), -XEN_EPERM);
    assert_false(p->is_shut_down);
    world_enter(p->vcpu[0]);
    op->domain_id = d->id;
    assert_answer(sched_op(SCHEDOP_remote_shutdown, at), 0);
    assert_true(d->is_shut_down);
}

/* event_channel_op: each command reaches its function with its argument, and the answer comes back. ---------------- */

static void test_event_commands(void **state)
{
    struct evtchn_alloc_unbound *alloc = (void *)room;
    struct evtchn_bind_interdomain *bind = (void *)room;
    struct evtchn_status *status = (void *)room;
    struct evtchn_bind_virq *virq = (void *)room;
    struct evtchn_bind_ipi *ipi_op = (void *)room;
    struct evtchn_bind_vcpu *move = (void *)room;
    struct evtchn_reset *reset = (void *)room;
    struct evtchn_bind_pirq *pirq = (void *)room;
    u32 *port = (void *)room;
    evtchn_port_t one, two;
    (void)state;

    for (u32 command = 0; command <= 10; command++)
        assert_answer(event_op(command, BAD), -XEN_EFAULT);
    for (u32 command = 11; command < 20; command++)
        assert_answer(event_op(command, at), -XEN_ENOSYS);
    *alloc = (struct evtchn_alloc_unbound){.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    assert_answer(event_op(EVTCHNOP_alloc_unbound, at), 0);
    one = alloc->port;
    *bind = (struct evtchn_bind_interdomain){.remote_dom = DOMID_SELF, .remote_port = one};
    assert_answer(event_op(EVTCHNOP_bind_interdomain, at), 0);
    two = bind->local_port;
    *status = (struct evtchn_status){.dom = DOMID_SELF, .port = two};
    assert_answer(event_op(EVTCHNOP_status, at), 0);
    assert_int_equal(status->u.interdomain.port, one);
    *virq = (struct evtchn_bind_virq){.virq = VIRQ_DEBUG, .vcpu = 0};
    assert_answer(event_op(EVTCHNOP_bind_virq, at), 0);
    assert_int_equal(virq->port, two + 1);
    *ipi_op = (struct evtchn_bind_ipi){.vcpu = 0};
    assert_answer(event_op(EVTCHNOP_bind_ipi, at), 0);
    assert_int_equal(ipi_op->port, two + 2);
    *move = (struct evtchn_bind_vcpu){.port = one, .vcpu = 1};
    assert_answer(event_op(EVTCHNOP_bind_vcpu, at), 0);
    *port = two;
    assert_answer(event_op(EVTCHNOP_send, at), 0);
    assert_true(event_pending_port(d, one));
    assert_answer(event_op(EVTCHNOP_unmask, at), 0);
    assert_answer(event_op(EVTCHNOP_close, at), 0);
    assert_answer(event_op(EVTCHNOP_close, at), -XEN_EINVAL);
    *pirq = (struct evtchn_bind_pirq){.pirq = 1};
    assert_answer(event_op(EVTCHNOP_bind_pirq, at), -XEN_EPERM);
    pirq->pirq = 1000;
    assert_answer(event_op(EVTCHNOP_bind_pirq, at), -XEN_EINVAL);
    reset->dom = 9999;
    assert_answer(event_op(EVTCHNOP_reset, at), -XEN_ESRCH);
    reset->dom = DOMID_SELF;
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(event_op(EVTCHNOP_reset, at), 0);
    assert_true(world_restarts > 0);
    for (u32 i = 1; i < 10; i++)
        assert_false(event_port_in_use(d, i));
}

static void test_reset_of_others(void **state)
{
    struct evtchn_reset *reset = (void *)room;
    struct domain *p = world_privileged("p");
    (void)state;

    reset->dom = p->id;
    assert_answer(event_op(EVTCHNOP_reset, at), -XEN_EPERM);
    world_enter(p->vcpu[0]);
    reset->dom = d->id;
    assert_answer(event_op(EVTCHNOP_reset, at), -XEN_EINVAL);
    assert_true(event_port_in_use(d, timer_port));
}

/* An answer that cannot be stored: the port was made all the same, as on Xen, and reset finds it. */
static void test_an_answer_that_cannot_be_stored(void **state)
{
    static struct evtchn_bind_ipi op;
    (void)state;

    fake_guest_range((vaddr_t)&op, &op, sizeof(op), false);
    assert_answer(event_op(EVTCHNOP_bind_ipi, (u64)&op), -XEN_EFAULT);
    assert_true(event_port_in_use(d, timer_port + 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_one_shot),
        TEST(test_one_shot_times_that_are_overflows),
        TEST(test_a_flood_of_past_times_is_one_event_each_way_out),
        TEST(test_singleshot),
        TEST(test_periodic),
        TEST(test_up_and_down),
        TEST(test_others),
        TEST(test_runstate),
        TEST(test_second_time_record),
        TEST(test_register_vcpu_info),
        TEST(test_a_registered_vcpu_info_is_given_back),
        TEST(test_block),
        TEST(test_poll_refusals),
        TEST(test_poll),
        TEST(test_shutdown),
        TEST(test_remote_shutdown),
        TEST(test_event_commands),
        TEST(test_reset_of_others),
        TEST(test_an_answer_that_cannot_be_stored),
    };

    return cmocka_run_group_tests_name("vcpu_op, sched_op, set_timer_op, event_channel_op", tests, NULL, NULL);
}
