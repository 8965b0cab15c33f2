/* SPDX-License-Identifier: MIT
 * XSA-290: tables that are named many times over made giving up a root a matter of 512^3 entries, and on the way no one
 * asked who else waits.
 * Tried: one L1 table in all 512 slots of one L2, that in all 512 of one L3, that in half of a root: 2^35 ways to one
 * page. Registered, stopped in the middle, given up, replaced. Right: the work is that of four tables, and nothing stays
 * in use. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "interrupt.h"

#define MICROSECOND 1000ull
#define ROUNDS      10u

static struct tree tree;

static long pin_and_unpin(void *root)
{
    long answer = table_pin(4, root);

    return answer != 0 ? answer : table_unpin(root);
}

static long load_and_leave(void *root)
{
    long answer = root_load(root);

    return answer != 0 ? answer : root_load(paging_boot_root());
}

static void all_slots(void)
{
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
        tree.table[1][i] = entry_make(tree.page, ENTRY_RO);
        tree.table[2][i] = entry_table(tree.table[1]);
        tree.table[3][i] = entry_table(tree.table[2]);
        if (i < 256)
            tree.table[4][i] = entry_table(tree.table[3]);
    }
}

static void often(const char *what, long (*call)(void *))
{
    unsigned int right = 0;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        struct interruption how = {.times = 20};

        right += interrupted(call, tree.table[4], (1 + 3 * i) * MICROSECOND, &how) == 0;
    }
    report_equal(what, right, ROUNDS);
}

void guest_main(void)
{
    attempt_begin("xsa_290", "tables that are named many times over");
    if (!interrupt_init())
        return;
    tree_make(&tree);
    all_slots();
    tree_readonly(&tree);
    often("registered and given up", pin_and_unpin);
    often("loaded and left", load_and_leave);
    report_answer("the L3 registered by itself", table_pin(3, tree.table[3]), 0);
    often("registered and given up, its L3 stays", pin_and_unpin);
    report_answer("refused: the L1 is in use", page_writable(tree.table[1]), -XEN_EBUSY);
    report_answer("the L3 given up", table_unpin(tree.table[3]), 0);
    tree_free(&tree);
    attempt_end();
}
