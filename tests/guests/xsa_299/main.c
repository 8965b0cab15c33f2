/* SPDX-License-Identifier: MIT
 * XSA-299: a table whose validation was stopped in the middle was half valid. Another vcpu that pinned, linked or gave up
 * the same tables meanwhile took over that half-done work, and the books of who holds what went wrong: references
 * were lost, and a wrong entry once counted as checked.
 * Tried: vcpu 0 registers or links a large tree and is stopped in the middle; there vcpu 1 pins the same table, one below
 * it, links it elsewhere, or changes what is not reached yet; or vcpu 0 never goes on. Right: each answer is one that
 * some order of the two gives, a wrong entry never becomes valid, and afterwards all is ordinary memory. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "interrupt.h"
#include "second.h"

#define MICROSECOND 1000ull
#define ROUNDS      6u
#define WRONG       (1ul << 51) /* no frame has such a number */

static struct tree tree, live; /* live is pinned all the time */
static volatile long second_answer;
static bool spoilt;

/* --- what happens in the middle, on vcpu 1 ---------------------------------------------------------------------- */

static void pin_below(void)
{
    second_answer = table_pin(2, tree.table[2]);
    if (second_answer == 0)
        second_answer = table_unpin(tree.table[2]);
}

static void pin_the_same(void)
{
    second_answer = table_pin(4, tree.table[4]);
}

static void link_elsewhere(void)
{
    second_answer = entry_update(&live.table[2][9], entry_table(tree.full[0]));
    if (second_answer == 0)
        second_answer = entry_update(&live.table[2][9], 0);
}

/* The last table, if it can still be written, gets an entry that is wrong. */
static void spoil_the_last(void)
{
    uint64_t *last = tree.full[tree.full_count - 1];

    second_answer = page_writable(last);
    spoilt = second_answer == 0;
    if (!spoilt)
        return;
    last[511] |= WRONG;
    page_readonly(last);
}

static void (*story)(void);

static void on_second(void)
{
    second_order(story);
    second_done();
}

/* --- what is stopped -------------------------------------------------------------------------------------------- */

static long pin_root(void *root)
{
    return table_pin(4, root);
}

/* Under a live L4, and under a live L3. */
static long link_l3(void *unused)
{
    (void)unused;
    return entry_update(&live.table[4][9], entry_table(tree.table[3]));
}

static long link_l2(void *unused)
{
    (void)unused;
    return entry_update(&live.table[3][9], entry_table(tree.table[2]));
}

static void give_up(void)
{
    table_unpin(tree.table[4]);
    report_quiet("out of the live tree", entry_update(&live.table[4][9], 0), 0);
    report_quiet("out of the live tree", entry_update(&live.table[3][9], 0), 0);
}

/* Every table of the tree can be written: nothing holds it. */
static bool all_memory(void)
{
    bool right = page_writable(tree.table[1]) == 0 && page_writable(tree.table[2]) == 0 &&
                 page_writable(tree.table[3]) == 0 && page_writable(tree.table[4]) == 0;

    for (unsigned int i = 0; i < tree.full_count; i++)
        right &= page_writable(tree.full[i]) == 0;
    tree.full[tree.full_count - 1][511] &= ~WRONG;
    tree_readonly(&tree);
    return right;
}

static bool answers_fit(long answer)
{
    if (story == pin_the_same) /* one of the two comes first, whatever the other asks for */
        return second_answer == 0 ? answer == 0 || answer == -XEN_EINVAL : answer == 0;
    if (story == spoil_the_last)
        return (answer == 0) == !spoilt;
    return answer == 0 && second_answer == 0;
}

static void often(const char *what, long (*call)(void *), void (*meanwhile)(void))
{
    unsigned int fit = 0, clean = 0, inside = 0;

    story = meanwhile;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.meanwhile = on_second, .times = 1};
        long answer;

        second_answer = 0;
        spoilt = false;
        answer = interrupted(call, tree.table[4], (5 + 40 * round) * MICROSECOND, &how);
        fit += answers_fit(answer);
        inside += how.inside;
        give_up();
        clean += all_memory();
    }
    printf("%s\n", what);
    report_equal("answers that fit", fit, ROUNDS);
    report_equal("nothing stays in use", clean, ROUNDS);
    report_true("some were stopped in the middle", inside > 0);
}

/* What was begun is begun anew later, or never. */
static void abandoned(void)
{
    unsigned int right = 0;

    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.times = 1, .abandon = true};
        long answer = interrupted(pin_root, tree.table[4], (5 + 40 * round) * MICROSECOND, &how);

        if (answer == ABANDONED)
            answer = table_unpin(tree.table[4]) == -XEN_EINVAL ? table_pin(4, tree.table[4]) : -1;
        right += answer == 0 && table_unpin(tree.table[4]) == 0 && all_memory();
    }
    report_equal("abandoned, then done", right, ROUNDS);
}

void guest_main(void)
{
    attempt_begin("xsa_299", "half of a validation is none");
    if (!second_bring_up() || !interrupt_init())
        return;
    tree_make_full(&tree, 32);
    tree_readonly(&tree);
    tree_make(&live);
    tree_readonly(&live);
    report_answer("pin a tree", table_pin(4, live.table[4]), 0);
    often("a root, and a table below it", pin_root, pin_below);
    often("a root, and the same root", pin_root, pin_the_same);
    often("a root, and a table linked elsewhere", pin_root, link_elsewhere);
    often("a root, and a table that is spoilt", pin_root, spoil_the_last);
    often("an L4 entry, and a table below it", link_l3, pin_below);
    often("an L4 entry, and a table linked elsewhere", link_l3, link_elsewhere);
    often("an L3 entry, and a table below it", link_l2, pin_below);
    often("an L3 entry, and a table linked elsewhere", link_l2, link_elsewhere);
    abandoned();
    report_answer("vcpu 1 goes down", hypercall_vcpu_op(VCPUOP_down, 1, NULL), 0);
    report_quiet("unpin", table_unpin(live.table[4]), 0);
    tree_free(&live);
    tree_free(&tree);
    attempt_end();
}
