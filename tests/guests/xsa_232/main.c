/* SPDX-License-Identifier: MIT
 * XSA-232: GNTTABOP_cache_flush of a frame whose owner is no ordinary domain looked into that owner's grant table, which it has
 * not.
 * Tried: the frames below 1 MiB, the hypervisor's, the neighbour's and one's own. Right where it is not offered: -EOPNOTSUPP. */
#include "lending.h"
#include "guest/guest.h"

static long flush(uint64_t frame)
{
    struct gnttab_cache_flush op = {.a.dev_bus_addr = frame << 12, .length = 64, .op = GNTTAB_CACHE_CLEAN};

    return hypercall_grant_table_op(GNTTABOP_cache_flush, &op, 1);
}

void guest_main(void)
{
    uint8_t *page = page_alloc();
    unsigned long wrong = 0;

    attempt_begin("xsa_232", "caches of other's frames");
    for (uint64_t frame = 0; frame < 256; frame++)
        wrong += flush(frame) != -XEN_EOPNOTSUPP;
    report_equal("frames below 1 MiB: answers other than EOPNOTSUPP", wrong, 0);
    report_answer("refused: another's", flush(frame_foreign()), -XEN_EOPNOTSUPP);
    report_answer("refused: none", flush(NO_FRAME), -XEN_EOPNOTSUPP);
    report_answer("refused: its own", flush(virt_to_frame(page)), -XEN_EOPNOTSUPP);
    page_free(page);
    attempt_end();
}
