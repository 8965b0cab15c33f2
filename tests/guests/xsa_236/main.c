/* SPDX-License-Identifier: MIT
 * XSA-236: a map that was given back let go of the page before it let go of the grant: a copy that came between used a page
 * that nobody held any more.
 * Tried: copies and maps of one grant in turn, with the page given back to the hypervisor while it is in use and afterwards.
 * Right: as long as one of them uses the page it stays; then it goes. */
#include "lending.h"
#include "guest/guest.h"
#include "guest/string.h"

#define ROUNDS 50u

void guest_main(void)
{
    uint8_t *page = page_alloc(), *window = page_alloc(), *other = page_alloc();
    unsigned long wrong = 0;
    grant_handle_t handle;

    attempt_begin("xsa_236", "copies between map and unmap");
    if (!lending_begin())
        return;
    report_quiet("nothing there", hypercall_update_va_mapping(HYPERCALL_PTR(window), 0, UVMF_INVLPG), 0);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        memset(page, (int)i + 1, PAGE_SIZE);
        grant_access(REF, own_number, page, false);
        wrong += grant_copy_from(own_number, REF, 0, other, 128) != GNTST_okay || other[127] != i + 1;
        wrong += grant_map(own_number, REF, window, 0, &handle) != GNTST_okay;
        wrong += grant_copy_from(own_number, REF, 128, other, 128) != GNTST_okay;
        window[5] = 0xee;
        wrong += grant_unmap(handle, window) != GNTST_okay;
        wrong += grant_copy_from(own_number, REF, 0, other, 128) != GNTST_okay || other[5] != 0xee;
        wrong += !grant_end_access(REF);
    }
    report_equal("steps that went wrong", wrong, 0);
    report_quiet("writable", page_writable(window), 0);
    report_answer("in nobody's use it can be given back", page_give(page), 0);
    report_answer("and another comes", page_take(page), 0);
    page_free(page);
    page_free(window);
    page_free(other);
    attempt_end();
}
