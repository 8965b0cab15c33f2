/* SPDX-License-Identifier: MIT
 * XSA-500: a copy from a grant that was in use already read the frame's number anew from the guest's table, but held the one of
 * before: the granter changed it in between, and a page was copied that nobody held.
 * Tried: the entry of a grant in use is pointed at another page, then copies and maps of it. Right: they use the page that
 * is in use, or are refused; the new page counts when the last use of the old one is over. */
#include "lending.h"
#include "guest/guest.h"
#include "guest/string.h"

void guest_main(void)
{
    uint8_t *old = page_alloc(), *new = page_alloc(), *window = page_alloc(), *to = page_alloc();
    grant_handle_t first, second;
    long answer;

    attempt_begin("xsa_500", "an entry that changes while it is in use");
    if (!lending_begin())
        return;
    memset(old, 'o', PAGE_SIZE);
    memset(new, 'n', PAGE_SIZE);
    report_quiet("nothing there", hypercall_update_va_mapping(HYPERCALL_PTR(window), 0, UVMF_INVLPG), 0);
    grant_access(REF, own_number, old, false);
    report_answer("map it", grant_map(own_number, REF, window, 0, &first), GNTST_okay);
    grant_table[REF].frame = (uint32_t)virt_to_frame(new);
    to[0] = '-';
    answer = grant_copy_from(own_number, REF, 0, to, 1);
    report_true("a copy: of the page in use, or refused", answer == GNTST_okay ? to[0] == 'o' : answer < 0 && to[0] == '-');
    answer = grant_copy_to(own_number, REF, 1, to, 1);
    report_true("a copy to it: likewise, the new page is as it was", answer <= 0 && new[1] == 'n');
    answer = grant_map(own_number, REF, to, 0, &second);
    paging_flush();
    report_true("one more map: likewise", answer == GNTST_okay ? to[1] == old[1] : answer < 0);
    if (answer == GNTST_okay)
        report_quiet("unmap it", grant_unmap(second, to), GNTST_okay);
    report_quiet("writable", page_writable(to), 0);
    report_equal("the map shows the page in use", window[2], 'o');
    report_answer("unmap it", grant_unmap(first, window), GNTST_okay);
    report_answer("now a copy", grant_copy_from(own_number, REF, 2, to, 1), GNTST_okay);
    report_equal("is of the new page", to[0], 'n');
    report_true("the grant can be taken back", grant_end_access(REF));
    report_answer("the old page is free", page_give(old), 0);
    report_answer("another comes", page_take(old), 0);
    report_quiet("writable", page_writable(window), 0);
    attempt_end();
}
