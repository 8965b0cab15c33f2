/* SPDX-License-Identifier: MIT */
/* Batches: order, results, refusals, restarts between and inside elements, and what ends one. */
#include "common/event_channel.h"
#include "common/frame.h"
#include "arch/x86/cpu/percpu.h"
#include "common/printk.h"
#include "hypercalls/hypercalls.h"
#include "tests/unit/support/world.h"
#include <stdio.h>
#include <string.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/version.h>
#include <xen/xen.h>

#define CALLS 8
static struct multicall_entry calls[CALLS];
static struct domain *d;
static u64 list;

static int setup(void **state)
{
    fake_setup(state);
    d = world_domain("a", 1);
    world_enter(d->vcpu[0]);
    this_cpu()->softirq = 0;
    memset(calls, 0, sizeof(calls));
    for (u32 i = 0; i < CALLS; i++) {
        calls[i].op = __HYPERVISOR_xen_version;
        calls[i].args[0] = XENVER_version;
        calls[i].result = 0x5555;
    }
    list = fake_guest_pointer(calls, sizeof(calls));
    return 0;
}

static void expect_results(u32 first, u32 end)
{
    for (u32 i = 0; i < CALLS; i++)
        assert_int_equal(calls[i].result, i >= first && i < end ? 0x40011 : 0x5555);
}

static void test_all_are_carried_out_in_order(void **state)
{
    (void)state;
    assert_answer(world_call(__HYPERVISOR_multicall, list, CALLS, 0), 0);
    expect_results(0, CALLS);
    assert_false(this_cpu()->in_multicall);
    assert_int_equal(fake_guest_reads, CALLS); /* each entry is read once */
    assert_int_equal(fake_guest_writes, CALLS);
}

static void test_none(void **state)
{
    (void)state;
    assert_answer(world_call(__HYPERVISOR_multicall, list, 0, 0), 0);
    assert_answer(world_call(__HYPERVISOR_multicall, list, 1ull << 32, 0), 0); /* the count is an unsigned int */
    expect_results(0, 0);
}

static void test_a_list_that_is_no_guest_memory(void **state)
{
    (void)state;
    assert_answer(world_call(__HYPERVISOR_multicall, 0xffff800000000000, 1, 0), -XEN_EFAULT);
    assert_answer(world_call(__HYPERVISOR_multicall, 0xffff7fffffffffe0, 1, 0), -XEN_EFAULT);
    /* It begins well and would run into the hypervisor's memory. */
    assert_answer(world_call(__HYPERVISOR_multicall, 0x00007ffffffff000, 0xffffffff, 0), -XEN_EFAULT);
    assert_int_equal(fake_guest_reads, 0);
    assert_answer(world_call(__HYPERVISOR_multicall, list, CALLS + 1, 0), -XEN_EFAULT);
    expect_results(0, CALLS); /* what could be read was done */
    assert_false(this_cpu()->in_multicall);
}

static void test_a_list_that_cannot_take_the_results(void **state)
{
    static struct multicall_entry read_only[2];
    (void)state;

    read_only[0] = read_only[1] = calls[0];
    fake_guest_range((vaddr_t)read_only, read_only, sizeof(read_only), false);
    assert_answer(world_call(__HYPERVISOR_multicall, (u64)read_only, 2, 0), -XEN_EFAULT);
    assert_int_equal(fake_guest_reads, 1); /* it ends at the first */
}

static void test_refusals_are_results(void **state)
{
    static const u64 numbers[] = {64, 11, 1ull << 32 | 17, 0xffffffffffffffff, __HYPERVISOR_multicall};
    (void)state;

    for (u32 i = 0; i < ARRAY_SIZE(numbers); i++)
        calls[i].op = numbers[i];
    assert_answer(world_call(__HYPERVISOR_multicall, list, CALLS, 0), 0);
    for (u32 i = 0; i < 4; i++)
        assert_answer(calls[i].result, -XEN_ENOSYS);
    assert_answer(calls[4].result, -XEN_EINVAL);
    for (u32 i = 5; i < CALLS; i++)
        assert_int_equal(calls[i].result, 0x40011);
}

static void test_a_batch_inside_a_batch_is_refused_however_it_comes(void **state)
{
    (void)state;
    this_cpu()->in_multicall = true;
    assert_answer(hypercall_multicall(list, 1, 0, 0, 0), -XEN_EINVAL);
    assert_true(this_cpu()->in_multicall);
    this_cpu()->in_multicall = false;
}

/* Something else is always due: one element each time, and the guest is asked to give the rest again. */
static void test_it_gives_way_between_elements(void **state)
{
    const struct restart *r = &d->vcpu[0]->restart;
    (void)state;

    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(world_call(__HYPERVISOR_multicall, list, CALLS, 0), -XEN_ERESTART);
    expect_results(0, 1);
    assert_true(r->wanted);
    assert_int_equal(r->op, __HYPERVISOR_multicall);
    assert_int_equal(r->args[0], list + sizeof(calls[0]));
    assert_int_equal(r->args[1], CALLS - 1);
    assert_false(this_cpu()->in_multicall);

    setup(state);
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(world_call_through(__HYPERVISOR_multicall, list, CALLS, 0), 0);
    assert_int_equal(world_restarts, CALLS - 1);
    expect_results(0, CALLS);
}

/* An element that is itself interrupted: its arguments in the list are the ones to go on with. */
static void test_it_gives_way_inside_an_element(void **state)
{
    static u64 frames[4];
    static struct xen_memory_reservation give;
    (void)state;

    for (u32 i = 0; i < 4; i++)
        frames[i] = frame_mfn(frame_alloc_domain(d)).n;
    give = (struct xen_memory_reservation){.nr_extents = 4, .domid = DOMID_SELF};
    give.extent_start.p = frames;
    fake_guest_pointer(frames, sizeof(frames));
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_memory_op, .result = 0x5555,
                                        .args = {XENMEM_decrease_reservation, fake_guest_pointer(&give, sizeof(give)), 7,
                                                 8, 9, 10}};
    assert_answer(world_call(__HYPERVISOR_multicall, list, 1, 0), 0);
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(world_call(__HYPERVISOR_multicall, list + sizeof(calls[0]), CALLS - 1, 0), -XEN_ERESTART);
    assert_int_equal(calls[1].op, __HYPERVISOR_memory_op);
    assert_int_equal(calls[1].result, 0x5555); /* it has none yet */
    assert_int_equal(calls[1].args[0], XENMEM_decrease_reservation | 1 << 6);
    assert_int_equal(calls[1].args[1], (u64)&give);
    assert_int_equal(calls[1].args[5], 10);
    assert_int_equal(d->tot_pages, 3);
    assert_int_equal(d->vcpu[0]->restart.args[0], list + sizeof(calls[0]));
    assert_int_equal(d->vcpu[0]->restart.args[1], CALLS - 1);
    assert_answer(world_call_through(__HYPERVISOR_multicall, list + sizeof(calls[0]), CALLS - 1, 0), 0);
    assert_int_equal(calls[1].result, 4);
    assert_int_equal(calls[CALLS - 1].result, 0x40011);
    assert_int_equal(d->tot_pages, 0);
}

/* The arguments to go on with have no place to go: the batch ends there, and what the element did so far stays done. */
static void test_an_element_that_cannot_be_kept(void **state)
{
    static u64 frames[2];
    static struct xen_memory_reservation give;
    static struct multicall_entry read_only;
    (void)state;

    for (u32 i = 0; i < 2; i++)
        frames[i] = frame_mfn(frame_alloc_domain(d)).n;
    give = (struct xen_memory_reservation){.nr_extents = 2, .domid = DOMID_SELF};
    give.extent_start.p = frames;
    fake_guest_pointer(frames, sizeof(frames));
    read_only = (struct multicall_entry){.op = __HYPERVISOR_memory_op,
                                         .args = {XENMEM_decrease_reservation, fake_guest_pointer(&give, sizeof(give))}};
    fake_guest_range((vaddr_t)&read_only, &read_only, sizeof(read_only), false);
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(world_call(__HYPERVISOR_multicall, (u64)&read_only, 1, 0), -XEN_EFAULT);
    assert_false(d->vcpu[0]->restart.wanted);
    assert_false(this_cpu()->in_multicall);
    assert_int_equal(d->tot_pages, 1);
}

/* A result that happens to be the number of a restart is a result. */
static void test_a_result_that_looks_like_a_restart(void **state)
{
    (void)state;
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_set_debugreg, .args = {0, (u64)-XEN_ERESTART}};
    calls[2] = (struct multicall_entry){.op = __HYPERVISOR_get_debugreg, .args = {0}};
    assert_answer(world_call(__HYPERVISOR_multicall, list, 3, 0), 0);
    assert_int_equal(calls[1].result, 0);
    assert_answer(calls[2].result, -XEN_ERESTART);
}

/* The list is rewritten by another vcpu while it is carried out: only what was copied counts. */
static u64 reads;
static void flip(vaddr_t address, size_t n)
{
    (void)address, (void)n;
    calls[0].op = ++reads % 2 ? __HYPERVISOR_xen_version : __HYPERVISOR_multicall;
    calls[0].args[0] = reads;
}
static void test_the_list_changes_under_its_feet(void **state)
{
    (void)state;
    reads = 0;
    fake_guest_before_read = flip;
    for (u32 i = 0; i < 100; i++) {
        assert_answer(world_call(__HYPERVISOR_multicall, list, 1, 0), 0);
        assert_false(this_cpu()->in_multicall);
    }
}

/* After an iret other tables may be in use: what stands behind it in the list is neither read nor answered. */
static void test_iret_ends_the_batch(void **state)
{
    struct iret_context frame = {.rax = 0x77, .cs = 0xe030, .ss = 0xe028, .rip = 0x1000, .rflags = 0x202};
    (void)state;

    guest_regs()->rsp = fake_guest_pointer(&frame, sizeof(frame));
    calls[1].op = __HYPERVISOR_iret;
    assert_answer(world_call(__HYPERVISOR_multicall, list, CALLS, 0), 0x77);
    expect_results(0, 1);
    assert_int_equal(guest_regs()->rip, 0x1000);
    assert_false(this_cpu()->in_multicall);
}

static void test_every_number_has_a_handler_and_says_what_is_missing(void **state)
{
    char line[64];
    (void)state;

    guest_log_threshold = LOG_DEBUG;
    for (u32 n = 0; n < HYPERCALL_COUNT; n++) {
        assert_non_null(hypercall_table[n]);
        if (n < 42 && n != 6 && n != 7 && n != 11 && n != 16 && n != 19 && n != 27 && n != 28 &&
            n != 31 && n != 34 && n < 36)
            continue;
        fake_console_clear();
        assert_answer(hypercall_table[n](0, 0, 0, 0, 0), -XEN_ENOSYS);
        snprintf(line, sizeof(line), "hypercall %u is not one of ours", n);
        assert_true(fake_console_has(line));
    }
    assert_int_equal(hypercall_batch[__HYPERVISOR_iret], ENDS_BATCH);
    assert_int_equal(hypercall_batch[__HYPERVISOR_multicall], NO_BATCH);
    assert_answer(hypercall_unknown(1000), -XEN_ENOSYS);
    guest_log_threshold = LOG_WARNING;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_all_are_carried_out_in_order),
        TEST(test_none),
        TEST(test_a_list_that_is_no_guest_memory),
        TEST(test_a_list_that_cannot_take_the_results),
        TEST(test_refusals_are_results),
        TEST(test_a_batch_inside_a_batch_is_refused_however_it_comes),
        TEST(test_it_gives_way_between_elements),
        TEST(test_it_gives_way_inside_an_element),
        TEST(test_an_element_that_cannot_be_kept),
        TEST(test_a_result_that_looks_like_a_restart),
        TEST(test_the_list_changes_under_its_feet),
        TEST(test_iret_ends_the_batch),
        TEST(test_every_number_has_a_handler_and_says_what_is_missing),
    };

    return cmocka_run_group_tests_name("multicall", tests, NULL, NULL);
}
