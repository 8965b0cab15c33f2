/* SPDX-License-Identifier: MIT
 * XSA-155: backends checked a request in a shared ring and then used it where it stood; who shares the ring changed it in
 * between.
 * Tried: a batch of calls whose entries change while the batch is under way: those to come become calls that are not allowed in
 * a batch, that do not exist, that point into the hypervisor. Right: each entry is checked as it is when its turn comes, and
 * what was done before stays done. */
#include "attempt.h"
#include "midway.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"

#define CALLS 1000u
#define MARK  0x5a5a5a5a5a5a5a5aul

static struct multicall_entry calls[CALLS];
static unsigned int done_by_then;

static void prepare(void)
{
    for (unsigned int i = 0; i < CALLS; i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}, .result = MARK};
}

static long batch(void)
{
    return hypercall_multicall(calls, CALLS);
}

static void change(void)
{
    while (done_by_then < CALLS && calls[done_by_then].result != MARK)
        done_by_then++;
    for (unsigned int i = done_by_then; i < CALLS; i++)
        switch (i % 4) {
        case 0:
            calls[i].op = __HYPERVISOR_multicall;
            break;
        case 1:
            calls[i].op = 1000;
            break;
        case 2:
            calls[i].args[0] = XENVER_extraversion;
            calls[i].args[1] = HYPERVISOR;
            break;
        default:
            break;
        }
}

static unsigned long wrong_answers(long version)
{
    unsigned long wrong = 0;

    for (unsigned int i = 0; i < CALLS; i++) {
        long expected = version;

        if (i >= done_by_then && i % 4 != 3)
            expected = i % 4 == 0 ? -XEN_EINVAL : i % 4 == 1 ? -XEN_ENOSYS : -XEN_EFAULT;
        wrong += (long)calls[i].result != expected;
    }
    return wrong;
}

void guest_main(void)
{
    static const struct midway midway = {
        .hypercall = __HYPERVISOR_multicall, .prepare = prepare, .call = batch, .during = change};
    long answer = -1;

    attempt_begin("xsa_155", "a batch that changes while it is under way");
    report_true("a batch, interrupted", midway_run(&midway, &answer));
    report_answer("its answer", answer, 0);
    report_true("some were done by then, and some were not", done_by_then > 0 && done_by_then < CALLS);
    report_equal("entries with another answer than theirs", wrong_answers(hypercall_xen_version(XENVER_version, NULL)), 0);
    attempt_end();
}
