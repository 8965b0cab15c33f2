/* SPDX-License-Identifier: MIT
 * XSA-255: going back from version 2 of the grant tables to 1 freed the pages with the status words, which the guest still had
 * mapped.
 * Tried: versions up and down, with a grant in use. Right where version 1 is all there is: -ENOSYS for 2, -EINVAL for what is
 * none, 1 stays in force, and there are no pages with status words. */
#include "lending.h"
#include "guest/guest.h"

static long set_version(uint32_t version, uint32_t *now)
{
    struct gnttab_set_version op = {.version = version};
    long answer = hypercall_grant_table_op(GNTTABOP_set_version, &op, 1);

    *now = op.version;
    return answer;
}

static long status_frames(uint32_t count, uint64_t *frames)
{
    struct gnttab_get_status_frames op = {.nr_frames = count, .dom = DOMID_SELF};
    long answer;

    set_xen_guest_handle(op.frame_list, frames);
    answer = hypercall_grant_table_op(GNTTABOP_get_status_frames, &op, 1);
    return answer != 0 ? answer : op.status;
}

void guest_main(void)
{
    uint8_t *page = page_alloc(), *window = page_alloc();
    uint64_t frames[2] = {7, 7};
    grant_handle_t handle;
    uint32_t now;

    attempt_begin("xsa_255", "versions of the grant table, up and down");
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    report_answer("a grant in use", grant_map(own_number, REF, window, 0, &handle), GNTST_okay);
    for (unsigned int i = 0; i < 3; i++) {
        report_answer("refused: version 2", set_version(2, &now), -XEN_ENOSYS);
        report_equal("version 1 is in force", now, 1);
        report_answer("version 1", set_version(1, &now), 0);
    }
    report_answer("refused: version 0", set_version(0, &now), -XEN_EINVAL);
    report_answer("refused: version 3", set_version(3, &now), -XEN_EINVAL);
    report_answer("refused: pages of status words", status_frames(1, frames), GNTST_general_error);
    report_true("none were named", frames[0] == 7 && frames[1] == 7);
    report_answer("the grant is given back", grant_unmap(handle, window), GNTST_okay);
    report_true("and taken back", grant_end_access(REF));
    report_quiet("writable", page_writable(window), 0);
    attempt_end();
}
