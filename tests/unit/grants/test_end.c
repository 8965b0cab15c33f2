/* SPDX-License-Identifier: MIT */
/* The end of domains with maps under way, on either side of them. */
#include "tests/unit/grants/grants.h"

#define HOST GNTMAP_host_map

static void map_some(void)
{
    for (grant_ref_t ref = 0; ref < 8; ref++)
        lend(ref, 8 + ref, GTF_permit_access);
    assert_answer(map(0, VA(100), HOST), GNTST_okay);
    assert_answer(map(0, VA(101), HOST | GNTMAP_readonly), GNTST_okay);
    assert_answer(map(1, VA(102), HOST | GNTMAP_device_map), GNTST_okay);
    assert_answer(map(2, VA(103), GNTMAP_device_map), GNTST_okay);
    assert_answer(map(3, VA(104), HOST), GNTST_okay);
    assert_answer(update_va(VA(104), 0, 0), 0); /* its entry is gone */
}

/* D8: grants to the dead one vanish ... */
static void who_uses_ends_(void)
{
    map_some();
    end_of(&a);
    for (grant_ref_t ref = 0; ref < 8; ref++) {
        assert_int_equal(bits(ref), 0);
        assert_int_equal(refs_b(8 + ref), 1);
        assert_int_equal(writers_b(8 + ref), 0);
    }
}
static void who_uses_ends(void **state)
{
    (void)state;
    in_all_modes(who_uses_ends_);
}

/* ... and what he granted stays as long as it is used, and no longer. */
static void who_granted_ends_(void)
{
    map_some();
    struct domain *dead = b.d;
    grant_handle_t kept = handle;
    mfn_t used = b.frame[8], unused = b.frame[15];
    u16 id = b.d->id;
    tables_page(&b, 8)[0] = 0x5a5a;
    world_enter(&a.v->vcpu);
    end_of(&b);
    assert_true(domain_find(id) == dead && dead->zombie);
    assert_int_equal(arch_audit(), 0);
    assert_int_equal(frame_of(unused)->owner, OWNER_NONE);
    assert_int_equal(frame_of(used)->owner, id);
    assert_int_equal(*(u64 *)mfn_to_ptr(used), 0x5a5a);
    room.map[0] = (struct gnttab_map_grant_ref){.host_addr = VA(110), .flags = HOST, .ref = 0, .dom = id};
    assert_answer(grant_op(GNTTABOP_map_grant_ref, room.map, 1), 0);
    assert_answer(room.map[0].status, GNTST_bad_domain);
    assert_answer(unmap(kept, VA(104)), GNTST_general_error);
    assert_answer(unmap(0, VA(100)), GNTST_okay);
    assert_int_equal(frame_of(used)->owner, id); /* there is another map of it */
    assert_answer(unmap(1, VA(101)), GNTST_okay);
    assert_int_equal(frame_of(used)->owner, OWNER_NONE);
    assert_true(domain_find(id) == dead);
    assert_int_equal(arch_audit(), 0);
    end_of(&a); /* the rest */
    assert_null(domain_find(id));
}
static void who_granted_ends(void **state)
{
    (void)state;
    in_all_modes(who_granted_ends_);
}

/* A frame of the hypervisor's that was granted keeps its domain's record too. */
static void a_special_frame_outlives_its_domain_(void)
{
    lend(10, 9, GTF_permit_access);
    entry_of(&b, 10)->frame = (u32)(mode_b == PAGING_DIRECT ? b.d->shared_info_mfn.n : PAGES);
    assert_answer(map(10, VA(100), HOST), GNTST_okay);
    u16 id = b.d->id;
    world_enter(&a.v->vcpu);
    end_of(&b);
    assert_non_null(domain_find(id));
    assert_int_equal(arch_audit(), 0);
    assert_answer(unmap(handle, VA(100)), GNTST_okay);
    domain_work();
    assert_null(domain_find(id));
}
static void a_special_frame_outlives_its_domain(void **state)
{
    (void)state;
    in_all_modes(a_special_frame_outlives_its_domain_);
}

/* Its maps go in steps: with many of them a preemption finds its way in. */
static void the_end_gives_way_(void)
{
    for (grant_ref_t ref = 0; ref < 8; ref++)
        lend(ref, 8 + ref, GTF_permit_access);
    for (unsigned i = 0; i < 1000; i++)
        assert_answer(map(i / 128, VA(200), HOST | GNTMAP_readonly), GNTST_okay);
    assert_answer(update_va(VA(200), 0, 0), 0); /* as if its tables were gone */
    a.d->dying = true;
    this_cpu()->current = NULL;
    unsigned steps = 1;
    fake_interrupt_after = 1;
    while (!grant_take_down(a.d)) {
        steps++;
        assert_true(steps < 2000);
        this_cpu()->softirq = 0;
        fake_interrupt_after = steps < 100 ? 1 : 0;
    }
    fake_interrupt_after = 0;
    this_cpu()->softirq = 0;
    assert_true(steps >= 100);
    assert_int_equal(bits(0), 0);
    a.d->dying = false;
}
static void the_end_gives_way(void **state)
{
    (void)state;
    in_all_modes(the_end_gives_way_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_uses_ends),
        cmocka_unit_test(who_granted_ends),
        cmocka_unit_test(a_special_frame_outlives_its_domain),
        cmocka_unit_test(the_end_gives_way),
    };
    return cmocka_run_group_tests_name("grants: ends", tests, NULL, NULL);
}
