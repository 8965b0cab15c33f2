/* SPDX-License-Identifier: MIT
 * Grants: a domain that lends pages to itself maps them, ends the maps, and copies. */
#include "guest/event.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "bench.h"

#define BATCH     32u
#define FIRST_REF 16u

static domid_t self;
static uint8_t *lent[BATCH], *places[BATCH];
static struct gnttab_map_grant_ref maps[BATCH];
static struct gnttab_unmap_grant_ref unmaps[BATCH];
static struct gnttab_copy copies[1];

static long maps_prepare(void)
{
    for (unsigned int i = 0; i < BATCH; i++)
        maps[i] = (struct gnttab_map_grant_ref){.host_addr = (uintptr_t)places[i], .flags = GNTMAP_host_map,
                                                .ref = FIRST_REF + i, .dom = self};
    return grant_table == NULL ? -XEN_ENOSYS : 0;
}

static long map(unsigned int count)
{
    long answer = hypercall_grant_table_op(GNTTABOP_map_grant_ref, maps, count);

    return answer != 0 ? answer : maps[count - 1].status;
}
static long map_one(void)
{
    return map(1);
}
static long map_batch(void)
{
    return map(BATCH);
}

static long unmap(unsigned int count)
{
    long answer = hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, count);

    return answer != 0 ? answer : unmaps[count - 1].status;
}
static long unmap_one(void)
{
    return unmap(1);
}
static long unmap_batch(void)
{
    return unmap(BATCH);
}

static void unmaps_prepare(void)
{
    for (unsigned int i = 0; i < BATCH; i++)
        unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = (uintptr_t)places[i], .handle = maps[i].handle};
}
static long end_one(void)
{
    unmaps_prepare();
    return unmap_one();
}
static long end_batch(void)
{
    unmaps_prepare();
    return unmap_batch();
}

static long mapped_one(void)
{
    long answer = maps_prepare();

    answer = answer != 0 ? answer : map_one();
    unmaps_prepare();
    return answer;
}
static long mapped_batch(void)
{
    long answer = maps_prepare();

    answer = answer != 0 ? answer : map_batch();
    unmaps_prepare();
    return answer;
}

/* From a grant to a page of one's own. */
static long copy_prepare(unsigned int bytes)
{
    copies[0] = (struct gnttab_copy){.source = {.u.ref = FIRST_REF, .domid = self},
                                     .dest = {.u.gmfn = virt_to_frame(places[0]), .domid = DOMID_SELF},
                                     .len = (uint16_t)bytes,
                                     .flags = GNTCOPY_source_gref};
    return grant_table == NULL ? -XEN_ENOSYS : 0;
}
static long copy_prepare_64(void)
{
    return copy_prepare(64);
}
static long copy_prepare_4096(void)
{
    return copy_prepare(4096);
}
static long copy_one(void)
{
    long answer = hypercall_grant_table_op(GNTTABOP_copy, copies, 1);

    return answer != 0 ? answer : copies[0].status;
}

static const struct bench_row rows[] = {
    {"grant map", 1, map_one, maps_prepare, end_one},
    {"grant unmap", 1, unmap_one, mapped_one, NULL},
    {"grant map, batch of 32, each", BATCH, map_batch, maps_prepare, end_batch},
    {"grant unmap, batch of 32, each", BATCH, unmap_batch, mapped_batch, NULL},
    {"grant copy of 64 bytes", 1, copy_one, copy_prepare_64, NULL},
    {"grant copy of 4096 bytes", 1, copy_one, copy_prepare_4096, NULL},
};

void bench_grants(void)
{
    self = event_own_domain();
    if (grant_setup(1) != 0)
        grant_table = NULL;
    for (unsigned int i = 0; i < BATCH; i++) {
        lent[i] = page_alloc();
        places[i] = page_alloc();
        if (grant_table != NULL)
            grant_access(FIRST_REF + i, self, lent[i], false);
    }
    BENCH_ROWS(rows);
}
