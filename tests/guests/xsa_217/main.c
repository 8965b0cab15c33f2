/* SPDX-License-Identifier: MIT
 * XSA-217: a page that one domain had mapped by a grant was taken from its owner; the other one's processors still
 * remembered the way, and a third domain made it a page table.
 * Tried: a page is granted, mapped by the grant at a second place, and its owner gives it back while that stands, and
 * after it was unmapped; then the second place is used. (Owner and mapper are one domain, which the hypervisor treats
 * alike.) Right: what is mapped is not free; what was unmapped leads nowhere; and there is no transfer. */
#include "attempt.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define REF 20u

static uint64_t *page, *window;
static domid_t self;

static void given_while_mapped(void)
{
    xen_pfn_t frame = virt_to_frame(page);
    long had = reservation_now();
    grant_handle_t handle;
    uint64_t word;

    page[0] = 0x217;
    report_answer("map by the grant", grant_map(self, REF, window, 0, &handle), 0);
    report_equal("it is the page", window[0], 0x217);
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG), 0);
    report_answer("give it back", reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF), 1);
    report_equal("it is charged for it", (unsigned long)(had - reservation_now()), 0);
    report_equal("the second place has the page", window[0], 0x217);
    report_answer("unmap the grant", grant_unmap(handle, window), 0);
    report_equal("now it is gone", (unsigned long)(had - reservation_now()), 1);
    report_answer("another page comes", page_take(page), 0);
    page[0] = 1;
    report_true("the second place leads nowhere", !try_read(window, &word) && !try_write(window, 0xbad));
    report_equal("the page that came has what was written to it", page[0], 1);
    report_answer("the grant is taken back", grant_end_access(REF) ? 0 : -XEN_EBUSY, 0);
}

static void becomes_a_table(void)
{
    grant_handle_t handle;

    grant_access(REF, self, page, false);
    report_answer("map by the grant", grant_map(self, REF, window, 0, &handle), 0);
    window[9] = 0;
    page[0] = 0;
    report_quiet("read-only", page_readonly(page), 0);
    report_answer("refused: a table, while it is mapped", table_pin(1, page), -XEN_EINVAL);
    report_answer("unmap the grant", grant_unmap(handle, window), 0);
    report_answer("a table", table_pin(1, page), 0);
    report_true("the second place leads nowhere", !try_write(&window[9], 0x1000));
    report_equal("the table is as it was", page[9], 0);
    report_answer("no table", table_unregister(page), 0);
    report_quiet("the grant is taken back", grant_end_access(REF), true);
}

void guest_main(void)
{
    struct gnttab_transfer transfer = {.domid = attempt_neighbour()};
    long table = grant_setup(1); /* in rewrite mode a page of the guest's gives way to it */

    attempt_begin("xsa_217", "what another has mapped");
    if (!report_quiet("a grant table", table, 0))
        return;
    self = attempt_own_number();
    page = page_alloc();
    window = page_alloc();
    report_quiet("the window is empty", hypercall_update_va_mapping((uintptr_t)window, 0, UVMF_INVLPG), 0);
    transfer.mfn = virt_to_frame(page);
    grant_access(REF, self, page, false);
    given_while_mapped();
    becomes_a_table();
    report_answer("refused: a transfer", hypercall_grant_table_op(GNTTABOP_transfer, &transfer, 1), -XEN_EOPNOTSUPP);
    report_quiet("the window is memory again", page_writable(window), 0);
    page_free(page);
    page_free(window);
    attempt_end();
}
