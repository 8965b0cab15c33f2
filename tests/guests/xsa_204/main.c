/* SPDX-License-Identifier: MIT
 * XSA-204: a SYSCALL that was emulated for a guest which single-steps raised its #DB before the flags were masked, in the
 * guest's kernel on the user's stack.
 * Tried: a single step over SYSCALL, from user mode and from the kernel. Right: the kernel's handler starts without TF and
 * is not stepped; TF comes back with the return, and the step is the user's. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define RFLAGS_TF 0x100ul

extern uint8_t user_code[], user_steps[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_steps\n"
        "user_code:\n"
        "user_steps:\n"
        "    pushfq\n"
        "    orq $0x100, (%rsp)\n"
        "    popfq\n"
        "    syscall\n"
        "    nop\n"
        "    nop\n"
        "    ud2\n"
        ".popsection");

static struct trap_regs seen[4];
static uint64_t handler_flags;
static unsigned int count;

static uint64_t flags(void)
{
    uint64_t value;

    __asm__ volatile("pushfq; pop %0" : "=r"(value) : : "memory");
    return value;
}

static bool note(struct trap_regs *regs)
{
    if (count < 4)
        seen[count] = *regs;
    count++;
    if (regs->vector == TRAP_SYSCALL) {
        handler_flags = flags();
        trap_return_flags(VGCF_in_syscall);
    } else if (trap_from_user(regs)) {
        user_leave(regs);
    } else {
        regs->rflags &= ~RFLAGS_TF;
    }
    return true;
}

static void user_steps_over(void)
{
    count = 0;
    user_space_run(user_code, user_steps, 0);
    report_equal("user mode: traps", count, 2);
    report_equal("the first is the system call", seen[0].vector, TRAP_SYSCALL);
    report_true("TF is in its frame", (seen[0].rflags & RFLAGS_TF) != 0);
    report_true("and not in its handler", (handler_flags & RFLAGS_TF) == 0);
    report_equal("the second is the step", seen[1].vector, TRAP_DB);
    report_true("of user mode", trap_from_user(&seen[1]));
}

static void kernel_steps_over(void)
{
    long answer = __HYPERVISOR_xen_version;

    count = 0;
    __asm__ volatile("pushfq; orq %[tf], (%%rsp); popfq; syscall; nop; nop; nop"
                     : "+a"(answer)
                     : [tf] "i"(RFLAGS_TF), "D"(XENVER_version), "S"(0ul)
                     : "rcx", "r11", "memory", "cc");
    report_equal("kernel mode: version", (unsigned long)answer >> 16, 4);
    report_equal("traps", count, 1);
    report_equal("vector", seen[0].vector, TRAP_DB);
    report_true("of the kernel", !trap_from_user(&seen[0]));
}

void guest_main(void)
{
    struct user_space user;

    attempt_begin("xsa_204", "a single step over SYSCALL");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_DB, note);
    trap_handle(TRAP_UD, note);
    trap_handle(TRAP_SYSCALL, note);
    user_steps_over();
    kernel_steps_over();
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
