/* SPDX-License-Identifier: MIT
 * XSA-279: update_va_mapping flushed the address that the guest gave, also when the update had failed; the instruction
 * that flushes one page in one address space faults on an address that is none, in the hypervisor.
 * Tried: addresses that are not canonical or not the guest's, with each kind of flush. Right: -EINVAL, and no flush; a
 * flush by itself of such an address does nothing (0). */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static const uint64_t addresses[] = {NONCANONICAL, 0xffff7ffffffff000ul, 0x8000000000000000ul, 0x0123456789abc000ul,
                                     HYPERVISOR, 0xffff82d080000000ul, 0xffff800000000000ul, 0xffff87fffffff000ul};

static void updates(uint64_t address, uint64_t entry)
{
    static uint64_t vcpus = 3;
    const uint64_t flags[] = {UVMF_NONE, UVMF_INVLPG, UVMF_INVLPG | UVMF_ALL, UVMF_INVLPG | HYPERCALL_PTR(&vcpus),
                              UVMF_TLB_FLUSH, UVMF_TLB_FLUSH | UVMF_ALL, 3 | UVMF_ALL};

    for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        report_answer("refused: update with a flush", hypercall_update_va_mapping(address, entry, flags[i]), -XEN_EINVAL);
        report_answer("refused: unmap with a flush", hypercall_update_va_mapping(address, 0, flags[i]), -XEN_EINVAL);
    }
}

static void flushes(uint64_t address)
{
    static uint64_t vcpus = 3;

    report_answer("invlpg", mmuext(MMUEXT_INVLPG_LOCAL, address, 0, DOMID_SELF), 0);
    report_answer("invlpg everywhere", mmuext(MMUEXT_INVLPG_ALL, address, 0, DOMID_SELF), 0);
    report_answer("invlpg on some", mmuext(MMUEXT_INVLPG_MULTI, address, HYPERCALL_PTR(&vcpus), DOMID_SELF), 0);
}

void guest_main(void)
{
    uint64_t *page = page_alloc();

    attempt_begin("xsa_279", "updates that fail flush nothing");
    page[2] = 0x22;
    for (unsigned int i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        printf("address 0x%lx\n", addresses[i]);
        updates(addresses[i], entry_make(page, ENTRY_RW));
        flushes(addresses[i]);
    }
    report_equal("the page is there", page[2], 0x22);
    page_free(page);
    attempt_end();
}
