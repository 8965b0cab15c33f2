/* SPDX-License-Identifier: MIT
 * memory_op: a guest gives pages back and takes them again, and asks how much it has. What it cannot give (a
 * page that is mapped, a table, a frame that is not its own) it keeps, and the answer says how many were
 * done. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"

#define PAGES 8u

static uint8_t *pages[PAGES];
static xen_pfn_t frames[PAGES];

static long reservation(unsigned int command, xen_pfn_t *list, unsigned int count, domid_t domain)
{
    struct xen_memory_reservation request = {.nr_extents = count, .domid = domain};

    set_xen_guest_handle(request.extent_start, list);
    return hypercall_memory_op(command, &request);
}

static long current(void)
{
    domid_t self = DOMID_SELF;

    return hypercall_memory_op(XENMEM_current_reservation, &self);
}

static void unmap(unsigned int i)
{
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)pages[i], 0, UVMF_INVLPG), 0);
}

/* Frames that came stand in frames[]; in direct mode the guest's own list must be told. */
static void map(unsigned int i)
{
    if (!guest_is_rewrite())
        ((uint64_t *)guest_start_info->mfn_list)[virt_to_pfn(pages[i])] = frames[i];
    report_quiet("map", page_writable(pages[i]), 0);
}

static void gives_and_takes(void)
{
    long before = current();
    unsigned int usable = 0;

    report_true("it has what start_info says, or a little more", before >= (long)guest_start_info->nr_pages);
    for (unsigned int i = 0; i < PAGES; i++) {
        pages[i] = page_alloc();
        frames[i] = virt_to_frame(pages[i]);
        unmap(i);
    }
    report_answer("give 8 pages back", reservation(XENMEM_decrease_reservation, frames, PAGES, DOMID_SELF),
                  PAGES);
    report_equal("it has 8 less", (unsigned long)(before - current()), PAGES);
    for (unsigned int i = 0; i < PAGES; i++)
        frames[i] = virt_to_pfn(pages[i]);
    report_answer("take 8 pages", reservation(XENMEM_populate_physmap, frames, PAGES, DOMID_SELF), PAGES);
    report_equal("it has what it had", (unsigned long)(before - current()), 0);
    for (unsigned int i = 0; i < PAGES; i++) {
        map(i);
        pages[i][0] = 0x33;
        usable += pages[i][0] == 0x33;
    }
    report_equal("they can be mapped and written", usable, PAGES);
    report_true("the M2P leads back to them",
                guest_is_rewrite() || mfn_to_pfn(frames[3]) == virt_to_pfn(pages[3]));
}

/* A refused request is no error code: the answer says how many were done, none. */
static void refuses_others(void)
{
    xen_pfn_t nowhere = 0xfffffffff0ul, again = virt_to_frame(pages[0]);
    long before = current();

    report_answer("refused: give back a frame that is not there",
                  reservation(XENMEM_decrease_reservation, &nowhere, 1, DOMID_SELF), 0);
    unmap(0);
    report_answer("give back a page", reservation(XENMEM_decrease_reservation, &again, 1, DOMID_SELF), 1);
    report_answer("refused: give it back a second time",
                  reservation(XENMEM_decrease_reservation, &again, 1, DOMID_SELF), 0);
    report_true("refused: map it", page_writable(pages[0]) != 0);
    report_equal("it has one less", (unsigned long)(before - current()), 1);
}

static void questions(void)
{
    domid_t nobody = 1234;

    report_true("maximum_ram_page is a number of frames",
                hypercall_memory_op(XENMEM_maximum_ram_page, NULL) > 0x1000);
    report_true("maximum_reservation is at least what it has",
                hypercall_memory_op(XENMEM_maximum_reservation, &(domid_t){DOMID_SELF}) >= current());
    report_answer("refused: the reservation of a domain that is not there",
                  hypercall_memory_op(XENMEM_current_reservation, &nobody), -XEN_ESRCH);
    report_answer("refused: a command that does not exist", hypercall_memory_op(60, NULL), -XEN_ENOSYS);
    report_answer("refused: a request that cannot be read",
                  hypercall_memory_op(XENMEM_decrease_reservation, (void *)0x1000), 0);
    report_answer("refused: give back from a list that cannot be read",
                  reservation(XENMEM_decrease_reservation, (xen_pfn_t *)0x1000, 1, DOMID_SELF), 0);
    report_answer("refused: take for a domain that is not there",
                  reservation(XENMEM_populate_physmap, frames, 1, nobody), 0);
}

void guest_main(void)
{
    report_title("memory_op", "pages given back and taken again");
    gives_and_takes();
    refuses_others();
    questions();
}
