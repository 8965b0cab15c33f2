/* SPDX-License-Identifier: MIT
 * XSA-264: loops that wait for another processor's work on a table asked nobody whether the processor was wanted
 * elsewhere; two vcpus at the same table could hold it for ever.
 * Tried: both vcpus register, change and give up the same tree, as fast as they can, while a timer stops them in the
 * middle. Right: each answer is one of two, as many pins as unpins succeed, both come to an end. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "interrupt.h"
#include "second.h"

#define ROUNDS      40u
#define MICROSECOND 1000ull

static struct tree tree;
static volatile unsigned int pins, unpins, strange;

static long pin_once(void *root)
{
    return table_pin(4, root);
}

static long unpin_once(void *root)
{
    return table_unpin(root);
}

static void counted(long answer, volatile unsigned int *good)
{
    if (answer == 0)
        ++*good;
    else if (answer != -XEN_EINVAL)
        ++strange;
}

/* On vcpu 1, which nobody stops but the end of its slice. */
static void contend(void)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        counted(table_pin(4, tree.table[4]), &pins);
        if (entry_update(&tree.table[3][7], 0) != 0)
            strange++;
        counted(table_unpin(tree.table[4]), &unpins);
        second_yield();
    }
}

void guest_main(void)
{
    struct interruption how;

    attempt_begin("xsa_264", "two vcpus at the same tables");
    if (!second_bring_up() || !interrupt_init())
        return;
    tree_make_full(&tree, 16);
    tree_readonly(&tree);
    second_order(contend);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        how = (struct interruption){.meanwhile = second_yield, .times = 4};
        counted(interrupted(pin_once, tree.table[4], 10 * i * MICROSECOND, &how), &pins);
        how = (struct interruption){.meanwhile = second_yield, .times = 4};
        counted(interrupted(unpin_once, tree.table[4], 10 * i * MICROSECOND, &how), &unpins);
    }
    report_true("vcpu 1 comes to its end", second_done());
    if (pins > unpins)
        counted(table_unpin(tree.table[4]), &unpins);
    report_true("some succeed", pins > ROUNDS);
    report_equal("as many unpins as pins", unpins, pins);
    report_equal("no other answers", strange, 0);
    report_answer("vcpu 1 goes down", hypercall_vcpu_op(VCPUOP_down, 1, NULL), 0);
    tree_free(&tree);
    attempt_end();
}
