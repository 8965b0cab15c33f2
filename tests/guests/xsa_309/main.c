/* SPDX-License-Identifier: MIT
 * XSA-309: a validation that was stopped and went on began to count anew how often a table names tables of its own
 * level; so a chain could be made that the count was there to prevent.
 * Tried: a large tree whose L3 names itself in its last slot, read-only, registered while a timer stops it again and
 * again; and one whose L2 does. Right: xen-lite takes no such entry, however often it is stopped: -EINVAL. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "interrupt.h"

#define MICROSECOND 1000ull
#define ROUNDS      8u

static struct tree tree;

static long pin(void *root)
{
    return table_pin(4, root);
}

static void with_level(unsigned int level, const char *what)
{
    unsigned int right = 0, inside = 0;

    report_quiet("writable", page_writable(tree.table[level]), 0);
    tree.table[level][511] = entry_make(tree.table[level], ENTRY_RO | ENTRY_USER);
    report_quiet("read-only", page_readonly(tree.table[level]), 0);
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.times = 100};

        right += interrupted(pin, tree.table[4], (5 + 10 * round) * MICROSECOND, &how) == -XEN_EINVAL;
        inside += how.inside;
    }
    report_equal(what, right, ROUNDS);
    report_true("some were stopped in the middle", inside > 0);
    report_answer("it is memory", page_writable(tree.table[level]), 0);
    tree.table[level][511] = 0;
    report_quiet("read-only", page_readonly(tree.table[level]), 0);
}

void guest_main(void)
{
    attempt_begin("xsa_309", "stopped or not, no table names itself");
    if (!interrupt_init())
        return;
    tree_make_full(&tree, 32);
    tree_readonly(&tree);
    with_level(3, "refused: the L3 names itself");
    with_level(2, "refused: the L2 names itself");
    report_answer("without, it is taken", table_pin(4, tree.table[4]), 0);
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
    attempt_end();
}
