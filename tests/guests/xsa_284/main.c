/* SPDX-License-Identifier: MIT
 * XSA-284: when a page was transferred to a domain that can only use low memory, the one that was made in its place lacked
 * a reference, and its number was told wrong.
 * Tried: transfers of frames good and bad, to itself, to the neighbour, to nobody. Right: xen-lite has no transfers:
 * -EOPNOTSUPP, and every frame stays whose it is. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

static long transfer(unsigned long frame, domid_t domain)
{
    struct gnttab_transfer request = {.mfn = frame, .domid = domain, .ref = 8};

    return hypercall_grant_table_op(GNTTABOP_transfer, &request, 1);
}

void guest_main(void)
{
    uint64_t *page = page_alloc();
    unsigned long frame = virt_to_frame(page);

    attempt_begin("xsa_284", "no frame is transferred");
    page[0] = 0x84;
    report_answer("refused: to the neighbour", transfer(frame, attempt_neighbour()), -XEN_EOPNOTSUPP);
    report_answer("refused: to itself", transfer(frame, DOMID_SELF), -XEN_EOPNOTSUPP);
    report_answer("refused: to nobody", transfer(frame, 4321), -XEN_EOPNOTSUPP);
    report_answer("refused: a frame that does not exist", transfer(NO_FRAME, attempt_neighbour()), -XEN_EOPNOTSUPP);
    report_equal("the page is as it was", page[0], 0x84);
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG), 0);
    report_answer("refused: not mapped", transfer(frame, attempt_neighbour()), -XEN_EOPNOTSUPP);
    report_answer("it can be mapped", page_writable(page), 0);
    report_equal("and is as it was", page[0], 0x84);
    page_free(page);
    attempt_end();
}
