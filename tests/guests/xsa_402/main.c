/* SPDX-License-Identifier: MIT
 * XSA-402: memory that was mapped write-combining could differ from what the cache held of it. The hypervisor checked a
 * table in the cache, the processor walked the one in memory.
 * Tried: a page mapped writable with each kind of caching, then registered as a table; the cache flushed by request.
 * Right: no kind of caching but the usual one (-EINVAL), so the two cannot differ; and no flush (-EACCES). */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"

#define PWT 0x008ul
#define PCD 0x010ul
#define PAT 0x080ul

static uint64_t *window, *page;

static void mapped(unsigned long caching)
{
    uint64_t entry = entry_make(page, ENTRY_RW | ENTRY_NX);

    report_answer("as usual", hypercall_update_va_mapping((uintptr_t)window, entry, UVMF_INVLPG), 0);
    report_answer("refused: another caching by its flags alone",
                  hypercall_update_va_mapping((uintptr_t)window, entry | caching, UVMF_INVLPG), -XEN_EINVAL);
    report_answer("refused: the same, read-only",
                  hypercall_update_va_mapping((uintptr_t)window, (entry | caching) & ~ENTRY_WRITE, UVMF_INVLPG),
                  -XEN_EINVAL);
    report_answer("none", hypercall_update_va_mapping((uintptr_t)window, 0, UVMF_INVLPG), 0);
    report_answer("refused: another caching",
                  hypercall_update_va_mapping((uintptr_t)window, entry | caching, UVMF_INVLPG), -XEN_EINVAL);
}

/* As the entry of a table that is registered later. */
static void registered(unsigned long caching)
{
    uint64_t *table = page_alloc();

    table[5] = entry_make(page, ENTRY_RW | caching);
    report_answer("refused: a table with such an entry", table_register(1, table), -XEN_EINVAL);
    report_quiet("writable", page_writable(table), 0);
    page_free(table);
}

void guest_main(void)
{
    attempt_begin("xsa_402", "one kind of caching for all memory");
    window = page_alloc();
    page = page_alloc();
    for (unsigned int kind = 1; kind < 8; kind++) {
        unsigned long caching = (kind & 1 ? PWT : 0) | (kind & 2 ? PCD : 0) | (kind & 4 ? PAT : 0);

        mapped(caching);
        registered(caching);
    }
    report_answer("refused: flush the cache", mmuext(MMUEXT_FLUSH_CACHE, 0, 0, DOMID_SELF), -XEN_EACCES);
    report_answer("refused: all caches", mmuext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0, DOMID_SELF), -XEN_EACCES);
    report_quiet("the window is memory again", page_writable(window), 0);
    report_answer("the page can be a table", table_register(1, page), 0);
    report_answer("and memory again", table_unregister(page), 0);
    page_free(page);
    page_free(window);
    attempt_end();
}
