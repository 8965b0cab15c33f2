/* SPDX-License-Identifier: MIT
 * XSA-295, XSA-316: a parenthesis in the wrong place made 1 of an error: a map that had failed said that it had succeeded, and
 * its caller used what was not there.
 * Tried: maps and copies of entries that cannot be used, each for another reason. Right: the exact negative status, and the place
 * of the map is as it was. */
#include "lending.h"
#include "guest/console.h"
#include "guest/guest.h"

static uint8_t *page, *window;
static unsigned long nobody_was_mapped = 0x5a;

static void refused(const char *what, uint16_t flags, domid_t domain, uint32_t frame, uint32_t how, long status)
{
    grant_handle_t handle;

    grant_table[REF].frame = frame;
    grant_table[REF].domid = domain;
    grant_table[REF].flags = flags;
    report_answer(what, lending_map(REF, how, HYPERCALL_PTR(window), &handle), status);
    report_quiet("the place is as it was", window[0], (long)nobody_was_mapped);
    report_quiet("nobody uses it", grant_table[REF].flags & (GTF_reading | GTF_writing), 0);
    grant_table[REF].flags = 0;
}

void guest_main(void)
{
    const uint32_t map = GNTMAP_host_map, reads = GNTMAP_host_map | GNTMAP_readonly;
    grant_handle_t handle;
    uint32_t frame;

    attempt_begin("xsa_295_316", "maps that fail say so");
    if (!lending_begin())
        return;
    page = page_alloc();
    window = page_alloc();
    window[0] = (uint8_t)nobody_was_mapped;
    frame = (uint32_t)virt_to_frame(page);
    refused("refused: an entry that is not in use", 0, own_number, frame, map, GNTST_general_error);
    refused("refused: one to be transferred", GTF_accept_transfer, own_number, frame, map, GNTST_general_error);
    refused("refused: one of another kind", GTF_type_mask, own_number, frame, map, GNTST_general_error);
    refused("refused: for another domain", GTF_permit_access, 0x7000, frame, map, GNTST_general_error);
    refused("refused: read-only, to be written", GTF_permit_access | GTF_readonly, own_number, frame, map,
            GNTST_general_error);
    refused("refused: no frame", GTF_permit_access, own_number, 0xfffffff0, reads, GNTST_bad_page);
    refused("refused: another's frame", GTF_permit_access, own_number, (uint32_t)frame_foreign(), reads, GNTST_bad_page);
    refused("refused: neither for the host nor for devices", GTF_permit_access, own_number, frame, 0, GNTST_bad_gntref);
    grant_access(REF, own_number, page, false);
    report_answer("refused: behind the table", lending_map(0x7fffffff, map, HYPERCALL_PTR(window), &handle), GNTST_bad_gntref);
    report_answer("refused: nowhere", lending_map(REF, map, 0x7000000000, &handle), GNTST_general_error);
    report_answer("refused: in the hypervisor", lending_map(REF, map, HYPERVISOR, &handle), GNTST_general_error);
    report_answer("refused: not canonical", lending_map(REF, map, NONCANONICAL, &handle), GNTST_general_error);
    report_true("in nobody's use it can be taken back", grant_end_access(REF));
    page_free(page);
    page_free(window);
    attempt_end();
}
