/* SPDX-License-Identifier: MIT
 * XSA-29: XENMEM_exchange read and wrote its lists without asking whether they are the guest's memory. XSA-212: only the
 * begin of a list was asked about, and how far the request had come was the guest's word: together they let it write
 * anywhere.
 * Tried: lists in the hypervisor, at its edges, so long that they reach it, and progress that leads there. Right: -EFAULT
 * (-EINVAL where sizes do not agree); no frame changes hands, no word of the hypervisor's either. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static xen_pfn_t in[8], out[8];
static uint64_t *page;

static void ask(const char *what, void *from, void *to, unsigned long count, unsigned long progress, long expected)
{
    unsigned long done = progress;

    report_answer(what, exchange(from, count, 0, to, count, 0, &done), expected);
    report_quiet("how far it came is as it was", done == progress, true);
    report_quiet("the list is as it was", in[0] == virt_to_frame(page), true);
}

static void places(void)
{
    static const uint64_t there[] = {HYPERVISOR, 0xffff800000000000ul, 0xffff82d080000000ul, 0xffff87fffffffff8ul,
                                     NONCANONICAL, 0xffff7ffffffffff8ul};

    for (unsigned int i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        printf("at 0x%lx\n", there[i]);
        ask("refused: its frames", (void *)there[i], out, 1, 0, -XEN_EFAULT);
        ask("refused: its results", in, (void *)there[i], 1, 0, -XEN_EFAULT);
    }
}

/* The list begins with the guest's; with the progress that it claims, the next element is the hypervisor's. */
static void progress(void)
{
    uintptr_t hypervisor = 0xffff82d080000000ul;
    unsigned long up = (hypervisor - (0ul - sizeof(out))) / 8;

    ask("refused: more done than there is", in, out, 4, 5, -XEN_EINVAL);
    ask("refused: all numbers done", in, out, 4, ~0ul, -XEN_EINVAL);
    ask("refused: so far that the rest is the hypervisor's", in, (void *)0x1000, up + 1, up, -XEN_EFAULT);
    ask("refused: a list of everything", in, out, ~0ul >> 3, 0, -XEN_EFAULT);
    ask("refused: a list that wraps, begun", in, out, 1ul << 61, 1ul << 60, -XEN_EFAULT);
}

void guest_main(void)
{
    unsigned long done = 0;

    attempt_begin("xsa_29_212", "lists of an exchange that are not the guest's");
    page = page_alloc();
    page[1] = 0x29;
    in[0] = virt_to_frame(page);
    out[0] = virt_to_pfn(page);
    places();
    progress();
    report_answer("refused: the request itself", hypercall_memory_op(XENMEM_exchange, (void *)HYPERVISOR), -XEN_EFAULT);
    report_answer("refused: sizes that differ", exchange(in, 2, 0, out, 3, 0, &done), -XEN_EINVAL);
    report_equal("the page is as it was", page[1], 0x29);
    page_free(page);
    attempt_end();
}
