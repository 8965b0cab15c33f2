/* SPDX-License-Identifier: MIT
 * XSA-227: a map into an entry that the guest names by its machine address (GNTMAP_contains_pte) was stored wherever the
 * address pointed, across two entries too: what stood in them then was checked by nobody.
 * Tried: every address within an entry. Right: GNTST_general_error but at its beginning, and the table is as it was. */
#include "lending.h"
#include "guest/guest.h"
#include "guest/string.h"

void guest_main(void)
{
    uint64_t *table = page_alloc(), *copy = page_alloc();
    uint8_t *page = page_alloc();
    const uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;
    grant_handle_t handle;

    attempt_begin("xsa_227", "a map across two entries");
    if (!lending_begin())
        return;
    grant_access(REF, own_number, page, false);
    report_answer("a table", table_register(1, table), 0);
    for (unsigned int byte = 1; byte < 8; byte++)
        report_quiet("refused: inside of an entry", lending_map(REF, flags, entry_address(&table[7]) + byte, &handle),
                     GNTST_general_error);
    report_answer("refused: two bytes before it", lending_map(REF, flags, entry_address(&table[7]) - 2, &handle),
                  GNTST_general_error);
    report_answer("refused: in a page that is no table", lending_map(REF, flags, virt_to_frame(copy) << 12, &handle),
                  GNTST_general_error);
    report_true("refused: in no frame", lending_map(REF, flags, NO_FRAME << 12, &handle) < 0);
    report_equal("the table is as it was", (unsigned long)memcmp(table, copy, PAGE_SIZE), 0);
    report_true("the grant is in nobody's use", grant_end_access(REF));
    report_answer("the table is memory again", table_unregister(table), 0);
    page_free(table);
    page_free(copy);
    page_free(page);
    attempt_end();
}
