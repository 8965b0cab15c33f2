/* SPDX-License-Identifier: MIT
 * XSA-113: MMU_MACHPHYS_UPDATE for a domain whose numbers are translated was refused, but kept the reference that it had
 * taken: enough of them, and the count wraps.
 * Tried: a thousand updates that are refused (in rewrite mode each, in direct mode those of frames that are not the
 * guest's), then the page is given back. Right: -EINVAL, and the page goes at once, as nothing else holds it. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

#define TIMES 1000u

static long number(unsigned long frame, unsigned long pfn)
{
    struct mmu_update request = {.ptr = frame << 12 | MMU_MACHPHYS_UPDATE, .val = pfn};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

void guest_main(void)
{
    void *page = page_alloc();
    unsigned long frame = virt_to_frame(page), pfn = virt_to_pfn(page);
    long own = guest_is_rewrite() ? -XEN_EINVAL : 0, had;
    unsigned long foreign = frame_foreign();
    unsigned int right = 0;

    attempt_begin("xsa_113", "a refused update of a frame's number holds nothing");
    for (unsigned int i = 0; i < TIMES; i++)
        right += number(frame, pfn) == own && number(foreign, pfn) == -XEN_EINVAL;
    report_equal("own and foreign frames, answers that are right", right, TIMES);
    had = reservation_now();
    report_answer("give the page back", page_give(page), 0);
    report_equal("it is gone at once", (unsigned long)(had - reservation_now()), 1);
    report_answer("refused: number of what is gone", number(frame, pfn), -XEN_EINVAL);
    report_answer("take another", page_take(page), 0);
    page_free(page);
    attempt_end();
}
