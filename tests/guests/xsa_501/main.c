/* SPDX-License-Identifier: MIT
 * XSA-501: the lock of a grant table was dropped and taken again on the way out of a failed map, and a change of the table's
 * version came between.
 * Tried: in the middle of a batch of maps, good and bad, the version is changed and the table grown. Right: the version does not
 * change (-ENOSYS for 2), a table that grows is no other one, and each map has its own status. */
#include "lending.h"
#include "midway.h"
#include "guest/guest.h"

#define MAPS  4000u
#define EVERY 40u /* of them one is good: a grant can be in use 128 times */

static struct gnttab_map_grant_ref maps[MAPS];
static struct gnttab_map_grant_ref made[MAPS / EVERY];
static long version, grown;
static unsigned int mapped;

static void unmap_all(void)
{
    for (; mapped > 0; mapped--)
        report_quiet("unmap", lending_unmap(made[mapped - 1].handle, 0, made[mapped - 1].dev_bus_addr), GNTST_okay);
}

/* A try that was not interrupted has mapped already. For devices: no entry is needed. */
static void prepare(void)
{
    unmap_all();
    for (unsigned int i = 0; i < MAPS; i++)
        maps[i] = (struct gnttab_map_grant_ref){
            .flags = GNTMAP_device_map, .ref = i % EVERY == 0 ? REF : REF + 1, .dom = own_number};
}

static long batch(void)
{
    long answer = hypercall_grant_table_op(GNTTABOP_map_grant_ref, maps, MAPS);

    for (unsigned int i = 0; i < MAPS; i++)
        if (maps[i].status == GNTST_okay)
            made[mapped++] = maps[i];
    return answer;
}

static void change(void)
{
    struct gnttab_set_version set = {.version = 2};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 2};
    static uint64_t frames[2];

    version = hypercall_grant_table_op(GNTTABOP_set_version, &set, 1);
    set_xen_guest_handle(setup.frame_list, frames);
    grown = hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1);
    grown = grown != 0 ? grown : setup.status;
}

static unsigned long wrong(void)
{
    unsigned long count = 0;

    for (unsigned int i = 0; i < MAPS; i++)
        count += maps[i].status != (i % EVERY == 0 ? GNTST_okay : GNTST_general_error);
    return count;
}

void guest_main(void)
{
    static const struct midway midway = {
        .hypercall = __HYPERVISOR_grant_table_op, .prepare = prepare, .call = batch, .during = change};
    uint8_t *page = page_alloc();
    long answer = -1;

    attempt_begin("xsa_501", "a table that changes under a batch of maps");
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    report_true("a batch, interrupted", midway_run(&midway, &answer));
    report_answer("refused meanwhile: version 2", version, -XEN_ENOSYS);
    report_answer("a larger table", grown, GNTST_okay);
    report_answer("its answer", answer, 0);
    report_equal("maps with another status than theirs", wrong(), 0);
    unmap_all();
    report_true("all are given back", grant_end_access(REF));
    attempt_end();
}
