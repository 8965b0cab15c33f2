/* SPDX-License-Identifier: MIT */
/* A privileged domain and the memory of another: leaves that name its frames, its tables, and what its end leaves behind. */
#include "tests/unit/support/tables.h"
#include "arch/x86/paging/roots.h"
#include <string.h>

static struct tables a, b;
static enum domain_paging mode_a, mode_b;
static u64 free_before;
static struct mmu_update list[4];

static void setup(enum domain_paging first, enum domain_paging second)
{
    mode_a = first;
    mode_b = second;
    tables_reset(320);
    fake_guest_pointer(list, sizeof(list));
    free_before = frame_free_count();
    tables_make(&b, "b", mode_b, 24);
    tables_make(&a, "a", mode_a, 24);
    a.d->privileged = true;
    tables_tree(&a);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
}

static void in_all_modes(void (*test)(void))
{
    static const enum domain_paging modes[] = {PAGING_DIRECT, PAGING_REWRITE};
    for (unsigned i = 0; i < 4; i++) {
        setup(modes[i % 2], modes[i / 2]);
        test();
        assert_int_equal(arch_audit(), 0);
    }
}

static long update_of(u64 ptr, u64 val, u32 domains)
{
    list[0] = (struct mmu_update){ptr, val};
    return tables_call(__HYPERVISOR_mmu_update, (u64)list, 1, 0, domains);
}
/* An entry of a's L1 that names b's frame. */
static long map_b(unsigned slot, u64 pfn, u64 flags)
{
    return update_of(tables_slot(&a, L1, slot), tables_entry(&b, pfn, flags), b.d->id);
}
static u64 refs_b(u64 pfn)
{
    return word_refs(tables_word(&b, pfn));
}
static u64 writers_b(u64 pfn)
{
    u64 w = tables_word(&b, pfn);
    return word_type(w) == FRAME_WRITABLE ? word_type_count(w) : 0;
}

static void end_of(struct tables *t)
{
    tables_destroy(t);
    if (this_cpu()->softirq & SOFTIRQ_DOMAIN)
        domain_work();
    this_cpu()->softirq = 0;
}

static void leaf_holds_what_it_names_(void)
{
    assert_answer(map_b(8, 5, RW_FLAGS), 0);
    assert_int_equal(tables_page(&a, L1)[8], tables_stored(&b, 5, RW_FLAGS));
    assert_int_equal(refs_b(5), 2);
    assert_int_equal(writers_b(5), 1);
    assert_answer(map_b(9, 5, RO_FLAGS), 0);
    assert_int_equal(refs_b(5), 3);
    /* What is writable to a is no table of b's. */
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 5), -XEN_EINVAL);
    world_enter(&a.v->vcpu);
    assert_answer(map_b(8, 6, RO_FLAGS), 0);
    assert_int_equal(writers_b(5), 0);
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 5), 0);
    world_enter(&a.v->vcpu);
    assert_answer(map_b(8, 5, RW_FLAGS), -XEN_EBUSY);
    assert_answer(map_b(8, 5, RO_FLAGS), 0);
    assert_answer(update_va(0x8000, 0, 0), 0);
    assert_answer(update_va(0x9000, 0, 0), 0);
    assert_int_equal(refs_b(5), 2);
    assert_int_equal(refs_b(6), 1);
}

static void a_leaf_holds_what_it_names(void **state)
{
    (void)state;
    in_all_modes(leaf_holds_what_it_names_);
}

static void by_address_(void)
{
    const u64 entry = tables_entry(&b, 7, RW_FLAGS);
    assert_answer(tables_call(__HYPERVISOR_update_va_mapping_otherdomain, 0x8000, entry, 0, b.d->id), 0);
    assert_int_equal(tables_page(&a, L1)[8], tables_stored(&b, 7, RW_FLAGS));
    assert_int_equal(writers_b(7), 1);
    /* The caller's own number names nobody, as on Xen; nor does one that is not there. */
    assert_answer(tables_call(__HYPERVISOR_update_va_mapping_otherdomain, 0x9000, entry, 0, a.d->id), -XEN_ESRCH);
    assert_answer(tables_call(__HYPERVISOR_update_va_mapping_otherdomain, 0x9000, entry, 0, 77), -XEN_ESRCH);
    a.d->privileged = false;
    struct snapshot *s = snapshot_take();
    assert_answer(tables_call(__HYPERVISOR_update_va_mapping_otherdomain, 0x9000, entry, 0, b.d->id), -XEN_EPERM);
    assert_answer(map_b(9, 7, RO_FLAGS), -XEN_EPERM);
    assert_true(same_since(s));
    a.d->privileged = true;
}

static void an_address_can_map_it_too(void **state)
{
    (void)state;
    in_all_modes(by_address_);
}

/* Only flags change: no new right is needed. Another right or another frame is one's own affair again, and refused. */
static void what_is_there_gives_no_right_(void)
{
    assert_answer(map_b(8, 5, RO_FLAGS), 0);
    if (mode_a == PAGING_REWRITE)
        return; /* b's frame has no number that a could say */
    const u64 entry = b.frame[5].n << PAGE_SHIFT;
    assert_answer(update_va(0x8000, entry | RO_FLAGS | PTE_NX, 0), 0);
    struct snapshot *s = snapshot_take();
    assert_answer(update_va(0x8000, entry | RW_FLAGS, 0), -XEN_EBUSY);
    assert_answer(update_va(0x9000, entry | RO_FLAGS, 0), -XEN_EBUSY);
    assert_true(same_since(s));
}

static void what_is_there_gives_no_right_to_more(void **state)
{
    (void)state;
    in_all_modes(what_is_there_gives_no_right_);
}

/* A table that stops being one: in rewrite mode the other's frame has no number there, so the entry is empty. */
static void a_table_gives_it_back_(void)
{
    assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    tables_page(&a, 20)[0] = 0;
    assert_answer(pin(&a, 1, 20), 0);
    assert_answer(update_of(tables_slot(&a, 20, 3), tables_entry(&b, 5, P), b.d->id), 0);
    assert_int_equal(refs_b(5), 2);
    assert_answer(unpin(&a, 20), 0);
    assert_int_equal(refs_b(5), 1);
    u64 left = tables_page(&a, 20)[3];
    assert_int_equal(left, mode_a == PAGING_REWRITE ? 0 : tables_stored(&b, 5, RO_FLAGS | 1ull << 52));
    /* ... and where it is still there it is no right to be registered with. */
    assert_answer(pin(&a, 1, 20), mode_a == PAGING_REWRITE ? 0 : -XEN_EBUSY);
}

static void a_table_that_is_none_any_more_gives_it_back(void **state)
{
    (void)state;
    in_all_modes(a_table_gives_it_back_);
}

/* Its owner may use it for anything from then on, and knows of no flush. */
static void flushed_before_let_go_(void)
{
    assert_answer(map_b(8, 5, RW_FLAGS), 0);
    assert_answer(map_b(9, 6, RO_FLAGS), 0);
    assert_answer(update_va(0xa000, tables_entry(&a, 12, RW_FLAGS), 0), 0);
    tables_page(&a, 20)[0] = 0;
    assert_answer(pin(&a, 1, 20), 0);
    assert_answer(update_of(tables_slot(&a, 20, 3), tables_entry(&b, 5, P), b.d->id), 0);
    assert_answer(update_of(tables_slot(&a, 20, 4), tables_entry(&b, 5, P), b.d->id), 0);
    u64 loads = fake_processor.cr3_loads;
    assert_answer(update_va(0xa000, 0, 0), 0); /* its own: the guest's affair */
    assert_int_equal(fake_processor.cr3_loads, loads);
    assert_answer(update_va(0x8000, 0, 0), 0);
    assert_int_equal(fake_processor.cr3_loads, loads + 1);
    assert_answer(map_b(9, 7, RO_FLAGS), 0);
    assert_int_equal(fake_processor.cr3_loads, loads + 2);
    assert_answer(unpin(&a, 20), 0);
    assert_int_equal(fake_processor.cr3_loads, loads + 3);
}

static void no_translation_is_left_when_it_is_let_go(void **state)
{
    (void)state;
    in_all_modes(flushed_before_let_go_);
}

/* Above level 1 there is no such right: a table of b's is no part of a's tree. */
static void no_table_of_anothers_(void)
{
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 5), 0);
    world_enter(&a.v->vcpu);
    if (mode_a == PAGING_REWRITE)
        return; /* no number of a's names it */
    struct snapshot *s = snapshot_take();
    assert_answer(update_of(tables_slot(&a, L2, 5), tables_entry(&b, 5, RW_FLAGS), b.d->id), -XEN_EINVAL);
    assert_true(same_since(s));
}

static void a_table_of_anothers_is_no_part_of_a_tree(void **state)
{
    (void)state;
    in_all_modes(no_table_of_anothers_);
}

static long ext_of_b(u32 cmd, u64 arg1, u64 arg2)
{
    static struct mmuext_op op;
    op = (struct mmuext_op){.cmd = cmd, .arg1.mfn = arg1, .arg2.src_mfn = arg2};
    fake_guest_pointer(&op, sizeof(op));
    return tables_call(__HYPERVISOR_mmuext_op, (u64)&op, 1, 0, b.d->id);
}

/* a builds b's tables for it, as whoever makes a domain from outside does. */
static void tables_of_another_(void)
{
    const u32 of_b = b.d->id | (b.d->id + 1u) << 16;
    tables_tree(&b);
    assert_answer(ext_of_b(MMUEXT_PIN_L4_TABLE, tables_number(&b, L4), 0), 0);
    assert_answer(ext_of_b(MMUEXT_PIN_L4_TABLE, tables_number(&b, L4), 0), -XEN_EINVAL);
    assert_int_equal(tables_page(&b, L1)[1], tables_stored(&b, DATA + 1, RW_FLAGS));
    assert_answer(update_of(tables_slot(&b, L1, 9), tables_entry(&b, 20, RW_FLAGS), of_b), 0);
    assert_int_equal(tables_page(&b, L1)[9], tables_stored(&b, 20, RW_FLAGS));
    assert_answer(update_of(tables_slot(&b, L2, 1), tables_entry(&b, 21, RW_FLAGS), of_b), 0);
    assert_int_equal(word_type(tables_word(&b, 21)), FRAME_L1);
    /* ... even with a frame of its own in them. */
    assert_answer(update_of(tables_slot(&b, L1, 10), tables_entry(&a, 20, RW_FLAGS), DOMID_SELF | (b.d->id + 1u) << 16), 0);
    assert_int_equal(word_type_count(tables_word(&a, 20)), 1);
    assert_answer(ext_of_b(MMUEXT_UNPIN_TABLE, tables_number(&b, L4), 0), 0);
    assert_int_equal(word_type_count(tables_word(&a, 20)), 0);
    assert_int_equal(word_type_count(tables_word(&b, L1)), 0);
    memset(tables_page(&b, 22), 7, PAGE_SIZE);
    assert_answer(ext_of_b(MMUEXT_COPY_PAGE, tables_number(&b, 23), tables_number(&b, 22)), 0);
    assert_int_equal(tables_page(&b, 23)[511], 0x0707070707070707);
    assert_answer(ext_of_b(MMUEXT_CLEAR_PAGE, tables_number(&b, 23), 0), 0);
    assert_int_equal(tables_page(&b, 23)[511], 0);
    static const u32 own[] = {MMUEXT_NEW_BASEPTR,       MMUEXT_NEW_USER_BASEPTR, MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL,
                              MMUEXT_TLB_FLUSH_MULTI,   MMUEXT_INVLPG_MULTI,     MMUEXT_TLB_FLUSH_ALL,   MMUEXT_INVLPG_ALL,
                              MMUEXT_FLUSH_CACHE,       MMUEXT_SET_LDT,          MMUEXT_FLUSH_CACHE_GLOBAL};
    for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
        assert_answer(ext_of_b(own[i], tables_number(&b, L4), 0), -XEN_EPERM);
}

static void tables_of_another_can_be_built(void **state)
{
    (void)state;
    in_all_modes(tables_of_another_);
}

/* b ends while a has its frame: the frame stays what it was until a lets go, and the record of b goes with it. */
static void outlives_its_domain_(void)
{
    const u16 id = b.d->id;
    memset(tables_page(&b, 5), 0x5a, PAGE_SIZE);
    assert_answer(map_b(8, 5, RW_FLAGS), 0);
    end_of(&b);
    assert_non_null(domain_find(id));
    assert_null(domain_named(a.d, id));
    assert_true(domain_find(id)->zombie);
    assert_true(fake_console_has("is gone, but 1 of its frames are in use by others"));
    assert_int_equal(*(u8 *)mfn_to_ptr(b.frame[5]), 0x5a);
    assert_int_equal(arch_audit(), 0);
    /* Nobody gets a new hold on what is left. */
    assert_answer(update_of(tables_slot(&a, L1, 9), tables_entry(&a, 5, RO_FLAGS), id), -XEN_ESRCH);
    assert_answer(update_va(0x8000, 0, 0), 0);
    domain_work(); /* as the softirq does that was raised */
    this_cpu()->softirq = 0;
    assert_null(domain_find(id));
    end_of(&a);
    assert_int_equal(frame_free_count(), free_before);
}

static void a_mapped_frame_outlives_its_domain(void **state)
{
    (void)state;
    in_all_modes(outlives_its_domain_);
}

/* ... or a ends first: its tables let go. */
static void the_mapper_ends_(void)
{
    const u16 id = b.d->id;
    assert_answer(map_b(8, 5, RW_FLAGS), 0);
    u64 shared = mode_b == PAGING_REWRITE ? b.count : b.d->shared_info_mfn.n;
    assert_answer(update_of(tables_slot(&a, L1, 9), shared << PAGE_SHIFT | RO_FLAGS, b.d->id), 0);
    end_of(&b);
    assert_true(domain_find(id)->zombie);
    end_of(&a);
    assert_null(domain_find(id));
    assert_int_equal(frame_free_count(), free_before);
}

static void the_mapper_may_end_last(void **state)
{
    (void)state;
    in_all_modes(the_mapper_ends_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_holds_what_it_names),
        cmocka_unit_test(an_address_can_map_it_too),
        cmocka_unit_test(what_is_there_gives_no_right_to_more),
        cmocka_unit_test(a_table_that_is_none_any_more_gives_it_back),
        cmocka_unit_test(no_translation_is_left_when_it_is_let_go),
        cmocka_unit_test(a_table_of_anothers_is_no_part_of_a_tree),
        cmocka_unit_test(tables_of_another_can_be_built),
        cmocka_unit_test(a_mapped_frame_outlives_its_domain),
        cmocka_unit_test(the_mapper_may_end_last),
    };
    return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
