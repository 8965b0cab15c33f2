/* SPDX-License-Identifier: MIT
 * XSA-380: each unmap looked through all maps of a domain, and when a domain ended all its maps were ended in one go.
 * Tried: thousands of maps; one of them unmapped with many and with few beside it; then the end, with all of the others
 * still there. Right: an unmap takes no longer for the others, and the neighbour never waits for the end of this domain. */
#include "lending.h"
#include "guest/cpu.h"
#include "guest/guest.h"

#define REFS  500u /* of a table's page */
#define TIMES 20u  /* maps of each */

static uint8_t *window;

static uint64_t unmap_time(void)
{
    uint64_t best = ~0ull;

    for (unsigned int i = 0; i < 20; i++) {
        grant_handle_t handle;
        uint64_t begin;

        report_quiet("map", grant_map(own_number, REF, window, 0, &handle), GNTST_okay);
        begin = cpu_rdtsc();
        report_quiet("unmap", grant_unmap(handle, window), GNTST_okay);
        begin = cpu_rdtsc() - begin;
        best = begin < best ? begin : best;
    }
    return best;
}

/* Each at the same place: the entry changes, the handles stay. */
static unsigned long fill(uint8_t *page)
{
    unsigned long mapped = 0;

    for (grant_ref_t ref = REF + 1; ref < REF + REFS; ref++) {
        grant_access(ref, own_number, page, false);
        for (unsigned int i = 0; i < TIMES; i++) {
            grant_handle_t handle;

            mapped += grant_map(own_number, ref, window, 0, &handle) == GNTST_okay;
        }
    }
    return mapped;
}

void guest_main(void)
{
    uint8_t *page = page_alloc();
    uint64_t alone, beside;

    attempt_begin("xsa_380", "thousands of maps");
    window = page_alloc();
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    alone = unmap_time();
    report_equal("maps", fill(page), (REFS - 1) * TIMES);
    beside = unmap_time();
    report_true("an unmap beside all of them takes at most four times as long", beside < 4 * alone + 1000);
    report_true("the granter sees that they are in use", !grant_end_access(REF + 1));
    /* No end of the attempt: the maps go with the domain. */
}
