/* SPDX-License-Identifier: MIT
 * XSA-217, XSA-284: GNTTABOP_transfer gave a page to another domain while it was still mapped or still typed, and counted what
 * both had wrongly.
 * Tried: transfers of pages in every state, to oneself, to the neighbour and to nobody. Right where it is not offered:
 * -EOPNOTSUPP, and the page stays where it is. */
#include "lending.h"
#include "guest/guest.h"

static long transfer(const void *page, domid_t to, grant_ref_t ref)
{
    struct gnttab_transfer op = {.mfn = virt_to_frame(page), .domid = to, .ref = ref};

    return hypercall_grant_table_op(GNTTABOP_transfer, &op, 1);
}

void guest_main(void)
{
    uint64_t *page = page_alloc(), *table = page_alloc();
    const domid_t to[] = {DOMID_SELF, attempt_neighbour(), DOMID_XEN, DOMID_IO, 0x7000};

    attempt_begin("xsa_217_284", "pages that change hands");
    if (!lending_begin())
        return;
    grant_table[REF].domid = own_number;
    grant_table[REF].flags = GTF_accept_transfer;
    report_answer("a table", table_register(1, table), 0);
    page[0] = 0x1234;
    for (unsigned int i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        report_answer("refused: a page that is mapped", transfer(page, to[i], REF), -XEN_EOPNOTSUPP);
        report_answer("refused: a page table", transfer(table, to[i], REF), -XEN_EOPNOTSUPP);
        report_answer("refused: a grant table", transfer((const void *)HYPERCALL_PTR(grant_table), to[i], REF), -XEN_EOPNOTSUPP);
    }
    report_equal("the page is as it was", page[0], 0x1234);
    report_answer("the table too", table_unregister(table), 0);
    report_equal("nobody accepted", grant_table[REF].flags, GTF_accept_transfer);
    grant_table[REF].flags = 0;
    page_free(page);
    page_free(table);
    attempt_end();
}
