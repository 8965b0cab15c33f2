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

/* Aligned to their number, from the first on, each leading back. */
static void test_frames_in_a_row_direct(void **state)
{
    (void)state;
    list[0] = 40;
    list[1] = 80;
    assert_answer(reservation(XENMEM_populate_physmap, 2, 2), 2);
    expect_pages(8);
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(list[i] % 4, 0);
        for (u32 page = 0; page < 4; page++) {
            assert_int_equal(frame_of(mfn_make(list[i] + page))->owner, d->id);
            assert_int_equal(m2p_table[list[i] + page], 40 * (i + 1) + page);
            assert_true(((u64 *)mfn_to_ptr(mfn_make(list[i] + page)))[511] == 0);
        }
    }
    list[2] = list[0];
    assert_answer(reservation(XENMEM_increase_reservation, 2, 2), 2);
    assert_answer(reservation(XENMEM_increase_reservation, 1, 0), 0); /* it has its 16 */
    expect_pages(16);
    list[0] = list[2];
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 2), 1);
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 2), 0);
    assert_answer(reservation(XENMEM_increase_reservation, 1, 3), 0); /* more than is left to it, and nothing is taken */
    expect_pages(12);
    assert_int_equal(arch_audit(), 0);
}

/* An extent that is interrupted at each of its pages comes out as one that is not. */
static void test_a_large_extent_that_is_interrupted(void **state)
{
    (void)state;
    softirq_raise(SOFTIRQ_CONSOLE);
    list[0] = 0;
    assert_answer(reservation(XENMEM_populate_physmap, 1, 3), 1);
    assert_true(world_restarts >= 7);
    expect_pages(8);
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 3), 1);
    assert_true(world_restarts >= 7);
    expect_pages(0);
    assert_null(d->vcpu[0]->extent.of.d);
}

/*
 * Who does not come back to an extent, or with another request under the same address, gets none of it, and neither
 * frames nor charges are lost.
 */
static void test_a_large_extent_that_is_abandoned(void **state)
{
    (void)state;
    softirq_raise(SOFTIRQ_CONSOLE);
    list[0] = 0;
    request = (struct xen_memory_reservation){.nr_extents = 1, .extent_order = 3, .domid = DOMID_SELF};
    request.extent_start.p = list;
    assert_answer(world_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&request, 0), -XEN_ERESTART);
    assert_int_equal(d->tot_pages, 8); /* charged before it is there */
    assert_int_equal(arch_audit(), 0);
    list[0] = 4; /* another number, where the same stood */
    assert_answer(world_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&request, 0), -XEN_ERESTART);
    assert_int_equal(frame_free_count(), free_before - 8);
    assert_int_equal(d->vcpu[0]->extent.of.gfn, 4);
    request.extent_order = 1;
    this_cpu()->softirq = 0;
    assert_answer(world_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&request, 0), 1);
    expect_pages(2);
    softirq_raise(SOFTIRQ_CONSOLE);
    request.extent_order = 2;
    list[0] = 8;
    assert_answer(world_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&request, 0), -XEN_ERESTART);
    this_cpu()->softirq = 0;
    vcpu_extent_drop(d->vcpu[0]);
    expect_pages(2);
    assert_int_equal(arch_audit(), 0);
}

/* A guest that takes the numbers of an extent away while it is under way has all of it refused. */
static void test_numbers_taken_under_way_rewrite(void **state)
{
    u64 single = 3;
    (void)state;
    softirq_raise(SOFTIRQ_CONSOLE);
    list[0] = 0;
    request = (struct xen_memory_reservation){.nr_extents = 1, .extent_order = 2, .domid = DOMID_SELF};
    request.extent_start.p = list;
    assert_answer(world_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&request, 0), -XEN_ERESTART);
    struct frame *f = frame_alloc_domain(d);
    assert_int_equal(arch_p2m_set(d, gfn_make(single), frame_mfn(f)), 0);
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
    for (u64 pfn = 0; pfn < 3; pfn++)
        assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(pfn))));
    expect_pages(1);
    assert_int_equal(arch_audit(), 0);
}

static void test_orders_above_the_limit(void **state)
{
    struct domain *p = world_privileged("p");
    (void)state;

    free_before = frame_free_count();
    list[0] = 0;
    for (u32 order = 10; order != 0; order += order < 70 ? 1 : 0x10000000) {
        assert_answer(reservation(XENMEM_populate_physmap, 1, order), 0);
        assert_answer(reservation(XENMEM_increase_reservation, 1, order), 0);
        assert_answer(reservation(XENMEM_decrease_reservation, 1, order), 0);
        if (order > 0xf0000000)
            break;
    }
    assert_answer(reservation(XENMEM_populate_physmap, 1, 9), 0); /* allowed, and more than it may have */
    expect_pages(0);
    d->max_pages = p->max_pages = ~0ull >> 12; /* allowed, and more than the machine has */
    if (!arch_domain_translated(d)) {
        assert_answer(reservation(XENMEM_populate_physmap, 1, 9), 1);
        expect_pages(512);
        assert_answer(reservation(XENMEM_decrease_reservation, 1, 9), 1);
    }
    world_enter(p->vcpu[0]);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 18), 0);
    assert_answer(reservation(XENMEM_populate_physmap, 1, 19), 0);
    assert_int_equal(p->tot_pages, 0);
    expect_pages(0);
}

/* Counts that would come round: the sum of what it has and what it asks for is never taken for small. */
static void test_a_maximum_without_end(void **state)
{
    (void)state;
    list_pfns(0, 4);
    assert_answer(reservation(XENMEM_populate_physmap, 3, 0), 3);
    d->tot_pages += d->max_pages - 4;
    for (u32 order = 1; order < 10; order++)
        assert_answer(reservation(XENMEM_increase_reservation, 1, order), 0);
    d->tot_pages -= d->max_pages - 4;
    expect_pages(3);
}

static void test_address_bits_and_nodes(void **state)
{
    static const struct {
        u32 flags;
        long done, privileged;
    } of[] = {
        {XENMEMF_address_bits(1), 0, 0},      {XENMEMF_address_bits(12), 0, 0},   {XENMEMF_address_bits(13), 0, 0},
        {XENMEMF_address_bits(18), 1, 1},     {XENMEMF_address_bits(64), 1, 1},   {XENMEMF_address_bits(255), 1, 1},
        {XENMEMF_node(0), 1, 1},              {XENMEMF_node(7), 1, 1},            {XENMEMF_node(63), 1, 1},
        {XENMEMF_node(64), 1, 0},             {XENMEMF_node(254), 1, 0},          {XENMEMF_exact_node(0), 0, 1},
        {XENMEMF_exact_node(1), 0, 0},        {XENMEMF_exact_node_request, 1, 1}, {XENMEMF_vnode, 1, 1},
        {XENMEMF_vnode | XENMEMF_node(9), 1, 1},
    };
    struct domain *p = world_privileged("p");
    (void)state;

    free_before = frame_free_count();
    for (u32 i = 0; i < ARRAY_SIZE(of); i++)
        for (u32 privileged = 0; privileged < 2; privileged++) {
            world_enter(privileged ? p->vcpu[0] : d->vcpu[0]);
            list[0] = 3;
            request = (struct xen_memory_reservation){.nr_extents = 1, .domid = d->id, .mem_flags = of[i].flags};
            request.extent_start.p = list;
            assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), privileged ? of[i].privileged : of[i].done);
            if (d->tot_pages == 0)
                continue;
            if (of[i].flags == XENMEMF_address_bits(18) && !arch_domain_translated(d))
                assert_in_range(list[0], 1, 63);
            request.mem_flags = 0;
            assert_answer(memory_op(XENMEM_decrease_reservation, (u64)&request), 1);
            expect_pages(0);
        }
}

static void test_memory_on_demand_is_not_on_offer(void **state)
{
    (void)state;
    list[0] = 3;
    request = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF, .mem_flags = XENMEMF_populate_on_demand};
    request.extent_start.p = list;
    assert_answer(memory_op(XENMEM_populate_physmap, (u64)&request), 0);
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
    fake_guest_range(0x500000, list, sizeof(list), true); /* with nothing behind it */
    request.extent_start.p = (xen_pfn_t *)0x500000 + 62;
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

/* No domain has memory nodes: the answers are about who asks of whom. */
static void test_nodes(void **state)
{
    struct xen_vnuma_topology_info *info = (void *)room;
    struct domain *p = world_privileged("p");
    (void)state;

    info->domid = DOMID_SELF;
    assert_answer(memory_op(XENMEM_get_vnumainfo, at), -XEN_EOPNOTSUPP);
    assert_answer(memory_op(XENMEM_get_vnumainfo, BAD), -XEN_EFAULT);
    info->domid = 9999;
    assert_answer(memory_op(XENMEM_get_vnumainfo, at), -XEN_ESRCH);
    info->domid = p->id;
    assert_answer(memory_op(XENMEM_get_vnumainfo, at), -XEN_EPERM);
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
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_grant_table, 64, 3), -XEN_EINVAL);
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

static void test_machphys_frames(void **state)
{
    struct xen_machphys_mfn_list *frames = (void *)room;
    u64 *out = (void *)(room + 1024);
    (void)state;

    *frames = (struct xen_machphys_mfn_list){.max_extents = 4};
    frames->extent_start.p = out;
    assert_answer(memory_op(XENMEM_machphys_mfn_list, at), 0);
    assert_int_equal(frames->nr_extents, 1); /* the fake machine's table is smaller than 2 MiB */
    assert_int_equal(out[0], arch_m2p_mfn(0).n);
    assert_int_equal(out[1], 0);
    frames->max_extents = 0;
    frames->extent_start.p = (void *)BAD;
    assert_answer(memory_op(XENMEM_machphys_mfn_list, at), 0);
    assert_int_equal(frames->nr_extents, 0);
    frames->max_extents = 1;
    assert_answer(memory_op(XENMEM_machphys_mfn_list, at), -XEN_EFAULT);
    assert_answer(memory_op(XENMEM_machphys_mfn_list, BAD), -XEN_EFAULT);
    assert_answer(memory_op(XENMEM_machphys_mfn_list | 1 << 6, at), -XEN_ENOSYS);
}

static long claim(domid_t domain, u64 pages)
{
    request = (struct xen_memory_reservation){.nr_extents = pages, .domid = domain};
    return memory_op(XENMEM_claim_pages, (u64)&request);
}

static void test_claims(void **state)
{
    struct domain *p = world_privileged("p");
    (void)state;

    free_before = frame_free_count();
    assert_answer(claim(d->id, 4), -XEN_EPERM);
    world_enter(p->vcpu[0]);
    assert_answer(claim(DOMID_SELF, 4), -XEN_EINVAL); /* by its number only */
    assert_answer(claim(9999, 4), -XEN_EINVAL);
    assert_answer(claim(d->id, PAGES + 1), -XEN_EINVAL);
    assert_answer(claim(d->id, ~0ull), -XEN_EINVAL);
    assert_answer(claim(d->id, 10), 0);
    assert_answer(claim(d->id, 11), -XEN_EINVAL); /* one at a time */
    assert_int_equal(frame_claimed_count(), 10);

    /* Nobody else gets at them: neither the hypervisor nor another domain, singly or in rows. */
    p->max_pages = ~0ull >> 12;
    request = (struct xen_memory_reservation){.nr_extents = 4096, .domid = DOMID_SELF};
    assert_answer(memory_op(XENMEM_increase_reservation, (u64)&request), free_before - 10);
    assert_int_equal(frame_free_count(), 10);
    assert_true(mfn_is_invalid(frame_alloc_host()));
    assert_true(mfn_is_invalid(frame_alloc_host_run(2)));
    request.extent_order = 1;
    assert_answer(memory_op(XENMEM_increase_reservation, (u64)&request), 0);

    /* What the domain takes comes out of it. */
    list_pfns(0, 10);
    world_enter(d->vcpu[0]);
    assert_answer(reservation(XENMEM_populate_physmap, 6, 0), 6);
    assert_int_equal(frame_claimed_count(), 4);
    assert_int_equal(d->claimed, 4);
    assert_answer(reservation(XENMEM_populate_physmap, 6, 0), 4);
    assert_int_equal(frame_claimed_count(), 0);
    assert_int_equal(frame_free_count(), 0);

    assert_answer(reservation(XENMEM_decrease_reservation, 2, 0), 2);
    assert_int_equal(d->claimed, 0); /* what it gives back is everybody's */
    world_enter(p->vcpu[0]);
    assert_answer(claim(d->id, 8), -XEN_EINVAL); /* it has so many */
    assert_answer(claim(d->id, 11), -XEN_ENOMEM);
    assert_answer(claim(d->id, 10), 0);
    assert_answer(claim(d->id, 0), 0);
    assert_int_equal(frame_claimed_count(), 0);
    assert_answer(claim(d->id, 10), 0);
    request.mem_flags = 1;
    assert_answer(memory_op(XENMEM_claim_pages, (u64)&request), -XEN_EINVAL);
    assert_answer(memory_op(XENMEM_claim_pages, BAD), -XEN_EFAULT);
    assert_answer(memory_op(XENMEM_claim_pages | 1 << 6, (u64)&request), -XEN_EINVAL);
    assert_int_equal(arch_audit(), 1); /* which finds no memory for its count */
    domain_destroy(d);
    assert_int_equal(frame_claimed_count(), 0);
}

static void test_nothing_is_shared(void **state)
{
    (void)state;
    assert_answer(memory_op(XENMEM_get_sharing_freed_pages, 0), 0);
    assert_answer(memory_op(XENMEM_get_sharing_shared_pages, 0), 0);
}

static long remove_from_physmap(domid_t domain, u64 gpfn)
{
    struct xen_remove_from_physmap *r = (void *)room;

    *r = (struct xen_remove_from_physmap){.domid = domain, .gpfn = gpfn};
    return memory_op(XENMEM_remove_from_physmap, at);
}

static void test_removing_direct(void **state)
{
    struct domain *p = world_privileged("p");
    (void)state;

    free_before = frame_free_count();
    list[0] = 9;
    assert_answer(reservation(XENMEM_populate_physmap, 1, 0), 1);
    assert_answer(remove_from_physmap(DOMID_SELF, list[0]), -XEN_EACCES); /* there is no map to remove it from */
    assert_answer(remove_from_physmap(9999, 3), -XEN_ESRCH);
    assert_answer(remove_from_physmap(p->id, 3), -XEN_EPERM);
    assert_answer(memory_op(XENMEM_remove_from_physmap, BAD), -XEN_EFAULT);
    expect_pages(1);
    assert_answer(reservation(XENMEM_decrease_reservation, 1, 0), 1);
}

static void test_removing_rewrite(void **state)
{
    (void)state;
    list[0] = 3;
    assert_answer(reservation(XENMEM_populate_physmap, 1, 0), 1);
    assert_answer(remove_from_physmap(DOMID_SELF, 3), 0);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(3))));
    expect_pages(1); /* still the domain's */
    assert_answer(remove_from_physmap(DOMID_SELF, 3), -XEN_ENOENT);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 3), 0);
    assert_answer(remove_from_physmap(DOMID_SELF, 3), 0);
    assert_answer(add_to_physmap(DOMID_SELF, XENMAPSPACE_shared_info, 0, 5), 0);
    assert_int_equal(arch_audit(), 0);
    this_cpu()->current = NULL;
    domain_destroy(d);
    assert_int_equal(arch_audit(), 0);
}

static struct {
    struct xen_add_to_physmap_batch b;
    u64 index[4], gpfn[4];
    s32 error[4];
} batch;

static long add_batch(u32 start, u32 space, u16 size)
{
    batch.b = (struct xen_add_to_physmap_batch){.domid = DOMID_SELF, .space = (u16)space, .size = size};
    batch.b.idxs.p = batch.index;
    batch.b.gpfns.p = batch.gpfn;
    batch.b.errs.p = batch.error;
    memset(batch.error, 0xa5, sizeof(batch.error));
    return memory_op(XENMEM_add_to_physmap_batch | start << 6, (u64)&batch.b);
}

static void test_placing_in_batches_direct(void **state)
{
    (void)state;
    fake_guest_pointer(&batch, sizeof(batch));
    assert_answer(add_batch(0, XENMAPSPACE_shared_info, 1), -XEN_EACCES);
    assert_answer(add_batch(0, XENMAPSPACE_gmfn_range, 1), -XEN_EOPNOTSUPP);
    assert_answer(add_batch(0x10000, XENMAPSPACE_shared_info, 1), -XEN_EDOM);
    assert_answer(memory_op(XENMEM_add_to_physmap_batch, BAD), -XEN_EFAULT);
}

static void test_placing_in_batches_rewrite(void **state)
{
    (void)state;
    fake_guest_pointer(&batch, sizeof(batch));
    batch.index[1] = 5;
    batch.gpfn[0] = 3;
    batch.gpfn[2] = 1000;
    batch.gpfn[3] = 6;
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(add_batch(0, XENMAPSPACE_shared_info, 4), 0);
    assert_int_equal(world_restarts, 3);
    assert_int_equal(batch.error[0], 0);
    assert_int_equal(batch.error[1], -XEN_EINVAL);
    assert_int_equal(batch.error[2], -XEN_EINVAL);
    assert_int_equal(batch.error[3], 0);
    assert_int_equal(arch_gfn_to_mfn(d, gfn_make(6)).n, d->shared_info_mfn.n);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(3))));
    this_cpu()->softirq = 0;
    assert_answer(add_batch(0, XENMAPSPACE_shared_info, 0), 0);
    assert_answer(add_batch(4, XENMAPSPACE_shared_info, 4), -XEN_EILSEQ);
    assert_answer(add_batch(5, XENMAPSPACE_shared_info, 4), -XEN_EILSEQ);
    batch.b.errs.p = (void *)BAD;
    assert_answer(memory_op(XENMEM_add_to_physmap_batch, (u64)&batch.b), -XEN_EFAULT);
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
        DIRECT(test_frames_in_a_row_direct),
        DIRECT(test_a_large_extent_that_is_interrupted),
        REWRITE(test_a_large_extent_that_is_interrupted),
        DIRECT(test_a_large_extent_that_is_abandoned),
        REWRITE(test_a_large_extent_that_is_abandoned),
        REWRITE(test_numbers_taken_under_way_rewrite),
        DIRECT(test_orders_above_the_limit),
        REWRITE(test_orders_above_the_limit),
        DIRECT(test_a_maximum_without_end),
        DIRECT(test_address_bits_and_nodes),
        REWRITE(test_address_bits_and_nodes),
        DIRECT(test_memory_on_demand_is_not_on_offer),
        REWRITE(test_memory_on_demand_is_not_on_offer),
        DIRECT(test_machphys_frames),
        DIRECT(test_claims),
        DIRECT(test_nothing_is_shared),
        DIRECT(test_removing_direct),
        REWRITE(test_removing_rewrite),
        DIRECT(test_placing_in_batches_direct),
        REWRITE(test_placing_in_batches_rewrite),
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
        DIRECT(test_nodes),
        DIRECT(test_maps),
        DIRECT(test_placing_shared_info_direct),
        REWRITE(test_placing_shared_info_rewrite),
        DIRECT(test_random_requests),
        REWRITE(test_random_requests),
    };

    return cmocka_run_group_tests_name("memory_op", tests, NULL, NULL);
}
