/* SPDX-License-Identifier: MIT
 * XSA-53: XRSTOR of a state that a guest had made up (reserved bits of MXCSR) faults, and the hypervisor had no way out.
 * Tried: a vcpu whose x87 and SSE state is all ones, and one bit at a time of MXCSR in an image that the guest loads itself.
 * Right: the vcpu runs, with a state that can be; a guest's own bad image is its own #GP. */
#include "attempt.h"
#include "second.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define MXCSR_DEFINED 0xffffu

static struct vcpu_guest_context context;
static volatile uint32_t mxcsr;
static uint64_t image[64] __attribute__((aligned(16)));

static void second_reads(void)
{
    uint32_t value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    mxcsr = value;
}

static bool has_started(void)
{
    return second_start.rdi != 0;
}

static void restores(void *unused)
{
    (void)unused;
    __asm__ volatile("fxrstor64 %0" : : "m"(image));
}

static void its_own_image(void)
{
    unsigned long wrong = 0;

    __asm__ volatile("fxsave64 %0" : "=m"(image) : : "memory");
    for (unsigned int bit = 16; bit < 32; bit++) {
        struct fault fault;

        image[3] = (image[3] & ~0xfffffffful) | 0x1f80 | 1ul << bit;
        fault = fault_caught(restores, NULL);
        wrong += fault.happened && (fault.vector != TRAP_GP || fault.error != 0);
    }
    report_equal("bits of MXCSR that did anything but #GP", wrong, 0);
    image[3] = (image[3] & ~0xfffffffful) | 0x1f80;
    report_true("a good image can be loaded", !fault_caught(restores, NULL).happened);
}

void guest_main(void)
{
    attempt_begin("xsa_53", "an FPU state that cannot be");
    its_own_image();
    second_events_init();
    second_describe(&context, paging_boot_root());
    context.flags |= VGCF_i387_valid;
    memset(&context.fpu_ctxt, 0xff, sizeof(context.fpu_ctxt));
    report_answer("a vcpu with all ones", hypercall_vcpu_op(VCPUOP_initialise, 1, &context), 0);
    report_answer("up", hypercall_vcpu_op(VCPUOP_up, 1, NULL), 0);
    report_true("it runs", second_wait(has_started));
    mxcsr = ~0u;
    second_order(second_reads);
    report_true("and obeys", second_done());
    report_equal("bits of its MXCSR that cannot be", mxcsr & ~MXCSR_DEFINED, 0);
    attempt_end();
}
