/* SPDX-License-Identifier: MIT
 * debug_registers: breakpoints of the guest fire in the guest, and nowhere else. On its own instructions and data they
 * raise #DB with an honest DR6; on memory that the hypervisor reads or writes for it, and on a load of SS that a
 * SYSCALL follows (XSA-260), the hypervisor lives on. What could fire inside the hypervisor is refused (XSA-12, XSA-444).
 */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"
#include "guest/trap.h"

#define RFLAGS_RF 0x10000ul
#define DR6_NONE  0xffff0ff0ul
#define DR7_NONE  0x400ul

#define ENABLE(n)      (1ul << (2 * (n)))
#define CONDITION(n, rw, len) ((uint64_t)((len) << 2 | (rw)) << (16 + 4 * (n)))
#define ON_EXECUTE(n)  (ENABLE(n) | CONDITION(n, 0u, 0u))
#define ON_WRITE_4(n)  (ENABLE(n) | CONDITION(n, 1u, 3u))
#define ON_ACCESS_2(n) (ENABLE(n) | CONDITION(n, 3u, 1u))
#define ON_ACCESS_8(n) (ENABLE(n) | CONDITION(n, 3u, 2u))
#define ON_IO(n)       (ENABLE(n) | CONDITION(n, 2u, 0u))

static volatile struct trap_regs seen;
static volatile unsigned int count; /* changed by the trap in the middle of a statement */
static volatile uint32_t watched;
static volatile char buffer[16] __attribute__((aligned(16)));
static volatile uint16_t stack_selector = 0xe02b;

static bool debug_trap(struct trap_regs *regs)
{
    seen = *regs;
    count++;
    regs->rflags |= RFLAGS_RF; /* an instruction breakpoint does not fire again on the way back */
    return true;
}

static void set(unsigned int reg, uint64_t value)
{
    report_quiet("set_debugreg", hypercall_set_debugreg(reg, value), 0);
}

/* What DR6 says of the four breakpoints; cleared for the next. */
static unsigned long hits(void)
{
    unsigned long dr6 = (unsigned long)hypercall_get_debugreg(6);

    set(6, DR6_NONE);
    return dr6 & 15;
}

static __attribute__((noinline)) unsigned int called(unsigned int x)
{
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

static void on_its_own(void)
{
    count = 0;
    set(0, HYPERCALL_PTR(called));
    set(7, ON_EXECUTE(0));
    report_equal("a function that is watched: runs", called(41), 42);
    report_equal("it trapped once", count, 1);
    report_equal("before its first instruction", seen.rip, HYPERCALL_PTR(called));
    report_equal("DR6 names breakpoint 0", hits(), 1);

    count = 0;
    set(2, HYPERCALL_PTR(&watched));
    set(7, ON_WRITE_4(2));
    watched = 5;
    report_equal("a variable that is watched: trapped once", count, 1);
    report_equal("DR6 names breakpoint 2", hits(), 4);
    (void)watched;
    report_equal("a read of it does not", count, 1);
    called(1);
    report_equal("nor does the function any more", count, 1);
    report_equal("DR7 reads back", (unsigned long)hypercall_get_debugreg(7), ON_WRITE_4(2) | DR7_NONE);

    hypercall_sched_op(SCHEDOP_yield, NULL);
    watched = 6;
    report_equal("it is in force after a yield", count, 2);
    set(7, 0);
    watched = 7;
    report_equal("switched off, it is silent", count, 2);
    report_equal("and the value is there", watched, 7);
    hits();
}

/* Bytes that the hypervisor writes for the guest (xen_version), and reads for it (console_io). */
static void on_what_the_hypervisor_touches(void)
{
    set(1, HYPERCALL_PTR(buffer));
    set(7, ON_ACCESS_8(1));
    report_answer("a hypercall that writes to watched memory",
                  hypercall_xen_version(XENVER_extraversion, (void *)buffer), 0);
    report_answer("one that reads it: no such callback", hypercall_callback_op(CALLBACKOP_unregister, (void *)buffer),
                  -XEN_ENOSYS);
    count = 0;
    buffer[0] = 'x';
    report_equal("the guest's own access still traps", count, 1);
    set(7, 0);
    hits();
}

/* The trap that MOV SS raises waits for the end of the next instruction, which is in ring 0. */
static void on_a_load_of_ss_before_syscall(void)
{
    long result = __HYPERVISOR_xen_version;

    set(3, HYPERCALL_PTR(&stack_selector));
    set(7, ON_ACCESS_2(3));
    __asm__ volatile("mov %[selector], %%ss; syscall"
                     : "+a"(result)
                     : [selector] "m"(stack_selector), "D"(XENVER_version), "S"(0)
                     : "rcx", "r11", "memory");
    set(7, 0);
    report_equal("MOV SS from watched memory, then SYSCALL: version", (unsigned long)result >> 16, 4);
    hits();
}

static void what_is_refused(void)
{
    static const struct {
        unsigned int reg;
        uint64_t value;
        long answer;
        const char *what;
    } refused[] = {
        {0, 0xffff800000000000, -XEN_EPERM, "the hypervisor's first address"},
        {1, 0xffff82d080000000, -XEN_EPERM, "the hypervisor's code"},
        {2, 0xffff87fffffffff8, -XEN_EPERM, "the hypervisor's last address"},
        {3, 0x0000800000000000, -XEN_EPERM, "an address that is not canonical"},
        {7, 0x2000, -XEN_EPERM, "general detect"},
        {7, ON_IO(0), -XEN_EPERM, "a breakpoint on a port"},
        {7, 1ul << 32, -XEN_EINVAL, "the upper half of DR7"},
        {6, 1ul << 32, -XEN_EINVAL, "the upper half of DR6"},
        {8, 0, -XEN_ENODEV, "DR8"},
        {~0u, 0, -XEN_ENODEV, "DR4294967295"},
    };

    for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        report_answer(refused[i].what, hypercall_set_debugreg(refused[i].reg, refused[i].value), refused[i].answer);
    report_equal("DR7 is as it was", (unsigned long)hypercall_get_debugreg(7), DR7_NONE);
}

void guest_main(void)
{
    report_title("debug_registers", "breakpoints fire in the guest and nowhere else");
    trap_handle(TRAP_DB, debug_trap);
    set(6, DR6_NONE);
    on_its_own();
    on_what_the_hypervisor_touches();
    on_a_load_of_ss_before_syscall();
    what_is_refused();
    report_finish();
}
