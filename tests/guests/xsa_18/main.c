/* SPDX-License-Identifier: MIT
 * XSA-18: GNTTABOP_swap_grant_ref used the two references as they came: anywhere behind the table, entries of whatever lay
 * there were exchanged.
 * Tried: references at and beyond the end, alone and with a good one. Right: GNTST_bad_gntref, and the good entry is as it
 * was. */
#include "lending.h"
#include "guest/guest.h"

void guest_main(void)
{
    static const grant_ref_t bad[] = {0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    uint8_t *page = page_alloc();
    unsigned long wrong = 0;

    attempt_begin("xsa_18", "references beyond the table, to be exchanged");
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        wrong += lending_swap(REF, bad[i]) != GNTST_bad_gntref;
        wrong += lending_swap(bad[i], REF) != GNTST_bad_gntref;
        wrong += lending_swap(bad[i], bad[i]) != GNTST_bad_gntref;
    }
    report_equal("answers other than bad_gntref", wrong, 0);
    report_equal("the good entry is as it was", grant_table[REF].frame, virt_to_frame(page));
    report_answer("two good ones", lending_swap(REF, REF + 1), GNTST_okay);
    report_equal("are exchanged", grant_table[REF + 1].frame, virt_to_frame(page));
    report_equal("both of them", grant_table[REF].flags, 0);
    grant_end_access(REF + 1);
    page_free(page);
    attempt_end();
}
