/* SPDX-License-Identifier: MIT
 * XSA-7, its second part: addresses of callbacks and trap handlers that are not canonical were stored, and failed later, on
 * the way out of the hypervisor.
 * Tried: such an address in every call that takes one. Right: -EINVAL when it is given, and what was registered stays. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

extern uint8_t event_callback_entry[], failsafe_callback_entry[], syscall_callback_entry[];

static const uint64_t bad[] = {NONCANONICAL, 0xffff7fffffffffff, 0x8000000000000000, 0x00ffffffff800000};

static unsigned int came;

static void on_event(evtchn_port_t port)
{
    (void)port;
    came++;
}

static bool on_breakpoint(struct trap_regs *regs)
{
    (void)regs;
    came++;
    return true;
}

static long set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall)
{
    return hypercall(__HYPERVISOR_set_callbacks, event, failsafe, syscall, 0, 0);
}

static void tries(uint64_t address)
{
    static const uint16_t types[] = {CALLBACKTYPE_event, CALLBACKTYPE_failsafe, CALLBACKTYPE_syscall,
                                     CALLBACKTYPE_nmi,   CALLBACKTYPE_sysenter, CALLBACKTYPE_syscall32};
    const uint64_t event = HYPERCALL_PTR(event_callback_entry), failsafe = HYPERCALL_PTR(failsafe_callback_entry),
                   syscall = HYPERCALL_PTR(syscall_callback_entry);

    for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        report_quiet("refused: callback_op", trap_set_callback(types[i], (const void *)address, 0), -XEN_EINVAL);
    report_quiet("refused: the event callback", set_callbacks(address, failsafe, syscall), -XEN_EINVAL);
    report_quiet("refused: the failsafe callback", set_callbacks(event, address, syscall), -XEN_EINVAL);
    report_quiet("refused: the syscall callback", set_callbacks(event, failsafe, address), -XEN_EINVAL);
    for (unsigned int vector = 0; vector < 256; vector++)
        report_quiet("refused: set_trap_table", trap_set_entry(vector, (const void *)address, 3), -XEN_EINVAL);
}

void guest_main(void)
{
    long port;

    attempt_begin("xsa_7b", "entry points that are not canonical");
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        tries(bad[i]);
    printf("they are refused when they are given\n");
    port = event_bind_ipi(on_event);
    event_send((evtchn_port_t)port);
    events_enable();
    events_disable();
    report_equal("events come where they came", came, 1);
    trap_handle(TRAP_BP, on_breakpoint);
    __asm__ volatile("int3" : : : "memory");
    report_equal("and traps", came, 2);
    report_answer("the port is closed", event_close((evtchn_port_t)port), 0);
    attempt_end();
}
