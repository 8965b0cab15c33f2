/* SPDX-License-Identifier: MIT
 * XSA-222: when a page could not be taken out of where it was mapped, that was overlooked, and it was freed while
 * somebody could still reach it.
 * Tried: a page is given back while it is mapped, once and many times, read-only and writable. Right: the request is
 * taken, but the page stays the domain's, and charged to it, until the last mapping is gone; no other page comes from it. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

#define WINDOWS 8u

static uint64_t *page, *window[WINDOWS], *other;

static void map_all(uint64_t flags)
{
    for (unsigned int i = 0; i < WINDOWS; i++)
        report_quiet("map", hypercall_update_va_mapping((uintptr_t)window[i], entry_make(page, flags | ENTRY_NX),
                                                        UVMF_INVLPG), 0);
}

static void given_while_mapped(uint64_t flags)
{
    xen_pfn_t frame = virt_to_frame(page);
    long had = reservation_now();
    unsigned int charged = 0;

    page[9] = 0x22200;
    map_all(flags);
    report_answer("given back", reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF), 1);
    /* In direct mode it still has its number: to ask again is taken as well, and changes nothing. */
    report_quiet("a second time", reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF),
                 guest_is_rewrite() ? 0 : 1);
    report_answer("another page, by way of the hypervisor", page_give(other), 0);
    report_answer("comes", page_take(other), 0);
    other[9] = 0x333;
    report_equal("what is mapped is still the page", window[0][9], 0x22200);
    report_answer("out of its own place", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG), 0);
    for (unsigned int i = 0; i < WINDOWS; i++) {
        charged += reservation_now() == had && window[i][9] == 0x22200;
        report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)window[i], 0, UVMF_INVLPG), 0);
    }
    report_equal("charged until the last is gone", charged, WINDOWS);
    report_equal("then it is gone", (unsigned long)(had - reservation_now()), 1);
    report_answer("one comes in its place", page_take(page), 0);
    report_equal("the other page is as it was", other[9], 0x333);
}

void guest_main(void)
{
    attempt_begin("xsa_222", "what is mapped is not free");
    page = page_alloc();
    other = page_alloc();
    for (unsigned int i = 0; i < WINDOWS; i++)
        window[i] = page_alloc();
    printf("mapped writable\n");
    given_while_mapped(ENTRY_RW);
    printf("mapped read-only\n");
    given_while_mapped(ENTRY_RO);
    for (unsigned int i = 0; i < WINDOWS; i++) {
        report_quiet("window", page_writable(window[i]), 0);
        page_free(window[i]);
    }
    page_free(page);
    page_free(other);
    attempt_end();
}
