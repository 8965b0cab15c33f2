/* SPDX-License-Identifier: MIT
 * XSA-218: the count of a grant's users went down at another time than the bits that the granter sees; and one handle that two
 * vcpus gave back at once was given back twice.
 * Tried: one handle given back again and again, in one batch and by two vcpus in turn. Right: once GNTST_okay, then
 * GNTST_bad_handle; the bits are set as long as one map is left, and no longer. */
#include "lending.h"
#include "second.h"
#include "guest/guest.h"

#define TIMES 8u

static uint8_t *page, *window;
static grant_handle_t handle[2];
static volatile long others_answer;

static void second_unmaps(void)
{
    others_answer = lending_unmap(handle[0], HYPERCALL_PTR(window), 0);
}

static unsigned int in_one_batch(void)
{
    struct gnttab_unmap_grant_ref unmap[TIMES];
    unsigned int okay = 0;

    for (unsigned int i = 0; i < TIMES; i++)
        unmap[i] = (struct gnttab_unmap_grant_ref){.host_addr = HYPERCALL_PTR(window), .handle = handle[0]};
    report_quiet("the batch", hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, TIMES), 0);
    for (unsigned int i = 0; i < TIMES; i++) {
        okay += unmap[i].status == GNTST_okay;
        if (i > 0)
            report_quiet("refused: once more", unmap[i].status, GNTST_bad_handle);
    }
    return okay;
}

void guest_main(void)
{
    attempt_begin("xsa_218", "one handle, given back more than once");
    if (!lending_begin() || !second_bring_up())
        return;
    page = page_alloc();
    window = page_alloc();
    grant_access(REF, own_number, page, false);
    report_answer("map it", grant_map(own_number, REF, window, 0, &handle[0]), GNTST_okay);
    report_equal("given back in one batch, times", in_one_batch(), 1);
    report_equal("the granter's bits", grant_table[REF].flags & (GTF_reading | GTF_writing), 0);
    report_answer("map it twice", grant_map(own_number, REF, window, 0, &handle[0]), GNTST_okay);
    report_answer("once more, elsewhere", grant_map(own_number, REF, page, 0, &handle[1]), GNTST_okay);
    second_order(second_unmaps);
    report_true("vcpu 1 gives one back", second_done());
    report_answer("its answer", others_answer, GNTST_okay);
    report_answer("refused: the same by vcpu 0", lending_unmap(handle[0], HYPERCALL_PTR(window), 0), GNTST_bad_handle);
    report_true("one map is left: the bits are set", (grant_table[REF].flags & GTF_writing) != 0);
    report_true("and the grant cannot be taken back", !grant_end_access(REF));
    report_answer("the other one", lending_unmap(handle[1], HYPERCALL_PTR(page), 0), GNTST_okay);
    report_true("none is left: it can", grant_end_access(REF));
    report_quiet("writable", page_writable(page), 0);
    report_quiet("writable", page_writable(window), 0);
    attempt_end();
}
