/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls with any arguments, from two domains that share event channels, over memory that changes while it is
 * read: those of events, time and life most often, the others now and then. Nothing may come of it but answers: no
 * fault, no BUG, no frame lost, no port with one end only.
 */
#include "common/event_channel.h"
#include "common/frame.h"
#include "common/heap.h"
#include "common/sched.h"
#include "tests/unit/support/world.h"
#include <arch/paging.h>
#include <stdlib.h>
#include <string.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#ifdef UNIT_SHORT
#define STEPS 30000
#else
#define STEPS 400000
#endif
#define DOMAINS 2

static struct domain *d[DOMAINS];
static u64 room[1024]; /* what guest pointers point to: 8 KiB */
static u64 at;
static u64 free_before;
static u32 ends;

static u64 pick(const u64 *values, size_t count)
{
    return values[(size_t)rand() % count];
}

/* Numbers near the edges of what is checked, and some that are nothing. */
static u64 random_value(void)
{
    const u64 values[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 63, 64, 65, 127, 128, 129, 4095, 4096, DOMID_SELF, DOMID_INVALID,
                          d[0]->id, d[1]->id, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 50, 1ull << 62,
                          ~0ull, ~0ull - 84, 0x00007ffffffff000, 0xffff800000000000, at, at + 8, at + 4096,
                          at + sizeof(room) - 8, d[0]->shared_info_mfn.n, (u64)rand() % FAKE_FRAMES, (u64)rand()};

    return pick(values, ARRAY_SIZE(values));
}

static bool still; /* nobody scribbles during this call */

static void scribble(vaddr_t address, size_t n)
{
    (void)address, (void)n;
    if (still)
        return;
    for (u32 i = 0; i < 4; i++)
        room[rand() % 64] = random_value();
    if (rand() % 64 == 0)
        ((u64 *)d[rand() % DOMAINS]->shared_info)[rand() % 400] = random_value();
}

/* An argument of event_channel_op that can succeed. */
static void fitting_event(u32 command)
{
    u16 own = rand() % 2 ? DOMID_SELF : current_vcpu()->domain->id, other = d[rand() % DOMAINS]->id;
    u32 port = (u32)rand() % 24, vcpu = (u32)rand() % 2;

    switch (command) {
    case EVTCHNOP_alloc_unbound:
        room[0] = own | (u32)other << 16;
        break;
    case EVTCHNOP_bind_interdomain:
        room[0] = other | (u64)port << 32;
        break;
    case EVTCHNOP_status:
    case EVTCHNOP_reset:
        room[0] = own | (u64)port << 32;
        break;
    case EVTCHNOP_bind_virq:
        room[0] = (u64)rand() % NR_VIRQS | (u64)vcpu << 32;
        break;
    case EVTCHNOP_bind_ipi:
        room[0] = vcpu;
        break;
    default:
        room[0] = port | (u64)vcpu << 32;
        break;
    }
}

static void random_call(u64 *number, u64 *args)
{
    static const u64 numbers[] = {__HYPERVISOR_event_channel_op, __HYPERVISOR_event_channel_op, __HYPERVISOR_vcpu_op,
                                  __HYPERVISOR_sched_op,         __HYPERVISOR_set_timer_op,     __HYPERVISOR_memory_op,
                                  __HYPERVISOR_xen_version,      __HYPERVISOR_console_io,       __HYPERVISOR_multicall};

    *number = pick(numbers, ARRAY_SIZE(numbers));
    for (u32 i = 0; i < 3; i++)
        args[i] = random_value();
    args[0] = (u64)rand() % 16;
    args[1] = at + 8 * ((u64)rand() % 64);
    still = false;
    if (*number == __HYPERVISOR_event_channel_op && rand() % 2) {
        args[0] = (u64)rand() % (rand() % 32 ? EVTCHNOP_reset : EVTCHNOP_reset + 1);
        args[1] = at;
        fitting_event((u32)args[0]);
        still = true;
    } else if (*number == __HYPERVISOR_console_io && rand() % 2) {
        args[0] = CONSOLEIO_write;
        args[1] = (u64)rand() % 600;
        args[2] = at;
    } else if (*number == __HYPERVISOR_vcpu_op) {
        args[2] = args[1];
        args[1] = (u64)rand() % 3;
    } else if (*number == __HYPERVISOR_multicall) {
        args[0] = at + 64 * ((u64)rand() % 8);
        args[1] = (u64)rand() % 6;
    } else if (*number == __HYPERVISOR_memory_op) {
        args[0] |= rand() % 4 == 0 ? (u64)rand() << 6 : 0;
        ((struct xen_memory_reservation *)room)->extent_start.p = (void *)(at + 1024);
        ((struct xen_memory_reservation *)room)->nr_extents = (u64)rand() % 8;
        ((struct xen_memory_reservation *)room)->extent_order = rand() % 4 == 0;
        args[1] = at;
    } else if (rand() % 8 == 0) { /* anything at all */
        args[rand() % 3] = random_value();
    }
}

/* A multicall's entries: mostly calls that exist. */
static void random_list(u64 list, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        struct multicall_entry e = {.op = 0};
        u64 number, args[3];
        random_call(&number, args);
        e.op = rand() % 4 ? number : (u64)rand() % 42; /* the others now and then */
        memcpy(e.args, args, sizeof(args));
        if (list + (i + 1) * sizeof(e) <= at + sizeof(room))
            memcpy((void *)(list + i * sizeof(e)), &e, sizeof(e));
    }
}

static void check_ports(const struct domain *x)
{
    for (u32 port = 0; port < x->valid_ports; port++) {
        const struct event_port *p = &x->ports[port];
        if (p->state == PORT_INTERDOMAIN) {
            const struct domain *other = domain_find(p->remote_domain);
            assert_non_null(other);
            const struct event_port *end = &other->ports[p->remote_port];
            assert_int_equal(end->state, PORT_INTERDOMAIN);
            assert_int_equal(end->remote_domain, x->id);
            assert_int_equal(end->remote_port, port);
        }
        if (p->state == PORT_VIRQ)
            assert_true(x->vcpu[0]->virq_port[p->virq] == port || x->vcpu[1]->virq_port[p->virq] == port);
        assert_true(p->vcpu < x->vcpu_count);
    }
}

static void check_all(void)
{
    u64 pages = 0;

    for (u32 i = 0; i < DOMAINS; i++) {
        check_ports(d[i]);
        assert_true(d[i]->tot_pages <= d[i]->max_pages);
        pages += d[i]->tot_pages;
    }
    assert_int_equal(frame_free_count() + heap_frames() + pages, free_before);
    assert_false(this_cpu()->in_multicall);
    assert_int_equal(this_cpu()->locks_held, 0);
}

/* Without memory but for an empty root for each vcpu, as every vcpu that runs has one. */
static struct domain *new_domain(u32 i)
{
    struct domain_config before = world_config;
    struct domain *x;

    world_config.memory = world_config.maxmem = 32 * PAGE_SIZE;
    world_config.on_poweroff = world_config.on_reboot = world_config.on_crash = ACTION_PRESERVE;
    x = world_domain(i ? "b" : "a", 2);
    world_config = before;
    for (u32 v = 0; v < 2; v++) {
        struct frame *root = frame_alloc_domain(x);
        if (root == NULL || arch_pin_table(x->vcpu[v], x, 4, gfn_make(frame_mfn(root).n)) ||
            arch_new_base(x->vcpu[v], gfn_make(frame_mfn(root).n)))
            fake_fail("no root");
    }
    return x;
}

/* One that has shut down is taken away, with all that it had, and another takes its place. */
static void renew_domains(void)
{
    for (u32 i = 0; i < DOMAINS; i++)
        if (d[i]->is_shut_down) {
            this_cpu()->idle = true;
            sched_unload();
            domain_destroy(d[i]);
            d[i] = new_domain(i);
            ends++;
        }
}

/* Whoever is blocked is woken, and one of them asks next. */
static void next_caller(void)
{
    for (u32 i = 0; i < DOMAINS; i++) {
        d[i]->vcpu[0]->online = true;
        sched_unblock(d[i]->vcpu[0]);
    }
    fake_clock_advance((u64)rand() % 2000000);
    if (rand() % 4 == 0)
        softirq_raise(SOFTIRQ_CONSOLE);
    if (rand() % 2 || this_cpu()->idle) {
        sched_yield();
        world_leave();
    }
}

static void test_random_calls(void **state)
{
    (void)state;

    fake_setup(state);
    srand(5);
    for (u32 i = 0; i < DOMAINS; i++)
        d[i] = new_domain(i);
    at = fake_guest_pointer(room, sizeof(room));
    world_leave();
    free_before = frame_free_count() + heap_frames() + d[0]->tot_pages + d[1]->tot_pages;
    fake_guest_before_read = scribble;
    for (u32 step = 0; step < STEPS; step++) {
        u64 number, args[3];
        random_call(&number, args);
        if (number == __HYPERVISOR_multicall)
            random_list(args[0], args[1]);
        world_call_through((u32)number, args[0], args[1], args[2]);
        renew_domains();
        next_caller();
        if (step % 64 == 0) {
            check_all();
            fake_console_clear();
        }
    }
    assert_in_range(ends, STEPS / 2000, STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_calls)};

    return cmocka_run_group_tests_name("random hypercalls", tests, NULL, NULL);
}
