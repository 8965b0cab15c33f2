/* SPDX-License-Identifier: MIT
 * XSA-394: each unmap of a part of a map counted down what the whole had counted up once, so that a device's mapping went
 * while the map was still there.
 * Tried: the halves of one map given back one by one, twice, and in one. Right: each half goes once, the handle dies with the
 * last one (GNTST_bad_handle from then on), and the granter's bits go with it. */
#include "lending.h"
#include "guest/guest.h"

static bool in_use(void)
{
    return (grant_table[REF].flags & (GTF_reading | GTF_writing)) != 0;
}

void guest_main(void)
{
    uint8_t *page = page_alloc(), *window = page_alloc();
    const uint64_t at = HYPERCALL_PTR(window);
    grant_handle_t handle;

    attempt_begin("xsa_394", "a map whose halves are given back");
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    report_answer("for the host and for devices", lending_map(REF, GNTMAP_host_map | GNTMAP_device_map, at, &handle), GNTST_okay);
    report_answer("the half for devices", lending_unmap(handle, 0, lending_bus), GNTST_okay);
    report_true("it is in use", in_use());
    report_true("that half once more: nothing to do, or refused", lending_unmap(handle, 0, lending_bus) <= 0);
    report_true("it is in use", in_use());
    report_answer("the half for the host", lending_unmap(handle, at, 0), GNTST_okay);
    report_true("it is not in use", !in_use());
    report_answer("refused: once more", lending_unmap(handle, at, 0), GNTST_bad_handle);
    report_answer("refused: the other half", lending_unmap(handle, 0, lending_bus), GNTST_bad_handle);
    report_answer("for both again", lending_map(REF, GNTMAP_host_map | GNTMAP_device_map, at, &handle), GNTST_okay);
    report_answer("both in one", lending_unmap(handle, at, lending_bus), GNTST_okay);
    report_true("it is not in use", !in_use());
    report_true("and can be taken back", grant_end_access(REF));
    report_quiet("writable", page_writable(window), 0);
    attempt_end();
}
