/* SPDX-License-Identifier: MIT
 * XSA-273: some processors look at the frame of an entry that is not present before they notice, and leave traces of
 * what the cache holds of it. (The processors that are emulated here do not.)
 * Tried: entries that are not present and name frames that are not the guest's. Right: they stand as they were written
 * and lead nowhere; to make one present is checked like a new one. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

static struct tree tree;

static void reads(void *at)
{
    (void)*(volatile uint64_t *)at;
}

static void not_present(unsigned int level, uint64_t entry, uint64_t address)
{
    volatile uint64_t *slot = &tree.table[level][TREE_SLOT + 1];
    struct fault fault;

    report_answer("not present: taken as it is", entry_update(slot, entry), 0);
    report_equal("it stands there", *slot, entry);
    fault = fault_caught(reads, (void *)address);
    report_equal("a read ends in a page fault", fault.vector, TRAP_PF);
    report_equal("of something not present", fault.error & 1, 0);
}

void guest_main(void)
{
    unsigned long foreign;
    uint64_t entry;

    attempt_begin("xsa_273", "entries that are not present lead nowhere");
    foreign = frame_foreign();
    tree_make(&tree);
    tree_readonly(&tree);
    report_answer("pin", table_pin(4, tree.table[4]), 0);
    report_answer("load", root_load(tree.table[4]), 0);
    for (unsigned int level = 1; level <= 4; level++) {
        entry = foreign << 12 | ENTRY_WRITE | ENTRY_USER | ENTRY_NX;
        not_present(level, entry, TREE_ADDRESS + (1ul << (12 + 9 * (level - 1))));
        not_present(level, NO_FRAME << 12 | ENTRY_SUPERPAGE, TREE_ADDRESS + (1ul << (12 + 9 * (level - 1))));
        report_true("refused: present",
                    entry_update(&tree.table[level][TREE_SLOT + 1], entry | ENTRY_PRESENT) < 0);
        report_answer("empty", entry_update(&tree.table[level][TREE_SLOT + 1], 0), 0);
    }
    report_answer("back", root_load(paging_boot_root()), 0);
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
    attempt_end();
}
