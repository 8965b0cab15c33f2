/* SPDX-License-Identifier: MIT
 * XSA-1: the description of a vcpu said that it starts in user mode, but named no root for user mode; what came later
 * took for granted that there was one.
 * Tried: such a description, alone and with other flags. Right: -EINVAL, the vcpu does not exist, and a good
 * description starts it afterwards. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "second.h"

static struct vcpu_guest_context context;

static void refused(const char *what, long expected)
{
    report_answer(what, hypercall_vcpu_op(VCPUOP_initialise, 1, &context), expected);
    report_answer("it cannot go up", hypercall_vcpu_op(VCPUOP_up, 1, NULL), -XEN_EINVAL);
    report_answer("it is not up", hypercall_vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    second_describe(&context, paging_boot_root());
}

static void without_a_root(void)
{
    uint64_t *plain = page_alloc();

    context.flags = 0;
    refused("refused: starts in user mode, without a user root", -XEN_EINVAL);
    context.flags = VGCF_i387_valid | VGCF_failsafe_disables_events | VGCF_syscall_disables_events;
    refused("refused: the same with other flags", -XEN_EINVAL);
    context.flags = 0;
    context.ctrlreg[1] = virt_to_frame(plain) << 12;
    refused("refused: a user root that can be written", -XEN_EINVAL);
    context.flags = 0;
    context.ctrlreg[1] = NO_FRAME << 12;
    refused("refused: a user root that does not exist", -XEN_EINVAL);
    report_answer("the page is ordinary", page_readonly(plain), 0);
    report_answer("and stays so", page_writable(plain), 0);
    page_free(plain);
}

void guest_main(void)
{
    attempt_begin("xsa_1", "no vcpu starts in user mode without a root for it");
    second_describe(&context, paging_boot_root());
    without_a_root();
    report_true("a good description starts it", second_bring_up());
    report_answer("down", hypercall_vcpu_op(VCPUOP_down, 1, NULL), 0);
    attempt_end();
}
