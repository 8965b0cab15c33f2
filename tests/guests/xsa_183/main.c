/* SPDX-License-Identifier: MIT
 * XSA-183: a frame for the guest's kernel was written where its stack is a page of user mode, with the processor's guard
 * against such pages up: a fault in the hypervisor, in the middle of the way in.
 * Tried: a kernel stack in the user's own page, and traps and system calls onto it. Right: the frame is written there, as to any
 * page, whole. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

extern uint8_t user_code[], user_syscall[], user_ud2[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_syscall, user_ud2\n"
        "user_code:\n"
        "user_syscall:\n"
        "    syscall\n"
        "user_ud2:\n"
        "    ud2\n"
        ".popsection");

static struct trap_regs seen;
static uintptr_t seen_at;
static unsigned int count;

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    seen_at = (uintptr_t)(regs + 1);
    count++;
    user_leave(regs);
    return true;
}

static void lands_there(const char *what, const uint8_t *entry, unsigned int vector, uintptr_t stack)
{
    count = 0;
    user_space_run(user_code, entry, 0);
    report_equal(what, seen.vector, vector);
    report_quiet("once", count, 1);
    report_quiet("the frame is there", (long)seen_at, (long)stack);
    report_quiet("rip", (long)seen.rip & ~0xffl, (long)USER_CODE);
    report_quiet("rsp", (long)seen.rsp, (long)(USER_STACK + PAGE_SIZE));
}

void guest_main(void)
{
    const unsigned int slot = table_index(USER_CODE, 4);
    struct user_space user;

    attempt_begin("xsa_183", "a kernel stack in a page of user mode");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    report_answer("the user's pages in the kernel's tables",
                  entry_update(&paging_boot_root()[slot], entry_table(user.table[3])), 0);
    trap_handle(TRAP_SYSCALL, note);
    trap_handle(TRAP_UD, note);
    for (unsigned int offset = 0; offset < 64; offset += 16) {
        report_quiet("stack_switch", hypercall_stack_switch(FLAT_KERNEL_SS, USER_DATA + 0x800 + offset), 0);
        lands_there("a system call", user_syscall, TRAP_SYSCALL, USER_DATA + 0x800 + offset);
        lands_there("an exception", user_ud2, TRAP_UD, USER_DATA + 0x800 + offset);
    }
    trap_set_user_stack();
    report_answer("out of the kernel's tables", entry_update(&paging_boot_root()[slot], 0), 0);
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
