/* SPDX-License-Identifier: MIT
 * XSA-100: memory that the hypervisor or a domain had used was handed to another one with what stood in it.
 * Tried: pages are filled, given back and taken again, one by one and many at once, and written once more through what
 * the processor remembers of a mapping. Right: what comes is empty. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define PAGES 64u
#define WORDS (PAGE_SIZE / sizeof(uint64_t))

static uint64_t *pages[PAGES], *window;

static unsigned long words_left(const uint64_t *page)
{
    unsigned long left = 0;

    for (unsigned int i = 0; i < WORDS; i++)
        left += page[i] != 0;
    return left;
}

static void fill(uint64_t *page)
{
    for (unsigned int i = 0; i < WORDS; i++)
        page[i] = 0x5ec2e70000000000ul | i;
}

static void all_at_once(void)
{
    unsigned long left = 0;

    for (unsigned int i = 0; i < PAGES; i++) {
        fill(pages[i]);
        report_quiet("give", page_give(pages[i]), 0);
    }
    for (unsigned int i = 0; i < PAGES; i++) {
        report_quiet("take", page_take(pages[i]), 0);
        left += words_left(pages[i]);
    }
    report_equal("words of old in pages that come", left, 0);
}

/* Mapped at a second place, used there and unmapped without a flush: it may still be written there until it is another's. */
static void written_once_more(void)
{
    unsigned long left = 0;

    for (unsigned int i = 0; i < PAGES; i++) {
        uint64_t entry = entry_make(pages[i], ENTRY_RW | ENTRY_NX);

        report_quiet("map", hypercall_update_va_mapping((uintptr_t)window, entry, UVMF_INVLPG), 0);
        window[7] = 1;
        report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)window, 0, UVMF_NONE), 0);
        report_quiet("give", page_give(pages[i]), 0);
        try_write(&window[7], 0x5ec2e7);
        report_quiet("take", page_take(pages[i]), 0);
        left += words_left(pages[i]);
    }
    report_equal("words written meanwhile", left, 0);
}

void guest_main(void)
{
    attempt_begin("xsa_100", "pages come empty");
    window = page_alloc();
    for (unsigned int i = 0; i < PAGES; i++)
        pages[i] = page_alloc();
    all_at_once();
    written_once_more();
    report_quiet("the window is memory again", page_writable(window), 0);
    for (unsigned int i = 0; i < PAGES; i++)
        page_free(pages[i]);
    page_free(window);
    attempt_end();
}
