/* SPDX-License-Identifier: MIT
 * XSA-401: when memory became a table, translations that could still write to it were flushed before the new type was
 * taken; who mapped it in between kept a way to write to a table. XSA-408: whether to flush was decided on the new type.
 * Tried: a page is mapped writable at a second place, written, unmapped there without a flush, and becomes a table of
 * each level or a GDT; the same in the middle of registering a tree. Then it is written at the second place. Right: that
 * faults, and the table is as it was. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "interrupt.h"

#define MICROSECOND 1000ull
#define ROUNDS      8u

static uint64_t *window, *page;
static struct tree tree;

/* The window leads to the page, is used, and leads there no more but in what the processor remembers. */
static long open_and_shut(const uint64_t *what)
{
    long answer = hypercall_update_va_mapping((uintptr_t)window, entry_make(what, ENTRY_RW | ENTRY_NX), UVMF_INVLPG);

    if (answer != 0)
        return answer;
    window[100] = 0;
    return hypercall_update_va_mapping((uintptr_t)window, 0, UVMF_NONE);
}

/* Both without a hypercall in between: only what the type's change flushed is flushed. */
static bool stays_shut(volatile uint64_t *table)
{
    bool written = try_write(&window[100], 0x1000);

    return !written && table[100] == 0;
}

static void becomes_table(unsigned int level)
{
    printf("level %u\n", level);
    report_quiet("read-only", page_readonly(page), 0);
    report_quiet("open and shut", open_and_shut(page), 0);
    report_answer("a table", table_pin(level, page), 0);
    report_true("refused: a store through what was shut", stays_shut(page));
    report_answer("no table", table_unregister(page), 0);
}

static void becomes_gdt(void)
{
    unsigned long frame = virt_to_frame(page);

    report_quiet("read-only", page_readonly(page), 0);
    report_quiet("open and shut", open_and_shut(page), 0);
    report_answer("a GDT", hypercall_set_gdt(&frame, TABLE_ENTRIES), 0);
    report_true("refused: a store through what was shut", stays_shut(page));
    report_answer("no GDT", hypercall_set_gdt(NULL, 0), 0);
    report_quiet("writable", page_writable(page), 0);
}

static long pin(void *root)
{
    return table_pin(4, root);
}

static void in_the_middle_of_it(void)
{
    open_and_shut(tree.full[tree.full_count - 1]); /* -XEN_EBUSY where it is a table already */
}

static void in_the_middle(void)
{
    unsigned int right = 0;

    tree_make_full(&tree, 32);
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
        tree.full[tree.full_count - 1][i] = 0;
    tree_readonly(&tree);
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct interruption how = {.meanwhile = in_the_middle_of_it, .times = 3};

        right += interrupted(pin, tree.table[4], (5 + 20 * round) * MICROSECOND, &how) == 0 &&
                 stays_shut(tree.full[tree.full_count - 1]);
        report_quiet("unpin", table_unpin(tree.table[4]), 0);
    }
    report_equal("in the middle of registering", right, ROUNDS);
    tree_free(&tree);
}

void guest_main(void)
{
    attempt_begin("xsa_401_408", "no way to write to a table is left over");
    if (!interrupt_init())
        return;
    window = page_alloc();
    page = page_alloc();
    for (unsigned int level = 1; level <= 4; level++)
        becomes_table(level);
    becomes_gdt();
    in_the_middle();
    report_answer("the window is memory again", page_writable(window), 0);
    page_free(page);
    page_free(window);
    attempt_end();
}
