/* SPDX-License-Identifier: MIT
 * XSA-251: code that met a magic number in the machine-to-physical table stopped the machine; what stands there for a
 * guest's frames is what the guest wrote.
 * Tried: every special number for a page that is then mapped, registered, given up and given back. Right: in direct
 * mode each number is taken and harms nobody but the guest; in rewrite mode -EINVAL, and the table stays right. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static const uint64_t numbers[] = {~0ul, ~0ul - 1, 0x7ffffffffffffffful, 0x8000000000000000ul, 0x5555555555555555ul,
                                   0x4000000000000000ul, 0xffffffff00000000ul, 0x0000010000000000ul, 0};

static long number(unsigned long frame, uint64_t pfn)
{
    struct mmu_update request = {.ptr = frame << 12 | MMU_MACHPHYS_UPDATE, .val = pfn};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

static void all_uses(void *page)
{
    unsigned long frame = virt_to_frame(page);

    report_quiet("a table", table_register(1, page), 0);
    report_quiet("in use", entry_update(page, entry_make(page, ENTRY_RO)), 0);
    report_quiet("no table", table_unregister(page), 0);
    report_quiet("read-only", page_readonly(page), 0);
    report_quiet("a GDT", hypercall_set_gdt(&frame, 8), 0);
    report_quiet("no GDT", hypercall_set_gdt(NULL, 0), 0);
    report_quiet("writable", page_writable(page), 0);
    *(uint64_t *)page = 0;
    report_quiet("cleared", mmuext(MMUEXT_CLEAR_PAGE, frame, 0, DOMID_SELF), 0);
    report_quiet("given back", page_give(page), 0);
    report_quiet("taken", page_take(page), 0);
}

void guest_main(void)
{
    void *page = page_alloc();

    attempt_begin("xsa_251", "special numbers in the machine-to-physical table");
    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        unsigned long frame = virt_to_frame(page);
        long answer = number(frame, numbers[i]);

        printf("number 0x%lx\n", numbers[i]);
        report_answer("taken, or refused", answer, guest_is_rewrite() ? -XEN_EINVAL : 0);
        report_equal("it stands there", guest_is_rewrite() ? numbers[i] : mfn_to_pfn(frame), numbers[i]);
        all_uses(page);
    }
    report_equal("the page that came last has its right number", frame_to_pfn(virt_to_frame(page)), virt_to_pfn(page));
    page_free(page);
    attempt_end();
}
