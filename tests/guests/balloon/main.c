/* SPDX-License-Identifier: MIT
 * balloon: a domain gives back all it can do without, pages that were tables a moment ago among them, until only its image,
 * its tables and its stack are left; then it takes everything again, finds it clear, and makes tables of it. Twice. Once
 * more than it may have is refused. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"

#define POOL 64u  /* mapped pages, each used as something before it goes */
#define PART 256u /* extents of one request */

static uint64_t *pool[POOL];
static xen_pfn_t list[PART];
static unsigned long first, end; /* spare page numbers, behind all that the builder made */

/* Those of the builder's slack are mapped; of the others there is nothing to take away. */
static void unmap_spare(void)
{
    for (unsigned long pfn = first; pfn < end; pfn++)
        (void)hypercall_update_va_mapping((uintptr_t)pfn_to_virt(pfn), 0, UVMF_INVLPG);
}

static unsigned long spare(unsigned int command)
{
    unsigned long done = 0;

    for (unsigned long pfn = first; pfn < end; pfn += PART) {
        unsigned long count = end - pfn < PART ? end - pfn : PART;

        for (unsigned long i = 0; i < count; i++)
            list[i] = command == XENMEM_decrease_reservation ? pfn_to_frame(pfn + i) : pfn + i;
        done += (unsigned long)reservation(command, list, count, 0, 0, DOMID_SELF);
        for (unsigned long i = 0; i < count && command == XENMEM_populate_physmap && !guest_is_rewrite(); i++)
            ((uint64_t *)guest_start_info->mfn_list)[pfn + i] = list[i];
    }
    return done;
}

/* Each a table of some level, in use and given up again. */
static void make_tables(void)
{
    for (unsigned int i = 0; i < POOL; i++) {
        report_quiet("read-only", page_readonly(pool[i]), 0);
        report_quiet("a table", table_pin(1 + i % 4, pool[i]), 0);
        report_quiet("no table", table_unpin(pool[i]), 0);
    }
}

static void give_all(void)
{
    unsigned long given = spare(XENMEM_decrease_reservation);

    report_equal("spare pages given back", given, end - first);
    for (unsigned int i = 0; i < POOL; i++)
        report_quiet("a page that was a table", page_give(pool[i]), 0);
    printf("%ld pages are left\n", reservation_now());
    report_answer("given back twice", reservation(XENMEM_decrease_reservation, list, 1, 0, 0, DOMID_SELF), 0);
}

static void take_all(void)
{
    report_equal("spare pages taken again", spare(XENMEM_populate_physmap), end - first);
    for (unsigned int i = 0; i < POOL; i++) {
        report_quiet("a page", page_take(pool[i]), 0);
        for (unsigned int k = 0; k < TABLE_ENTRIES; k++)
            if (pool[i][k] != 0)
                report_failure("page %u is not clear at %u", i, k);
    }
}

void guest_main(void)
{
    unsigned long before;

    attempt_begin("balloon", "nearly all memory given back, and taken again");
    first = virt_to_pfn((void *)guest_start_info->pt_base) + guest_start_info->nr_pt_frames + 1;
    end = guest_start_info->nr_pages;
    for (unsigned int i = 0; i < POOL; i++)
        pool[i] = page_alloc();
    before = (unsigned long)reservation_now();
    unmap_spare();
    for (unsigned int round = 0; round < 2; round++) {
        make_tables();
        give_all();
        report_true("less than a quarter is left", (unsigned long)reservation_now() < before / 4);
        take_all();
        report_equal("it has as many pages as before", (unsigned long)reservation_now(), before);
    }
    list[0] = end; /* in rewrite mode no such page, in both one more than the domain may have */
    report_answer("one more", reservation(XENMEM_populate_physmap, list, 1, 0, 0, DOMID_SELF), 0);
    attempt_end();
}
