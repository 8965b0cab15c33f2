/* SPDX-License-Identifier: MIT
 * XSA-171: the I/O privilege level of a 64-bit guest was left in the real flags when its tables were not what was
 * assumed, so that its user mode could reach ports.
 * Tried: ports and CLI from kernel and user mode at each level. Right: the kernel counts as ring 1 and user mode as ring 3;
 * who may not gets #GP; the real flags never show a level. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define SET_IOPL    6u
#define RFLAGS_IOPL 0x3000ul
#define RFLAGS_IF   0x200ul

extern uint8_t user_code[], user_in[], user_cli[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_in, user_cli\n"
        "user_code:\n"
        "user_in:\n"
        "    in $0x80, %al\n"
        "    jmp flags\n"
        "user_cli:\n"
        "    cli\n"
        "flags:\n"
        "    pushfq\n"
        "    pop %rbx\n"
        "    syscall\n"
        "    ud2\n"
        ".popsection");

static struct trap_regs seen;

static bool note(struct trap_regs *regs)
{
    if (!trap_from_user(regs))
        return false;
    seen = *regs;
    user_leave(regs);
    return true;
}

static void in(void *unused)
{
    (void)unused;
    cpu_inb(0x80);
}

static void cli(void *unused)
{
    (void)unused;
    __asm__ volatile("cli");
}

static uint64_t flags(void)
{
    uint64_t value;

    __asm__ volatile("pushfq; pop %0" : "=r"(value) : : "memory");
    return value;
}

static long set_iopl(uint32_t iopl)
{
    return hypercall(__HYPERVISOR_physdev_op, SET_IOPL, HYPERCALL_PTR(&iopl), 0, 0, 0);
}

static void user_goes(const char *what, const uint8_t *entry, bool may)
{
    user_space_run(user_code, entry, 0);
    report_equal(what, seen.vector, may ? TRAP_SYSCALL : TRAP_GP);
    if (seen.vector == TRAP_SYSCALL)
        report_equal("its flags: IF alone", seen.rbx & (RFLAGS_IOPL | RFLAGS_IF), RFLAGS_IF);
}

static void at_level(uint32_t iopl)
{
    printf("level %u\n", iopl);
    report_answer("set_iopl", set_iopl(iopl), 0);
    report_equal("IN in the kernel", !fault_caught(in, NULL).happened, iopl >= 1);
    report_equal("CLI in the kernel", !fault_caught(cli, NULL).happened, iopl >= 1);
    report_equal("its flags: IF alone", flags() & (RFLAGS_IOPL | RFLAGS_IF), RFLAGS_IF);
    user_goes("IN in user mode", user_in, iopl == 3);
    user_goes("CLI in user mode", user_cli, iopl == 3);
}

void guest_main(void)
{
    struct user_space user;

    attempt_begin("xsa_171", "the I/O privilege level");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_SYSCALL, note);
    trap_handle(TRAP_GP, note);
    report_answer("refused: level 4", set_iopl(4), -XEN_EINVAL);
    report_answer("refused: the highest number", set_iopl(~0u), -XEN_EINVAL);
    for (uint32_t iopl = 3; iopl <= 3; iopl--)
        at_level(iopl);
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
