/* SPDX-License-Identifier: MIT
 * XSA-287: taking a frame away from its owner had moments in which nobody owned it but somebody used it, or the other way
 * round; who came in between held on to a frame that was another's by then.
 * Tried: an exchange of frames that are mapped, tables, descriptors, the hypervisor's, somebody else's, gone, or named
 * twice; between them good ones. Right: what is in use is refused (-EINVAL) and stays as it is, the good ones before
 * are exchanged and counted. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static uint64_t *page[3];

static long swap(xen_pfn_t *in, xen_pfn_t *out, unsigned int count, unsigned long *done)
{
    *done = 0;
    return exchange(in, count, 0, out, count, 0, done);
}

/* A frame that may go: page i, out of the map. */
static xen_pfn_t unmapped(unsigned int i)
{
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page[i], 0, UVMF_INVLPG), 0);
    return virt_to_frame(page[i]);
}

static void came(unsigned int i, xen_pfn_t frame)
{
    ((uint64_t *)guest_start_info->mfn_list)[virt_to_pfn(page[i])] = frame;
    report_quiet("map what came", page_writable(page[i]), 0);
    page[i][0] = 0x287 + i;
}

/* Three frames, of which the second cannot go. */
static void refused(const char *what, xen_pfn_t frame)
{
    xen_pfn_t in[3] = {unmapped(0), frame, unmapped(2)};
    xen_pfn_t out[3] = {virt_to_pfn(page[0]), virt_to_pfn(page[1]), virt_to_pfn(page[2])};
    unsigned long done;

    report_answer(what, swap(in, out, 3, &done), -XEN_EINVAL);
    report_equal("the one before is exchanged", done, 1);
    report_equal("the second is not named anew", out[1], virt_to_pfn(page[1]));
    came(0, out[0]);
    report_quiet("the third is as it was", page_writable(page[2]), 0);
}

static void in_use(void)
{
    unsigned long frame = virt_to_frame(page[1]);

    refused("refused: it is mapped writable", frame);
    report_quiet("read-only", page_readonly(page[1]), 0);
    refused("refused: it is mapped read-only", frame);
    report_quiet("pin", table_pin(2, page[1]), 0);
    refused("refused: it is a table, and mapped", frame);
    unmapped(1);
    refused("refused: it is a table", frame);
    report_answer("which it still is", table_unpin(page[1]), 0);
    report_quiet("GDT", hypercall_set_gdt(&frame, 8), 0);
    refused("refused: it is a descriptor table", frame);
    report_answer("no GDT", hypercall_set_gdt(NULL, 0), 0);
    report_answer("it is the domain's, as it was", page_writable(page[1]), 0);
    refused("refused: shared with the hypervisor", guest_start_info->shared_info >> 12);
    refused("refused: another's", frame_foreign());
    refused("refused: none", NO_FRAME);
}

/* Alone: the hypervisor may make it the new one of an extent before. */
static void gone(void)
{
    xen_pfn_t in = virt_to_frame(page[1]), out = virt_to_pfn(page[1]);
    unsigned long done;

    report_quiet("give", page_give(page[1]), 0);
    report_answer("refused: gone", swap(&in, &out, 1, &done), -XEN_EINVAL);
    report_quiet("take", page_take(page[1]), 0);
}

static void twice(void)
{
    xen_pfn_t in[2], out[2] = {virt_to_pfn(page[0]), virt_to_pfn(page[0])};
    unsigned long done;

    in[0] = in[1] = unmapped(0);
    report_answer("refused: the same frame twice", swap(in, out, 2, &done), -XEN_EINVAL);
    report_equal("once it went", done, 1);
    came(0, out[0]);
}

void guest_main(void)
{
    attempt_begin("xsa_287", "a frame that is in use stays whose it is");
    if (guest_is_rewrite())
        return report_skip("there is no exchange in rewrite mode");
    for (unsigned int i = 0; i < 3; i++)
        page[i] = page_alloc();
    in_use();
    gone();
    twice();
    for (unsigned int i = 0; i < 3; i++)
        page_free(page[i]);
    attempt_end();
}
