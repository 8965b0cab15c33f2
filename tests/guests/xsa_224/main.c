/* SPDX-License-Identifier: MIT
 * XSA-224: what a map took for the host and for devices was given back with other counts than it had been taken with; a page
 * was no longer held that could still be written.
 * Tried: maps and unmaps by halves and by wholes, with bus addresses of zero, and after each step the page as a page table.
 * Right: it can become one only when no writable map is left. */
#include "lending.h"
#include "guest/guest.h"

static uint8_t *page, *window;

/* The granter's own mapping is read-only: only the grant's maps could write. */
static void is_held(const char *what)
{
    report_answer(what, lending_pins(page), -XEN_EINVAL);
}

void guest_main(void)
{
    grant_handle_t first, second;

    attempt_begin("xsa_224", "maps given back by halves");
    if (!lending_begin())
        return;
    page = page_alloc();
    window = page_alloc();
    report_quiet("read-only", page_readonly(page), 0);
    grant_access(REF, own_number, page, false);
    report_answer("a map for the host", lending_map(REF, GNTMAP_host_map, HYPERCALL_PTR(window), &first), GNTST_okay);
    is_held("refused: a table, while it is mapped");
    report_answer("one for devices too", lending_map(REF, GNTMAP_device_map, 0, &second), GNTST_okay);
    is_held("refused: a table, mapped for both");
    report_answer("an unmap of neither half", lending_unmap(second, 0, 0), GNTST_okay);
    is_held("refused: a table, both are left");
    report_answer("refused: the half for devices, another address", lending_unmap(second, 0, lending_bus ^ PAGE_SIZE),
                  GNTST_bad_dev_addr);
    report_answer("the half for devices", lending_unmap(second, 0, lending_bus), GNTST_okay);
    is_held("refused: a table, the other is left");
    report_answer("refused: it once more", lending_unmap(second, 0, lending_bus), GNTST_bad_handle);
    report_answer("the one for the host", lending_unmap(first, HYPERCALL_PTR(window), 0), GNTST_okay);
    report_true("no map is left", grant_end_access(REF));
    report_answer("it can become a table", lending_pins(page), 0);
    report_quiet("writable", page_writable(page), 0);
    report_quiet("writable", page_writable(window), 0);
    page_free(page);
    page_free(window);
    attempt_end();
}
