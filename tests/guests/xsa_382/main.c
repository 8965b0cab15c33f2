/* SPDX-License-Identifier: MIT
 * XSA-382: the number of status frames that a guest asked for was compared with a limit in other units, eight times too
 * high: numbers of what lay behind the array were given out.
 * Tried: status frames in every number up to the highest. Right where tables are of version 1: none, GNTST_general_error, and
 * not a word of the list is written. */
#include "lending.h"
#include "guest/guest.h"

#define MARK 0x5a5a5a5a5a5a5a5aul

static uint64_t list[512];

static long status_frames(uint32_t count)
{
    struct gnttab_get_status_frames op = {.nr_frames = count, .dom = DOMID_SELF};
    long answer;

    set_xen_guest_handle(op.frame_list, list);
    answer = hypercall_grant_table_op(GNTTABOP_get_status_frames, &op, 1);
    return answer != 0 ? answer : op.status;
}

void guest_main(void)
{
    static const uint32_t counts[] = {1, 2, 8, 63, 64, 65, 512, 4096, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
    unsigned long wrong = 0, written = 0;

    attempt_begin("xsa_382", "more status frames than there are");
    for (unsigned int i = 0; i < 512; i++)
        list[i] = MARK;
    if (!lending_begin())
        return;
    for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        wrong += status_frames(counts[i]) >= 0;
    for (unsigned int i = 0; i < 512; i++)
        written += list[i] != MARK;
    report_equal("numbers that were not refused", wrong, 0);
    report_equal("words of the list that were written", written, 0);
    report_answer("none at all is no error", status_frames(0), GNTST_okay);
    attempt_end();
}
