/* SPDX-License-Identifier: MIT
 * XSA-389: a change of several numbers at once that succeeded in part was reported as failed, and the books (what a
 * domain has, which number leads where) said something else than the map.
 * Tried: extents of which one page cannot be done: a number in the middle is taken already, a frame in the middle is not
 * there. Right: what the answer says is what the domain has; populate undoes its part, and what stood in the middle is
 * as it was. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

#define ORDER 3u
#define COUNT (1u << ORDER)

static uint8_t *pages[COUNT];

/* Every page but one is away; an extent over all of them cannot come. */
static void taken_in_the_middle(unsigned int middle)
{
    xen_pfn_t frame = virt_to_pfn(pages[0]);
    unsigned int empty = 0;
    long had;

    for (unsigned int i = 0; i < COUNT; i++)
        if (i != middle)
            report_quiet("give", page_give(pages[i]), 0);
    pages[middle][5] = 0x89;
    had = reservation_now();
    report_answer("refused: populate over a page that is there",
                  reservation(XENMEM_populate_physmap, &frame, 1, ORDER, 0, DOMID_SELF), 0);
    report_equal("it has what it had", (unsigned long)reservation_now(), (unsigned long)had);
    report_equal("the page in the middle is as it was", pages[middle][5], 0x89);
    for (unsigned int i = 0; i < COUNT; i++)
        empty += i != middle && page_writable(pages[i]) != 0;
    report_equal("nothing came at the other numbers", empty, COUNT - 1);
    for (unsigned int i = 0; i < COUNT; i++)
        if (i != middle)
            report_quiet("take", page_take(pages[i]), 0);
}

/* One page is away; an extent over all of them cannot go. What comes before it goes, as on Xen. */
static void missing_in_the_middle(unsigned int middle)
{
    xen_pfn_t frame = virt_to_pfn(pages[0]);
    long had = reservation_now();
    unsigned int there = 0;

    for (unsigned int i = 0; i < COUNT; i++)
        report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)pages[i], 0, UVMF_INVLPG), 0);
    report_quiet("give", page_give(pages[middle]), 0);
    report_answer("an extent with a hole: none", reservation(XENMEM_decrease_reservation, &frame, 1, ORDER, 0, DOMID_SELF),
                  0);
    for (unsigned int i = 0; i < COUNT; i++)
        there += page_writable(pages[i]) == 0;
    report_equal("it has what is there", (unsigned long)(had - reservation_now()), COUNT - there);
    for (unsigned int i = 0; i < COUNT; i++)
        if (page_writable(pages[i]) != 0)
            report_quiet("take", page_take(pages[i]), 0);
}

void guest_main(void)
{
    attempt_begin("xsa_389", "done in part is done or undone");
    for (unsigned int i = 0; i < COUNT; i++)
        pages[i] = page_alloc();
    if (!guest_is_rewrite())
        return report_skip("in direct mode a number has no page of its own");
    for (unsigned int middle = 0; middle < COUNT; middle += 3) {
        printf("page %u of %u\n", middle, COUNT);
        taken_in_the_middle(middle);
        missing_in_the_middle(middle);
    }
    attempt_end();
}
