/* SPDX-License-Identifier: MIT
 * rewrite_table: the heart of rewrite mode, seen from the guest. A table is filled with the guest's own frame
 * numbers and registered: now its entries name machine frames, and the M2P leads each of them back to the
 * guest's page. Unregistered, it holds the guest's numbers again. A registration that fails, however late,
 * leaves the page byte for byte as it was. In direct mode there is nothing to rewrite: skipped. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"

#define SHOWN 4u

static uint64_t *table, *copy;
static uint8_t *pages[SHOWN];

/* 512 entries: pages of the guest with all sorts of flags, every seventh not present and full of other bits.
 */
static void fill(uint64_t *entries)
{
    static const uint64_t flags[] = {ENTRY_RO, ENTRY_RW, ENTRY_RW | ENTRY_NX, ENTRY_PRESENT | ENTRY_USER};

    for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
        entries[i] =
            i % 7 == 6 ? 0x5aa5000000000000ul + i * 2 : entry_make(pages[i % SHOWN], flags[i / SHOWN % 4]);
    memcpy(copy, entries, PAGE_SIZE);
}

static unsigned long entry_number(uint64_t entry)
{
    return (entry & ENTRY_FRAME) >> 12;
}

/* What a registered table must look like: counts the entries that do not. */
static unsigned int registered_wrong(void)
{
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
        if ((copy[i] & ENTRY_PRESENT) == 0)
            wrong += table[i] != copy[i];
        else
            wrong += entry_pfn_registered(table[i]) != entry_number(copy[i]) ||
                     ((table[i] ^ copy[i]) & (ENTRY_WRITE | ENTRY_NX | ENTRY_PRESENT)) != 0;
    }
    return wrong;
}

static void registered_and_back(void)
{
    unsigned int moved = 0, back = 0;

    fill(table);
    report_equal("before: entries hold the guest's own numbers", entry_number(table[0]),
                 virt_to_pfn(pages[0]));
    report_answer("read-only", page_readonly(table), 0);
    report_equal("read-only is not registered: byte for byte as it was",
                 (unsigned long)memcmp(table, copy, PAGE_SIZE), 0);
    report_answer("pin it as an L1", table_pin(1, table), 0);
    for (unsigned int i = 0; i < SHOWN; i++)
        printf("  entry %u: was page %lu, holds machine frame 0x%lx, which is page %lu\n", i,
               entry_number(copy[i]), entry_number(table[i]), entry_pfn_registered(table[i]));
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
        moved += (table[i] & ENTRY_PRESENT) != 0 && entry_number(table[i]) != entry_number(copy[i]);
    report_true("registered: entries hold other numbers than before", moved > 0);
    report_equal("registered: entries that do not lead back to the guest's page", registered_wrong(), 0);
    report_answer("unpin it", table_unpin(table), 0);
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
        back += entry_number(table[i]) == entry_number(copy[i]);
    report_equal("unregistered: entries that hold the guest's number again", back, TABLE_ENTRIES);
    report_answer("writable", page_writable(table), 0);
}

/* Each try has one bad entry, further and further down. */
static void failed_leaves_no_trace(const char *what, uint64_t bad)
{
    unsigned int changed = 0, accepted = 0;

    for (unsigned int at = 0; at < TABLE_ENTRIES; at += 73) {
        fill(table);
        table[at] = bad;
        memcpy(copy, table, PAGE_SIZE);
        report_quiet("read-only", page_readonly(table), 0);
        accepted += table_pin(1, table) == 0;
        changed += memcmp(table, copy, PAGE_SIZE) != 0;
        report_quiet("writable", page_writable(table), 0);
    }
    printf("%s:\n", what);
    report_equal("  registrations that were not refused", accepted, 0);
    report_equal("  pages that are not byte for byte as they were", changed, 0);
}

/* An L2 whose last entry is bad has had good L1s registered on the way: they too are as they were. */
static void failed_tree_leaves_no_trace(void)
{
    uint64_t *l2 = page_alloc(), *l2_copy = page_alloc();

    fill(table);
    l2[0] = entry_make(table, ENTRY_TABLE);
    l2[511] = entry_make(pages[0], ENTRY_TABLE | ENTRY_SUPERPAGE);
    memcpy(l2_copy, l2, PAGE_SIZE);
    report_quiet("read-only", page_readonly(table), 0);
    report_quiet("read-only", page_readonly(l2), 0);
    report_answer("refused: an L2 with a good L1 first and a superpage last", table_pin(2, l2), -XEN_EINVAL);
    report_equal("the L2 is byte for byte as it was", (unsigned long)memcmp(l2, l2_copy, PAGE_SIZE), 0);
    report_equal("the L1 is byte for byte as it was", (unsigned long)memcmp(table, copy, PAGE_SIZE), 0);
    report_quiet("writable", page_writable(l2), 0);
    report_quiet("writable", page_writable(table), 0);
}

void guest_main(void)
{
    report_title("rewrite_table",
                 "registered entries hold machine frames, unregistered ones the guest's own numbers");
    if (!guest_is_rewrite()) {
        report_skip("this domain runs in direct mode");
        return;
    }
    table = page_alloc();
    copy = page_alloc();
    for (unsigned int i = 0; i < SHOWN; i++)
        pages[i] = page_alloc();
    registered_and_back();
    failed_leaves_no_trace("a frame that the guest does not have", 0xfffffffff0ul << 12 | ENTRY_RW);
    failed_leaves_no_trace("a frame behind its memory and shared_info",
                           (guest_start_info->nr_pages + 16) << 12 | ENTRY_RW);
    failed_leaves_no_trace("a live table, writable", entry_make(paging_boot_root(), ENTRY_RW));
    failed_leaves_no_trace("its own table, writable", entry_make(table, ENTRY_RW));
    failed_tree_leaves_no_trace();
}
