/* SPDX-License-Identifier: MIT */
/* A grant table as a whole: its size, its place in rewrite mode, its version, swaps; who may ask about it. */
#include "tests/unit/grants/grants.h"
#include "common/cmdline.h"
#include <string.h>
#include <xen/memory.h>

static struct xen_add_to_physmap add;

static long setup_table(u16 dom, u32 frames)
{
    room.setup = (struct gnttab_setup_table){.dom = dom, .nr_frames = frames, .status = 1};
    room.setup.frame_list.p = room.list;
    memset(room.list, 0xee, sizeof(room.list));
    long rc = grant_op(GNTTABOP_setup_table, &room.setup, 1);
    return rc ? rc - 1000 : room.setup.status;
}
static u32 size_of(u16 dom)
{
    room.query = (struct gnttab_query_size){.dom = dom, .status = 1};
    assert_answer(grant_op(GNTTABOP_query_size, &room.query, 1), 0);
    assert_answer(room.query.status, GNTST_okay);
    assert_int_equal(room.query.max_nr_frames, 4);
    return room.query.nr_frames;
}

static void its_size_(void)
{
    assert_int_equal(size_of(DOMID_SELF), 1); /* before anything was made, as on Xen */
    assert_answer(setup_table(DOMID_SELF, 0), GNTST_okay);
    assert_answer(setup_table(DOMID_SELF, 5), GNTST_general_error);
    assert_answer(setup_table(DOMID_SELF, ~0u), GNTST_general_error);
    assert_int_equal(size_of(DOMID_SELF), 1);
    assert_int_equal(a.d->grants.frames, 0);
    assert_answer(setup_table(DOMID_SELF, 3), GNTST_okay);
    assert_int_equal(size_of(a.d->id), 3);
    for (u32 i = 0; i < 3; i++) {
        mfn_t mfn = grant_frame(a.d, i);
        assert_true(room.list[i] == (mode_a == PAGING_DIRECT ? mfn.n : ~0ull));
        assert_true(frame_word(frame_of(mfn)) & FRAME_SPECIAL);
        assert_int_equal(frame_of(mfn)->owner, a.d->id);
    }
    assert_true(room.list[3] == 0xeeeeeeeeeeeeeeeeull);
    assert_answer(setup_table(DOMID_SELF, 1), GNTST_okay); /* it does not shrink */
    assert_int_equal(size_of(DOMID_SELF), 3);
    assert_answer(setup_table(DOMID_SELF, 4), GNTST_okay);
    assert_int_equal(arch_audit(), 0);
}
static void its_size(void **state)
{
    (void)state;
    in_all_modes(its_size_);
}

static void who_may_ask_(void)
{
    static const u32 own[] = {GNTTABOP_setup_table, GNTTABOP_query_size, GNTTABOP_get_status_frames};
    struct gnttab_get_version *version = (void *)room.list;
    assert_answer(setup_table(0x7000, 1), GNTST_bad_domain);
    assert_answer(setup_table(b.d->id, 2), GNTST_permission_denied);
    room.query.dom = b.d->id;
    assert_answer(grant_op(GNTTABOP_query_size, &room.query, 1), 0);
    assert_answer(room.query.status, GNTST_permission_denied);
    room.query.dom = 0x7000;
    assert_answer(grant_op(GNTTABOP_query_size, &room.query, 1), 0);
    assert_answer(room.query.status, GNTST_bad_domain);
    *version = (struct gnttab_get_version){.dom = b.d->id};
    assert_answer(grant_op(GNTTABOP_get_version, version, 1), -XEN_EPERM);
    version->dom = 0x7000;
    assert_answer(grant_op(GNTTABOP_get_version, version, 1), -XEN_ESRCH);
    version->dom = DOMID_SELF;
    assert_answer(grant_op(GNTTABOP_get_version, version, 1), 0);
    assert_int_equal(version->version, 1);
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        assert_answer(grant_op(own[i], &room.setup, 0), -XEN_EINVAL);
        assert_answer(grant_op(own[i], &room.setup, 2), -XEN_EINVAL);
    }
    a.d->privileged = true;
    assert_answer(setup_table(b.d->id, 2), GNTST_okay);
    assert_int_equal(size_of(b.d->id), 2);
    a.d->privileged = false;
}
static void who_may_ask(void **state)
{
    (void)state;
    in_all_modes(who_may_ask_);
}

static void versions_(void)
{
    struct gnttab_set_version *version = (void *)room.list;
    static const u32 numbers[] = {0, 1, 2, 3};
    static const long answers[] = {-XEN_EINVAL, 0, -XEN_ENOSYS, -XEN_EINVAL};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        version->version = numbers[i];
        assert_answer(grant_op(GNTTABOP_set_version, version, 1), answers[i]);
        assert_int_equal(version->version, 1);
    }
    struct gnttab_get_status_frames *frames = (void *)room.list;
    *frames = (struct gnttab_get_status_frames){.nr_frames = 1, .dom = DOMID_SELF, .status = 1};
    assert_answer(grant_op(GNTTABOP_get_status_frames, frames, 1), 0);
    assert_answer(frames->status, GNTST_general_error);
    frames->nr_frames = 0;
    assert_answer(grant_op(GNTTABOP_get_status_frames, frames, 1), 0);
    assert_answer(frames->status, GNTST_okay);
    assert_answer(grant_op(GNTTABOP_transfer, room.list, 1), -XEN_EOPNOTSUPP);
    assert_answer(grant_op(GNTTABOP_cache_flush, room.list, 1), -XEN_EOPNOTSUPP);
    assert_answer(grant_op(GNTTABOP_dump_table, room.list, 1), -XEN_ENOSYS);
    assert_answer(grant_op(13, room.list, 1), -XEN_ENOSYS);
    assert_answer(grant_op(0x1000, room.list, 1), -XEN_EINVAL);
    assert_answer(grant_op(GNTTABOP_map_grant_ref, room.map, 0x80000000u), -XEN_EINVAL);
}
static void versions(void **state)
{
    (void)state;
    in_all_modes(versions_);
}

static void arguments_that_are_no_guest_memory_(void)
{
    static const u32 all[] = {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_unmap_and_replace,
                              GNTTABOP_copy,          GNTTABOP_swap_grant_ref,  GNTTABOP_setup_table,
                              GNTTABOP_query_size,    GNTTABOP_get_version,     GNTTABOP_set_version,
                              GNTTABOP_get_status_frames};
    struct snapshot *s = snapshot_take();
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_answer(grant_op(all[i], (void *)0xffff830000000000ull, 1), -XEN_EFAULT);
        assert_answer(grant_op(all[i], (void *)(1ull << 46), 1), -XEN_EFAULT);
    }
    assert_answer(grant_op(GNTTABOP_map_grant_ref, (void *)0xffff7fffffffffffull, 0x7fffffff), -XEN_EFAULT);
    assert_answer(grant_op(GNTTABOP_map_grant_ref, room.map, 0), 0);
    room.setup = (struct gnttab_setup_table){.dom = DOMID_SELF, .nr_frames = 1, .status = 1};
    room.setup.frame_list.p = (void *)0xffff830000000000ull;
    assert_answer(grant_op(GNTTABOP_setup_table, &room.setup, 1), -XEN_EFAULT);
    assert_true(same_since(s));
    room.setup.frame_list.p = (void *)(1ull << 46);
    assert_answer(grant_op(GNTTABOP_setup_table, &room.setup, 1), 0);
    assert_answer(room.setup.status, GNTST_bad_virt_addr);
}
static void arguments_that_are_no_guest_memory(void **state)
{
    (void)state;
    in_all_modes(arguments_that_are_no_guest_memory_);
}

static long swap(grant_ref_t first, grant_ref_t second)
{
    room.swap[0] = (struct gnttab_swap_grant_ref){.ref_a = first, .ref_b = second, .status = 1};
    world_enter(&b.v->vcpu);
    long rc = grant_op(GNTTABOP_swap_grant_ref, room.swap, 1);
    world_enter(&a.v->vcpu);
    return rc ? rc - 1000 : room.swap[0].status;
}

static void swaps_(void)
{
    lend(10, 9, GTF_permit_access);
    lend(11, 10, GTF_permit_access | GTF_readonly);
    assert_answer(swap(10, 11), GNTST_okay);
    assert_int_equal(entry_of(&b, 10)->flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(entry_of(&b, 10)->frame, tables_number(&b, 10));
    assert_int_equal(entry_of(&b, 11)->frame, tables_number(&b, 9));
    assert_answer(swap(10, 10), GNTST_okay);
    assert_answer(swap(10, 512), GNTST_bad_gntref);
    assert_answer(swap(~0u, 10), GNTST_bad_gntref); /* XSA-18 */
    assert_answer(map(11, VA(9), GNTMAP_host_map), GNTST_okay);
    assert_answer(swap(10, 11), GNTST_eagain);
    assert_answer(swap(11, 10), GNTST_eagain);
    assert_answer(swap(11, 11), GNTST_okay);
    assert_answer(unmap(handle, VA(9)), GNTST_okay);
    assert_answer(swap(10, 11), GNTST_okay);
    room.swap[0] = (struct gnttab_swap_grant_ref){.ref_a = 1, .ref_b = 2}; /* XSA-134: of a table that nobody has made */
    assert_answer(grant_op(GNTTABOP_swap_grant_ref, room.swap, 1), 0);
    assert_answer(room.swap[0].status, GNTST_okay);
}
static void swaps(void **state)
{
    (void)state;
    in_all_modes(swaps_);
}

/* Every frame of memory in turn is the last one: a table that cannot be made is as it was. */
static void no_memory_(void)
{
    static mfn_t taken[512];
    size_t n = 0;
    while (!mfn_is_invalid(taken[n] = frame_alloc_host()))
        n++;
    unsigned failures = 0;
    for (;; failures++) {
        u64 left = frame_free_count();
        long rc = setup_table(DOMID_SELF, 4);
        if (rc == GNTST_okay)
            break;
        assert_answer(rc, GNTST_general_error);
        assert_int_equal(size_of(DOMID_SELF), 1);
        assert_int_equal(a.d->grants.prepared, 0);
        assert_true(frame_free_count() == left || failures < 4); /* the arrays stay, once they could be made */
        frame_free_host(taken[--n], 1);
    }
    assert_true(failures >= 12); /* each of 4 frames takes 3 */
    while (n > 0)
        frame_free_host(taken[--n], 1);
    assert_int_equal(size_of(DOMID_SELF), 4);
}
static void no_memory(void **state)
{
    (void)state;
    in_all_modes(no_memory_);
}

/* No handle without memory for its record, and nothing is pinned then. */
static void no_memory_for_handles_(void)
{
    static mfn_t taken[512];
    size_t n = 0;
    lend(10, 9, GTF_permit_access);
    while (!mfn_is_invalid(taken[n] = frame_alloc_host()))
        n++;
    long rc;
    unsigned failures = 0;
    while ((rc = map(10, VA(9), GNTMAP_host_map)) != GNTST_okay) {
        assert_answer(rc, GNTST_no_space);
        assert_int_equal(bits(10), 0);
        assert_int_equal(refs_b(9), 1);
        frame_free_host(taken[--n], 1);
        failures++;
    }
    assert_true(failures >= 1);
    while (n > 0)
        frame_free_host(taken[--n], 1);
}
static void no_memory_for_handles(void **state)
{
    (void)state;
    in_all_modes(no_memory_for_handles_);
}

static void count_of_stops(bool always)
{
    for (u64 after = 1; after < 12; after++) {
        grants_setup(PAGING_DIRECT, PAGING_DIRECT);
        tables_always_interrupted = always;
        fake_interrupt_after = after;
        assert_answer(setup_table(DOMID_SELF, 4), GNTST_okay);
        fake_interrupt_after = 0;
        assert_true(world_restarts > 0 || after > 3);
        assert_int_equal(size_of(DOMID_SELF), 4);
        tables_always_interrupted = false;
        end_of(&a);
        end_of(&b);
        assert_int_equal(frame_free_count(), free_before);
    }
}
/* Stopped between frames it goes on; what a guest that does not come back leaves half made is gone with it. */
static void growing_gives_way(void **state)
{
    (void)state;
    count_of_stops(false);
    count_of_stops(true);
    grants_setup(PAGING_DIRECT, PAGING_DIRECT);
    fake_interrupt_after = 2;
    assert_int_equal(grant_grow(a.d, 4), -XEN_ERESTART);
    fake_interrupt_after = 0;
    this_cpu()->softirq = 0;
    assert_int_equal(size_of(DOMID_SELF), 1);
    assert_int_equal(arch_audit(), 0);
    end_of(&a);
    end_of(&b);
    assert_int_equal(frame_free_count(), free_before);
}

static long place(u64 index, u64 gpfn)
{
    add = (struct xen_add_to_physmap){.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = index, .gpfn = gpfn};
    return tables_call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (u64)&add, 0, 0);
}
/* In rewrite mode the frames get numbers of the guest's, by which it maps them and may even lend them on. */
static void its_place_(void)
{
    fake_guest_pointer(&add, sizeof(add));
    if (mode_a == PAGING_DIRECT) {
        assert_answer(place(0, 20), -XEN_EACCES);
        return;
    }
    assert_answer(place(4, 20), -XEN_EINVAL);
    assert_answer(place(~0ull, 20), -XEN_EINVAL);
    assert_answer(place(1, 20), 0); /* it grows for that */
    assert_int_equal(size_of(DOMID_SELF), 2);
    assert_answer(setup_table(DOMID_SELF, 2), GNTST_okay);
    assert_true(room.list[0] == ~0ull);
    assert_int_equal(room.list[1], 20);
    assert_answer(update_va(VA(9), 20 << PAGE_SHIFT | RW_FLAGS, 0), 0);
    assert_answer(place(1, 21), 0);
    assert_true(mfn_is_invalid(arch_gfn_to_mfn(a.d, gfn_make(20))));
    assert_int_equal(arch_audit(), 0);
    assert_answer(pin(&a, 1, 21), -XEN_EINVAL);
    u64 gfn = 21;
    assert_int_equal(reservation(XENMEM_decrease_reservation, &gfn), 0);
    assert_answer(place(1, 1000), -XEN_EINVAL);
    assert_answer(place(0, 22), 0);
}
static void its_place(void **state)
{
    (void)state;
    in_all_modes(its_place_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_size),
        cmocka_unit_test(who_may_ask),
        cmocka_unit_test(versions),
        cmocka_unit_test(arguments_that_are_no_guest_memory),
        cmocka_unit_test(swaps),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(no_memory_for_handles),
        cmocka_unit_test(growing_gives_way),
        cmocka_unit_test(its_place),
    };
    return cmocka_run_group_tests_name("grants: tables", tests, NULL, NULL);
}
