/* SPDX-License-Identifier: MIT */
/* The walker over its three formats: every level, every kind of leaf, every right, and tables that lie. */
#include "arch/x86/paging/walk.h"
#include "tests/unit/support/tables.h"
#include <string.h>

#define FRAMES 64
#define EPT_READ  1ull
#define EPT_WRITE 2ull
#define EPT_EXEC  4ull

/* What a format's entry looks like that allows everything; and each right taken away. */
struct shape {
    const struct pt_format *format;
    u64 all;       /* present, all rights */
    u64 no_write;  /* bits to change */
    u64 no_user;
    u64 no_exec;
    bool has_user;
};
static const struct shape shapes[] = {
    {&pt_format_x86_64, PTE_PRESENT | PTE_RW | PTE_USER, PTE_RW, PTE_USER, PTE_NX, true},
    {&pt_format_npt, PTE_PRESENT | PTE_RW | PTE_USER, PTE_RW, PTE_USER, PTE_NX, true},
    {&pt_format_ept, EPT_READ | EPT_WRITE | EPT_EXEC, EPT_WRITE, 0, EPT_EXEC, false},
};

/* An address whose four slots differ, one in the upper half, and the ends. */
static const u64 addresses[] = {0x0000123456789abcull, 0xffff923456789abcull, 0, 0xffffffffffffffffull, 0x7fffffffffffull,
                                0xffff800000000000ull, 0x40201008, 0xfff};

static mfn_t table[5]; /* [level] */
static u64 leaf_frame;

static int setup(void **state)
{
    (void)state;
    fake_reset(FRAMES);
    for (unsigned level = 1; level <= 4; level++)
        table[level] = frame_alloc_host();
    leaf_frame = 40;
    return 0;
}

static u64 *slot_of(unsigned level, u64 address)
{
    return &((u64 *)mfn_to_ptr(table[level]))[address >> (12 + 9 * (level - 1)) & 511];
}

/* The way down to a leaf of that level. */
static void build(const struct shape *s, u64 address, unsigned leaf)
{
    for (unsigned level = 1; level <= 4; level++)
        memset(mfn_to_ptr(table[level]), 0, PAGE_SIZE);
    for (unsigned level = 4; level > leaf; level--)
        *slot_of(level, address) = table[level - 1].n << PAGE_SHIFT | s->all;
    *slot_of(leaf, address) = leaf_frame << PAGE_SHIFT | s->all | (leaf > 1 ? PTE_PSE : 0);
}

static struct pt_walk walk(const struct shape *s, u64 address)
{
    struct pt_walk out;
    memset(&out, 0xee, sizeof(out));
    pt_walk(s->format, table[4], address, &out);
    return out;
}

static u64 frame_behind(u64 address, unsigned leaf)
{
    u64 pages = 1ull << 9 * (leaf - 1);
    return (leaf_frame & ~(pages - 1)) + (address >> PAGE_SHIFT) % pages;
}

#define EACH(s, address, leaf)                                                                                        \
    for (const struct shape *s = shapes; s < shapes + ARRAY_SIZE(shapes); s++)                                        \
        for (size_t i_ = 0; i_ < ARRAY_SIZE(addresses); i_++)                                                         \
            for (u64 address = addresses[i_], once_ = 1; once_; once_ = 0)                                            \
                for (unsigned leaf = 1; leaf <= 3; leaf++)

static void a_walk_ends_at_the_leaf(void **state)
{
    (void)state;
    EACH(s, address, leaf) {
        leaf_frame = leaf == 1 ? 40 : 0x40000000ull >> PAGE_SHIFT; /* aligned for a large page; no RAM there */
        build(s, address, leaf);
        struct pt_walk w = walk(s, address);
        assert_true(w.mapped);
        assert_int_equal(w.level, leaf);
        assert_int_equal(w.frame.n, frame_behind(address, leaf));
        assert_true(w.writable && w.user && w.exec);
        for (unsigned level = leaf; level <= 4; level++) {
            assert_int_equal(w.table[level].n, table[level].n);
            assert_int_equal(w.entry[level], *slot_of(level, address));
        }
    }
}

/* The low bits of a large page's number are not part of it. */
static void a_large_page_begins_at_a_multiple_of_its_size(void **state)
{
    (void)state;
    EACH(s, address, leaf) {
        leaf_frame = 0x7777777;
        build(s, address, leaf);
        assert_int_equal(walk(s, address).frame.n, frame_behind(address, leaf));
    }
}

/* One right taken away at one level is gone; the others stay. */
static void a_right_needs_every_level(void **state)
{
    (void)state;
    EACH(s, address, leaf) {
        for (unsigned level = leaf; level <= 4; level++)
            for (unsigned what = 0; what < 8; what++) {
                build(s, address, leaf);
                u64 change = (what & 1 ? s->no_write : 0) | (what & 2 ? s->no_user : 0) | (what & 4 ? s->no_exec : 0);
                *slot_of(level, address) ^= change;
                struct pt_walk w = walk(s, address);
                assert_true(w.mapped);
                assert_int_equal(w.writable, !(what & 1));
                assert_int_equal(w.user, !(what & 2) || !s->has_user);
                assert_int_equal(w.exec, !(what & 4));
            }
    }
}

static void what_is_not_present_ends_the_walk(void **state)
{
    (void)state;
    EACH(s, address, leaf) {
        for (unsigned level = leaf; level <= 4; level++) {
            build(s, address, leaf);
            u64 *entry = slot_of(level, address);
            *entry &= ~s->format->present;
            struct pt_walk w = walk(s, address);
            assert_false(w.mapped);
            assert_int_equal(w.level, level);
            assert_true(mfn_is_invalid(w.frame));
            assert_int_equal(w.entry[level], *entry);
        }
    }
}

/* EPT: readable, writable or executable, any of them is present. */
static void any_right_of_ept_is_present(void **state)
{
    (void)state;
    for (u64 rights = 1; rights < 8; rights++) {
        build(&shapes[2], addresses[0], 1);
        *slot_of(1, addresses[0]) = 40 << PAGE_SHIFT | rights;
        struct pt_walk w = walk(&shapes[2], addresses[0]);
        assert_true(w.mapped);
        assert_int_equal(w.writable, (rights & EPT_WRITE) != 0);
        assert_int_equal(w.exec, (rights & EPT_EXEC) != 0);
    }
}

/* A table where no RAM is is not read. */
static void a_table_that_is_no_memory_ends_the_walk(void **state)
{
    static const u64 frames[] = {FRAMES, FRAMES + 1, 0xffffffffffull, 1ull << 32};
    (void)state;
    EACH(s, address, leaf) {
        for (unsigned level = leaf + 1; level <= 4; level++)
            for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
                build(s, address, leaf);
                *slot_of(level, address) = frames[i] << PAGE_SHIFT | s->all;
                struct pt_walk w = walk(s, address);
                assert_false(w.mapped);
                assert_int_equal(w.level, level - 1);
                assert_int_equal(w.table[level - 1].n, frames[i]);
                assert_true(mfn_is_invalid(w.frame));
            }
    }
    struct pt_walk w;
    pt_walk(&pt_format_x86_64, MFN_INVALID, 0, &w);
    assert_false(w.mapped);
    assert_int_equal(w.level, 4);
}

/* Bits above the address and the available ones are no part of the number; the large bit counts at levels 2 and 3 only. */
static void other_bits_change_nothing(void **state)
{
    (void)state;
    for (const struct shape *s = shapes; s < shapes + ARRAY_SIZE(shapes); s++)
        for (unsigned level = 1; level <= 4; level++) {
            build(s, addresses[0], 1);
            *slot_of(level, addresses[0]) |= PTE_AVAIL | PTE_AVAIL_HIGH | (level == 1 || level == 4 ? PTE_PSE : 0);
            struct pt_walk w = walk(s, addresses[0]);
            assert_true(w.mapped);
            assert_int_equal(w.level, 1);
            assert_int_equal(w.frame.n, 40);
        }
}

static void a_table_that_leads_to_itself_is_walked_four_times(void **state)
{
    (void)state;
    memset(mfn_to_ptr(table[4]), 0, PAGE_SIZE);
    *slot_of(4, 0) = table[4].n << PAGE_SHIFT | PTE_PRESENT;
    struct pt_walk w = walk(&shapes[0], 0);
    assert_true(w.mapped);
    assert_int_equal(w.frame.n, table[4].n);
    assert_false(w.writable || w.user);
    assert_int_equal(pt_find_l1(table[4], 0).n, table[4].n);
}

static void the_l1_table_of_an_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        u64 address = addresses[i];
        build(&shapes[0], address, 1);
        assert_int_equal(pt_find_l1(table[4], address).n, table[1].n);
        *slot_of(1, address) = 0; /* what stands in it does not matter */
        assert_int_equal(pt_find_l1(table[4], address).n, table[1].n);
        assert_true(mfn_is_invalid(pt_find_l1(table[4], address ^ 1ull << 21)));
        assert_true(mfn_is_invalid(pt_find_l1(table[4], address ^ 1ull << 30)));
        assert_true(mfn_is_invalid(pt_find_l1(table[4], address ^ 1ull << 39)));
        for (unsigned level = 2; level <= 4; level++) {
            static const u64 bad[] = {0, PTE_PSE, PTE_PRESENT | PTE_PSE};
            build(&shapes[0], address, 1);
            for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
                *slot_of(level, address) = table[level - 1].n << PAGE_SHIFT | bad[k];
                assert_true(mfn_is_invalid(pt_find_l1(table[4], address)));
            }
            *slot_of(level, address) = (u64)FRAMES << PAGE_SHIFT | PTE_PRESENT;
            assert_true(mfn_is_invalid(pt_find_l1(table[4], address)));
            *slot_of(level, address) = PTE_ADDR | PTE_PRESENT;
            assert_true(mfn_is_invalid(pt_find_l1(table[4], address)));
        }
    }
}

static void slots_and_spans(void **state)
{
    (void)state;
    u64 address = 1ull << 39 | 2ull << 30 | 3ull << 21 | 4ull << 12 | 5;
    for (unsigned level = 1; level <= 4; level++) {
        assert_int_equal(pt_index(address, level), 5 - level);
        assert_int_equal(pt_index(~0ull, level), 511);
        assert_int_equal(pt_span(level), 1ull << (3 + 9 * level));
    }
    assert_int_equal(pte_frame(~0ull), 0xffffffffffull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_walk_ends_at_the_leaf, setup),
        cmocka_unit_test_setup(a_large_page_begins_at_a_multiple_of_its_size, setup),
        cmocka_unit_test_setup(a_right_needs_every_level, setup),
        cmocka_unit_test_setup(what_is_not_present_ends_the_walk, setup),
        cmocka_unit_test_setup(any_right_of_ept_is_present, setup),
        cmocka_unit_test_setup(a_table_that_is_no_memory_ends_the_walk, setup),
        cmocka_unit_test_setup(other_bits_change_nothing, setup),
        cmocka_unit_test_setup(a_table_that_leads_to_itself_is_walked_four_times, setup),
        cmocka_unit_test_setup(the_l1_table_of_an_address, setup),
        cmocka_unit_test_setup(slots_and_spans, setup),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
