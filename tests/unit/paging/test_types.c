/* SPDX-License-Identifier: MIT */
/* Types of frames: they exclude one another, get and put are symmetric, counts never wrap, and changes flush. */
#include "arch/x86/paging/entry.h"
#include "tests/unit/support/tables.h"
#include <string.h>

static struct tables a, b;
static struct table_work work;

static int setup(void **state)
{
    (void)state;
    tables_reset(512);
    tables_make(&b, "b", PAGING_DIRECT, 4);
    tables_make(&a, "a", PAGING_DIRECT, 16);
    table_work_init(&work);
    return 0;
}

/* One hold of that type on frame pfn of a; 0 or the error. */
static int hold(enum frame_type type, u64 pfn)
{
    struct frame *f = tables_frame(&a, pfn);
    if (type == FRAME_NONE)
        return 0;
    if (type == FRAME_WRITABLE)
        return writable_get(f, a.d->id);
    if (type == FRAME_DESCRIPTOR)
        return descriptor_get(a.d, tables_gfn(&a, pfn)) ? 0 : -XEN_EINVAL;
    if (!frame_get(f, a.d->id))
        return -XEN_EINVAL;
    int rc = table_get(a.d, f, type, &work);
    if (rc)
        frame_put(f);
    return rc;
}

static void let_go(enum frame_type type, u64 pfn)
{
    struct frame *f = tables_frame(&a, pfn);
    if (type == FRAME_WRITABLE)
        writable_put(f);
    else if (type == FRAME_DESCRIPTOR)
        descriptor_put(f);
    else if (type != FRAME_NONE)
        table_put(f, &work);
    while (!table_work_run(&work))
        ;
}

static u64 flushes(void)
{
    return this_cpu()->tlb_flushes;
}

static void one_type_excludes_all_others(void **state)
{
    (void)state;
    for (enum frame_type held = FRAME_L1; held < FRAME_TYPES; held++)
        for (enum frame_type wanted = FRAME_L1; wanted < FRAME_TYPES; wanted++) {
            assert_int_equal(hold(held, 3), 0);
            u64 before = tables_word(&a, 3), flushed = flushes();
            assert_int_equal(word_type(before), held);
            assert_int_equal(word_type_count(before), 1);
            assert_int_equal(word_refs(before), 2);
            assert_int_equal(!!(before & FRAME_VALIDATED), held != FRAME_WRITABLE);
            int rc = hold(wanted, 3);
            if (wanted == held) {
                assert_int_equal(rc, 0);
                assert_int_equal(tables_word(&a, 3), before + FRAME_TC_ONE + FRAME_REF_ONE);
                let_go(wanted, 3);
            } else {
                assert_int_equal(rc, wanted == FRAME_WRITABLE ? -XEN_EBUSY : -XEN_EINVAL);
                assert_int_equal(flushes(), flushed);
            }
            assert_int_equal(tables_word(&a, 3), before);
            let_go(held, 3);
            assert_int_equal(word_type_count(tables_word(&a, 3)), 0);
            assert_int_equal(word_refs(tables_word(&a, 3)), 1);
        }
    assert_int_equal(arch_audit(), 0);
}

/* From the last use as one thing to the first as another: what processors remember of the one is flushed. */
static void every_change_of_type_flushes(void **state)
{
    (void)state;
    for (enum frame_type was = FRAME_NONE; was < FRAME_TYPES; was++)
        for (enum frame_type becomes = FRAME_L1; becomes < FRAME_TYPES; becomes++) {
            u64 pfn = 5;
            atomic_store(&tables_frame(&a, pfn)->word, FRAME_ALLOC | 1);
            assert_int_equal(hold(was, pfn), 0);
            let_go(was, pfn);
            assert_int_equal(word_type(tables_word(&a, pfn)), was);
            u64 before = flushes();
            assert_int_equal(hold(becomes, pfn), 0);
            assert_int_equal(flushes() - before, was != FRAME_NONE && was != becomes);
            assert_int_equal(word_type(tables_word(&a, pfn)), becomes);
            let_go(becomes, pfn);
        }
}

/*
 * The order of XSA-401: the flush comes after the type is taken (nobody can get a writable hold behind it) and before
 * the contents are looked at (they cannot change behind that look). Watched at each step from the outside.
 */
static struct {
    u64 flushes, word;
} watch;
static void watch_flush(void)
{
    if (this_cpu()->tlb_flushes == watch.flushes)
        watch.word = tables_word(&a, 4); /* the last time: inside the flush */
    else
        tables_page(&a, 4)[7] = tables_entry(&a, 9, RO_FLAGS | PTE_PWT); /* refused, if it is seen */
    fake_interrupt_after = 1;
}
static void the_flush_stands_between_type_and_contents(void **state)
{
    (void)state;
    for (enum frame_type level = FRAME_L1; level <= FRAME_L4; level++) {
        memset(tables_page(&a, 4), 0, PAGE_SIZE);
        assert_int_equal(hold(FRAME_WRITABLE, 4), 0);
        let_go(FRAME_WRITABLE, 4);
        watch.flushes = flushes();
        fake_on_interrupt = watch_flush;
        fake_interrupt_after = 1;
        int rc = hold(level, 4);
        fake_interrupt_after = 0;
        assert_int_equal(flushes() - watch.flushes, 1);
        assert_int_equal(rc, -XEN_EINVAL);
        assert_int_equal(watch.word, FRAME_ALLOC | 2 | FRAME_TC_ONE | (u64)level << FRAME_TYPE_SHIFT);
    }
}

/* The same order the other way: no processor may walk a page as a table any more once somebody can write to it. */
static void the_flush_comes_after_the_writable_type(void **state)
{
    (void)state;
    assert_int_equal(hold(FRAME_L1, 4), 0);
    let_go(FRAME_L1, 4);
    watch.flushes = flushes();
    fake_on_interrupt = watch_flush;
    fake_interrupt_after = 1;
    assert_int_equal(hold(FRAME_WRITABLE, 4), 0);
    fake_interrupt_after = 0;
    assert_int_equal(flushes() - watch.flushes, 1);
    assert_int_equal(watch.word, FRAME_ALLOC | 2 | FRAME_TC_ONE | (u64)FRAME_WRITABLE << FRAME_TYPE_SHIFT);
    let_go(FRAME_WRITABLE, 4);
}

static void a_table_becomes_writable_only_behind_a_flush(void **state)
{
    (void)state;
    assert_int_equal(hold(FRAME_L1, 6), 0);
    let_go(FRAME_L1, 6);
    u64 before = flushes(), loads = fake_processor.cr3_loads;
    assert_int_equal(hold(FRAME_WRITABLE, 6), 0);
    assert_int_equal(flushes() - before, 1);
    assert_int_equal(fake_processor.cr3_loads - loads, 1);
    let_go(FRAME_WRITABLE, 6);
}

static void a_frame_that_is_freed_is_flushed_first(void **state)
{
    (void)state;
    u64 gfn = tables_number(&a, 6);
    assert_int_equal(hold(FRAME_WRITABLE, 6), 0);
    tables_page(&a, 6)[0] = 0x5ec7e7;
    assert_int_equal(reservation(1, &gfn), 1);
    assert_int_equal(tables_frame(&a, 6)->owner, a.d->id); /* still in use */
    assert_int_equal(tables_page(&a, 6)[0], 0x5ec7e7);
    u64 before = flushes();
    writable_put(tables_frame(&a, 6));
    assert_int_equal(flushes() - before, 1);
    assert_int_equal(tables_frame(&a, 6)->owner, OWNER_NONE);
    assert_int_equal(tables_word(&a, 6), 0);
    assert_int_equal(tables_page(&a, 6)[0], 0);
}

/* ---- who may have a hold -------------------------------------------------------------------------------------- */

/* Every way to a hold, on one frame. 0: it was got. */
enum way { REFERENCE, WRITABLE, TABLE_VALID, LOCK, DESCRIPTOR, PIN, WAYS };
static int try(enum way way, struct frame *f)
{
    unsigned level;
    switch (way) {
    case REFERENCE:
        return !frame_get(f, a.d->id);
    case WRITABLE:
        return writable_get(f, a.d->id);
    case TABLE_VALID:
        return table_get_valid(f, a.d->id, 1);
    case LOCK:
        return !table_lock(f, a.d->id, &level);
    case DESCRIPTOR:
        return !descriptor_get(a.d, gfn_make(frame_mfn(f).n));
    default:
        return (int)mmuext(MMUEXT_PIN_L1_TABLE, frame_mfn(f).n);
    }
}

static void another_domains_frame_gives_no_hold_and_stays_as_it_is(void **state)
{
    static const enum frame_type was[] = {FRAME_NONE, FRAME_L1, FRAME_L3, FRAME_DESCRIPTOR, FRAME_WRITABLE};
    (void)state;
    struct frame *f = tables_frame(&b, 1);
    for (size_t i = 0; i < ARRAY_SIZE(was); i++)
        for (u64 count = 0; count < 3; count++)
            for (enum way way = REFERENCE; way < WAYS; way++) {
                u64 word = FRAME_ALLOC | (1 + count) | count * FRAME_TC_ONE | (u64)was[i] << FRAME_TYPE_SHIFT;
                if (count && was[i] != FRAME_NONE && was[i] != FRAME_WRITABLE)
                    word |= FRAME_VALIDATED;
                if (count && was[i] == FRAME_NONE)
                    continue;
                u64 before = flushes();
                atomic_store(&f->word, word);
                assert_int_not_equal(try(way, f), 0);
                assert_int_equal(frame_word(f), word);
                assert_int_equal(flushes(), before);
            }
    atomic_store(&f->word, FRAME_ALLOC | 1);
}

static void a_free_or_absent_frame_gives_no_hold(void **state)
{
    (void)state;
    mfn_t host = frame_alloc_host();
    for (enum way way = REFERENCE; way < WAYS; way++) {
        assert_int_not_equal(try(way, frame_of(host)), 0);
        assert_int_equal(frame_word(frame_of(host)), 0);
    }
    static const u64 absent[] = {512, 513, 1ull << 32, 1ull << 40, ~0ull >> 12, ~0ull};
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
        assert_null(arch_get_gfn(a.d, gfn_make(absent[i])));
        assert_null(arch_get_writable_gfn(a.d, gfn_make(absent[i])));
        assert_null(descriptor_get(a.d, gfn_make(absent[i])));
        for (u32 cmd = MMUEXT_PIN_L1_TABLE; cmd <= MMUEXT_NEW_BASEPTR; cmd++)
            assert_answer(mmuext(cmd, absent[i]), -XEN_EINVAL);
        assert_answer(mmuext(MMUEXT_CLEAR_PAGE, absent[i]), -XEN_EINVAL);
        assert_answer(mmuext_pair(MMUEXT_COPY_PAGE, tables_number(&a, 3), absent[i]), -XEN_EINVAL);
    }
}

/* Near its end the count refuses; one place is kept so that nothing that follows a look can wrap. */
static void counts_never_wrap(void **state)
{
    (void)state;
    struct frame *f = tables_frame(&a, 3);
    for (enum way way = REFERENCE; way < WAYS; way++)
        for (u64 refs = FRAME_REF_MASK - 3; refs <= FRAME_REF_MASK; refs++) {
            u64 word = FRAME_ALLOC | refs | 5 * FRAME_TC_ONE;
            word |= way == TABLE_VALID || way == LOCK || way == PIN ? FRAME_VALIDATED | 1ull << FRAME_TYPE_SHIFT
                    : way == DESCRIPTOR ? FRAME_VALIDATED | (u64)FRAME_DESCRIPTOR << FRAME_TYPE_SHIFT
                                        : TYPE_WRITABLE;
            atomic_store(&f->word, word);
            bool got = try(way, f) == 0;
            assert_int_equal(got, refs < FRAME_REF_MASK - 1);
            u64 now = frame_word(f);
            if (!got)
                assert_int_equal(now, word);
            else
                assert_int_equal(word_refs(now), refs + 1);
            assert_int_equal(word_type(now), word_type(word));
            assert_int_equal(now & (FRAME_ALLOC | FRAME_VALIDATED), word & (FRAME_ALLOC | FRAME_VALIDATED));
        }
    atomic_store(&f->word, FRAME_ALLOC | 1);
}

/* The count of a table below is full: the entry is refused, and nobody tries for ever. */
static void a_full_count_below_refuses_the_table_above(void **state)
{
    (void)state;
    struct frame *l1 = tables_frame(&a, L1);
    tables_tree(&a);
    assert_answer(pin(&a, 1, L1), 0);
    u64 word = frame_word(l1);
    atomic_store(&l1->word, word + (FRAME_REF_MASK - 1) - word_refs(word));
    u64 full = frame_word(l1);
    struct snapshot *s = snapshot_take();
    assert_answer(pin(&a, 2, L2), -XEN_EINVAL);
    assert_answer(pin(&a, 4, L4), -XEN_EINVAL);
    tables_page(&a, L2)[0] = 0;
    assert_answer(pin(&a, 2, L2), 0);
    assert_answer(mmu_update(tables_slot(&a, L2, 1), tables_entry(&a, L1, RW_FLAGS)), -XEN_EINVAL);
    assert_answer(unpin(&a, L2), 0);
    tables_page(&a, L2)[0] = tables_entry(&a, L1, RW_FLAGS);
    assert_int_equal(frame_word(l1), full);
    assert_true(same_since(s));
    atomic_store(&l1->word, word);
}

static void what_is_shared_with_the_hypervisor_is_never_a_table(void **state)
{
    (void)state;
    u64 shared = a.d->shared_info_mfn.n;
    struct frame *f = frame_of(a.d->shared_info_mfn);
    u64 word = frame_word(f);
    struct snapshot *s = snapshot_take();
    for (u32 cmd = MMUEXT_PIN_L1_TABLE; cmd <= MMUEXT_UNPIN_TABLE; cmd++)
        assert_answer(mmuext(cmd, shared), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, shared), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_NEW_USER_BASEPTR, shared), -XEN_EINVAL);
    assert_null(descriptor_get(a.d, gfn_make(shared)));
    u64 gfn = shared;
    assert_int_equal(reservation(1, &gfn), 0);
    assert_true(same_since(s));
    tables_page(&a, L2)[0] = shared << PAGE_SHIFT | RW_FLAGS;
    assert_answer(pin(&a, 2, L2), -XEN_EINVAL);
    /* But it can be mapped and written. */
    tables_page(&a, L1)[0] = shared << PAGE_SHIFT | RW_FLAGS;
    assert_answer(pin(&a, 1, L1), 0);
    assert_int_equal(word_type_count(frame_word(f)), 1);
    assert_answer(unpin(&a, L1), 0);
    assert_int_equal(frame_word(f) & ~FRAME_TYPE_MASK, word);
    assert_int_equal(arch_audit(), 0);
}

/* ---- pins ----------------------------------------------------------------------------------------------------- */

static void a_pin_is_one_bit(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        assert_answer(unpin(&a, 3), -XEN_EINVAL);
        assert_answer(pin(&a, level, 3), 0);
        u64 word = tables_word(&a, 3);
        assert_int_equal(word, FRAME_ALLOC | FRAME_PINNED | FRAME_VALIDATED | (u64)level << FRAME_TYPE_SHIFT |
                                   FRAME_TC_ONE | 2);
        for (unsigned again = 1; again <= 4; again++) {
            assert_answer(pin(&a, again, 3), -XEN_EINVAL);
            assert_int_equal(tables_word(&a, 3), word);
        }
        assert_answer(unpin(&a, 3), 0);
        assert_answer(unpin(&a, 3), -XEN_EINVAL);
        assert_int_equal(tables_word(&a, 3) & ~FRAME_TYPE_MASK, FRAME_ALLOC | 1);
    }
}

static void a_pinned_frame_that_is_given_away_stays_until_it_is_unpinned(void **state)
{
    (void)state;
    u64 gfn = tables_number(&a, 3), free_before = frame_free_count();
    assert_answer(pin(&a, 1, 3), 0);
    assert_int_equal(reservation(1, &gfn), 1);
    assert_int_equal(tables_frame(&a, 3)->owner, a.d->id);
    assert_true(tables_word(&a, 3) & FRAME_PINNED);
    assert_int_equal(a.d->tot_pages, 16); /* charged until it is free */
    assert_int_equal(reservation(1, &gfn), 1);
    assert_int_equal(arch_audit(), 0);
    assert_answer(unpin(&a, 3), 0);
    assert_int_equal(tables_word(&a, 3), 0);
    assert_int_equal(frame_free_count(), free_before + 1);
    assert_int_equal(a.d->tot_pages, 15);
    assert_answer(unpin(&a, 3), -XEN_EINVAL);
    assert_int_equal(reservation(1, &gfn), 0);
    assert_int_equal(arch_audit(), 0);
}

static void a_table_in_use_by_another_keeps_its_type_without_the_pin(void **state)
{
    (void)state;
    tables_tree(&a);
    assert_answer(pin(&a, 1, L1), 0);
    assert_answer(pin(&a, 2, L2), 0);
    assert_int_equal(word_type_count(tables_word(&a, L1)), 2);
    assert_answer(unpin(&a, L1), 0);
    assert_int_equal(word_type_count(tables_word(&a, L1)), 1);
    assert_true(tables_word(&a, L1) & FRAME_VALIDATED);
    assert_answer(unpin(&a, L2), 0);
    assert_false(tables_word(&a, L1) & FRAME_VALIDATED);
    assert_int_equal(word_type_count(tables_word(&a, DATA)), 0);
    assert_int_equal(arch_audit(), 0);
}

/* ---- descriptor pages ----------------------------------------------------------------------------------------- */

static void a_refused_descriptor_page_is_as_it_was(void **state)
{
    (void)state;
    u64 *page = tables_page(&a, 3);
    for (unsigned i = 0; i < 512; i++)
        page[i] = 0x00af9a000000ffffull; /* ring 0 code: would be fixed */
    for (unsigned bad = 0; bad < 512; bad += 73) {
        page[bad] = 0x0000890000000067ull; /* a task */
        struct snapshot *s = snapshot_take();
        assert_null(descriptor_get(a.d, tables_gfn(&a, 3)));
        assert_true(same_since(s));
        page[bad] = 0x00af9a000000ffffull;
    }
    assert_non_null(descriptor_get(a.d, tables_gfn(&a, 3)));
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(page[i], 0x00affb000000ffffull);
    assert_answer(mmu_update(tables_slot(&a, 3, 0), 0x0000890000000067ull), -XEN_EINVAL);
    assert_answer(mmuext(MMUEXT_CLEAR_PAGE, tables_number(&a, 3)), -XEN_EINVAL);
    descriptor_put(tables_frame(&a, 3));
    assert_int_equal(tables_word(&a, 3) & ~FRAME_TYPE_MASK, FRAME_ALLOC | 1);
}

/* What was a good page may have been written since: no hold, no trust. */
static void a_descriptor_page_is_checked_again_after_its_last_use(void **state)
{
    (void)state;
    assert_non_null(descriptor_get(a.d, tables_gfn(&a, 3)));
    descriptor_put(tables_frame(&a, 3));
    assert_answer(mmu_update(tables_slot(&a, 3, 9), 0x0000890000000067ull), 0);
    assert_null(descriptor_get(a.d, tables_gfn(&a, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_type_excludes_all_others, setup),
        cmocka_unit_test_setup(every_change_of_type_flushes, setup),
        cmocka_unit_test_setup(the_flush_stands_between_type_and_contents, setup),
        cmocka_unit_test_setup(the_flush_comes_after_the_writable_type, setup),
        cmocka_unit_test_setup(a_table_becomes_writable_only_behind_a_flush, setup),
        cmocka_unit_test_setup(a_frame_that_is_freed_is_flushed_first, setup),
        cmocka_unit_test_setup(another_domains_frame_gives_no_hold_and_stays_as_it_is, setup),
        cmocka_unit_test_setup(a_free_or_absent_frame_gives_no_hold, setup),
        cmocka_unit_test_setup(counts_never_wrap, setup),
        cmocka_unit_test_setup(a_full_count_below_refuses_the_table_above, setup),
        cmocka_unit_test_setup(what_is_shared_with_the_hypervisor_is_never_a_table, setup),
        cmocka_unit_test_setup(a_pin_is_one_bit, setup),
        cmocka_unit_test_setup(a_pinned_frame_that_is_given_away_stays_until_it_is_unpinned, setup),
        cmocka_unit_test_setup(a_table_in_use_by_another_keeps_its_type_without_the_pin, setup),
        cmocka_unit_test_setup(a_refused_descriptor_page_is_as_it_was, setup),
        cmocka_unit_test_setup(a_descriptor_page_is_checked_again_after_its_last_use, setup),
    };
    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
