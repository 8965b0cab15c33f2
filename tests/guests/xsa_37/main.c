/* SPDX-License-Identifier: MIT
 * XSA-37: the code that takes a page for a use listed the answers that could come when it has another use, missed one,
 * and stopped the machine.
 * Tried: every use of a page that has another one: table of each level, descriptor table, writable memory. Right:
 * -EINVAL (-EBUSY for a writable mapping), never more; the page keeps the use that it has. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

/* level: of the table that the page is; 0: it is none. */
static void refused(void *page, unsigned int level, bool mapped_writable)
{
    unsigned long frame = virt_to_frame(page);

    for (unsigned int other = 1; other <= 4; other++)
        if (other != level)
            report_answer("refused: a table of another level", table_pin(other, page), -XEN_EINVAL);
    if (level != 0)
        report_answer("refused: pin it twice", table_pin(level, page), -XEN_EINVAL);
    else
        report_answer("refused: unpin", table_unpin(page), -XEN_EINVAL);
    if (level != 4)
        report_answer("refused: a user root", root_load_user(page), -XEN_EINVAL);
    if (level != 0 || mapped_writable)
        report_answer("refused: a GDT", hypercall_set_gdt(&frame, 8), -XEN_EINVAL);
    if (mapped_writable)
        return;
    report_answer("refused: write to it", page_writable(page), -XEN_EBUSY);
    report_answer("refused: clear it", mmuext(MMUEXT_CLEAR_PAGE, frame, 0, DOMID_SELF), -XEN_EINVAL);
    report_answer("refused: copy to it", mmuext(MMUEXT_COPY_PAGE, frame, frame, DOMID_SELF), -XEN_EINVAL);
}

static void tables(void)
{
    struct tree tree;

    tree_make(&tree);
    tree_readonly(&tree);
    report_quiet("pin", table_pin(4, tree.table[4]), 0);
    for (unsigned int level = 1; level <= 4; level++) {
        printf("a table of level %u\n", level);
        if (level < 4)
            report_quiet("pin", table_pin(level, tree.table[level]), 0);
        refused(tree.table[level], level, false);
        if (level < 4)
            report_quiet("unpin", table_unpin(tree.table[level]), 0);
    }
    report_answer("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
}

static void others(void)
{
    uint64_t *page = page_alloc();
    unsigned long frame = virt_to_frame(page);

    printf("writable memory\n");
    page[0] = 0x77;
    refused(page, 0, true);
    printf("a descriptor table\n");
    page[0] = 0;
    report_quiet("read-only", page_readonly(page), 0);
    report_quiet("set_gdt", hypercall_set_gdt(&frame, 8), 0);
    refused(page, 0, false);
    report_answer("no GDT", hypercall_set_gdt(NULL, 0), 0);
    report_answer("ordinary memory again", page_writable(page), 0);
    page_free(page);
}

void guest_main(void)
{
    attempt_begin("xsa_37", "a page has one use at a time");
    tables();
    others();
    attempt_end();
}
