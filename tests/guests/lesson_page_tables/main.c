/* SPDX-License-Identifier: MIT
 * lesson_page_tables: the program of docs/tutorial/02-page-tables.md. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"

/* The hypervisor changes what was written: the compiler must not answer from memory of its own. */
static uint64_t entry_now(const uint64_t *table, unsigned int index)
{
    return *(const volatile uint64_t *)&table[index];
}

static void show(const char *when, const uint64_t *table)
{
    uint64_t entry = entry_now(table, 0);

    printf("%s: entry 0 holds frame 0x%lx, flags 0x%lx\n", when, (entry & ENTRY_FRAME) >> 12, entry & 0xfff);
}

void guest_main(void)
{
    uint64_t *table = page_alloc(), *page = page_alloc();

    report_title("lesson_page_tables", "a page becomes a page table and is one no more");
    printf("in %s mode; the page is the guest's number 0x%lx\n", guest_mode(), virt_to_pfn(page));

    table[0] = entry_make(page, ENTRY_RW);
    show("written", table);
    report_answer("pin it while it is mapped writable", table_pin(1, table), -XEN_EINVAL);

    report_answer("map it read-only", page_readonly(table), 0);
    report_answer("pin it", table_pin(1, table), 0);
    show("a table", table);
    report_equal("the M2P leads back to the page", entry_pfn_registered(entry_now(table, 0)),
                 virt_to_pfn(page));

    report_answer("a second entry, by hypercall", entry_update(&table[1], entry_make(page, ENTRY_RO)), 0);
    report_answer("the table itself, writable", entry_update(&table[2], entry_make(table, ENTRY_RW)),
                  -XEN_EBUSY);

    report_answer("let stores to tables be carried out",
                  hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    *(volatile uint64_t *)&table[3] = entry_make(page, ENTRY_RO);
    report_equal("a third entry, by a store", entry_pfn_registered(entry_now(table, 3)), virt_to_pfn(page));

    report_answer("unpin it", table_unpin(table), 0);
    report_answer("map it writable", page_writable(table), 0);
    show("no table any more", table);
}
