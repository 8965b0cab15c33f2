/* SPDX-License-Identifier: MIT
 * XSA-310: a validation that was stopped before its first entry, or while another one was stopped, forgot that it had
 * begun; and a domain that ended there was torn down in the wrong order.
 * Tried: registering a large tree is stopped; in the middle a second tree is registered and given up, also by the other
 * vcpu; and at last the domain ends in the middle. Right: every answer as if nothing had been stopped; when the domain is
 * gone all its frames have come back, which the neighbour sees. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "interrupt.h"
#include "second.h"

#define MICROSECOND 1000ull
#define ROUNDS      10u

static struct tree first, second;
static volatile unsigned int right;

static long pin(void *root)
{
    return table_pin(4, root);
}

static void pin_another(void)
{
    right += table_pin(4, second.table[4]) == 0 && table_unpin(second.table[4]) == 0;
}

static void both_pin_another(void)
{
    second_order(pin_another);
    second_done();
    pin_another();
}

/* Here the domain ends: the call that was stopped never goes on, and vcpu 1 is in the middle of something too. */
static void end(void)
{
    second_order(pin_another);
    second_yield();
    report_finish();
}

static void stopped(const char *what, void (*meanwhile)(void), unsigned int each)
{
    unsigned int answers = 0, inside = 0;

    right = 0;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.meanwhile = meanwhile, .times = 2};

        answers += interrupted(pin, first.table[4], (2 + 15 * round) * MICROSECOND, &how) == 0 &&
                   table_unpin(first.table[4]) == 0;
        inside += how.inside;
    }
    report_equal(what, answers, ROUNDS);
    report_true("in the middle, the other", inside > 0 && right > 0 && right % each == 0);
}

void guest_main(void)
{
    struct interruption how = {.meanwhile = end, .times = 1};

    attempt_begin("xsa_310", "stopped within what is stopped, and the end in the middle");
    if (!second_bring_up() || !interrupt_init())
        return;
    tree_make_full(&first, 40);
    tree_make_full(&second, 40);
    tree_readonly(&first);
    tree_readonly(&second);
    stopped("one tree", pin_another, 1);
    stopped("one tree, two vcpus", both_pin_another, 2);
    tree_free(&first);
    tree_make_full(&first, 40);
    tree_readonly(&first);
    attempt_end();
    printf("the end in the middle\n");
    for (unsigned int round = 0; round < 50; round++) {
        interrupted(pin, first.table[4], (10 + 5 * round) * MICROSECOND, &how);
        table_unpin(first.table[4]);
    }
    report_error("it was never stopped in the middle");
}
