/* SPDX-License-Identifier: MIT
 * XSA-8: a SYSENTER or SYSCALL that the guest has no handler for was made a #GP, and the mark that says so was left: the
 * next entry delivered it once more.
 * Tried: SYSENTER, from kernel and user mode, where nobody takes it. Right: one exception each time (#GP, or #UD where the
 * processor has no such instruction in 64-bit mode), at the instruction, and what comes next is itself alone. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define ROUNDS 50u

extern uint8_t user_code[], user_sysenter[], kernel_sysenter[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_sysenter\n"
        "user_code:\n"
        "user_sysenter:\n"
        "    sysenter\n"
        "    ud2\n"
        ".popsection");

static struct trap_regs seen;
static unsigned int count, wrong;

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    count++;
    if (!trap_from_user(regs))
        return regs->vector == TRAP_BP;
    user_leave(regs);
    return true;
}

static void sysenter(void *unused)
{
    (void)unused;
    __asm__ volatile(".globl kernel_sysenter; kernel_sysenter: sysenter" : : : "memory");
}

static bool is_one(uint64_t rip)
{
    return count == 1 && (seen.vector == TRAP_GP || seen.vector == TRAP_UD) && seen.error == 0 && seen.rip == rip;
}

/* What is delivered twice shows at the next entry. */
static void next_is_itself(void)
{
    count = 0;
    __asm__ volatile("int3" : : : "memory");
    wrong += count != 1 || seen.vector != TRAP_BP;
    count = 0;
    hypercall_xen_version(XENVER_version, NULL);
    wrong += count != 0;
}

void guest_main(void)
{
    struct user_space user;

    attempt_begin("xsa_8", "SYSENTER that nobody takes");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_GP, note);
    trap_handle(TRAP_UD, note);
    trap_handle(TRAP_BP, note);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        count = 0;
        user_space_run(user_code, user_sysenter, 0);
        wrong += !is_one(USER_CODE) || !trap_from_user(&seen);
        next_is_itself();
        count = 0;
        wrong += !fault_caught(sysenter, NULL).happened || !is_one(HYPERCALL_PTR(kernel_sysenter));
        next_is_itself();
    }
    report_equal("rounds in which something else came", wrong, 0);
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
