/* SPDX-License-Identifier: MIT
 * XSA-234: an unmap looked only whether the entry names the grant's frame, not whether with the grant's rights: a guest put the
 * entry of a read-only map where the writable one had been, and gave back a right to write that was still in use.
 * Tried: the writable map's entry made read-only, not present, and another page's, then the unmap. Right:
 * GNTST_general_error, and the page cannot become a table. */
#include "lending.h"
#include "guest/guest.h"

static uint8_t *page, *window;
static grant_handle_t handle;

static uint64_t entry_of_window(void)
{
    const uint64_t *table = paging_boot_root();

    for (unsigned int level = 4; level > 1; level--)
        table = pfn_to_virt(entry_pfn_registered(table[table_index((uintptr_t)window, level)]));
    return table[table_index((uintptr_t)window, 1)];
}

static void tries(const char *what, uint64_t entry)
{
    report_answer(what, hypercall_update_va_mapping((uintptr_t)window, entry, UVMF_INVLPG), 0);
    report_answer("refused: its unmap", grant_unmap(handle, window), GNTST_general_error);
    report_true("the granter sees that it is in use", !grant_end_access(REF));
}

void guest_main(void)
{
    uint64_t *other = page_alloc();
    grant_handle_t reading;

    attempt_begin("xsa_234", "an unmap of an entry with other rights");
    if (!lending_begin())
        return;
    page = page_alloc();
    window = page_alloc();
    report_quiet("read-only", page_readonly(page), 0);
    grant_access(REF, own_number, page, false);
    report_answer("a writable map", grant_map(own_number, REF, window, 0, &handle), GNTST_okay);
    report_true("it is in its entry", (entry_of_window() & (ENTRY_PRESENT | ENTRY_WRITE)) == (ENTRY_PRESENT | ENTRY_WRITE));
    report_answer("a read-only map", grant_map(own_number, REF, other, GNTMAP_readonly, &reading), GNTST_okay);
    report_answer("refused: a table, while it can be written", lending_pins(page), -XEN_EINVAL);
    tries("the page itself, read-only, in its place", entry_make(page, ENTRY_RO | ENTRY_NX));
    tries("nothing in its place", 0);
    tries("another page in its place", entry_make(window, ENTRY_RW | ENTRY_NX));
    report_answer("the page itself, writable, in its place",
                  hypercall_update_va_mapping((uintptr_t)window, entry_make(page, ENTRY_RW | ENTRY_NX), UVMF_INVLPG), 0);
    report_answer("its unmap", grant_unmap(handle, window), GNTST_okay);
    report_answer("the read-only one", grant_unmap(reading, other), GNTST_okay);
    report_true("it can be taken back", grant_end_access(REF));
    report_answer("and become a table", lending_pins(page), 0);
    report_quiet("writable", page_writable(page), 0);
    report_quiet("writable", page_writable(window), 0);
    report_quiet("writable", page_writable(other), 0);
    attempt_end();
}
