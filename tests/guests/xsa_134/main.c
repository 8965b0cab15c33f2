/* SPDX-License-Identifier: MIT
 * XSA-134: GNTTABOP_swap_grant_ref of a domain that never set its table up went through a null pointer.
 * Tried: every operation on a table that is not there yet. Right: a negative status each, and the table can be set up
 * afterwards. */
#include "lending.h"
#include "guest/guest.h"

void guest_main(void)
{
    uint8_t *page = page_alloc();
    grant_handle_t handle;

    attempt_begin("xsa_134", "grants before there is a table");
    own_number = lending_number();
    report_true("refused: swap", lending_swap(0x4000, 0x4001) < 0);
    report_true("refused: swap one with itself", lending_swap(0x4000, 0x4000) < 0);
    report_true("refused: map", lending_map(0x4000, GNTMAP_host_map, HYPERCALL_PTR(page), &handle) < 0);
    report_true("refused: unmap", lending_unmap(0, HYPERCALL_PTR(page), 0) < 0);
    report_true("refused: copy from it", grant_copy_from(own_number, 0x4000, 0, page, 8) < 0);
    report_true("refused: copy to it", grant_copy_to(own_number, 0x4000, 0, page, 8) < 0);
    report_answer("the page is still its own", page_writable(page), 0);
    report_answer("a table", lending_setup(), 0);
    grant_access(REF, own_number, page, false);
    report_answer("a grant is mapped", lending_map(REF, GNTMAP_host_map, HYPERCALL_PTR(page), &handle), GNTST_okay);
    report_answer("and unmapped", lending_unmap(handle, HYPERCALL_PTR(page), 0), GNTST_okay);
    report_true("and taken back", grant_end_access(REF));
    report_answer("the page is there again", page_writable(page), 0);
    page_free(page);
    attempt_end();
}
