/* SPDX-License-Identifier: MIT
 * XSA-214: a page that changed its owner kept the mark "its descriptors were checked", made under the old owner's
 * rules, and served the new one as a descriptor table unseen.
 * Tried: a page becomes a GDT, is given up, is filled with what no GDT may hold, or goes back to the hypervisor and
 * comes anew. Right: what is written after the check is checked again (-EINVAL), and a page that comes is empty. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

#define DATA 0x00cff3000000fffful /* flat data, ring 3 */
#define TSS  0x00008b0000000067ul

static long gdt_of(void *page)
{
    unsigned long frame = virt_to_frame(page);

    return hypercall_set_gdt(&frame, TABLE_ENTRIES);
}

static void becomes_gdt_and_not(uint64_t *page)
{
    page[3] = DATA;
    report_quiet("read-only", page_readonly(page), 0);
    report_answer("a GDT", gdt_of(page), 0);
    report_answer("refused: writable while it is one", page_writable(page), -XEN_EBUSY);
    report_answer("no GDT any more", hypercall_set_gdt(NULL, 0), 0);
    report_answer("the same again", gdt_of(page), 0);
    report_answer("no GDT any more", hypercall_set_gdt(NULL, 0), 0);
}

void guest_main(void)
{
    uint64_t *page = page_alloc();

    attempt_begin("xsa_214", "a mark of an earlier use is worth nothing");
    becomes_gdt_and_not(page);
    report_answer("writable", page_writable(page), 0);
    page[4] = TSS;
    report_quiet("read-only", page_readonly(page), 0);
    report_answer("refused: with a TSS that was written since", gdt_of(page), -XEN_EINVAL);
    report_answer("writable", page_writable(page), 0);
    page[4] = 0;
    becomes_gdt_and_not(page);
    report_answer("back to the hypervisor", page_give(page), 0);
    report_answer("refused: a GDT in what is gone", gdt_of(page), -XEN_EINVAL);
    report_answer("a page comes", page_take(page), 0);
    report_equal("it is empty", page[3], 0);
    page[4] = TSS;
    report_quiet("read-only", page_readonly(page), 0);
    report_answer("refused: with a TSS", gdt_of(page), -XEN_EINVAL);
    report_answer("writable", page_writable(page), 0);
    page_free(page);
    attempt_end();
}
