/* SPDX-License-Identifier: MIT
 * memory_op: one page given back and taken again. The page that moves is out of the pool and is mapped
 * nowhere. */
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "bench.h"

static uint8_t *page;
static unsigned long frame; /* the page's, while it has one */
static xen_pfn_t in, out;
static struct xen_memory_reservation reservation;
static struct xen_memory_exchange exchange;

/* In direct mode the guest keeps its own list of frames. */
static void list_set(unsigned long mfn)
{
    if (!guest_is_rewrite())
        ((uint64_t *)guest_start_info->mfn_list)[virt_to_pfn(page)] = mfn;
    frame = mfn;
}

static void reservation_set(xen_pfn_t *extent, xen_pfn_t value)
{
    *extent = value;
    reservation = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
    set_xen_guest_handle(reservation.extent_start, extent);
}

static long give_back(void)
{
    return hypercall_memory_op(XENMEM_decrease_reservation, &reservation) == 1 ? 0 : -XEN_EINVAL;
}

static long give_prepare(void)
{
    reservation_set(&in, frame);
    return 0;
}

static long take(void)
{
    return hypercall_memory_op(XENMEM_populate_physmap, &reservation) == 1 ? 0 : -XEN_EINVAL;
}

static long take_prepare(void)
{
    reservation_set(&in, virt_to_pfn(page));
    return 0;
}

static long taken(void)
{
    list_set(guest_is_rewrite() ? virt_to_pfn(page) : in);
    return 0;
}

static long take_again(void)
{
    take_prepare();
    return take() == 0 ? taken() : -XEN_ENOMEM;
}

static long give_now(void)
{
    give_prepare();
    if (give_back() != 0)
        return -XEN_EINVAL;
    return take_prepare();
}

static long increase_prepare(void)
{
    give_now();
    reservation_set(&out, 0);
    return 0;
}

static long increase(void)
{
    return hypercall_memory_op(XENMEM_increase_reservation, &reservation) == 1 ? 0 : -XEN_EINVAL;
}

static long increased(void)
{
    list_set(out);
    return 0;
}

static long exchange_prepare(void)
{
    in = frame;
    out = virt_to_pfn(page);
    exchange = (struct xen_memory_exchange){
        .in = {.nr_extents = 1, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .domid = DOMID_SELF},
    };
    set_xen_guest_handle(exchange.in.extent_start, &in);
    set_xen_guest_handle(exchange.out.extent_start, &out);
    return 0;
}

static long exchange_one(void)
{
    return hypercall_memory_op(XENMEM_exchange, &exchange);
}

static const struct bench_row rows[] = {
    {"decrease_reservation, one page", 1, give_back, give_prepare, take_again},
    {"populate_physmap, one page", 1, take, give_now, taken},
};

/* Where frame numbers are the guest's own, these two have no meaning. */
static const struct bench_row direct_rows[] = {
    {"increase_reservation, one page", 1, increase, increase_prepare, increased},
    {"exchange, one page", 1, exchange_one, exchange_prepare, increased},
};

void bench_memory(void)
{
    page = page_alloc();
    frame = virt_to_frame(page);
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG), 0);
    BENCH_ROWS(rows);
    if (!guest_is_rewrite())
        BENCH_ROWS(direct_rows);
}
