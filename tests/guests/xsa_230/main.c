/* SPDX-License-Identifier: MIT
 * XSA-230: a copy, when it was done, cleared the bits that tell the granter that its page is in use, though a map still used it.
 * Tried: copies from and to a page that is mapped. Right: the bits stay until the map goes. */
#include "lending.h"
#include "guest/guest.h"

static uint16_t use(void)
{
    return grant_table[REF].flags & (GTF_reading | GTF_writing);
}

void guest_main(void)
{
    uint8_t *page = page_alloc(), *window = page_alloc(), *other = page_alloc();
    grant_handle_t handle;

    attempt_begin("xsa_230", "a copy beside a map");
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    report_answer("map it", grant_map(own_number, REF, window, 0, &handle), GNTST_okay);
    report_equal("its bits", use(), GTF_reading | GTF_writing);
    report_answer("copy from it", grant_copy_from(own_number, REF, 0, other, 64), GNTST_okay);
    report_equal("its bits", use(), GTF_reading | GTF_writing);
    report_answer("copy to it", grant_copy_to(own_number, REF, 0, other, 64), GNTST_okay);
    report_equal("its bits", use(), GTF_reading | GTF_writing);
    report_true("it cannot be taken back", !grant_end_access(REF));
    report_answer("unmap it", grant_unmap(handle, window), GNTST_okay);
    report_equal("its bits", use(), 0);
    report_answer("map it to be read", grant_map(own_number, REF, window, GNTMAP_readonly, &handle), GNTST_okay);
    report_answer("copy to it", grant_copy_to(own_number, REF, 0, other, 64), GNTST_okay);
    report_equal("its bits: to be read alone", use(), GTF_reading);
    report_answer("unmap it", grant_unmap(handle, window), GNTST_okay);
    report_true("it can be taken back", grant_end_access(REF));
    report_quiet("writable", page_writable(window), 0);
    attempt_end();
}
