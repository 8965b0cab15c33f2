/* SPDX-License-Identifier: MIT
 * XSA-388: extents of several pages whose first number is no multiple of their size were taken as if it were, and went
 * over the end of what had been looked at.
 * Tried: populate and decrease of each order at numbers that do not fit it, in holes that are as large. Right: either all
 * of the extent, at exactly those numbers, or nothing; the books are right, and no number beside it is touched. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/paging.h"
#include "guest/report.h"

#define ORDERS 6u /* up to 32 pages */

static uint8_t *pages[(1u << ORDERS) + 2]; /* in a row, the extent between a page on each side */

static unsigned long first_pfn(void)
{
    return virt_to_pfn(pages[1]);
}

/* Out of the pool they come in a row. The extent begins at an odd number. */
static bool find_row(void)
{
    for (unsigned int i = 0; i < (1u << ORDERS) + 2; i++)
        pages[i] = page_alloc();
    if (first_pfn() % 2 == 0) {
        for (unsigned int i = 0; i + 1 < (1u << ORDERS) + 2; i++)
            pages[i] = pages[i + 1];
        pages[(1u << ORDERS) + 1] = page_alloc();
    }
    pages[0][0] = pages[(1u << ORDERS) + 1][0] = 0x38;
    return report_quiet("an odd number", first_pfn() % 2 == 1, true);
}

static void one_order(unsigned int order)
{
    xen_pfn_t frame = first_pfn();
    long had = reservation_now(), answer;
    unsigned int right = 0;

    for (unsigned int i = 0; i < 1u << order; i++)
        report_quiet("give", page_give(pages[1 + i]), 0);
    answer = reservation(XENMEM_populate_physmap, &frame, 1, order, 0, DOMID_SELF);
    report_quiet("none or one", answer == 0 || answer == 1, true);
    report_equal("it has what the answer says", (unsigned long)(had - reservation_now()), answer ? 0 : 1ul << order);
    for (unsigned int i = 0; i < 1u << order; i++) {
        if (!guest_is_rewrite() && answer)
            ((uint64_t *)guest_start_info->mfn_list)[first_pfn() + i] = frame + i;
        right += answer ? page_writable(pages[1 + i]) == 0 : page_take(pages[1 + i]) == 0;
        pages[1 + i][0] = 1;
    }
    report_equal("pages at those numbers", right, 1ul << order);
}

/* In rewrite mode the numbers are in a row; in direct mode the frames of an extent that came are. */
static void given_back(unsigned int order)
{
    xen_pfn_t frame = virt_to_frame(pages[1]);
    bool row = true;
    long had = reservation_now();

    for (unsigned int i = 0; i < 1u << order; i++) {
        row &= virt_to_frame(pages[1 + i]) == frame + i;
        report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)pages[1 + i], 0, UVMF_INVLPG), 0);
    }
    if (!row)
        return report_error("the frames are not in a row");
    report_answer("given back", reservation(XENMEM_decrease_reservation, &frame, 1, order, 0, DOMID_SELF), 1);
    report_equal("all of it is gone", (unsigned long)(had - reservation_now()), 1ul << order);
    for (unsigned int i = 0; i < 1u << order; i++)
        report_quiet("take", page_take(pages[1 + i]), 0);
}

void guest_main(void)
{
    attempt_begin("xsa_388", "extents at numbers that do not fit their size");
    if (!find_row())
        return;
    for (unsigned int order = 1; order < ORDERS; order++) {
        printf("order %u\n", order);
        one_order(order);
        given_back(order);
    }
    report_equal("the pages beside are as they were", pages[0][0] == 0x38 && pages[(1u << ORDERS) + 1][0] == 0x38, 1);
    attempt_end();
}
