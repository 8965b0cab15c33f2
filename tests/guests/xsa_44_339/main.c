/* SPDX-License-Identifier: MIT
 * XSA-44, XSA-339: the flag NT makes IRET fault. A guest that set it and entered by SYSENTER or SYSCALL made the
 * hypervisor's own IRET fault; later, the fault was delivered twice.
 * Tried: NT set, then each way into the hypervisor, from kernel and user mode. Right: one event each, whose frame shows NT, and
 * NT is clear in the handler. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define RFLAGS_NT 0x4000ul

extern uint8_t user_code[], user_sysenter[], user_syscall[], user_int3[], user_ud2[], user_hlt[];

#define USER_WAY(name, instruction)                                                                          \
    ".globl " name "\n" name ":\n"                                                                           \
    "    pushfq\n    orq $0x4000, (%rsp)\n    popfq\n    " instruction "\n    ud2\n"

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code\n"
        "user_code:\n" USER_WAY("user_sysenter", "sysenter") USER_WAY("user_syscall", "syscall")
            USER_WAY("user_int3", "int3") USER_WAY("user_ud2", "ud2") USER_WAY("user_hlt", "hlt") ".popsection");

static struct trap_regs seen;
static uint64_t handler_flags;
static volatile unsigned int count;

static uint64_t flags(void)
{
    uint64_t value;

    __asm__ volatile("pushfq; pop %0" : "=r"(value) : : "memory");
    return value;
}

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    handler_flags = flags();
    count++;
    if (!trap_from_user(regs))
        return regs->vector == TRAP_BP;
    user_leave(regs);
    return true;
}

/* By SYSCALL, as it stands there; NT is taken away again. */
static long version_with_nt(void)
{
    long answer = __HYPERVISOR_xen_version;

    __asm__ volatile("pushfq; orq %[nt], (%%rsp); popfq; syscall; pushfq; andq %[not_nt], (%%rsp); popfq"
                     : "+a"(answer)
                     : [nt] "i"(RFLAGS_NT), [not_nt] "i"((int32_t)~RFLAGS_NT), "D"(XENVER_version), "S"(0ul)
                     : "rcx", "r11", "memory", "cc");
    return answer >> 16;
}

static void on_event(evtchn_port_t port)
{
    (void)port;
    count++;
}

static void user_goes(const char *what, const uint8_t *entry, uint64_t vector, uint64_t other)
{
    count = 0;
    user_space_run(user_code, entry, 0);
    printf("user mode, NT, %s\n", what);
    report_quiet("events", count, 1);
    report_quiet("vector", seen.vector == vector || seen.vector == other, true);
    report_quiet("the frame shows NT", (seen.rflags & RFLAGS_NT) != 0, true);
    report_quiet("NT is clear in its handler", (handler_flags & RFLAGS_NT) == 0, true);
}

/* By the hypercall's own return, and by an upcall that is due when it returns: that is an IRET. */
static void kernel_calls(void)
{
    long port = event_bind_ipi(on_event);

    report_answer("kernel mode, NT, SYSCALL: version", version_with_nt(), 4);
    events_disable();
    report_quiet("send", event_send((evtchn_port_t)port), 0);
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    count = 0;
    report_answer("and an event is due: version", version_with_nt(), 4);
    events_disable();
    report_equal("events", count, 1);
    report_answer("the port is closed", event_close((evtchn_port_t)port), 0);
}

void guest_main(void)
{
    struct user_space user;

    attempt_begin("xsa_44_339", "the flag NT on each way in");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    for (unsigned int vector = 0; vector < 32; vector++)
        trap_handle(vector, note);
    trap_handle(TRAP_SYSCALL, note);
    user_goes("SYSENTER", user_sysenter, TRAP_GP, TRAP_UD);
    user_goes("SYSCALL", user_syscall, TRAP_SYSCALL, TRAP_SYSCALL);
    user_goes("INT3", user_int3, TRAP_BP, TRAP_BP);
    user_goes("UD2", user_ud2, TRAP_UD, TRAP_UD);
    user_goes("HLT", user_hlt, TRAP_GP, TRAP_GP);
    kernel_calls();
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
