/* SPDX-License-Identifier: MIT
 * XSA-267: FPU registers were loaded when they were first used, and until then CR0.TS stood guard over those of the vcpu
 * before; but a processor that runs ahead reads them all the same.
 * Tried: after each turn of others, whether TS is set (where SMSW shows it) before anything was used. Right: never, the state is
 * the vcpu's own from its first instruction on; unless the guest asked for TS itself. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/sse.h"
#include "guest/string.h"

#define CR0_TS 0x8u
#define ROUNDS 200u

/* In ring 3, by the processor itself unless it has UMIP; then it is the guest's own view. */
static uint64_t status_word(void)
{
    uint64_t value;

    __asm__ volatile("smsw %0" : "=r"(value));
    return value;
}

void guest_main(void)
{
    static struct sse mine, now;
    unsigned int guarded = 0, foreign = 0;

    attempt_begin("xsa_267", "registers are loaded before they are used");
    memset(&mine, 0x77, sizeof(mine));
    sse_load(&mine);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        hypercall_sched_op(SCHEDOP_yield, NULL);
        guarded += (status_word() & CR0_TS) != 0;
        sse_store(&now);
        foreign += memcmp(&now, &mine, sizeof(now)) != 0;
    }
    report_equal("turns after which TS stood guard", guarded, 0);
    report_equal("turns after which a register was another's", foreign, 0);
    report_answer("TS as it asks for it", hypercall_fpu_taskswitch(1), 0);
    report_equal("is set", status_word() & CR0_TS, CR0_TS);
    hypercall_sched_op(SCHEDOP_yield, NULL);
    report_equal("and stays so", status_word() & CR0_TS, CR0_TS);
    report_answer("TS taken away", hypercall_fpu_taskswitch(0), 0);
    report_equal("is clear", status_word() & CR0_TS, 0);
    attempt_end();
}
