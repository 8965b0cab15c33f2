/* SPDX-License-Identifier: MIT
 * XSA-240: tables that name tables of their own level could be chained without end or in a ring; giving up the first
 * one called itself for each link, on the hypervisor's stack.
 * Tried: chains and rings at levels 2, 3 and 4, when a table is registered and when an entry is changed. Right: the
 * first link is refused, -EINVAL; each table stays ordinary memory. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"

#define LINKS 24u

static uint64_t *link[LINKS];

/* Not registered yet: each names the next, the last one the first. A ring that is shorter than the way down from that
 * level comes back to a table as another level. */
static void ring(unsigned int level, unsigned int size)
{
    unsigned int memory = 0;

    for (unsigned int i = 0; i < size; i++) {
        memset(link[i], 0, PAGE_SIZE);
        link[i][7] = entry_make(link[(i + 1) % size], ENTRY_RO | ENTRY_USER);
    }
    for (unsigned int i = 0; i < size; i++)
        report_quiet("read-only", page_readonly(link[i]), 0);
    report_answer("refused: a ring", table_pin(level, link[0]), -XEN_EINVAL);
    for (unsigned int i = 0; i < size; i++)
        memory += table_unpin(link[i]) == -XEN_EINVAL && page_writable(link[i]) == 0;
    report_equal("its links are ordinary memory", memory, size);
}

/* All registered and empty; then one entry after the other. */
static void by_entries(unsigned int level)
{
    unsigned int refused = 0;

    for (unsigned int i = 0; i < LINKS; i++) {
        memset(link[i], 0, PAGE_SIZE);
        report_quiet("register", table_register(level, link[i]), 0);
    }
    for (unsigned int i = LINKS - 1; i > 0; i--)
        refused += entry_update(&link[i - 1][7], entry_make(link[i], ENTRY_RO | ENTRY_USER)) == -XEN_EINVAL;
    report_equal("refused: links", refused, LINKS - 1);
    for (unsigned int i = 0; i < LINKS; i++)
        report_quiet("unregister", table_unregister(link[i]), 0);
}

void guest_main(void)
{
    attempt_begin("xsa_240", "no chains of tables of one level");
    for (unsigned int i = 0; i < LINKS; i++)
        link[i] = page_alloc();
    for (unsigned int level = 2; level <= 4; level++) {
        printf("level %u\n", level);
        for (unsigned int size = 1; size < level; size++)
            ring(level, size);
        by_entries(level);
    }
    for (unsigned int i = 0; i < LINKS; i++)
        page_free(link[i]);
    attempt_end();
}
