/* SPDX-License-Identifier: MIT
 * A domain that lends pages to itself: the shortest way to try what grants allow, in both modes and on Xen. A grant is
 * mapped by its domain's own number, which the hypervisor tells through an event channel. */
#ifndef LENDING_H
#define LENDING_H

#include "attempt.h"
#include "guest/event.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

/* The first entries of a table are Xen's toolstack's. */
#define REF 8u

static domid_t own_number;
static uint64_t lending_bus; /* what the last map gave as its bus address */

static inline domid_t lending_number(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};

    report_quiet("a port", hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    status.port = alloc.port;
    report_quiet("its status", hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
    report_quiet("is closed", event_close(alloc.port), 0);
    return status.u.unbound.dom;
}

/* A table of one page; in rewrite mode it takes the place of a page of the domain's. */
static inline long lending_setup(void)
{
    long answer = grant_setup(1);

    if (answer == 0 && guest_is_rewrite())
        attempt_gave(1);
    return answer;
}

/* A table, and the own number. False, and reported: there is none. */
static inline bool lending_begin(void)
{
    own_number = lending_number();
    return report_quiet("a grant table", lending_setup(), 0);
}

/* A map with all flags as they are given; the status, or the hypercall's error. */
static inline long lending_map(grant_ref_t ref, uint32_t flags, uint64_t address, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref map = {.host_addr = address, .flags = flags, .ref = ref, .dom = own_number};
    long answer = hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);

    *handle = map.handle;
    lending_bus = map.dev_bus_addr;
    return answer != 0 ? answer : map.status;
}

static inline long lending_unmap(grant_handle_t handle, uint64_t address, uint64_t bus)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = address, .dev_bus_addr = bus, .handle = handle};
    long answer = hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);

    return answer != 0 ? answer : unmap.status;
}

static inline long lending_swap(grant_ref_t a, grant_ref_t b)
{
    struct gnttab_swap_grant_ref swap = {.ref_a = a, .ref_b = b};
    long answer = hypercall_grant_table_op(GNTTABOP_swap_grant_ref, &swap, 1);

    return answer != 0 ? answer : swap.status;
}

/* Is the page in nobody's use as memory that can be written? Then it can become a table, for a moment. */
static inline long lending_pins(void *page)
{
    long answer = table_pin(1, page);

    if (answer == 0)
        report_quiet("unpin", table_unpin(page), 0);
    return answer;
}

#endif
