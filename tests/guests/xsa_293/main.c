/* SPDX-License-Identifier: MIT
 * XSA-293: what a guest read as its CR4 was made of the processor's, and the bit FSGSBASE stayed on there after the guest
 * had switched it off: its user mode could change segment bases behind the back of its kernel.
 * Tried: the bit on and off, and the instructions that it allows. Right: they work exactly when the guest's CR4 says so, in
 * kernel and in user mode, and the bit is only there where CPUID has it. */
#include "attempt.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define CR4_FSGSBASE (1ul << 16)
#define LEAF7_FSGSBASE 1u

extern uint8_t user_code[], user_wrfsbase[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_wrfsbase\n"
        "user_code:\n"
        "user_wrfsbase:\n"
        "    xor %eax, %eax\n"
        "    wrfsbase %rax\n"
        "    syscall\n"
        "    ud2\n"
        ".popsection");

static uint64_t user_vector;
static bool offered;

static bool note(struct trap_regs *regs)
{
    if (!trap_from_user(regs))
        return false;
    user_vector = regs->vector;
    user_leave(regs);
    return true;
}

static void rdfsbase(void *unused)
{
    uint64_t base;

    (void)unused;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
}

static void writes_cr4(void *value)
{
    CPU_WRITE_CR(4, (uint64_t)value);
}

static void agrees(const char *what, uint64_t wanted)
{
    bool shown;

    fault_caught(writes_cr4, (void *)wanted); /* refused or passed over where the bit is not the guest's to set */
    shown = (CPU_READ_CR(4) & CR4_FSGSBASE) != 0;
    report_true(what, !shown || (offered && (wanted & CR4_FSGSBASE) != 0));
    report_equal("RDFSBASE in kernel mode works as CR4 says", !fault_caught(rdfsbase, NULL).happened, shown);
    user_space_run(user_code, user_wrfsbase, 0);
    report_equal("WRFSBASE in user mode works as CR4 says", user_vector == TRAP_SYSCALL, shown);
    report_true("what does not work is #UD", shown || user_vector == TRAP_UD);
}

void guest_main(void)
{
    struct user_space user;
    uint64_t cr4 = CPU_READ_CR(4);

    offered = (cpu_cpuid_forced(7, 0).ebx & LEAF7_FSGSBASE) != 0;
    attempt_begin("xsa_293", "CR4.FSGSBASE as the guest sees it");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_SYSCALL, note);
    trap_handle(TRAP_UD, note);
    agrees("off", cr4 & ~CR4_FSGSBASE);
    agrees("on, where CPUID has it", cr4 | CR4_FSGSBASE);
    agrees("off again", cr4 & ~CR4_FSGSBASE);
    agrees("as it was", cr4);
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
