/* SPDX-License-Identifier: MIT
 * Begin and end of an attempt, trees of tables, memory given and taken (attempt.h). */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define NOBODY          4000u /* no domain has this number */
#define NEIGHBOUR_PORTS 8u
#define PATIENCE        20000000000ull /* nanoseconds: the host may be slow */

static long had;

static bool is_blank(char c)
{
    return c == ' ' || c == '\0';
}

unsigned long attempt_option(const char *name, unsigned long otherwise)
{
    size_t length = strlen(name);

    for (const char *text = guest_command_line(); *text != '\0'; text++) {
        unsigned long value = 0;

        if (strncmp(text, name, length) == 0 && text[length] == '=') {
            for (text += length + 1; !is_blank(*text); text++)
                value = value * 10 + (unsigned long)(*text - '0');
            return value;
        }
        while (!is_blank(text[0]) && text[1] != '\0')
            text++;
    }
    return otherwise;
}

domid_t attempt_neighbour(void)
{
    return (domid_t)attempt_option("neighbour", NOBODY);
}

long attempt_neighbour_refused(void)
{
    return attempt_neighbour() == NOBODY ? -XEN_ESRCH : -XEN_EPERM;
}

/* A port that waits for this domain says who that is. */
domid_t attempt_own_number(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};
    struct evtchn_close shut;

    report_quiet("a port", hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    status.port = shut.port = alloc.port;
    report_quiet("its status", hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
    report_quiet("close", hypercall_event_channel_op(EVTCHNOP_close, &shut), 0);
    return status.u.unbound.dom;
}

bool attempt_privileged(void)
{
    return (guest_start_info->flags & SIF_PRIVILEGED) != 0;
}

/* The list of frames and the machine-to-physical table lead to each other. */
bool frame_is_own(unsigned long frame)
{
    uint64_t pfn = 0;

    if (guest_is_rewrite())
        return frame < guest_start_info->nr_pages;
    return frame == guest_start_info->shared_info >> 12 ||
           (try_read(&machine_to_phys_mapping[frame], &pfn) && pfn < guest_start_info->nr_pages &&
            pfn_to_frame(pfn) == frame);
}

unsigned long frame_foreign(void)
{
    unsigned long last = (unsigned long)hypercall_memory_op(XENMEM_maximum_ram_page, NULL), hypervisors = 0;
    uint64_t pfn;

    if (guest_is_rewrite())
        return guest_start_info->nr_pages + 0x10000;
    for (unsigned long mfn = last - 1; mfn > 256; mfn--) {
        if (!try_read(&machine_to_phys_mapping[mfn], &pfn) || frame_is_own(mfn))
            continue;
        if (pfn > 0 && pfn < last)
            return mfn;
        hypervisors = mfn;
    }
    return hypervisors;
}

/* --- a tree of tables ------------------------------------------------------------------------------------------- */

void tree_make(struct tree *tree)
{
    for (unsigned int level = 1; level <= 4; level++)
        tree->table[level] = page_alloc();
    tree->page = page_alloc();
    tree->table[1][TREE_SLOT] = entry_make(tree->page, ENTRY_RW | ENTRY_NX);
    for (unsigned int level = 2; level <= 4; level++)
        tree->table[level][TREE_SLOT] = entry_table(tree->table[level - 1]);
    root_copy_kernel(tree->table[4]);
    tree->full_count = 0;
}

void tree_make_full(struct tree *tree, unsigned int full)
{
    tree_make(tree);
    for (; tree->full_count < full; tree->full_count++) {
        uint64_t *l1 = page_alloc();

        for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
            l1[i] = entry_make(tree->page, ENTRY_RO | ENTRY_NX);
        tree->table[2][TREE_FULL + tree->full_count] = entry_table(l1);
        tree->full[tree->full_count] = l1;
    }
}

void tree_readonly(struct tree *tree)
{
    for (unsigned int i = 0; i < tree->full_count; i++)
        report_quiet("tree: read-only", page_readonly(tree->full[i]), 0);
    for (unsigned int level = 1; level <= 4; level++)
        report_quiet("tree: read-only", page_readonly(tree->table[level]), 0);
}

void tree_free(struct tree *tree)
{
    for (unsigned int i = 0; i < tree->full_count; i++) {
        report_quiet("tree: writable again", page_writable(tree->full[i]), 0);
        page_free(tree->full[i]);
    }
    for (unsigned int level = 1; level <= 4; level++) {
        report_quiet("tree: writable again", page_writable(tree->table[level]), 0);
        page_free(tree->table[level]);
    }
    page_free(tree->page);
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

long reservation(unsigned int command, xen_pfn_t *list, unsigned long count, unsigned int order,
                 unsigned int flags, domid_t domain)
{
    struct xen_memory_reservation request = {
        .nr_extents = count, .extent_order = order, .mem_flags = flags, .domid = domain};

    set_xen_guest_handle(request.extent_start, list);
    return hypercall_memory_op(command, &request);
}

long exchange(xen_pfn_t *in, unsigned long in_count, unsigned int in_order, xen_pfn_t *out, unsigned long out_count,
              unsigned int out_order, unsigned long *done)
{
    struct xen_memory_exchange request = {
        .in = {.nr_extents = in_count, .extent_order = in_order, .domid = DOMID_SELF},
        .out = {.nr_extents = out_count, .extent_order = out_order, .domid = DOMID_SELF},
        .nr_exchanged = *done};
    long answer;

    set_xen_guest_handle(request.in.extent_start, in);
    set_xen_guest_handle(request.out.extent_start, out);
    answer = hypercall_memory_op(XENMEM_exchange, &request);
    *done = request.nr_exchanged;
    return answer;
}

long reservation_now(void)
{
    domid_t self = DOMID_SELF;

    return hypercall_memory_op(XENMEM_current_reservation, &self);
}

long page_give(void *page)
{
    xen_pfn_t frame = virt_to_frame(page);
    long answer = hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG);

    if (answer == 0 && reservation(XENMEM_decrease_reservation, &frame, 1, 0, 0, DOMID_SELF) != 1)
        answer = -XEN_EBUSY;
    return answer;
}

long page_take(void *page)
{
    unsigned long pfn = virt_to_pfn(page);
    xen_pfn_t frame = pfn;

    if (reservation(XENMEM_populate_physmap, &frame, 1, 0, 0, DOMID_SELF) != 1)
        return -XEN_ENOMEM;
    if (!guest_is_rewrite())
        ((uint64_t *)guest_start_info->mfn_list)[pfn] = frame;
    return page_writable(page);
}

long mmuext(unsigned int command, unsigned long arg1, unsigned long arg2, domid_t domain)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = arg1, .arg2.src_mfn = arg2};

    return hypercall_mmuext_op(&op, 1, NULL, domain);
}

/* --- begin and end ---------------------------------------------------------------------------------------------- */

/* The neighbour gives a sign when it has made what it looks after: a port to bind, one of its first. */
static bool neighbour_is_ready(void)
{
    struct vcpu_info *info = &guest_shared_info->vcpu_info[0];

    for (evtchn_port_t port = 1; port <= NEIGHBOUR_PORTS; port++) {
        struct evtchn_bind_interdomain bind = {.remote_dom = attempt_neighbour(), .remote_port = port};
        struct evtchn_close shut;

        if (hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) != 0)
            continue;
        shut.port = bind.local_port;
        report_quiet("close", hypercall_event_channel_op(EVTCHNOP_close, &shut), 0);
        /* Binding leaves an event, so that none is missed; nobody here waits for it. */
        event_clear(bind.local_port);
        info->evtchn_pending_sel = 0;
        info->evtchn_upcall_pending = 0;
        return true;
    }
    return false;
}

static void wait_for_neighbour(void)
{
    uint64_t limit = event_system_time() + PATIENCE;

    while (!neighbour_is_ready()) {
        if (event_system_time() > limit)
            return report_error("the neighbour gives no sign");
        hypercall_sched_op(SCHEDOP_yield, NULL);
    }
}

void attempt_begin(const char *name, const char *story)
{
    report_title(name, story);
    if (attempt_neighbour() != NOBODY)
        wait_for_neighbour();
    had = reservation_now();
}

void attempt_gave(long pages)
{
    had -= pages;
}

static void still_maps(void)
{
    uint64_t *page = page_alloc(), word = 0;

    report_quiet("end: unmap", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG), 0);
    report_quiet("end: nothing is there", try_read(page, &word), 0);
    report_quiet("end: map", page_writable(page), 0);
    page[0] = 0x5a;
    report_quiet("end: it is there", (long)page[0], 0x5a);
    page_free(page);
}

static void still_pins(void)
{
    struct tree tree;

    tree_make(&tree);
    tree_readonly(&tree);
    report_quiet("end: pin", table_pin(4, tree.table[4]), 0);
    report_quiet("end: a table cannot be written", try_write(&tree.table[2][5], 1), 0);
    report_quiet("end: change", entry_update(&tree.table[1][TREE_SLOT], entry_make(tree.page, ENTRY_RO)), 0);
    report_quiet("end: unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
}

void attempt_end(void)
{
    report_equal("end: the domain has what it had", (unsigned long)reservation_now(), (unsigned long)had);
    still_maps();
    still_pins();
    printf("end: the hypervisor serves it as before\n");
}
