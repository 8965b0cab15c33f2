/* SPDX-License-Identifier: MIT
 * fpu: what stands in the SSE registers is the guest's and stays: through hypercalls, traps, blocking, and
 * while other domains run. What another domain left there never shows: at the start all sixteen are zero. Run
 * several of these side by side (each with its own word as command line) to make them take turns. */
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"
#include "guest/sse.h"
#include "guest/string.h"
#include "guest/trap.h"

#define MILLISECOND 1000000ull
#define MXCSR_START 0x1f80u /* what a processor starts with */

static struct sse expected, seen;

static uint32_t mxcsr_get(void)
{
    uint32_t value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static void mxcsr_set(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

static uint64_t seed(void)
{
    uint64_t hash = 0x9e3779b97f4a7c15ul;

    for (const char *c = guest_command_line(); *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3ul;
    return hash;
}

static bool kept(void)
{
    memset(&seen, 0, sizeof(seen));
    sse_store(&seen);
    return memcmp(&seen, &expected, sizeof(seen)) == 0;
}

static void fill(uint64_t value)
{
    for (unsigned int i = 0; i < SSE_REGISTERS; i++) {
        expected.xmm[i][0] = value = value * 6364136223846793005ul + 1442695040888963407ul;
        expected.xmm[i][1] = ~value;
    }
    sse_load(&expected);
}

static void on_timer(evtchn_port_t port)
{
    (void)port;
}

static bool skip_int3(struct trap_regs *regs)
{
    (void)regs;
    return true;
}

static void stays_while_others_run(void)
{
    unsigned int right = 0;

    if (event_bind_virq(VIRQ_TIMER, on_timer) < 0) {
        report_error("no timer");
        return;
    }
    for (unsigned int i = 0; i < 20; i++) {
        uint64_t until = event_system_time() + 3 * MILLISECOND;

        fill(seed() + i);
        event_sleep_until(until);
        right += kept();
        fill(seed() + i + 1000);
        hypercall_sched_op(SCHEDOP_yield, NULL);
        right += kept();
    }
    events_disable();
    report_equal("kept while blocked and while others run, of 40 times", right, 40);
}

static bool take_nm(struct trap_regs *regs)
{
    (void)regs;
    hypercall_fpu_taskswitch(0);
    return true;
}

static void taken_away(void)
{
    fill(seed() + 1);
    trap_handle(TRAP_NM, take_nm);
    hypercall_fpu_taskswitch(1);
    report_true("kept when taken away and given back by #NM", kept());
    trap_handle(TRAP_NM, NULL);
}

void guest_main(void)
{
    report_title("fpu", "SSE registers stay the guest's own");
    report_true("at the start all are zero", kept());
    report_equal("and MXCSR is as a processor starts", mxcsr_get(), MXCSR_START);
    fill(seed());
    hypercall_xen_version(XENVER_version, NULL);
    report_true("kept through a hypercall", kept());
    trap_handle(TRAP_BP, skip_int3);
    __asm__ volatile("int3" : : : "memory");
    report_true("kept through a trap", kept());
    mxcsr_set(MXCSR_START | 0x6000);
    printf("(a line through the console)\n");
    report_true("kept through printing", kept());
    stays_while_others_run();
    report_equal("MXCSR is kept too", mxcsr_get(), MXCSR_START | 0x6000);
    taken_away();
}
