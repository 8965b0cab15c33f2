/* SPDX-License-Identifier: MIT
 * XSA-148: when superpages for guests were added, PSE left the set of forbidden bits of L2 entries for everybody, and
 * the quick way for "only flags changed" looked at neither PSE nor RW. So an L2 entry that named an L1 table became, by
 * its flags alone, a writable window of 2 MiB over whatever lay there.
 * Tried: PSE in each way in which an L2 entry comes into being. Right: -EINVAL, and the entry is as it was. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

static void by_flags_alone(struct tree *tree)
{
    volatile uint64_t *entry = &tree->table[2][TREE_SLOT];
    uint64_t before = *entry, wanted = entry_table(tree->table[1]);

    report_answer("refused: PSE on a live entry", entry_update(entry, wanted | ENTRY_SUPERPAGE), -XEN_EINVAL);
    report_answer("refused: PSE without RW", entry_update(entry, (wanted | ENTRY_SUPERPAGE) & ~ENTRY_WRITE),
                  -XEN_EINVAL);
    report_answer("RW taken away", entry_update(entry, wanted & ~ENTRY_WRITE), 0);
    report_answer("refused: PSE and RW", entry_update(entry, wanted | ENTRY_SUPERPAGE), -XEN_EINVAL);
    report_answer("RW given back", entry_update(entry, wanted), 0);
    report_equal("the entry is as it was", *entry, before);
}

static void new_entries(struct tree *tree)
{
    uint64_t wanted = entry_make(tree->page, ENTRY_RO | ENTRY_USER | ENTRY_SUPERPAGE);

    report_answer("refused: PSE in an empty slot", entry_update(&tree->table[2][7], wanted), -XEN_EINVAL);
    report_answer("refused: PSE and RW in an empty slot", entry_update(&tree->table[2][7], wanted | ENTRY_WRITE),
                  -XEN_EINVAL);
    report_equal("the slot is empty", tree->table[2][7], 0);
    report_answer("refused: PSE at level 3", entry_update(&tree->table[3][7], wanted | ENTRY_WRITE), -XEN_EINVAL);
}

static void at_registration(void)
{
    uint64_t *table = page_alloc();

    table[9] = entry_make(table, ENTRY_TABLE | ENTRY_SUPERPAGE);
    report_answer("refused: pin a table that has PSE", table_register(2, table), -XEN_EINVAL);
    report_quiet("writable", page_writable(table), 0);
    report_equal("it is as it was", table[9], entry_make(table, ENTRY_TABLE | ENTRY_SUPERPAGE));
    page_free(table);
}

void guest_main(void)
{
    struct tree tree;

    attempt_begin("xsa_148", "an L2 entry becomes no superpage by its flags");
    tree_make(&tree);
    tree_readonly(&tree);
    report_answer("pin a tree", table_pin(4, tree.table[4]), 0);
    by_flags_alone(&tree);
    new_entries(&tree);
    report_answer("load it", root_load(tree.table[4]), 0);
    report_true("its page is there, and not the table's 2 MiB", try_write((void *)TREE_ADDRESS, 1));
    report_equal("the page has what was written", *(uint64_t *)tree.page, 1);
    report_answer("back", root_load(paging_boot_root()), 0);
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
    at_registration();
    attempt_end();
}
