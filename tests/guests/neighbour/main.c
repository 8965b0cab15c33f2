/* SPDX-License-Identifier: MIT
 * neighbour: the domain beside those that try the published escapes. It fills its memory with words that say where
 * they stand, registers a page table and a GDT, holds two event ports and keeps words in its registers; then it lets the
 * domains of its command line (their numbers) begin. As long as they live it gives way to them and looks at all of that
 * again and again; when they are gone, once more, and ends. Success means that nothing of it changed. Privileged, it
 * also has the hypervisor recount all frames, while they live and afterwards. */
#define __XEN_TOOLS__
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/sse.h"
#include "guest/string.h"
#include <xen/sysctl.h>

#define PAGES      400u
#define WORDS      (PAGE_SIZE / sizeof(uint64_t))
#define OTHERS_MAX 8u
#define AUDITS     4u /* while the others live: each takes its time */

bool registers_kept(void); /* registers.asm */

static uint64_t *pages[PAGES];
static uint64_t *table, *table_copy, *gdt, *gdt_copy;
static struct sse vectors;
static struct evtchn_status ports[2];
static volatile unsigned int came;
static domid_t others[OTHERS_MAX];
static unsigned int others_count;

/* --- what it has ------------------------------------------------------------------------------------------------ */

static uint64_t word_of(unsigned int page, unsigned int word)
{
    return ((uint64_t)page << 32 | word) * 0x9e3779b97f4a7c15ul + 1;
}

static void memory_fill(void)
{
    for (unsigned int i = 0; i < PAGES; i++) {
        pages[i] = page_alloc();
        for (unsigned int k = 0; k < WORDS; k++)
            pages[i][k] = word_of(i, k);
    }
}

static unsigned long memory_changed(void)
{
    unsigned long changed = 0;

    for (unsigned int i = 0; i < PAGES; i++)
        for (unsigned int k = 0; k < WORDS; k++)
            changed += pages[i][k] != word_of(i, k);
    return changed;
}

static void tables_make(void)
{
    unsigned long frame;

    table = page_alloc();
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
        table[i] = entry_make(pages[i % PAGES], ENTRY_RO);
    report_quiet("register an L1 table", table_register(1, table), 0);
    table_copy = memcpy(page_alloc(), table, PAGE_SIZE);
    gdt = page_alloc();
    for (unsigned int i = 1; i < 100; i++)
        gdt[i] = 0x00cff3000000fffful; /* flat data of ring 3 */
    report_quiet("GDT read-only", page_readonly(gdt), 0);
    frame = virt_to_frame(gdt);
    report_quiet("set_gdt", hypercall_set_gdt(&frame, TABLE_ENTRIES), 0);
    gdt_copy = memcpy(page_alloc(), gdt, PAGE_SIZE);
}

static void on_event(evtchn_port_t port)
{
    (void)port;
    came++;
}

/* One port that is bound, and one that waits to be, by nobody else. */
static void ports_make(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    long own = event_bind_ipi(on_event);

    report_quiet("a port", own > 0, true);
    report_quiet("a port that waits", hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    ports[0] = (struct evtchn_status){.dom = DOMID_SELF, .port = (evtchn_port_t)own};
    ports[1] = (struct evtchn_status){.dom = DOMID_SELF, .port = alloc.port};
    for (unsigned int i = 0; i < 2; i++)
        report_quiet("status of a port", hypercall_event_channel_op(EVTCHNOP_status, &ports[i]), 0);
    events_enable();
}

static bool ports_same(void)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct evtchn_status now = {.dom = DOMID_SELF, .port = ports[i].port};

        if (hypercall_event_channel_op(EVTCHNOP_status, &now) != 0 || now.status != ports[i].status ||
            now.vcpu != ports[i].vcpu)
            return false;
    }
    return came == 0 && !event_pending(ports[0].port) && !event_pending(ports[1].port);
}

static void vectors_fill(void)
{
    for (unsigned int i = 0; i < SSE_REGISTERS; i++) {
        vectors.xmm[i][0] = word_of(PAGES, i);
        vectors.xmm[i][1] = ~word_of(PAGES, i);
    }
    sse_load(&vectors);
}

static bool vectors_same(void)
{
    struct sse now;

    sse_store(&now);
    return memcmp(&now, &vectors, sizeof(now)) == 0;
}

/* --- and still has ---------------------------------------------------------------------------------------------- */

static bool all_same(unsigned long had)
{
    bool same = true;

    same = report_quiet("words of memory that changed", (long)memory_changed(), 0) && same;
    same = report_quiet("its page table is as it was", memcmp(table, table_copy, PAGE_SIZE) == 0, true) && same;
    same = report_quiet("its GDT is as it was", memcmp(gdt, gdt_copy, PAGE_SIZE) == 0, true) && same;
    same = report_quiet("its ports are as they were, and silent", ports_same(), true) && same;
    same = report_quiet("its vector registers are as they were", vectors_same(), true) && same;
    same = report_quiet("its registers are as they were", registers_kept(), true) && same;
    same = report_quiet("it has what it had", reservation_now(), (long)had) && same;
    return same;
}

/* To ask about another domain is refused as long as there is one; a privileged domain gets a number. */
static bool alive(domid_t domain)
{
    long answer = hypercall_memory_op(XENMEM_current_reservation, &domain);

    if (answer < 0 && answer != -XEN_EPERM)
        report_quiet("a domain that is gone", answer, -XEN_ESRCH);
    return answer >= 0 || answer == -XEN_EPERM;
}

/* A port for each of them, which it looks for before it begins (attempt_begin()). */
static void others_begin(void)
{
    for (unsigned int i = 0; i < others_count; i++) {
        struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = others[i]};

        report_quiet("a port to begin by", hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    }
}

/* Every reference and use of every frame of the machine, counted anew. */
static bool audit(void)
{
    static char key = 'M';
    struct xen_sysctl press = {.cmd = XEN_SYSCTL_debug_keys, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};

    if (!attempt_privileged())
        return true;
    set_xen_guest_handle(press.u.debug_keys.keys, &key);
    press.u.debug_keys.nr_keys = 1;
    return report_quiet("the hypervisor's audit", hypercall_sysctl(&press), 0);
}

static bool others_live(void)
{
    bool any = false;

    for (unsigned int i = 0; i < others_count; i++)
        any |= alive(others[i]);
    return any;
}

static void others_read(void)
{
    for (const char *c = guest_command_line(); *c != '\0' && others_count < OTHERS_MAX; c++)
        if (*c >= '0' && *c <= '9')
            others[others_count++] = (domid_t)(*c - '0');
}

void guest_main(void)
{
    unsigned long had = (unsigned long)reservation_now();
    unsigned int rounds = 0;

    report_title("neighbour", "what others try changes nothing here");
    others_read();
    if (others_count == 0)
        return report_error("expected the numbers of other domains");
    memory_fill();
    tables_make();
    ports_make();
    vectors_fill();
    if (!report_true("the others live", others_live()))
        return;
    others_begin();
    while (others_live() && all_same(had) && (rounds >= AUDITS || audit()))
        rounds++;
    report_true("nothing of it changed", all_same(had));
    report_true("all frames are accounted for", audit());
    report_answer("its table can be unregistered", table_unregister(table), 0);
    report_quiet("no GDT", hypercall_set_gdt(NULL, 0), 0);
    report_answer("its GDT is ordinary memory again", page_writable(gdt), 0);
}
