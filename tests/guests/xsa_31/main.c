/* SPDX-License-Identifier: MIT
 * XSA-31: the order of an extent (its size is 2 to its power) was not limited: one request held the machine for hours,
 * or shifted past the width of a number.
 * Tried: increase, decrease, populate with orders from 30 up to the largest number, with one extent and many. Right: no
 * extent is done. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static const unsigned int orders[] = {19, 20, 25, 30, 31, 32, 33, 51, 52, 63, 64, 65, 127, 128, 255, 256, 0x7fffffff,
                                      0x80000000, 0xffffffff};

void guest_main(void)
{
    static xen_pfn_t list[16];
    uint64_t *page = page_alloc();

    attempt_begin("xsa_31", "orders beyond all memory");
    page[3] = 0x31;
    for (unsigned int i = 0; i < 16; i++)
        list[i] = virt_to_frame(page);
    for (unsigned int i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        printf("order %u\n", orders[i]);
        report_answer("increase: none", reservation(XENMEM_increase_reservation, list, 1, orders[i], 0, DOMID_SELF), 0);
        report_answer("decrease: none", reservation(XENMEM_decrease_reservation, list, 1, orders[i], 0, DOMID_SELF), 0);
        report_answer("populate: none", reservation(XENMEM_populate_physmap, list, 1, orders[i], 0, DOMID_SELF), 0);
        report_answer("many: none", reservation(XENMEM_decrease_reservation, list, 16, orders[i], 0, DOMID_SELF), 0);
    }
    report_equal("the page is there", page[3], 0x31);
    report_equal("the list is as it was", list[0], virt_to_frame(page));
    page_free(page);
    attempt_end();
}
