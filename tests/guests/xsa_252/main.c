/* SPDX-License-Identifier: MIT
 * XSA-252: giving a frame back to the hypervisor also took its pin away, and so tore a whole tree down in one go, with
 * nobody else getting a turn.
 * Tried: a registered root and its tables are given back. Right: the request is taken, but the pin stays, the tables
 * stay tables, and the domain is charged for them until it unpins them. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

static struct tree tree;

/* Out of the guest's map before, so that nothing but the table's use holds it. */
static void give(unsigned int level)
{
    xen_pfn_t frame = virt_to_frame(tree.table[level]);

    report_answer("given back: taken", reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF), 1);
}

static void still_tables(void)
{
    struct mmu_update request = {.ptr = entry_address(&tree.table[1][7]), .val = entry_make(tree.page, ENTRY_RO)};

    report_answer("an entry is updated", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), 0);
    request.val = entry_make(tree.table[1], ENTRY_RW);
    report_answer("refused: one that is not allowed", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), -XEN_EBUSY);
    report_answer("the root can be loaded", root_load(tree.table[4]), 0);
    report_equal("and leads to the page", *(volatile uint64_t *)TREE_ADDRESS, 0x99);
    report_answer("back", root_load(paging_boot_root()), 0);
}

/* Direct mode: a frame keeps its number as long as it is there. */
static void by_number(long had)
{
    report_answer("refused: the root, writable", page_writable(tree.table[4]), -XEN_EBUSY);
    still_tables();
    report_answer("refused: pin it twice", table_pin(4, tree.table[4]), -XEN_EINVAL);
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    report_equal("while it is mapped, it is charged", (unsigned long)(had - reservation_now()), 0);
    report_answer("out of the map", hypercall_update_va_mapping((uintptr_t)tree.table[4], 0, UVMF_INVLPG), 0);
    report_equal("now it is gone", (unsigned long)(had - reservation_now()), 1);
    report_answer("refused: pin what is gone", table_pin(4, tree.table[4]), -XEN_EINVAL);
    report_answer("another comes", page_take(tree.table[4]), 0);
    tree_free(&tree);
    attempt_end();
}

/* Rewrite mode: what is given back has no number any more, so it stays a table, and charged, until the domain ends. */
static void without_number(long had)
{
    report_answer("refused: unpin it", table_unpin(tree.table[4]), -XEN_EINVAL);
    report_answer("refused: pin it", table_pin(4, tree.table[4]), -XEN_EINVAL);
    report_answer("refused: load it", root_load(tree.table[4]), -XEN_EINVAL);
    report_answer("refused: map it", page_writable(tree.table[4]), -XEN_EPERM);
    report_answer("refused: give it back twice", page_give(tree.table[4]), -XEN_EBUSY);
    report_equal("it is charged", (unsigned long)(had - reservation_now()), 0);
    report_answer("the tables below are tables", page_writable(tree.table[3]), -XEN_EBUSY);
}

void guest_main(void)
{
    long had;

    attempt_begin("xsa_252", "a table that is given back stays one until it is unpinned");
    tree_make(&tree);
    *(uint64_t *)tree.page = 0x99;
    tree_readonly(&tree);
    report_answer("pin", table_pin(4, tree.table[4]), 0);
    had = reservation_now();
    give(4);
    report_equal("it is charged for the root", (unsigned long)(had - reservation_now()), 0);
    if (guest_is_rewrite())
        without_number(had);
    else
        by_number(had);
}
