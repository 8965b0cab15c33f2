/* SPDX-License-Identifier: MIT
 * batch_unlink: a table that an entry of a batch takes out of use is an ordinary page for the entries behind it: it can
 * be mapped writable, and become a table of another level. What stands before stays refused, and the count says how
 * far it came. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

#define AT 0x10000000000ul /* L4 slot 2 */

static uint64_t *table[4], *data; /* by level: [1] to [3] */
static uint64_t *root;

/* The entry that maps a page of the image at its own address. */
static uint64_t *own_entry(const void *page)
{
    uint64_t *walk = root;

    for (unsigned int level = 4; level > 1; level--)
        walk = pfn_to_virt(entry_pfn_registered(walk[table_index((uintptr_t)page, level)]));
    return &walk[table_index((uintptr_t)page, 1)];
}

static struct mmu_update store(const uint64_t *entry, uint64_t value)
{
    return (struct mmu_update){.ptr = entry_address(entry), .val = value};
}
static struct mmu_update writable(const void *page)
{
    return store(own_entry(page), entry_make(page, ENTRY_RW | ENTRY_NX));
}

static void batch(const char *what, const struct mmu_update *updates, unsigned int count, long answer, unsigned int done)
{
    unsigned int saw = 99;

    report_answer(what, hypercall_mmu_update(updates, count, &saw, DOMID_SELF), answer);
    report_quiet("done", saw, done);
}

/* L4[2] -> L3[0] -> L2[0] -> L1[0] -> data, all read-only. */
static void link_all(void)
{
    table[1][0] = entry_make(data, ENTRY_RW);
    table[2][0] = entry_make(table[1], ENTRY_TABLE);
    table[3][0] = entry_make(table[2], ENTRY_TABLE);
    for (unsigned int level = 1; level <= 3; level++)
        report_quiet("read-only", page_readonly(table[level]), 0);
    report_quiet("link", entry_update(&root[table_index(AT, 4)], entry_make(table[3], ENTRY_TABLE)), 0);
    report_equal("data is seen through them", *(volatile uint64_t *)AT, *data);
}

static void is_ordinary(const char *what, uint64_t *page, const void *names)
{
    report_equal(what, entry_pfn_plain(page[0]), virt_to_pfn(names));
    page[1] = 0x1234; /* ends the guest where it is not writable */
    page[1] = 0;
}

static void too_early(void)
{
    const struct mmu_update updates[] = {writable(table[1]), store(&table[2][0], 0)};

    batch("refused: writable, and only then out of use", updates, 2, -XEN_EBUSY, 0);
    report_equal("the table is still linked", entry_pfn_registered(table[2][0]), virt_to_pfn(table[1]));
}

static void lowest_table(void)
{
    const struct mmu_update updates[] = {store(&table[2][0], 0), writable(table[1])};

    batch("L1 out of use and writable, in one batch", updates, 2, 0, 2);
    is_ordinary("its entry names data in the guest's form", table[1], data);
    report_equal("L2 has no entry", table[2][0], 0);
}

static void whole_tree(void)
{
    const struct mmu_update updates[] = {store(&root[table_index(AT, 4)], 0), writable(table[3]), writable(table[2]),
                                         writable(table[1])};

    batch("three tables out of use and writable, in one batch", updates, 4, 0, 4);
    is_ordinary("L1's entry", table[1], data);
    is_ordinary("L2's entry", table[2], table[1]);
    is_ordinary("L3's entry", table[3], table[2]);
}

/* What does not go away: the L1 has another use. */
static void second_use(void)
{
    const struct mmu_update updates[] = {store(&table[2][0], 0), writable(table[1]), store(&table[2][5], 0)};

    report_quiet("a second entry", entry_update(&table[2][5], entry_make(table[1], ENTRY_TABLE)), 0);
    batch("refused: one of two uses taken away", updates, 3, -XEN_EBUSY, 1);
    report_quiet("the other", entry_update(&table[2][5], 0), 0);
    report_quiet("writable", page_writable(table[1]), 0);
    is_ordinary("without both, its entry", table[1], data);
}

/* An L1 that goes out of use and is an L2 at once: its one entry has to go first, as data is no table. */
static void another_level(void)
{
    const struct mmu_update updates[] = {store(&table[1][0], 0), store(&table[2][0], 0),
                                         store(&table[3][1], entry_make(table[1], ENTRY_TABLE)), store(&table[3][1], 0),
                                         writable(table[1])};

    batch("L1 out of use, an L2, out of use, writable, in one batch", updates, 5, 0, 5);
    table[1][1] = 0x1234;
    table[1][1] = 0;
}

/* The same over hypercalls: of one multicall, and one after the other. */
static void over_hypercalls(void)
{
    struct mmu_update unlink = store(&table[2][0], 0);
    struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_mmu_update, .args = {HYPERCALL_PTR(&unlink), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_update_va_mapping,
         .args = {(uintptr_t)table[1], entry_make(table[1], ENTRY_RW | ENTRY_NX), UVMF_INVLPG}},
    };

    report_answer("multicall", hypercall_multicall(calls, 2), 0);
    report_answer("out of use", (long)calls[0].result, 0);
    report_answer("writable", (long)calls[1].result, 0);
    is_ordinary("its entry", table[1], data);
}

static void all_writable_again(void)
{
    report_quiet("unlink", entry_update(&root[table_index(AT, 4)], 0), 0);
    for (unsigned int level = 1; level <= 3; level++)
        report_quiet("writable", page_writable(table[level]), 0);
}

void guest_main(void)
{
    static void (*const stories[])(void) = {too_early, lowest_table, whole_tree, second_use, another_level, over_hypercalls};

    report_title("batch_unlink", "what an entry of a batch gives up, the next may use");
    root = paging_boot_root();
    data = page_alloc();
    *data = 0x1dea;
    for (unsigned int level = 1; level <= 3; level++)
        table[level] = page_alloc();
    for (unsigned int i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        link_all();
        stories[i]();
        all_writable_again();
    }
}
