/* SPDX-License-Identifier: MIT
 * XSA-242: a table that was locked for an update could lose its last use meanwhile; who unlocked it dropped the last count
 * without the work that belongs to it, and the frame kept entries that nobody accounted for.
 * Tried: updates of a table on both sides of the entry that takes it out of use, in one batch, in a batch of calls, and
 * with an unpin between. Right: the table is ordinary memory at once, its entries hold nothing any more. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

static struct tree tree;

static struct mmu_update store(const uint64_t *entry, uint64_t value)
{
    return (struct mmu_update){.ptr = entry_address(entry), .val = value};
}

/* tree.page was named writable by the L1: nothing else may hold it now, so it can become a table itself. */
static void holds_nothing(const char *what)
{
    report_answer(what, page_writable(tree.table[1]), 0);
    report_answer("what it named can become a table", table_register(1, tree.page), 0);
    report_answer("and memory again", table_unregister(tree.page), 0);
    tree.table[1][TREE_SLOT + 1] = tree.table[1][9] = 0;
    tree.table[1][TREE_SLOT] = entry_make(tree.page, ENTRY_RW | ENTRY_NX);
    report_quiet("read-only", page_readonly(tree.table[1]), 0);
    report_answer("back into use", entry_update(&tree.table[2][TREE_SLOT], entry_table(tree.table[1])), 0);
}

static void one_batch(void)
{
    uint64_t *l1 = tree.table[1];
    const struct mmu_update batch[] = {
        store(&l1[TREE_SLOT + 1], entry_make(tree.page, ENTRY_RW | ENTRY_NX)),
        store(&tree.table[2][TREE_SLOT], 0),
        store(&l1[TREE_SLOT + 1], 0x1230), /* a plain write by now */
    };
    unsigned int done = 0;

    report_answer("update, out of use, update", hypercall_mmu_update(batch, 3, &done, DOMID_SELF), 0);
    report_equal("all three", done, 3);
    report_equal("the last one is plain", l1[TREE_SLOT + 1], 0x1230);
    holds_nothing("the table is memory");
}

static void between_calls(void)
{
    struct mmu_update first = store(&tree.table[1][9], entry_make(tree.page, ENTRY_RW | ENTRY_NX));
    struct mmu_update last = store(&tree.table[2][TREE_SLOT], 0);
    struct mmuext_op unpin = {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = virt_to_frame(tree.table[1])};
    struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_mmu_update, .args = {HYPERCALL_PTR(&first), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_mmu_update, .args = {HYPERCALL_PTR(&last), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_mmuext_op, .args = {HYPERCALL_PTR(&unpin), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_mmu_update, .args = {HYPERCALL_PTR(&first), 1, 0, DOMID_SELF}},
    };

    report_quiet("pin the L1 too", table_pin(1, tree.table[1]), 0);
    report_answer("a batch of calls", hypercall_multicall(calls, 4), 0);
    for (unsigned int i = 0; i < 4; i++)
        report_quiet("its part", (long)calls[i].result, 0);
    report_true("the last one is plain, and stands", tree.table[1][9] != 0);
    holds_nothing("the table is memory");
}

void guest_main(void)
{
    attempt_begin("xsa_242", "the last use of a table goes between two updates of it");
    tree_make(&tree);
    page_readonly(tree.page);
    tree_readonly(&tree);
    report_answer("pin", table_pin(4, tree.table[4]), 0);
    one_batch();
    between_calls();
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    report_quiet("writable", page_writable(tree.page), 0);
    tree_free(&tree);
    attempt_end();
}
