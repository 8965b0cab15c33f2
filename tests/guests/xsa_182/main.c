/* SPDX-License-Identifier: MIT
 * XSA-182: a change of an entry above level 1 that left frame and presence alone was taken for harmless. So an entry that
 * named its own table, read-only as it must be, became writable by its flags: and with it all of the guest's tables.
 * Tried: tables of levels 2 to 4 that name themselves, read-only, then writable. Right: xen-lite takes no such entry at
 * all (-EINVAL); where read-only ones are taken, the writable one is refused with -EINVAL. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define SLOT 5u

/* Levels 2 to 4: the entry at SLOT names its own table. */
static void names_itself(uint64_t *table)
{
    uint64_t before = table[SLOT], readonly = entry_make(table, ENTRY_RO | ENTRY_USER);
    long answer = entry_update(&table[SLOT], readonly);

    report_answer("refused: read-only", answer, -XEN_EINVAL);
    report_answer("refused: then writable", entry_update(&table[SLOT], readonly | ENTRY_WRITE), -XEN_EINVAL);
    report_answer("refused: at once", entry_update(&table[SLOT], entry_table(table)), -XEN_EINVAL);
    report_answer("nothing is there", entry_update(&table[SLOT], 0), 0);
    report_equal("as before", table[SLOT], before);
}

/* The way that is allowed: RW above level 1 may change, and opens no table. */
static void flags_of_others(struct tree *tree)
{
    volatile uint64_t *l1 = (volatile uint64_t *)tree->table[1];
    uint64_t entry = entry_make(tree->table[1], ENTRY_RO);

    report_answer("an L1 entry that names the L1, read-only", entry_update(&tree->table[1][SLOT], entry), 0);
    report_answer("refused: writable by its flags", entry_update(&tree->table[1][SLOT], entry | ENTRY_WRITE),
                  -XEN_EBUSY);
    report_answer("load", root_load(tree->table[4]), 0);
    report_true("refused: a store through it, of a writable one",
                !try_write((uint64_t *)((TREE_ADDRESS & ~0x1ff000ul) | SLOT << 12) + 9, entry | ENTRY_WRITE));
    report_equal("the table is as it was", l1[9], 0);
    report_answer("back", root_load(paging_boot_root()), 0);
    report_answer("take it out", entry_update(&tree->table[1][SLOT], 0), 0);
}

void guest_main(void)
{
    struct tree tree;

    attempt_begin("xsa_182", "no table shows itself writable");
    tree_make(&tree);
    tree_readonly(&tree);
    report_answer("pin", table_pin(4, tree.table[4]), 0);
    for (unsigned int level = 2; level <= 4; level++) {
        printf("level %u\n", level);
        names_itself(tree.table[level]);
    }
    flags_of_others(&tree);
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
    attempt_end();
}
