/* SPDX-License-Identifier: MIT
 * XSA-136: an iret with the flag VM made the hypervisor copy the frame word by word in the wrong direction, through all of
 * the address space and back, a fault each.
 * Tried: irets whose flags hold VM, NT, IOPL and every other bit that is not the guest's. Right: they return at once, and of the
 * flags only the guest's own arrive. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define GUESTS_OWN 0x2008d5ul /* CF PF AF ZF SF OF ID */
#define ALWAYS     0x202ul
#define VM         0x20000ul
#define IOPL       0x3000ul
#define NEVER      (IOPL | 0x4000ul | VM | 0x180000ul) /* IOPL NT VM VIF VIP */

extern uint8_t user_code[], user_flags[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_flags\n"
        "user_code:\n"
        "user_flags:\n"
        "    pushfq\n"
        "    pop %rbx\n"
        "    syscall\n"
        "    ud2\n"
        ".popsection");

static uint64_t wanted, arrived;

/* On the way back from int3 the frame's flags become what the test wants; the instruction behind sees them. */
static bool flags_to(struct trap_regs *regs)
{
    regs->rflags = wanted;
    return true;
}

static bool note(struct trap_regs *regs)
{
    arrived = regs->rbx;
    user_leave(regs);
    return true;
}

static uint64_t through_kernel(uint64_t flags)
{
    uint64_t seen;

    wanted = flags;
    __asm__ volatile("int3; pushfq; push $0x202; popfq; pop %0" : "=r"(seen) : : "memory", "cc");
    return seen;
}

static void one(uint64_t flags)
{
    uint64_t seen = through_kernel(flags | 0x200);

    report_quiet("in kernel mode: the guest's own", (long)(seen & GUESTS_OWN), (long)(flags & GUESTS_OWN));
    report_quiet("what is always there", (long)(seen & ALWAYS), ALWAYS);
    report_quiet("what never is", (long)(seen & IOPL), 0);
    report_quiet("nor VM", (long)(seen & VM), 0);
}

void guest_main(void)
{
    struct user_space user;
    uint64_t before;

    attempt_begin("xsa_136", "flags of an iret that are not the guest's");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_BP, flags_to);
    trap_handle(TRAP_SYSCALL, note);
    before = event_system_time();
    for (unsigned int bit = 0; bit < 64; bit++)
        if (bit != 8 && bit != 9 && bit != 10 && bit != 14 && bit != 18) /* not what changes how it goes on: TF IF DF NT AC */
            one(1ul << bit);
    one(NEVER & ~0x4000ul);
    report_true("all of that at once", event_system_time() - before < 10000000000);
    user_space_run(user_code, user_flags, 0);
    report_equal("user mode goes on too, its flags", arrived & (IOPL | ALWAYS), ALWAYS);
    report_answer("no user root", root_load_user(NULL), 0);
    events_disable();
    attempt_end();
}
