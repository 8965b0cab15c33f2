/* SPDX-License-Identifier: MIT
 * XSA-12: set_debugreg wrote bits 32 to 63 of DR7 as the guest gave them; the processor answers with a fault, in the
 * hypervisor.
 * Tried: each of these bits, by hypercall and by MOV. Right: -EINVAL and #GP, and DR7 is as it was. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define DR7_NONE 0x400ul

static void mov_to_dr7(void *value)
{
    __asm__ volatile("mov %0, %%db7" : : "r"(value));
}

static void mov_to_dr6(void *value)
{
    __asm__ volatile("mov %0, %%db6" : : "r"(value));
}

static unsigned long taken(unsigned int reg)
{
    unsigned long count = 0;

    for (unsigned int bit = 32; bit < 64; bit++)
        count += hypercall_set_debugreg(reg, DR7_NONE | 1ul << bit) != -XEN_EINVAL;
    return count;
}

static unsigned long moved(void (*mov)(void *))
{
    unsigned long count = 0;

    for (unsigned int bit = 32; bit < 64; bit++) {
        struct fault fault = fault_caught(mov, (void *)(DR7_NONE | 1ul << bit));

        count += !fault.happened || fault.vector != TRAP_GP || fault.error != 0;
    }
    return count;
}

void guest_main(void)
{
    attempt_begin("xsa_12", "the upper half of DR7");
    report_equal("bits of DR7 that set_debugreg took", taken(7), 0);
    report_equal("bits of DR6 that set_debugreg took", taken(6), 0);
    report_equal("bits of DR7 that MOV took, or refused in another way", moved(mov_to_dr7), 0);
    report_equal("bits of DR6", moved(mov_to_dr6), 0);
    report_answer("DR7 is as it was", hypercall_get_debugreg(7), DR7_NONE);
    report_answer("its lower half is taken", hypercall_set_debugreg(7, DR7_NONE), 0);
    attempt_end();
}
