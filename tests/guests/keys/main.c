/* SPDX-License-Identifier: MIT
 * keys: the keys of the hypervisor's console, pressed by sysctl and typed by hand. Privileged: presses 'M' (the audit of all
 * frames) itself and compares the figures of memory before and after it has taken and given back some; then waits until
 * the word "end" is typed for it. What is typed to the hypervisor meanwhile it must not see. */
#define __XEN_TOOLS__
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"
#include <xen/sysctl.h>

static struct xen_sysctl operation;

static long sysctl(uint32_t cmd)
{
    operation.cmd = cmd;
    operation.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall_sysctl(&operation);
}

static long press(const char *keys, uint32_t count)
{
    set_xen_guest_handle(operation.u.debug_keys.keys, keys);
    operation.u.debug_keys.nr_keys = count;
    return sysctl(XEN_SYSCTL_debug_keys);
}

static uint64_t free_pages(void)
{
    report_quiet("physinfo", sysctl(XEN_SYSCTL_physinfo), 0);
    return operation.u.physinfo.free_pages;
}

/* A page given back is one that is free. */
static void compare_figures(void)
{
    static xen_pfn_t frame;
    struct xen_memory_reservation one = {.nr_extents = 1, .domid = DOMID_SELF};
    void *page = page_alloc();
    uint64_t before = free_pages();

    report_true("there are free pages, and more in all", before > 0 && before < operation.u.physinfo.total_pages);
    frame = virt_to_frame(page);
    set_xen_guest_handle(one.extent_start, &frame);
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)page, 0, UVMF_INVLPG), 0);
    report_answer("give a page back", hypercall_memory_op(XENMEM_decrease_reservation, &one), 1);
    report_equal("free pages, one more", free_pages(), before + 1);
}

/* What was typed so far, one byte at a time. */
static void wait_for_end(void)
{
    char word[4] = "", byte;

    printf("waiting for the word\n");
    while (strcmp(word, "end") != 0) {
        if (hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 1, HYPERCALL_PTR(&byte), 0, 0) != 1) {
            hypercall_sched_op(SCHEDOP_yield, NULL);
            continue;
        }
        if (byte == 'M' || byte == 1)
            report_failure("a key for the hypervisor came here: %u", byte);
        word[0] = word[1];
        word[1] = word[2];
        word[2] = byte;
    }
}

void guest_main(void)
{
    report_title("keys", "the hypervisor's keys, by sysctl and by hand");
    report_answer("M by sysctl", press("M", 1), 0);
    report_answer("m and h by sysctl", press("mh", 2), 0);
    report_answer("too many keys", press("M", 1000), -XEN_EINVAL);
    compare_figures();
    wait_for_end();
}
