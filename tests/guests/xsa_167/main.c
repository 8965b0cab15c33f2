/* SPDX-License-Identifier: MIT
 * XSA-167: MMUEXT_MARK_SUPER used the frame's number as an index before it was compared with anything.
 * Tried: marking and unmarking superpages at numbers inside and far outside of everything. Right: -EOPNOTSUPP, as there
 * are no superpages for guests. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

void guest_main(void)
{
    uint64_t *page = page_alloc();
    const unsigned long frames[] = {
        0, virt_to_frame(page), virt_to_frame(page) & ~511ul, 0xffffffffffe00000ul, 0x8000000000000000ul, ~511ul, ~0ul};

    attempt_begin("xsa_167", "no frame is marked as a superpage");
    page[1] = 0x10; /* also an L1 entry that is not present */
    for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        report_answer("refused: mark", mmuext(MMUEXT_MARK_SUPER, frames[i], 0, DOMID_SELF), -XEN_EOPNOTSUPP);
        report_answer("refused: unmark", mmuext(MMUEXT_UNMARK_SUPER, frames[i], 0, DOMID_SELF), -XEN_EOPNOTSUPP);
    }
    report_equal("the page is as it was", page[1], 0x10);
    report_answer("and can become a table", table_register(1, page), 0);
    report_answer("and memory again", table_unregister(page), 0);
    page_free(page);
    attempt_end();
}
