/* SPDX-License-Identifier: MIT
 * XSA-327: a vcpu_info was registered at any offset, so that it lay across two cache lines and atomic operations on it were
 * none, or trapped.
 * Tried: each offset of a page, and frames that cannot be. Right: -ENXIO for what is not aligned or reaches over the end,
 * -EINVAL for the frames, and the vcpu_info stays where it was. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

static long register_info(unsigned int vcpu, uint64_t frame, uint32_t offset)
{
    struct vcpu_register_vcpu_info info = {.mfn = frame, .offset = offset};

    return hypercall_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &info);
}

static unsigned long words_set(const uint64_t *page)
{
    unsigned long set = 0;

    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*page); i++)
        set += page[i] != 0;
    return set;
}

void guest_main(void)
{
    uint64_t *page = page_alloc(), *readonly = page_alloc(), frame = virt_to_frame(page), word;
    unsigned long taken = 0;

    attempt_begin("xsa_327", "a vcpu_info at every offset");
    for (uint32_t offset = 0; offset < PAGE_SIZE; offset++)
        if (offset % 8 != 0 || offset > PAGE_SIZE - sizeof(struct vcpu_info))
            taken += register_info(0, frame, offset) != -XEN_ENXIO;
    report_equal("offsets that were taken and should not", taken, 0);
    report_answer("refused: behind the page", register_info(0, frame, PAGE_SIZE), -XEN_ENXIO);
    report_answer("refused: far behind it", register_info(0, frame, 0xfffffff8), -XEN_ENXIO);
    report_answer("refused: no frame", register_info(0, NO_FRAME, 0), -XEN_EINVAL);
    report_answer("refused: another's frame", register_info(0, frame_foreign(), 0), -XEN_EINVAL);
    report_answer("a table", table_register(1, readonly), 0);
    report_answer("refused: in a page table", register_info(0, virt_to_frame(readonly), 0), -XEN_EINVAL);
    report_answer("is ordinary again", table_unregister(readonly), 0);
    report_equal("words of the page that were written", words_set(page), 0);
    report_true("nothing at 0x1000", !try_read((void *)0x1000, &word));
    report_equal("which it learns where it always did", trap_cr2(), 0x1000);
    page_free(page);
    page_free(readonly);
    attempt_end();
}
