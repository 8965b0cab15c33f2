/* SPDX-License-Identifier: MIT
 * XSA-318: a batch of copies that gave way before its first element went on as if it were done: no status was written, and what
 * stood there was taken for success.
 * Tried: long batches with a timer set, good and bad copies in turn. Right: interrupted or not, each element has the status of
 * its own copy, and each good one was carried out. */
#include "lending.h"
#include "midway.h"
#include "guest/guest.h"
#include "guest/string.h"

#define COPIES 4000u
#define MARK   0x5a5a

static struct gnttab_copy copies[COPIES];
static uint8_t *from, *to;
static unsigned int done_by_then;

static void prepare(void)
{
    memset(to, 0, PAGE_SIZE);
    for (unsigned int i = 0; i < COPIES; i++) {
        copies[i] = (struct gnttab_copy){.flags = GNTCOPY_source_gref, .status = MARK, .len = 1};
        copies[i].source.u.ref = i % 2 == 0 ? REF : 0x7fffffff;
        copies[i].source.domid = own_number;
        copies[i].source.offset = copies[i].dest.offset = (uint16_t)i;
        copies[i].dest.u.gmfn = virt_to_frame(to);
        copies[i].dest.domid = DOMID_SELF;
    }
}

static long batch(void)
{
    return hypercall_grant_table_op(GNTTABOP_copy, copies, COPIES);
}

static void look(void)
{
    while (done_by_then < COPIES && copies[done_by_then].status != MARK)
        done_by_then++;
}

static unsigned long wrong(void)
{
    unsigned long count = 0;

    for (unsigned int i = 0; i < COPIES; i++) {
        count += copies[i].status != (i % 2 == 0 ? GNTST_okay : GNTST_bad_gntref);
        count += to[i] != (i % 2 == 0 ? (uint8_t)(i + 1) : 0);
    }
    return count;
}

void guest_main(void)
{
    static const struct midway midway = {
        .hypercall = __HYPERVISOR_grant_table_op, .prepare = prepare, .call = batch, .during = look};
    long answer = -1;

    attempt_begin("xsa_318", "a batch of copies that is interrupted");
    if (!lending_begin())
        return;
    from = page_alloc();
    to = page_alloc();
    for (unsigned int i = 0; i < PAGE_SIZE; i++)
        from[i] = (uint8_t)(i + 1);
    grant_access(REF, own_number, from, true);
    report_true("a batch, interrupted", midway_run(&midway, &answer));
    report_true("some were done by then, and some were not", done_by_then > 0 && done_by_then < COPIES);
    report_answer("its answer", answer, 0);
    report_equal("copies with another status than theirs, or not carried out", wrong(), 0);
    prepare();
    report_answer("not interrupted", batch(), 0);
    report_equal("the same", wrong(), 0);
    report_true("nobody uses the grant", grant_end_access(REF));
    page_free(from);
    page_free(to);
    attempt_end();
}
