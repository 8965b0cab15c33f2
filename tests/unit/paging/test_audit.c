/* SPDX-License-Identifier: MIT */
/* The audit finds what it is there for: each kind of fault, planted by hand, is told, and nothing else is. */
#include "tests/unit/support/tables.h"
#include <string.h>
#include <xen/vcpu.h>

static struct tables a, b;

static int setup(void **state)
{
    (void)state;
    tables_reset(320);
    tables_make(&b, "b", PAGING_REWRITE, 8);
    tables_make(&a, "a", PAGING_DIRECT, 24);
    tables_tree(&a);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
    assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, tables_number(&a, 20)), 0);
    assert_answer(pin(&a, 4, L4), 0);
    tables_room[0] = tables_number(&a, 21);
    assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 1, 0, 0), 0);
    return arch_audit() != 0;
}

/* The value is changed, the audit says so with these words, and is content again when it is undone. */
static void planted_(void *at, size_t size, u64 value, const char *words, int line)
{
    u64 before = 0;
    memcpy(&before, at, size);
    memcpy(at, &value, size);
    fake_console_clear();
    u64 wrong = arch_audit();
    memcpy(at, &before, size);
    if (wrong == 0 || !fake_console_has(words)) {
        print_message("%s\n", fake_console_text());
        fail_msg("line %d: %lu faults were told; expected \"%s\"", line, wrong, words);
    }
    if (arch_audit() != 0)
        fail_msg("line %d: faults remained", line);
}
#define PLANTED(place, value, words) planted_((void *)&(place), sizeof(place), value, words, __LINE__)

static void a_wrong_count_is_found(void **state)
{
    (void)state;
    for (u64 pfn = 0; pfn < a.count; pfn++) {
        struct frame *f = tables_frame(&a, pfn);
        PLANTED(f->word, frame_word(f) + 1, "the reference count");
        PLANTED(f->word, frame_word(f) + FRAME_TC_ONE, "the type count");
        PLANTED(f->word, frame_word(f) ^ FRAME_ALLOC, "the reference count");
        PLANTED(f->word, frame_word(f) ^ FRAME_PINNED, "the reference count");
        PLANTED(f->word, frame_word(f) | FRAME_LISTED, "the reference count");
    }
    struct frame *f = frame_of(a.d->shared_info_mfn);
    PLANTED(f->word, frame_word(f) + 1, "the reference count");
    mfn_t host = frame_alloc_host();
    PLANTED(frame_of(host)->word, 1, "the reference count");
}

static void a_wrong_owner_is_found(void **state)
{
    (void)state;
    struct frame *f = tables_frame(&a, DATA);
    PLANTED(f->owner, b.d->id, "the owner of an entry's frame");
    PLANTED(f->owner, 0x7000, "no such domain");
    f = tables_frame(&a, 17);
    PLANTED(f->owner, b.d->id, "the number of the domain's frames");
    PLANTED(tables_frame(&b, 2)->owner, a.d->id, "the owner of a frame in a p2m");
    u64 pages = a.d->tot_pages + 1;
    PLANTED(a.d->tot_pages, pages, "the number of the domain's frames");
}

static void a_wrong_entry_is_found(void **state)
{
    (void)state;
    u64 *l1 = tables_page(&a, L1), *l2 = tables_page(&a, L2), *l4 = tables_page(&a, L4);
    PLANTED(l1[0], l1[0] & ~P, "the reference count");
    PLANTED(l1[0], l1[0] & ~RW, "the type count");
    PLANTED(l1[9], tables_stored(&a, 16, RO_FLAGS), "the reference count");
    PLANTED(l1[9], tables_stored(&a, L1, RW_FLAGS), "the type that an entry relies on");
    PLANTED(l1[9], tables_stored(&a, 21, RW_FLAGS), "the type that an entry relies on");
    PLANTED(l1[9], tables_stored(&b, 1, RO_FLAGS), "the owner of an entry's frame");
    PLANTED(l1[9], 320ull << PAGE_SHIFT | RO_FLAGS, "an entry's frame");
    PLANTED(l1[9], PTE_ADDR | RO_FLAGS, "an entry's frame");
    PLANTED(l2[0], l2[0] | PTE_PSE, "forbidden bits");
    PLANTED(l2[9], tables_stored(&a, L1, RW_FLAGS | PTE_GLOBAL), "forbidden bits");
    PLANTED(l2[9], tables_stored(&a, 16, RO_FLAGS), "the type that an entry relies on");
    PLANTED(l4[300], tables_stored(&a, L4, RO_FLAGS), "the type that an entry relies on");
}

static void a_table_that_is_not_validated_is_found(void **state)
{
    (void)state;
    struct frame *f = tables_frame(&a, L1);
    PLANTED(f->word, frame_word(f) & ~FRAME_VALIDATED, "validated");
}

/* The hypervisor's slots are no entries of the guest. */
static void the_hypervisors_slots_are_not_counted(void **state)
{
    (void)state;
    for (unsigned i = 256; i <= 271; i++)
        tables_page(&a, L4)[i] = tables_stored(&a, 16, RW_FLAGS);
    assert_int_equal(arch_audit(), 0);
}

static void a_map_that_does_not_lead_home_is_found(void **state)
{
    (void)state;
    PLANTED(m2p_table[b.frame[3].n], 4, "the way back from a p2m");
    PLANTED(x86_domain(b.d)->p2m[3], b.frame[4].n, "the way back from a p2m");
    PLANTED(x86_domain(b.d)->p2m[3], a.frame[4].n, "the owner of a frame in a p2m");
    /* In direct mode it is the guest's own hint. */
    m2p_table[a.frame[3].n] = 12345;
    assert_int_equal(arch_audit(), 0);
}

/* What a vcpu holds is counted: roots, descriptor pages, its vcpu_info, the table at hand in a batch. */
static void what_a_vcpu_holds_is_counted(void **state)
{
    struct vcpu_register_vcpu_info *where = (struct vcpu_register_vcpu_info *)tables_room;
    (void)state;
    PLANTED(a.v->kernel_root, MFN_INVALID.n, "the reference count");
    PLANTED(a.v->user_root, MFN_INVALID.n, "the type count");
    PLANTED(a.v->gdt_entries, 0, "the reference count");
    *where = (struct vcpu_register_vcpu_info){.mfn = tables_number(&a, 22), .offset = 64};
    assert_answer(tables_call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (u64)where, 0), 0);
    assert_int_equal(arch_audit(), 0);
    PLANTED(a.v->vcpu.info_mfn, MFN_INVALID.n, "the type count");
    assert_answer(arch_mmu_update(&a.v->vcpu, a.d, a.d, tables_slot(&a, L1, 9), 0), 0);
    assert_ptr_equal(a.v->cursor, tables_frame(&a, L1));
    assert_int_equal(arch_audit(), 0);
    PLANTED(a.v->cursor, 0, "the reference count");
    arch_mmu_update_end(&a.v->vcpu);
    assert_answer(mmu_update(tables_slot(&a, L1, 10), tables_entry(&a, 23, RO_FLAGS)), 0);
    assert_answer(mmuext_pair(MMUEXT_SET_LDT, 10 << PAGE_SHIFT, 1), 0);
    assert_int_equal(arch_audit(), 0);
    PLANTED(a.v->ldt_entries, 0, "the type count");
}

static void only_the_first_faults_are_told_but_all_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 100; i < 200; i++)
        tables_page(&a, L1)[i] = PTE_ADDR | RO_FLAGS;
    fake_console_clear();
    assert_int_equal(arch_audit(), 100);
    unsigned lines = 0;
    for (const char *p = fake_console_text(); (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, 20);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    fake_console_clear();
    assert_int_equal(arch_audit(), 1);
    assert_true(fake_console_has("no memory for the tally"));
}

/* All 14 pages of a GDT and all 16 of an LDT. */
static void full_descriptor_tables_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 14; i++)
        tables_room[i] = tables_number(&a, 21);
    assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 14 * 512, 0, 0), 0);
    for (u64 i = 0; i < 16; i++)
        assert_answer(update_va((16 + i) << PAGE_SHIFT, tables_entry(&a, 22, RO_FLAGS), 0), 0);
    assert_answer(mmuext_pair(MMUEXT_SET_LDT, 16 << PAGE_SHIFT, 16 * 512), 0);
    assert_int_equal(word_type_count(tables_word(&a, 21)), 14);
    assert_int_equal(word_type_count(tables_word(&a, 22)), 16);
    assert_int_equal(arch_audit(), 0);
    PLANTED(a.v->gdt_frame[13].n, a.frame[23].n, "the type count");
    PLANTED(a.v->ldt_frame[15].n, a.frame[23].n, "the type count");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_wrong_count_is_found, setup),
        cmocka_unit_test_setup(a_wrong_owner_is_found, setup),
        cmocka_unit_test_setup(a_wrong_entry_is_found, setup),
        cmocka_unit_test_setup(a_table_that_is_not_validated_is_found, setup),
        cmocka_unit_test_setup(the_hypervisors_slots_are_not_counted, setup),
        cmocka_unit_test_setup(a_map_that_does_not_lead_home_is_found, setup),
        cmocka_unit_test_setup(what_a_vcpu_holds_is_counted, setup),
        cmocka_unit_test_setup(full_descriptor_tables_are_counted, setup),
        cmocka_unit_test_setup(only_the_first_faults_are_told_but_all_are_counted, setup),
        cmocka_unit_test_setup(without_memory_it_says_so, setup),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
