/* SPDX-License-Identifier: MIT
 * XSA-32: for guests whose frame numbers are machine frames, the way from number to record did not ask whether such
 * a frame exists, and read what lay behind the table.
 * Tried: frame numbers that no machine has, wherever a request names a frame. Right: -EINVAL (-EPERM in an L1
 * entry, no extent done by memory_op). */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static const unsigned long frames[] = {
    NO_FRAME, 0x3000000000ul, 0x10000000000ul, 0x8000000000000ul, 0xfffffffffffffff0ul, ~0ul};

static void by_mmuext(unsigned long frame, unsigned long good)
{
    report_answer("refused: clear", mmuext(MMUEXT_CLEAR_PAGE, frame, 0, DOMID_SELF), -XEN_EINVAL);
    report_answer("refused: copy to it", mmuext(MMUEXT_COPY_PAGE, frame, good, DOMID_SELF), -XEN_EINVAL);
    report_answer("refused: copy from it", mmuext(MMUEXT_COPY_PAGE, good, frame, DOMID_SELF), -XEN_EINVAL);
    for (unsigned int level = 1; level <= 4; level++)
        report_answer("refused: pin", mmuext(MMUEXT_PIN_L1_TABLE + level - 1, frame, 0, DOMID_SELF), -XEN_EINVAL);
    report_answer("refused: unpin", mmuext(MMUEXT_UNPIN_TABLE, frame, 0, DOMID_SELF), -XEN_EINVAL);
    report_answer("refused: root", mmuext(MMUEXT_NEW_BASEPTR, frame, 0, DOMID_SELF), -XEN_EINVAL);
    report_answer("refused: user root", mmuext(MMUEXT_NEW_USER_BASEPTR, frame, 0, DOMID_SELF), -XEN_EINVAL);
}

static void by_updates(unsigned long frame, void *page)
{
    struct mmu_update request = {.ptr = frame << 12, .val = 0};
    xen_pfn_t list = frame;

    report_answer("refused: update an entry there", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    request.ptr = frame << 12 | MMU_MACHPHYS_UPDATE;
    report_answer("refused: its number", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    if ((frame << 12 & ENTRY_FRAME) >> 12 == frame) /* an entry has 40 bits for it */
        report_answer("refused: map it",
                      hypercall_update_va_mapping((uintptr_t)page, frame << 12 | ENTRY_RO, 0), -XEN_EPERM);
    report_answer("refused: a GDT", hypercall_set_gdt(&frame, 8), -XEN_EINVAL);
    report_answer("none given back", reservation(XENMEM_decrease_reservation, &list, 1, 0, 0, DOMID_SELF), 0);
}

void guest_main(void)
{
    uint64_t *page = page_alloc();

    attempt_begin("xsa_32", "frame numbers that no machine has");
    page[5] = 0x55;
    for (unsigned int i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        printf("frame 0x%lx\n", frames[i]);
        by_mmuext(frames[i], virt_to_frame(page));
        by_updates(frames[i], page);
    }
    report_equal("the page is there, as it was", page[5], 0x55);
    page_free(page);
    attempt_end();
}
