/* SPDX-License-Identifier: MIT
 * XSA-45: registering, giving up or replacing a root walked up to 512^3 entries without a look at who else waits.
 * XSA-58: stopped in the middle of a tree with a wrong entry deep inside, the cleanup handed a table on and gave its
 * reference back as well; and the look at who waits came before the first entry, so that a guest with an event always
 * pending never came forward.
 * Tried: a tree of 64 full tables, right and wrong, registered and given up while a timer fires again and again. Right:
 * each call comes to its end and answers as if it had not been stopped; nothing stays in use. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "interrupt.h"

#define MICROSECOND 1000ull
#define ROUNDS      8u
#define STOPS       2000u /* far more than there are steps: without progress no call would end */

static struct tree tree;
static unsigned int stopped;

static long pin(void *root)
{
    return table_pin(4, root);
}

static long unpin(void *root)
{
    return table_unpin(root);
}

static long load(void *root)
{
    return root_load(root);
}

static void often(const char *what, long (*call)(void *), void *argument, long expected)
{
    unsigned int right = 0;

    stopped = 0;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.times = STOPS};

        right += interrupted(call, argument, (5 + 20 * round) * MICROSECOND, &how) == expected;
        stopped += how.inside;
        if (call == pin && expected == 0 && round + 1 < ROUNDS)
            report_quiet("unpin", table_unpin(argument), 0);
        if (call == unpin && round + 1 < ROUNDS)
            report_quiet("pin", table_pin(4, argument), 0);
    }
    report_equal(what, right, ROUNDS);
}

/* The last entry of the last table. What comes before it is right, and is taken and given back each time. */
static void wrong_deep_inside(void)
{
    uint64_t *last = tree.full[tree.full_count - 1];

    report_quiet("writable", page_writable(last), 0);
    last[511] = entry_make(tree.page, ENTRY_RO | 1ul << 51); /* no frame has such a number */
    report_quiet("read-only", page_readonly(last), 0);
    often("refused: pin it with an entry that is wrong", pin, tree.table[4], -XEN_EPERM);
    report_true("stopped in the middle", stopped > ROUNDS);
    for (unsigned int i = 0; i < tree.full_count; i++)
        report_quiet("no table is in use", page_writable(tree.full[i]), 0);
    last[511] = entry_make(tree.page, ENTRY_RO);
    for (unsigned int i = 0; i < tree.full_count; i++)
        report_quiet("read-only", page_readonly(tree.full[i]), 0);
}

void guest_main(void)
{
    attempt_begin("xsa_45_58", "long work on page tables, stopped all the time");
    if (!interrupt_init())
        return;
    tree_make_full(&tree, 64);
    tree_readonly(&tree);
    wrong_deep_inside();
    often("pin it", pin, tree.table[4], 0);
    report_true("stopped in the middle", stopped > ROUNDS);
    often("unpin it", unpin, tree.table[4], 0);
    stopped = 0;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.times = STOPS};

        report_quiet("load", interrupted(load, tree.table[4], 10 * MICROSECOND, &how), 0);
        stopped += how.inside;
        report_quiet("load another", interrupted(load, paging_boot_root(), 10 * MICROSECOND, &how), 0);
    }
    report_true("a new root was stopped in the middle too", stopped > 0);
    tree_free(&tree);
    attempt_end();
}
