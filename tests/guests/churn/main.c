/* SPDX-License-Identifier: MIT
 * churn: a domain that turns its own memory over at random: pages are mapped, written, pinned as tables of any level,
 * linked, given back, taken, exchanged, copied, granted to itself and made roots of its user mode, with a model of what
 * must be so in between. At the end all is given up, every page must be an ordinary one again, and the neighbour beside
 * it recounts the machine. operations=N on its command line says how many: 100000 if it says nothing. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"

#define PAGES  48u
#define GRANTS 8u

static struct {
    uint64_t *at;
    bool gone, pinned, writable;
} page[PAGES];

static struct {
    void *at; /* where the grant is mapped */
    grant_handle_t handle;
    bool mapped;
} grant[GRANTS];

static uint64_t state = 0x9e3779b97f4a7c15ul;
static unsigned long done, refused;
static domid_t self;

/* xorshift64* (Vigna 2016). */
static uint64_t random64(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dul;
}

static unsigned int below(unsigned int n)
{
    return (unsigned int)((random64() >> 32) * n >> 32);
}

/* Does a step count as done? What is refused must say so with an error. */
static bool step(long answer)
{
    done += answer == 0;
    refused += answer < 0;
    return answer == 0;
}

/* An entry that names a page of the pool, or none. Mostly one that can be. */
static uint64_t any_entry(void)
{
    static const uint64_t flags[] = {ENTRY_RO, ENTRY_RO, ENTRY_RW, ENTRY_TABLE, ENTRY_RO | ENTRY_NX,
                                     ENTRY_RW | ENTRY_SUPERPAGE};
    unsigned int i = below(PAGES);

    return below(3) == 0 || page[i].gone ? 0 : entry_make(page[i].at, flags[below(sizeof(flags) / sizeof(flags[0]))]);
}

/* --- the steps -------------------------------------------------------------------------------------------------- */

static void map_one(unsigned int i)
{
    bool want = below(2);

    if (!page[i].gone && step(want ? page_writable(page[i].at) : page_readonly(page[i].at)))
        page[i].writable = want;
}

/* What the model calls writable must be: a fault would end the guest. */
static void write_one(unsigned int i)
{
    if (!page[i].gone && page[i].writable)
        page[i].at[below(8)] = any_entry();
}

static void pin_one(unsigned int i)
{
    if (page[i].gone)
        return;
    if (!page[i].writable) {
        page[i].pinned |= step(table_pin(1 + below(4), page[i].at));
    } else if (table_pin(1 + below(4), page[i].at) == 0) {
        report_failure("a page that can be written was pinned");
    }
}

static void unpin_one(unsigned int i)
{
    long answer;

    if (page[i].gone)
        return;
    answer = table_unpin(page[i].at);
    if ((answer == 0) != page[i].pinned)
        report_failure("unpin of a page that is %s: %ld", page[i].pinned ? "pinned" : "not pinned", answer);
    page[i].pinned = false;
    step(answer);
}

static void entry_one(unsigned int i)
{
    if (!page[i].gone)
        step(entry_update(&page[i].at[below(8)], any_entry()));
}

static void give_or_take(unsigned int i)
{
    if (page[i].gone) {
        page[i].gone = !step(page_take(page[i].at));
        page[i].writable = !page[i].gone;
    } else if (!page[i].pinned && below(4) == 0 && step(page_readonly(page[i].at))) {
        page[i].writable = false;
        page[i].gone = step(page_give(page[i].at));
    }
}

/* Another frame for the page, where nothing else holds the one it has. In rewrite mode there is no such thing. */
static void exchange_one(unsigned int i)
{
    xen_pfn_t in, out = virt_to_pfn(page[i].at);
    unsigned long taken = 0;

    if (guest_is_rewrite() || page[i].gone || page[i].pinned)
        return;
    in = virt_to_frame(page[i].at);
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page[i].at, 0, UVMF_INVLPG), 0);
    if (step(exchange(&in, 1, 0, &out, 1, 0, &taken)))
        ((uint64_t *)guest_start_info->mfn_list)[virt_to_pfn(page[i].at)] = out;
    page[i].writable = page_writable(page[i].at) == 0;
    if (!page[i].writable)
        report_quiet("read-only", page_readonly(page[i].at), 0);
}

static void copy_or_clear(unsigned int i)
{
    unsigned int from = below(PAGES);
    bool copies = below(2);

    if (page[i].gone || page[from].gone)
        return;
    step(mmuext(copies ? MMUEXT_COPY_PAGE : MMUEXT_CLEAR_PAGE, virt_to_frame(page[i].at),
                copies ? virt_to_frame(page[from].at) : 0, DOMID_SELF));
}

static void user_root(unsigned int i)
{
    if (!page[i].gone)
        step(root_load_user(below(3) ? page[i].at : NULL));
}

static void grant_one(unsigned int i)
{
    unsigned int g = below(GRANTS);

    if (grant[g].mapped) {
        if (step(grant_unmap(grant[g].handle, grant[g].at))) {
            grant[g].mapped = false;
            report_quiet("the page below a grant", page_writable(grant[g].at), 0);
            if (!grant_end_access(g))
                report_failure("grant %u is still in use after it was unmapped", g);
        }
    } else if (!page[i].gone) {
        bool readonly = below(2);

        grant_access(g, self, page[i].at, readonly);
        grant[g].mapped = step(grant_map(self, g, grant[g].at, GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
                                         &grant[g].handle));
        if (!grant[g].mapped && !grant_end_access(g))
            report_failure("grant %u is in use and was never mapped", g);
    }
}

static void (*const steps[])(unsigned int i) = {map_one,   map_one,   write_one,    write_one,     pin_one,   pin_one,
                                                unpin_one, entry_one, give_or_take, copy_or_clear, user_root, grant_one,
                                                exchange_one};

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void give_all_up(void)
{
    report_answer("no user root", root_load_user(NULL), 0);
    for (unsigned int g = 0; g < GRANTS; g++)
        if (grant[g].mapped)
            report_quiet("unmap", grant_unmap(grant[g].handle, grant[g].at), 0);
    for (unsigned int i = 0; i < PAGES; i++)
        if (page[i].pinned)
            report_quiet("unpin", table_unpin(page[i].at), 0);
    for (unsigned int i = 0; i < PAGES; i++) {
        report_quiet("an ordinary page", page[i].gone ? page_take(page[i].at) : page_writable(page[i].at), 0);
        for (unsigned int k = 0; k < TABLE_ENTRIES; k++)
            page[i].at[k] = k;
    }
}

void guest_main(void)
{
    unsigned long count, before;

    long granted = grant_setup(1); /* in rewrite mode a page gives way to it: before anything is counted */

    attempt_begin("churn", "memory turned over at random");
    report_answer("a grant table", granted, 0);
    count = attempt_option("operations", 100000);
    self = attempt_own_number();
    for (unsigned int i = 0; i < PAGES; i++) {
        page[i].at = page_alloc();
        page[i].writable = true;
    }
    for (unsigned int g = 0; g < GRANTS; g++)
        grant[g].at = page_alloc();
    before = (unsigned long)reservation_now();
    for (unsigned long n = 0; n < count; n++)
        steps[below(sizeof(steps) / sizeof(steps[0]))](below(PAGES));
    printf("%lu steps were done, %lu refused\n", done, refused);
    report_true("enough of both", done > count / 8 && refused > count / 100);
    give_all_up();
    report_equal("it has as many pages as before", (unsigned long)reservation_now(), before);
    printf("figure churn_operations %lu\n", count);
    attempt_end();
}
