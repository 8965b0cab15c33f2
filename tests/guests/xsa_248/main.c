/* SPDX-License-Identifier: MIT
 * XSA-248: frames that the hypervisor kept for itself carried the guest as their owner, so a guest that guessed their
 * numbers could map them.
 * Tried: every frame of the machine that is not the guest's own: mapped read-only, writable, as a table. Right: each is
 * refused (in direct mode -EBUSY or -EPERM; in rewrite mode such a number does not exist). */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static uint8_t *window;
static unsigned long tried, mapped, pinned;

static void attempt(unsigned long frame)
{
    tried++;
    mapped += hypercall_update_va_mapping((uintptr_t)window, frame << 12 | ENTRY_RO | ENTRY_NX, 0) == 0;
    mapped += hypercall_update_va_mapping((uintptr_t)window, frame << 12 | ENTRY_RW | ENTRY_NX, 0) == 0;
    pinned += mmuext(MMUEXT_PIN_L1_TABLE, frame, 0, DOMID_SELF) == 0;
    pinned += mmuext(MMUEXT_CLEAR_PAGE, frame, 0, DOMID_SELF) == 0;
}

void guest_main(void)
{
    unsigned long last = (unsigned long)hypercall_memory_op(XENMEM_maximum_ram_page, NULL);

    attempt_begin("xsa_248", "frames that are not its own");
    window = page_alloc();
    window[0] = 0x21;
    /* From 1 MiB, where a privileged domain may have the firmware's. Every 7th: all would take long, and each run
     * of frames that are kept together is longer. */
    for (unsigned long frame = 256; frame < last; frame += 7)
        if (!frame_is_own(frame))
            attempt(frame);
    report_true("there were many", tried > 1000);
    report_equal("mapped", mapped, 0);
    report_equal("pinned or written", pinned, 0);
    report_equal("the page is as it was", window[0], 0x21);
    page_free(window);
    attempt_end();
}
