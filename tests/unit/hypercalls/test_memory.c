/* SPDX-License-Identifier: MIT */
/* memory_op: what a domain has, giving back and taking, in both modes; restarts, refusals, and nothing lost. */
#include "arch/x86/paging/p2m.h"
#include "common/frame.h"
#include "tests/unit/support/world.h"
#include <arch/paging.h>
#include <stdlib.h>
#include <string.h>
#include <xen/memory.h>

#define BAD   0xffff800000000000ull
#define PAGES 16 /* what the domain may have */

static struct domain *d;
static u64 list[64];
static struct xen_memory_reservation request;
static u8 room[4096] __attribute__((aligned(64)));
static u64 at, free_before;

static int setup_direct(void **state)
{
    fake_setup(state);
    world_config.memory = world_config.maxmem = PAGES * PAGE_SIZE;
    d = world_domain("a", 1);
    world_config.memory = world_config.maxmem = 1 << 20;
    world_enter(d->vcpu[0]);
    this_cpu()->softirq = 0;
    fake_guest_pointer(list, sizeof(list));
    fake_guest_pointer(&request, sizeof(request));
    at = fake_guest_pointer(room, sizeof(room));
    memset(list, 0, sizeof(list));
    free_before = frame_free_count();
    return 0;
}

static int setup_rewrite(void **state)
{
    setup_direct(state);
    assert_int_equal(p2m_create(d, PAGES + 4), 0);
    free_before = frame_free_count();
    return 0;
}

static long memory_op(u64 command, u64 argument)
{
    return world_call_through(__HYPERVISOR_memory_op, command, argument, 0);
}

static long reservation(u32 command, u64 count, u32 order)
{
    request = (struct xen_memory_reservation){.nr_extents = count, .extent_order = order, .domid = DOMID_SELF};
    request.extent_start.p = list;
    return memory_op(command, (u64)&request);
}

/* Numbers first, first + 1, ... into the list. */
static void list_pfns(u64 first, u32 count)
{
    for (u32 i = 0; i < count; i++)
        list[i] = first + i;
}

/* Charged and free always come to the same. */
static void expect_pages(u64 pages)
{
    assert_int_equal(d->tot_pages, pages);
    assert_int_equal(frame_free_count(), free_before - pages);
}

static void test_take_and_give_back_direct(void **state)
{
    (void)state;
    list_pfns(100, 8);
    assert_answer(reservation(XENMEM_populate_physmap, 8, 0), 8);
    expect_pages(8);
    for (u32 i = 0; i < 8; i++) { /* the list holds machine frames now, which lead back */
        assert_int_equal(m2p_table[list[i]], 100 + i);
        assert_int_equal(frame_of(mfn_make(list[i]))->owner, d->id);
        for (u32 word = 0; word < PAGE_SIZE / 8; word++)
            assert_true(((u64 *)mfn_to_ptr(mfn_make(list[i])))[word] == 0);
    }
    assert_answer(reservation(XENMEM_decrease_reservation, 8, 0), 8);
    expect_pages(0);
    assert_answer(reservation(XENMEM_decrease_reservation, 8, 0), 0); /* not its own any more */
    assert_answer(reservation(XENMEM_increase_reservation, 3, 0), 3);
    expect_pages(3);
    assert_true(m2p_table[list[0]] == ~0ull); /* the guest says later where they stand */
    request.extent_start.p = NULL;
    assert_answer(memory_op(XENMEM_increase_reservation, (u64)&request), 3);
    expect_pages(6);
}

static void test_take_and_give_back_rewrite(void **state)
{
    (void)state;
    list_pfns(3, 8);
    assert_answer(reservation(XENMEM_populate_physmap, 8, 0), 8);
    expect_pages(8);
    for (u32 i = 0; i < 8; i++) {
        assert_int_equal(list[i], 3 + i); /* machine frames are not told */
        assert_int_equal(m2p_table[arch_gfn_to_mfn(d, gfn_make(3 + i)).n], 3 + i);
    }
    assert_answer(reservation(XENMEM_populate_physmap, 8, 0), 0); /* something stands there */
    list_pfns(PAGES + 4, 1);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 0), 0); /* out of range */
    list[0] = ~0ull;
    assert_answer(reservation(XENMEM_populate_physmap, 1, 0), 0);
    expect_pages(8);
    list_pfns(5, 2);
    assert_answer(reservation(XENMEM_decrease_reservation, 2, 0), 2);
    expect_pages(6);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(5))));
    assert_answer(reservation(XENMEM_decrease_reservation, 2, 0), 0);
    assert_answer(reservation(XENMEM_increase_reservation, 1, 0), 0); /* there is no place for it */
    expect_pages(6);
}

static void test_larger_extents_rewrite(void **state)
{
    (void)state;
    list[0] = 0;
    list[1] = 8;
    assert_answer(reservation(XENMEM_populate_physmap, 2, 2), 2);
    expect_pages(8);
    list[0] = 4;
    list[1] = 6; /* 6 7 free, 8 taken: all of the second extent or nothing */
    assert_answer(reservation(XENMEM_populate_physmap, 2, 2), 1);
    expect_pages(12);
    list[0] = 12;
    list[1] = 16;
    assert_answer(reservation(XENMEM_populate_physmap, 2, 2), 1); /* the domain has its 16 then */
    expect_pages(16);
    list[0] = 4;
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 3), 1);
    expect_pages(8);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 10), 0);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 63), 0);
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 64), 0);
    list[0] = ~0ull - 2;
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 3), 0); /* around the end of the numbers */
    assert_answer(reservation(XENMEM_populate_physmap, 1, 3), 0);
    expect_pages(8);
}

static void test_frames_in_a_row_are_not_on_offer_direct(void **state)
{
    (void)state;
    list_pfns(0, 2);
    assert_answer(reservation(XENMEM_populate_physmap, 2, 1), 0);
    assert_answer(reservation(XENMEM_increase_reservation, 2, 1), 0);
    expect_pages(0);
}

static void test_no_more_than_its_maximum(void **state)
{
    (void)state;
    list_pfns(0, 64);
    assert_answer(reservation(XENMEM_populate_physmap, 40, 0), PAGES);
    expect_pages(PAGES);
    assert_answer(reservation(XENMEM_increase_reservation, 1, 0), 0);
    expect_pages(PAGES);
}

static void test_what_is_in_use_goes_with_its_last_user(void **state)
{
    struct frame *f;
    (void)state;

    list_pfns(1, 1);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 0), 1);
    f = arch_get_gfn(d, gfn_make(list[0]));
    assert_non_null(f);
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 1);
    expect_pages(1); /* still owned, still charged */
    if (arch_domain_translated(d))
        assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 0);
    else
        assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 1); /* gives nothing back a second time */
    expect_pages(1);
    frame_put(f);
    expect_pages(0);
}

static void test_frames_of_others_and_of_nobody(void **state)
{
    struct domain *other = world_domain("b", 1);
    struct frame *theirs = frame_alloc_domain(other);
    (void)state;

    free_before = frame_free_count();
    static const u64 odd[] = {0, FAKE_FRAMES - 1, FAKE_FRAMES, 1ull << 40, ~0ull};
    for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
        list[0] = odd[i];
        assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 0);
    }
    list[0] = frame_mfn(theirs).n;
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 0);
    list[0] = d->shared_info_mfn.n;
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 0);
    assert_int_equal(word_refs(frame_word(frame_of(d->shared_info_mfn))), 1);
    expect_pages(0);
}

static void test_the_list_is_the_guests(void **state)
{
    (void)state;
    list[62] = 1;
    list[63] = 2;
    request = (struct xen_memory_reservation){.nr_extents = 4, .domid = DOMID_SELF};
    request.extent_start.p = (xen_pfn_t *)BAD;
    for (u32 command = 0; command <= 1; command++)
        assert_answer(memory_op(command, (u64)&request), 0);
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
    request.extent_start.p = (xen_pfn_t *)0x00007fffffffffff0; /* runs out of what a guest may name */
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
    request.extent_start.p = &list[62];
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 2); /* as far as it goes */
    assert_answer(memory_op(XENMEM_populate_physmap, BAD), 0);
    expect_pages(2);
}

static void test_resumed_requests(void **state)
{
    (void)state;
    list_pfns(0, 8);
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(reservation(XENMEM_populate_physmap, 8, 0), 8);
    assert_int_equal(world_restarts, 7);
    expect_pages(8);
    this_cpu()->softirq = 0;
    request = (struct xen_memory_reservation){.nr_extents = 8, .domid = DOMID_SELF};
    request.extent_start.p = list;
    assert_answer(memory_op(XENMEM_decrease_reservation | 5 << 6, (u64)&request), 8); /* the guest's word */
    expect_pages(5);
    assert_answer(memory_op(XENMEM_decrease_reservation | 8 << 6, (u64)&request), 8); /* nothing is left to do */
    assert_answer(memory_op(XENMEM_decrease_reservation | 9 << 6, (u64)&request), 9);
    assert_answer(memory_op(XENMEM_decrease_reservation | 0xffffffc0, (u64)&request), 0x3ffffff);
    request.nr_extents = 1ull << 26; /* more than can be counted in a restart */
    assert_answer(memory_op(XENMEM_decrease_reservation, (u64)&request), 0);
    request.nr_extents = ~0ull;
    assert_answer(memory_op(XENMEM_decrease_reservation, (u64)&request), 0);
    expect_pages(5);
}

static void test_for_other_domains(void **state)
{
    struct domain *p = world_privileged("p");
    (void)state;

    free_before = frame_free_count();
    list_pfns(0, 4);
    request = (struct xen_memory_reservation){.nr_extents = 2, .domid = 9999};
    request.extent_start.p = list;
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
    request.domid = p->id;
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
    world_enter(p->vcpu[0]);
    request.domid = d->id;
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 2);
    expect_pages(2);
    request.mem_flags = XENMEMF_populate_on_demand;
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
}

static void test_sizes(void **state)
{
    struct xen_memory_domain *which = (void *)room;
    struct domain *p = world_privileged("p");
    (void)state;

    assert_answer(memory_op(XENMEM_maximum_ram_page, 0), FAKE_FRAMES);
    which->domid = DOMID_SELF;
    assert_answer(memory_op(XENMEM_maximum_reservation, at), PAGES);
    assert_answer(memory_op(XENMEM_current_reservation, at), 0);
    frame_alloc_domain(d);
    assert_answer(memory_op(XENMEM_current_reservation, at), 1);
    if (arch_domain_translated(d)) {
        assert_answer(memory_op(XENMEM_maximum_gpfn, at), PAGES - 1);
    } else {
        assert_answer(memory_op(XENMEM_maximum_gpfn, at), 0); /* the guest has not said it */
        d->shared_info->arch.max_pfn = 1000;
        assert_answer(memory_op(XENMEM_maximum_gpfn, at), 999);
    }
    assert_answer(memory_op(XENMEM_current_reservation, BAD), -XEN_EFAULT);
    which->domid = 9999;
    assert_answer(memory_op(XENMEM_current_reservation, at), -XEN_ESRCH);
    which->domid = p->id;
    assert_answer(memory_op(XENMEM_current_reservation, at), -XEN_EPERM);
    assert_answer(memory_op(XENMEM_current_reservation | 1 << 6, at), -XEN_EINVAL);
    world_enter(p->vcpu[0]);
    which->domid = d->id;
    assert_answer(memory_op(XENMEM_current_reservation, at), 1);
}

static void test_maps(void **state)
{
    struct xen_memory_map *map = (void *)room;
    struct xen_machphys_mapping *m2p = (void *)room;
    u64 *entry = (void *)(room + 1024);
    (void)state;

    *map = (struct xen_memory_map){.nr_entries = 10};
    map->buffer.p = entry;
    memset(entry, 0xa5, 40);
    assert_answer(memory_op(XENMEM_memory_map, at), 0);
    assert_int_equal(map->nr_entries, 1);
    assert_true(entry[0] == 0 && entry[1] == PAGES * PAGE_SIZE && (u32)entry[2] == 1);
    assert_true(entry[2] >> 32 == 0xa5a5a5a5); /* 20 bytes and no more */
    map->nr_entries = 0;
    map->buffer.p = (void *)BAD;
    assert_answer(memory_op(XENMEM_memory_map, at), 0);
    map->nr_entries = 1;
    assert_answer(memory_op(XENMEM_memory_map, at), -XEN_EFAULT);
    assert_answer(memory_op(XENMEM_memory_map, BAD), -XEN_EFAULT);
    assert_answer(memory_op(XENMEM_machine_memory_map, at), -XEN_EPERM);
    assert_answer(memory_op(XENMEM_machphys_mapping, at), 0);
    assert_true(m2p->v_start == 0xffff800000000000 && m2p->v_end == 0xffff804000000000);
    assert_true(m2p->max_mfn == (1ull << 35) - 1);
    assert_answer(memory_op(XENMEM_machphys_mapping, BAD), -XEN_EFAULT);
    assert_answer(memory_op(XENMEM_exchange, at), -XEN_ENOSYS);
    assert_answer(memory_op(63, at), -XEN_ENOSYS);
}

static long add_to_physmap(domid_t domain, u32 space, u64 index, u64 gpfn)
{
    struct xen_add_to_physmap *add = (void *)room;

    *add = (struct xen_add_to_physmap){.domid = domain, .space = space, .idx = index, .gpfn = gpfn};
    return memory_op(XENMEM_add_to_physmap, at);
}

static void test_placing_shared_info_direct(void **state)
{
    (void)state;
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 3), -XEN_EACCES);
    assert_answer(add_to_physmap(9999, XENMAPSPACE_shared_info, 0, 3), -XEN_ESRCH);
    assert_answer(memory_op(XENMEM_add_to_physmap, BAD), -XEN_EFAULT);
}

static void test_placing_shared_info_rewrite(void **state)
{
    struct domain *p = world_privileged("p");
    (void)state;

    free_before = frame_free_count();
    assert_answer(add_to_physmap(p->id, XENMAPSPACE_shared_info, 0, 3), -XEN_EPERM);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 1, 3), -XEN_EINVAL);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_grant_table, 0, 3), -XEN_EINVAL);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 1000), -XEN_EINVAL);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 3), 0);
    assert_int_equal(arch_gfn_to_mfn(d, gfn_make(3)).n, d->shared_info_mfn.n);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 1000), -XEN_EINVAL);
    assert_int_equal(arch_gfn_to_mfn(d, gfn_make(3)).n, d->shared_info_mfn.n); /* a refusal changes nothing */
    list_pfns(5, 1);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 0), 1);
    expect_pages(1);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 5), 0); /* what stood there gives way */
    expect_pages(0);
    assert_int_equal(arch_gfn_to_mfn(d, gfn_make(5)).n, d->shared_info_mfn.n);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(3))));
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 5), 0); /* where it is already */
    list_pfns(5, 1);
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 0); /* it is not the guest's to give */
}

/* Anything asked in any order: pages and charges always agree, and destroying the domain gives all back. */
static void test_random_requests(void **state)
{
    static const u32 commands[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation, XENMEM_populate_physmap};
    (void)state;

    srand(3);
    for (u32 step = 0; step < 20000; step++) {
        u32 count = (u32)rand() % 6;
        for (u32 i = 0; i < count; i++)
            list[i] = arch_domain_translated(d) ? (u64)rand() % (PAGES + 6) : (u64)rand() % 64;
        if (rand() % 4 == 0)
            softirq_raise(SOFTIRQ_CONSOLE);
        long done = reservation(commands[rand() % 3], count, rand() % 8 == 0 ? (u32)rand() % 3 : 0);
        assert_in_range(done, 0, count);
        this_cpu()->softirq = 0;
        assert_int_equal(frame_free_count(), free_before - d->tot_pages);
        assert_true(d->tot_pages <= PAGES);
    }
}

int main(void)
{
#define DIRECT(name)  {#name "_direct", name, setup_direct, NULL, NULL}
#define REWRITE(name) {#name "_rewrite", name, setup_rewrite, NULL, NULL}
    const struct CMUnitTest tests[] = {
        DIRECT(test_take_and_give_back_direct),
        REWRITE(test_take_and_give_back_rewrite),
        REWRITE(test_larger_extents_rewrite),
        DIRECT(test_frames_in_a_row_are_not_on_offer_direct),
        DIRECT(test_no_more_than_its_maximum),
        REWRITE(test_no_more_than_its_maximum),
        DIRECT(test_what_is_in_use_goes_with_its_last_user),
        REWRITE(test_what_is_in_use_goes_with_its_last_user),
        DIRECT(test_frames_of_others_and_of_nobody),
        REWRITE(test_frames_of_others_and_of_nobody),
        DIRECT(test_the_list_is_the_guests),
        REWRITE(test_the_list_is_the_guests),
        DIRECT(test_resumed_requests),
        REWRITE(test_resumed_requests),
        DIRECT(test_for_other_domains),
        REWRITE(test_for_other_domains),
        DIRECT(test_sizes),
        REWRITE(test_sizes),
        DIRECT(test_maps),
        DIRECT(test_placing_shared_info_direct),
        REWRITE(test_placing_shared_info_rewrite),
        DIRECT(test_random_requests),
        REWRITE(test_random_requests),
    };

    return cmocka_run_group_tests_name("memory_op", tests, NULL, NULL);
}
