/* SPDX-License-Identifier: MIT
 * memory_op: a guest gives pages back and takes them again, singly and in rows, exchanges them, and asks how much
 * it has. What it cannot give (a page that is mapped, a table, a frame that is not its own) it keeps, and the answer
 * says how many were done. */
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

static long extents(unsigned int command, xen_pfn_t *list, unsigned int count, unsigned int order,
                    unsigned int flags)
{
    struct xen_memory_reservation request = {
        .nr_extents = count, .extent_order = order, .mem_flags = flags, .domid = DOMID_SELF};

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

/* The eight pages are unmapped and given back; their numbers are free. */
static void give_all(void)
{
    for (unsigned int i = 0; i < PAGES; i++) {
        frames[i] = virt_to_frame(pages[i]);
        unmap(i);
    }
    report_quiet("give them back", reservation(XENMEM_decrease_reservation, frames, PAGES, DOMID_SELF), PAGES);
}

static void take_all(void)
{
    for (unsigned int i = 0; i < PAGES; i++)
        frames[i] = virt_to_pfn(pages[i]);
    report_quiet("take them", reservation(XENMEM_populate_physmap, frames, PAGES, DOMID_SELF), PAGES);
    for (unsigned int i = 0; i < PAGES; i++)
        map(i);
}

/* Pages in a row: in direct mode machine frames, aligned to their number. */
static void rows(void)
{
    xen_pfn_t row;
    unsigned int first = 0, clear = 0;

    while (virt_to_pfn(pages[first]) % 4 != 0 || virt_to_pfn(pages[first + 3]) != virt_to_pfn(pages[first]) + 3)
        first++;
    for (unsigned int i = 0; i < 4; i++) {
        frames[i] = virt_to_frame(pages[first + i]);
        unmap(first + i);
    }
    report_answer("give four pages back", reservation(XENMEM_decrease_reservation, frames, 4, DOMID_SELF), 4);
    row = virt_to_pfn(pages[first]);
    report_answer("take them as a row of four", extents(XENMEM_populate_physmap, &row, 1, 2, 0), 1);
    report_equal("it is aligned", row % 4, 0);
    for (unsigned int i = 0; i < 4; i++) {
        frames[first + i] = row + i;
        map(first + i);
        clear += pages[first + i][i * 8] == 0;
        pages[first + i][i * 8] = 1;
    }
    report_equal("its pages are clear and can be written", clear, 4);
    for (unsigned int i = 0; i < 4; i++)
        unmap(first + i);
    report_answer("give the row back as one", extents(XENMEM_decrease_reservation, &row, 1, 2, 0), 1);
    row = virt_to_pfn(pages[first]);
    report_answer("take it again", extents(XENMEM_populate_physmap, &row, 1, 2, 0), 1);
    for (unsigned int i = 0; i < 4; i++) {
        frames[first + i] = row + i;
        map(first + i);
    }
}

/* Wishes and demands: memory below an address, of a node, on demand, in rows of any length. */
static void wishes(void)
{
    xen_pfn_t pfn = virt_to_pfn(pages[0]);

    give_all();
    report_answer("refused: a page below 2^12", extents(XENMEM_populate_physmap, &pfn, 1, 0, XENMEMF_address_bits(12)), 0);
    report_answer("refused: memory on demand", extents(XENMEM_populate_physmap, &pfn, 1, 0, XENMEMF_populate_on_demand), 0);
    report_answer("refused: a row of 2^30 pages", extents(XENMEM_populate_physmap, &pfn, 1, 30, 0), 0);
    report_answer("refused: a row of 2^63 pages", extents(XENMEM_decrease_reservation, &pfn, 1, 63, 0), 0);
    report_answer("a page below 2^48", extents(XENMEM_populate_physmap, &pfn, 1, 0, XENMEMF_address_bits(48)), 1);
    if (guest_is_rewrite())
        pfn = virt_to_pfn(pages[0]);
    report_answer("and back", extents(XENMEM_decrease_reservation, &pfn, 1, 0, 0), 1);
    take_all();
}

static struct xen_memory_exchange swap;

static long exchange(unsigned int count, unsigned int in_order, unsigned int out_order, xen_pfn_t *in,
                     xen_pfn_t *out)
{
    swap = (struct xen_memory_exchange){
        .in = {.nr_extents = count, .extent_order = in_order, .domid = DOMID_SELF},
        .out = {.nr_extents = (xen_ulong_t)count << in_order >> out_order, .extent_order = out_order, .domid = DOMID_SELF},
    };
    set_xen_guest_handle(swap.in.extent_start, in);
    set_xen_guest_handle(swap.out.extent_start, out);
    return hypercall_memory_op(XENMEM_exchange, &swap);
}

static void exchanges(void)
{
    xen_pfn_t in[PAGES], out[PAGES], nowhere = 1ul << 40;
    long before = current();
    unsigned int led_back = 0;

    for (unsigned int i = 0; i < PAGES; i++) {
        pages[i][0] = 0x44;
        in[i] = virt_to_frame(pages[i]);
        out[i] = virt_to_pfn(pages[i]);
        unmap(i);
    }
    report_answer("exchange eight pages", exchange(PAGES, 0, 0, in, out), 0);
    report_equal("all of them", swap.nr_exchanged, PAGES);
    report_equal("it has what it had", (unsigned long)current(), (unsigned long)before);
    for (unsigned int i = 0; i < PAGES; i++) {
        led_back += mfn_to_pfn(out[i]) == virt_to_pfn(pages[i]);
        frames[i] = out[i];
        map(i);
        pages[i][0] = 0x55;
    }
    report_equal("the M2P leads back to the new ones", led_back, PAGES);
    in[0] = virt_to_frame(pages[0]);
    report_answer("refused: a page that is mapped", exchange(1, 0, 0, in, out), -XEN_EINVAL);
    report_answer("refused: a frame that is not there", exchange(1, 0, 0, &nowhere, out), -XEN_EINVAL);
    report_answer("nothing for nothing", exchange(0, 0, 0, in, out), 0);
    swap.nr_exchanged = 2;
    report_answer("refused: more exchanged than there are", hypercall_memory_op(XENMEM_exchange, &swap), -XEN_EINVAL);
    report_answer("refused: a list that is the hypervisor's",
                  exchange(1, 0, 0, (xen_pfn_t *)0xffff820000000000ul, out), -XEN_EFAULT);
    report_answer("refused: rows of 2^30 pages", exchange(1, 30, 30, in, out), -XEN_EPERM);
    report_answer("refused: sizes that differ", exchange(3, 0, 1, in, out), -XEN_EINVAL);
    report_true("the page is what it was", pages[0][0] == 0x55);
}

static void exchanges_in_rewrite_mode(void)
{
    xen_pfn_t in = virt_to_pfn(pages[0]), out = in;

    report_answer("refused: exchange", exchange(1, 0, 0, &in, &out), -XEN_EOPNOTSUPP);
    report_equal("none is exchanged", swap.nr_exchanged, 0);
}

static void maps(void)
{
    xen_pfn_t list[2] = {0, 0};
    struct xen_machphys_mfn_list m2p = {.max_extents = 1};
    struct xen_machphys_mapping place;

    set_xen_guest_handle(m2p.extent_start, list);
    report_answer("where the M2P's memory lies", hypercall_memory_op(XENMEM_machphys_mfn_list, &m2p), 0);
    report_true("one frame is told", m2p.nr_extents == 1 && list[0] != 0 && list[1] == 0);
    report_answer("where it is mapped", hypercall_memory_op(XENMEM_machphys_mapping, &place), 0);
    report_true("where it always was", place.v_start == MACH2PHYS_VIRT_START);
    report_answer("no pages are saved by sharing", hypercall_memory_op(XENMEM_get_sharing_freed_pages, NULL), 0);
    report_answer("none are shared", hypercall_memory_op(XENMEM_get_sharing_shared_pages, NULL), 0);
}

/* In direct mode numbers are machine frames, and nothing can be put behind them. */
static void places(void)
{
    struct xen_add_to_physmap add = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = 1};
    struct xen_add_to_physmap_batch batch = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .size = 1};
    struct xen_remove_from_physmap remove = {.domid = DOMID_SELF, .gpfn = virt_to_frame(pages[0])};
    xen_ulong_t index = 0;
    xen_pfn_t pfn = 1;
    int error = 0;

    set_xen_guest_handle(batch.idxs, &index);
    set_xen_guest_handle(batch.gpfns, &pfn);
    set_xen_guest_handle(batch.errs, &error);
    report_answer("refused: place shared_info", hypercall_memory_op(XENMEM_add_to_physmap, &add), -XEN_EACCES);
    report_answer("refused: place it by a batch", hypercall_memory_op(XENMEM_add_to_physmap_batch, &batch), -XEN_EACCES);
    report_answer("refused: remove a frame", hypercall_memory_op(XENMEM_remove_from_physmap, &remove), -XEN_EACCES);
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
    rows();
    wishes();
    if (guest_is_rewrite()) {
        exchanges_in_rewrite_mode();
    } else {
        exchanges();
        places();
    }
    maps();
    refuses_others();
    questions();
}
