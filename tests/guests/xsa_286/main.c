/* SPDX-License-Identifier: MIT
 * XSA-286: the hypervisor found the L1 entry of an address through a window in which all tables of the running address
 * space show. After a change above level 1 the window could still show the old table, and the next update went there:
 * into a page that was no table any more, or not of this address.
 * Tried: one batch of calls that updates an address, puts another table in the way at level 2, 3 or 4, and updates the
 * address again. Right: the first goes to the old table, the second to the new one. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

/* The second way down to the same address: tables of every level below the root. */
static struct tree tree, other;

static void prepare(struct tree *t)
{
    tree_make(t);
    tree_readonly(t);
    report_quiet("pin", table_pin(4, t->table[4]), 0);
}

/* The entry at that level is turned from tree's way to other's. */
static void turned_at(unsigned int level)
{
    uint64_t *slot = &tree.table[level][TREE_SLOT];
    struct mmu_update turn = {.ptr = entry_address(slot), .val = entry_table(other.table[level - 1])};
    uint64_t first = entry_make(tree.page, ENTRY_RO), second = entry_make(other.page, ENTRY_RO);
    struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_update_va_mapping, .args = {TREE_ADDRESS, first, UVMF_NONE}},
        {.op = __HYPERVISOR_mmu_update, .args = {HYPERCALL_PTR(&turn), 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_update_va_mapping, .args = {TREE_ADDRESS, second, UVMF_NONE}},
    };

    printf("level %u\n", level);
    report_answer("a batch", hypercall_multicall(calls, 3), 0);
    for (unsigned int i = 0; i < 3; i++)
        report_answer("its part", (long)calls[i].result, 0);
    /* Out of use it is no table, and holds the guest's own numbers again. */
    report_equal("the old table names its page", entry_pfn_plain(tree.table[1][TREE_SLOT]), virt_to_pfn(tree.page));
    report_equal("read-only", tree.table[1][TREE_SLOT] & ENTRY_WRITE, 0);
    report_equal("the new one the other", entry_pfn_registered(other.table[1][TREE_SLOT]), virt_to_pfn(other.page));
    report_equal("read-only", other.table[1][TREE_SLOT] & ENTRY_WRITE, 0);
    report_answer("flush", paging_flush(), 0);
    report_equal("the address leads there", *(volatile uint64_t *)TREE_ADDRESS, 0x2222);
    report_answer("turned back", entry_update(slot, entry_table(tree.table[level - 1])), 0);
    report_answer("as before", entry_update(&other.table[1][TREE_SLOT], entry_make(other.page, ENTRY_RW)), 0);
    report_answer("flush", paging_flush(), 0);
    report_equal("it leads back", *(volatile uint64_t *)TREE_ADDRESS, 0x1111);
}

void guest_main(void)
{
    attempt_begin("xsa_286", "an update finds the table of this moment");
    prepare(&tree);
    prepare(&other);
    *(uint64_t *)tree.page = 0x1111;
    *(uint64_t *)other.page = 0x2222;
    report_answer("load", root_load(tree.table[4]), 0);
    for (unsigned int level = 2; level <= 4; level++)
        turned_at(level);
    report_answer("back", root_load(paging_boot_root()), 0);
    report_quiet("unpin", table_unpin(tree.table[4]), 0);
    report_quiet("unpin", table_unpin(other.table[4]), 0);
    tree_free(&tree);
    tree_free(&other);
    attempt_end();
}
