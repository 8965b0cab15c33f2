/* SPDX-License-Identifier: MIT
 * XSA-296: VCPUOP_initialise that was interrupted while it validated the vcpu's tables set up its continuation with a wrong
 * argument, which the hypervisor itself then stumbled over.
 * Tried: a vcpu whose root leads to many tables that nobody validated yet, with a timer set. Right: the call is interrupted,
 * goes on, and answers as if it had not been; what is refused in the end leaves nothing behind, and what is not runs. */
#include "attempt.h"
#include "midway.h"
#include "second.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define FULL 12u /* L1 tables with all entries in use */

static struct vcpu_guest_context context;
static struct tree tree;
static uint64_t *plain;
static long is_up, up;

/* Its user root cannot be, which shows only when its root is validated; so it can be tried again. */
static void describe(void)
{
    second_describe(&context, tree.table[4]);
    context.ctrlreg[1] = virt_to_frame(plain) << 12;
}

static long initialise(void)
{
    return hypercall_vcpu_op(VCPUOP_initialise, 1, &context);
}

static void look(void)
{
    is_up = hypercall_vcpu_op(VCPUOP_is_up, 1, NULL);
    up = hypercall_vcpu_op(VCPUOP_up, 1, NULL);
}

static bool has_started(void)
{
    return second_start.rdi != 0;
}

void guest_main(void)
{
    static const struct midway midway = {
        .hypercall = __HYPERVISOR_vcpu_op, .prepare = describe, .call = initialise, .during = look};
    long answer = 1;

    attempt_begin("xsa_296", "a vcpu whose making is interrupted");
    plain = page_alloc();
    tree_make_full(&tree, FULL);
    tree_readonly(&tree);
    report_true("a vcpu, interrupted", midway_run(&midway, &answer));
    report_answer("meanwhile it is not up", is_up, 0);
    report_answer("refused: up", up, -XEN_EINVAL);
    report_answer("refused: its user root", answer, -XEN_EINVAL);
    report_answer("its root is ordinary memory", page_writable(tree.table[4]), 0);
    report_quiet("read-only again", page_readonly(tree.table[4]), 0);
    second_events_init();
    second_describe(&context, tree.table[4]);
    report_answer("without one it is taken", initialise(), 0);
    report_answer("refused: once more", initialise(), -XEN_EEXIST);
    report_answer("up", hypercall_vcpu_op(VCPUOP_up, 1, NULL), 0);
    report_true("it runs", second_wait(has_started));
    report_true("on its root", second_start.cr3 == virt_to_frame(tree.table[4]) << 12);
    attempt_end();
}
