/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: frames for frames, in rows of other lengths, interrupted and abandoned; what cannot be taken from a
 * domain stays its own with everything else, whatever else the chunk names.
 */
#include "common/frame.h"
#include "tests/unit/support/tables.h"
#include <string.h>
#include <xen/memory.h>

#define BAD   0xffff800000000000ull
#define COUNT 40

static struct tables t;
static struct {
    struct xen_memory_exchange x;
    u64 in[600], out[600];
} room;

static int setup_of(enum domain_paging paging)
{
    tables_reset(FAKE_FRAMES);
    fake_guest_pointer(&room, sizeof(room));
    memset(&room, 0, sizeof(room));
    tables_make(&t, "a", paging, COUNT);
    return 0;
}

static int setup_direct(void **state)
{
    (void)state;
    return setup_of(PAGING_DIRECT);
}

static int setup_rewrite(void **state)
{
    (void)state;
    return setup_of(PAGING_REWRITE);
}

/* count extents of in_order for as many pages in extents of out_order. */
static void prepare(u64 count, u32 in_order, u32 out_order)
{
    room.x = (struct xen_memory_exchange){
        .in = {.nr_extents = count, .extent_order = in_order, .domid = DOMID_SELF},
        .out = {.nr_extents = count << in_order >> out_order, .extent_order = out_order, .domid = DOMID_SELF},
    };
    room.x.in.extent_start.p = room.in;
    room.x.out.extent_start.p = room.out;
}

static long run(void)
{
    return tables_call(__HYPERVISOR_memory_op, XENMEM_exchange, (u64)&room.x, 0, 0);
}

/* Frames of pfn first and up singly, for themselves. */
static void name_pages(u64 first, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        room.in[i] = tables_number(&t, first + i);
        room.out[i] = first + i;
    }
}

static void expect_new(u64 mfn, u64 pfn)
{
    static const u8 zeroes[PAGE_SIZE];

    assert_int_equal(frame_table[mfn].owner, t.d->id);
    assert_int_equal(frame_word(&frame_table[mfn]), FRAME_ALLOC | FRAME_REF_ONE);
    assert_int_equal(m2p_table[mfn], pfn);
    assert_memory_equal(mfn_to_ptr(mfn_make(mfn)), zeroes, PAGE_SIZE);
}

static void expect_gone(u64 mfn)
{
    assert_int_equal(frame_table[mfn].owner, OWNER_NONE);
    assert_int_equal(frame_word(&frame_table[mfn]), 0);
    assert_true(m2p_table[mfn] == ~0ull);
}

/* The domain has as many frames as ever, and all counts are right. */
static void expect_whole(u64 free_before)
{
    assert_int_equal(t.d->tot_pages, COUNT);
    assert_int_equal(frame_free_count(), free_before);
    assert_int_equal(arch_audit(), 0);
}

static void test_single_frames(void **state)
{
    u64 before = frame_free_count();
    (void)state;

    memset(tables_page(&t, 8), 0x77, PAGE_SIZE);
    name_pages(8, 5);
    prepare(5, 0, 0);
    assert_answer(run(), 0);
    assert_int_equal(room.x.nr_exchanged, 5);
    for (u64 i = 0; i < 5; i++) {
        expect_new(room.out[i], 8 + i);
        assert_int_not_equal(room.out[i], room.in[i]); /* the old one is given up last */
    }
    expect_gone(room.in[4]);
    expect_whole(before);
}

static void test_singles_for_a_row(void **state)
{
    u64 before = frame_free_count();
    (void)state;

    name_pages(8, 16);
    room.out[0] = 8;
    room.out[1] = 16;
    prepare(16, 0, 3);
    assert_answer(run(), 0);
    assert_int_equal(room.x.nr_exchanged, 16);
    for (u64 i = 0; i < 16; i++) {
        assert_int_equal(room.out[i / 8] % 8, 0);
        expect_new(room.out[i / 8] + i % 8, 8 + i);
    }
    expect_whole(before);

    /* And back: the row for single ones. */
    u64 row = room.out[0];
    room.in[0] = row;
    for (u64 i = 0; i < 8; i++)
        room.out[i] = 8 + i;
    prepare(1, 3, 0);
    assert_answer(run(), 0);
    assert_int_equal(room.x.nr_exchanged, 1);
    for (u64 i = 0; i < 8; i++)
        expect_new(room.out[i], 8 + i);
    expect_whole(before);
}

static void test_more_than_one_part_of_a_list(void **state)
{
    u64 before;
    (void)state;

    t.d->max_pages += 256;
    for (u64 i = 0; i < 256; i++) {
        room.in[i] = frame_mfn(frame_alloc_domain(t.d)).n;
        room.out[i] = 1000 + i;
    }
    before = frame_free_count();
    prepare(256, 0, 8);
    room.out[0] = 1000;
    assert_answer(run(), 0);
    for (u64 i = 0; i < 256; i++)
        expect_new(room.out[0] + i, 1000 + i);
    room.in[0] = room.out[0];
    for (u64 i = 0; i < 256; i++)
        room.out[i] = 2000 + i;
    prepare(1, 8, 0);
    assert_answer(run(), 0);
    for (u64 i = 0; i < 256; i++)
        expect_new(room.out[i], 2000 + i);
    assert_int_equal(frame_free_count(), before);
    assert_int_equal(arch_audit(), 0);
}

/* What can stand in the way of the third of four frames. */
static struct frame *obstacle;

static void a_table(void)
{
    assert_answer(pin(&t, 1, 10), 0);
}
static void a_mapping(void)
{
    tables_page(&t, L1)[0] = tables_entry(&t, 10, RO_FLAGS);
    assert_answer(pin(&t, 1, L1), 0);
}
static void a_writable_mapping(void)
{
    tables_page(&t, L1)[0] = tables_entry(&t, 10, RW_FLAGS);
    assert_answer(pin(&t, 1, L1), 0);
}
static void a_descriptor_page(void)
{
    tables_room[0] = tables_number(&t, 10);
    assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 512, 0, 0), 0);
}
static void a_reference(void)
{
    obstacle = arch_get_gfn(t.d, tables_gfn(&t, 10));
}
static void not_there(void)
{
    room.in[2] = 1ull << 40;
}
static void shared_with_the_hypervisor(void)
{
    room.in[2] = t.d->shared_info_mfn.n;
}
static void named_before(void)
{
    room.in[2] = room.in[0];
}
static void of_another(void)
{
    struct tables other;
    tables_make(&other, "b", PAGING_DIRECT, 4);
    room.in[2] = other.frame[1].n;
    world_enter(&t.v->vcpu);
    this_cpu()->softirq = 0;
}
static void nobodys(void)
{
    room.in[2] = FAKE_FRAMES - 1;
}

static void (*const obstacles[])(void) = {
    a_table,   a_mapping,  a_writable_mapping,         a_descriptor_page, a_reference,
    not_there, shared_with_the_hypervisor, named_before, of_another, nobodys,
};

static void test_one_that_cannot_be_taken_keeps_all(void **state)
{
    for (u32 i = 0; i < ARRAY_SIZE(obstacles); i++)
        for (u32 order = 0; order < 3; order += 2) {
            if (order == 0 && obstacles[i] == named_before)
                continue; /* by then it can have come back as a new one */
            setup_direct(state);
            obstacle = NULL;
            name_pages(8, 4);
            obstacles[i]();
            prepare(4, 0, order);
            struct snapshot *s = snapshot_take();
            assert_answer(run(), -XEN_EINVAL);
            assert_int_equal(room.x.nr_exchanged, order ? 0 : 2); /* single ones: the two before are done */
            if (order)
                assert_true(snapshot_same(s));
            snapshot_free(s);
            if (obstacle)
                frame_put(obstacle);
            assert_int_equal(arch_audit(), 0);
        }
}

/* A frame that was taken and came back was writable to a processor: its next use as a table flushes. */
static void test_what_comes_back_is_flushed(void **state)
{
    (void)state;
    tables_page(&t, L1)[0] = tables_entry(&t, 8, RW_FLAGS);
    assert_answer(pin(&t, 1, L1), 0);
    assert_answer(mmu_update(tables_slot(&t, L1, 0), 0), 0);
    name_pages(8, 2);
    room.in[1] = 1ull << 40;
    prepare(2, 0, 1);
    u64 flushes = fake_processor.cr3_loads;
    assert_answer(run(), -XEN_EINVAL);
    assert_true(fake_processor.cr3_loads > flushes);
}

static void test_hostile_arguments(void **state)
{
    struct snapshot *s;
    (void)state;

    name_pages(8, 4);
    s = snapshot_take();
    prepare(4, 0, 0);
    room.x.nr_exchanged = 5;
    assert_answer(run(), -XEN_EINVAL);
    room.x.nr_exchanged = ~0ull;
    assert_answer(run(), -XEN_EINVAL);
    prepare(4, 0, 0);
    room.x.out.nr_extents = 3;
    assert_answer(run(), -XEN_EINVAL);
    prepare(4, 0, 0);
    room.x.in.nr_extents = room.x.out.nr_extents = ~0ull;
    assert_answer(run(), -XEN_EFAULT);
    prepare(4, 0, 0);
    room.x.in.nr_extents = 1ull << 63;
    room.x.in.extent_order = 1;
    assert_answer(run(), -XEN_EINVAL);
    prepare(4, 0, 0);
    room.x.out.extent_order = 10;
    assert_answer(run(), -XEN_EPERM);
    room.x.out.extent_order = 0xffffffff;
    assert_answer(run(), -XEN_EPERM);
    prepare(4, 0, 0);
    room.x.out.domid = t.d->id;
    assert_answer(run(), -XEN_EINVAL); /* the same domain, but not the same word */
    prepare(4, 0, 0);
    room.x.in.domid = room.x.out.domid = 9999;
    assert_answer(run(), -XEN_ESRCH);
    prepare(4, 0, 0);
    room.x.out.mem_flags = XENMEMF_exact_node(0);
    assert_answer(run(), -XEN_EINVAL);
    prepare(4, 0, 0);
    room.x.out.mem_flags = XENMEMF_address_bits(13);
    assert_answer(run(), -XEN_ENOMEM);
    assert_int_equal(room.x.nr_exchanged, 0);
    assert_true(same_since(s));
    assert_answer(tables_call(__HYPERVISOR_memory_op, XENMEM_exchange, BAD, 0, 0), -XEN_EFAULT);
    assert_answer(tables_call(__HYPERVISOR_memory_op, XENMEM_exchange | 1 << 6, (u64)&room.x, 0, 0), -XEN_EINVAL);
    prepare(0, 0, 0);
    assert_answer(run(), 0);
}

/* XSA-29, XSA-212: lists, and where a resumed request would go on in them, are guest memory or -EFAULT. */
static void test_lists_elsewhere(void **state)
{
    struct snapshot *s;
    (void)state;

    name_pages(8, 4);
    s = snapshot_take();
    prepare(4, 0, 0);
    room.x.in.extent_start.p = (xen_pfn_t *)BAD;
    assert_answer(run(), -XEN_EFAULT);
    prepare(4, 0, 0);
    room.x.out.extent_start.p = (xen_pfn_t *)BAD;
    assert_answer(run(), -XEN_EFAULT);
    prepare(4, 0, 0);
    room.x.in.extent_start.p = (xen_pfn_t *)0x00007ffffffffff0;
    assert_answer(run(), -XEN_EFAULT);
    u64 index = (BAD + 0x1000 - (u64)room.out) / 8;
    prepare(4, 0, 0);
    room.x.in.nr_extents = room.x.out.nr_extents = index + 1;
    room.x.nr_exchanged = index;
    assert_answer(run(), -XEN_EFAULT);
    assert_int_equal(room.x.nr_exchanged, index);
    assert_true(same_since(s));
}

/* Frames that the guest cannot be told of are its own all the same. */
static void test_a_list_that_cannot_be_written(void **state)
{
    static u64 fixed[8];
    u64 before = frame_free_count();
    (void)state;

    fake_guest_range((vaddr_t)fixed, fixed, sizeof(fixed), false);
    name_pages(8, 4);
    fixed[0] = 8;
    prepare(4, 0, 2);
    room.x.out.extent_start.p = fixed;
    assert_answer(run(), -XEN_EFAULT);
    assert_int_equal(room.x.nr_exchanged, 4);
    expect_gone(room.in[0]);
    expect_whole(before);
}

static void test_interrupted_everywhere(void **state)
{
    u64 before = frame_free_count();
    (void)state;

    name_pages(8, 16);
    room.out[0] = 8;
    room.out[1] = 16;
    prepare(16, 0, 3);
    softirq_raise(SOFTIRQ_CONSOLE);
    tables_always_interrupted = true;
    assert_answer(run(), 0);
    tables_always_interrupted = false;
    assert_true(world_restarts >= 15); /* each page of both rows but the last */
    for (u64 i = 0; i < 16; i++)
        expect_new(room.out[i / 8] + i % 8, 8 + i);
    expect_whole(before);
}

static u64 changed_to;

static void guest_changes_its_list(void)
{
    room.in[3] = changed_to;
    room.x.nr_exchanged = 0;
}

static void test_a_list_that_changes_under_way(void **state)
{
    u64 before = frame_free_count();
    (void)state;

    name_pages(8, 8);
    room.out[0] = 8;
    prepare(8, 0, 3);
    changed_to = t.d->shared_info_mfn.n;
    softirq_raise(SOFTIRQ_CONSOLE);
    tables_always_interrupted = true;
    tables_between_restarts = guest_changes_its_list;
    struct snapshot *s = snapshot_take();
    assert_answer(run(), -XEN_EINVAL);
    assert_true(same_since(s));
    expect_whole(before);
}

static void test_abandoned(void **state)
{
    u64 before = frame_free_count();
    (void)state;

    name_pages(8, 8);
    prepare(1, 3, 0);
    room.in[0] = 0;
    prepare(8, 0, 2);
    softirq_raise(SOFTIRQ_CONSOLE);
    assert_answer(world_call(__HYPERVISOR_memory_op, XENMEM_exchange, (u64)&room.x, 0), -XEN_ERESTART);
    assert_int_equal(frame_free_count(), before - 4);
    assert_int_equal(t.d->tot_pages, COUNT);
    assert_int_equal(arch_audit(), 0);
    u64 gfn = tables_number(&t, 30);
    this_cpu()->softirq = 0;
    assert_answer(reservation(XENMEM_decrease_reservation, &gfn), 1); /* a single page takes no notice of it */
    assert_int_equal(frame_free_count(), before - 3);
    tables_destroy(&t);
    assert_int_equal(arch_audit(), 0);
}

static void test_below_an_address(void **state)
{
    (void)state;
    name_pages(8, 4);
    prepare(4, 0, 1);
    room.out[0] = 8;
    room.out[1] = 10;
    room.x.out.mem_flags = XENMEMF_address_bits(20); /* the first MiB: 256 frames */
    assert_answer(run(), 0);
    assert_in_range(room.out[0], 1, 254);
    assert_in_range(room.out[1], 1, 254);
}

static void test_not_for_translated_domains(void **state)
{
    struct snapshot *s = snapshot_take();
    (void)state;

    name_pages(8, 4);
    prepare(4, 0, 0);
    room.x.nr_exchanged = 0;
    assert_answer(run(), -XEN_EOPNOTSUPP);
    assert_int_equal(room.x.nr_exchanged, 0);
    prepare(4, 0, 0);
    room.x.in.extent_order = 10;
    assert_answer(run(), -XEN_EPERM);
    assert_true(same_since(s));
}

static void test_for_another_domain(void **state)
{
    struct domain *p = world_privileged("p");
    u64 before = frame_free_count();
    (void)state;

    name_pages(8, 4);
    prepare(4, 0, 0);
    room.x.in.domid = room.x.out.domid = p->id;
    assert_answer(run(), -XEN_EPERM);
    world_enter(p->vcpu[0]);
    room.x.in.domid = room.x.out.domid = t.d->id;
    this_cpu()->softirq = 0;
    assert_answer(world_call_through(__HYPERVISOR_memory_op, XENMEM_exchange, (u64)&room.x, 0), 0);
    expect_new(room.out[3], 11);
    expect_whole(before);
    t.d->dying = true;
    room.x.nr_exchanged = 0;
    room.in[0] = room.out[0];
    assert_answer(world_call_through(__HYPERVISOR_memory_op, XENMEM_exchange, (u64)&room.x, 0), -XEN_ESRCH);
    t.d->dying = false;
}

/* All memory but three frames is claimed or gone: a row of four is not to be had, and nothing is taken for it. */
static void test_without_memory(void **state)
{
    (void)state;
    t.d->max_pages = ~0ull >> 12;
    while (frame_free_count() > 3)
        frame_alloc_domain(t.d);
    name_pages(8, 4);
    prepare(4, 0, 2);
    assert_answer(run(), -XEN_ENOMEM);
    assert_int_equal(frame_free_count(), 3);
    prepare(4, 2, 0);
    room.in[0] = 16;
    assert_answer(run(), -XEN_ENOMEM);
    assert_int_equal(frame_free_count(), 3);
    name_pages(8, 4);
    prepare(4, 0, 0);
    assert_answer(run(), 0);
    assert_int_equal(frame_free_count(), 3);
}

int main(void)
{
#define DIRECT(name) {#name, name, setup_direct, NULL, NULL}
    const struct CMUnitTest tests[] = {
        DIRECT(test_single_frames),
        DIRECT(test_singles_for_a_row),
        DIRECT(test_more_than_one_part_of_a_list),
        DIRECT(test_one_that_cannot_be_taken_keeps_all),
        DIRECT(test_what_comes_back_is_flushed),
        DIRECT(test_hostile_arguments),
        DIRECT(test_lists_elsewhere),
        DIRECT(test_a_list_that_cannot_be_written),
        DIRECT(test_interrupted_everywhere),
        DIRECT(test_a_list_that_changes_under_way),
        DIRECT(test_abandoned),
        DIRECT(test_below_an_address),
        {"test_not_for_translated_domains", test_not_for_translated_domains, setup_rewrite, NULL, NULL},
        DIRECT(test_for_another_domain),
        DIRECT(test_without_memory),
    };

    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
