/* SPDX-License-Identifier: MIT
 * multicall: many calls in one, each with its own answer, a refused one between good ones, and what may not
 * stand in a batch at all. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"

#define CALLS 64u

static struct multicall_entry calls[CALLS];

static void versions(void)
{
    long version = hypercall_xen_version(XENVER_version, NULL);
    unsigned int right = 0;

    for (unsigned int i = 0; i < CALLS; i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0}};
    report_answer("64 calls of xen_version", hypercall_multicall(calls, CALLS), 0);
    for (unsigned int i = 0; i < CALLS; i++)
        right += calls[i].result == (unsigned long)version;
    report_equal("all 64 answers are right", right, CALLS);
    report_answer("none at all", hypercall_multicall(calls, 0), 0);
}

static void one_is_refused(void)
{
    uint64_t *first = page_alloc(), *second = page_alloc();
    uint64_t entry = entry_make(second, ENTRY_RW);

    memcpy(first, "one", 4);
    memcpy(second, "two", 4);
    calls[0] = (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping, .args = {7ul << 39, entry, 0}};
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping,
                                        .args = {(uintptr_t)first, entry, UVMF_INVLPG}};
    calls[2] = (struct multicall_entry){.op = 60};
    calls[3] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize, 0}};
    report_answer("four calls, two of them bad", hypercall_multicall(calls, 4), 0);
    report_answer("the first is refused", (long)calls[0].result, -XEN_EINVAL);
    report_answer("the second is carried out", (long)calls[1].result, 0);
    report_equal("its page shows", (unsigned long)strcmp((const char *)first, "two"), 0);
    report_answer("the third does not exist", (long)calls[2].result, -XEN_ENOSYS);
    report_equal("the fourth is carried out", calls[3].result, PAGE_SIZE);
    report_quiet("as before", page_writable(first), 0);
    report_equal("the first page is as it was", (unsigned long)strcmp((const char *)first, "one"), 0);
}

static void bad_lists(void)
{
    struct multicall_entry *readonly = page_alloc();

    report_answer("refused: a list that is not there",
                  hypercall_multicall((struct multicall_entry *)0x1000, 2), -XEN_EFAULT);
    report_answer("refused: a list in the hypervisor's memory",
                  hypercall_multicall((struct multicall_entry *)0xffff830000000000, 2), -XEN_EFAULT);
    readonly[0] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0}};
    page_readonly(readonly);
    report_answer("refused: a list that cannot take the answers", hypercall_multicall(readonly, 1),
                  -XEN_EFAULT);
    page_writable(readonly);
}

static void nested(void)
{
    static struct multicall_entry inner = {.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0}};

    calls[0] = (struct multicall_entry){.op = __HYPERVISOR_multicall, .args = {(uintptr_t)&inner, 1}};
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize, 0}};
    report_answer("a list in a list", hypercall_multicall(calls, 2), 0);
    report_answer("the inner one is refused", (long)calls[0].result, -XEN_EINVAL);
    report_equal("the call behind it is carried out", calls[1].result, PAGE_SIZE);
}

void guest_main(void)
{
    report_title("multicall", "many calls in one, each with its own answer");
    versions();
    one_is_refused();
    bad_lists();
    nested();
}
