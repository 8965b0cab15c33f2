/* SPDX-License-Identifier: MIT
 * bad_return: an iret to a cs or ss that cannot be loaded is an exception of the guest at the place where it wanted to go,
 * with the processor's own vector and error code, as on Xen 4.17. A data segment that can no longer be loaded when the vcpu's
 * turn comes again is told by the failsafe callback, whose frame holds what was in the registers. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define RFLAGS_IF 0x200ul
#define FLAT      0xe02bu
#define KERNEL    0xe030u
#define TARGET    0x123456ul /* where it would go on; nothing is there */

/* return.asm */
void return_to(const uint64_t frame[9]);
extern uint8_t return_landing[];
extern uint64_t return_stack;

static uint8_t stack[2 * PAGE_SIZE] __attribute__((aligned(16)));
static struct trap_regs seen;
static uint64_t seen_stack; /* the first word above the frame */
static unsigned int count;

static const struct bad {
    const char *what;
    uint16_t cs, ss;
    uint64_t rip;
} bad[] = {
    {"a cs that no table holds", 0x1230, FLAT, TARGET},
    {"a cs that is 0", 0, FLAT, TARGET},
    {"a cs that is data", 0xe028, FLAT, TARGET},
    {"an ss that no table holds", KERNEL, 0x1230, TARGET},
    {"an ss that is code", KERNEL, 0xe033, TARGET},
    {"an rip that is not canonical", KERNEL, FLAT, 0x800000000000},
};

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    seen_stack = (uintptr_t)(regs + 1);
    count++;
    regs->rip = (uintptr_t)return_landing;
    regs->rsp = return_stack;
    regs->cs = KERNEL;
    regs->ss = FLAT;
    return true;
}

static void try_to_return(uint16_t cs, uint16_t ss, uint64_t rip, uint64_t rflags)
{
    /* rax r11 rcx flags, then rip cs rflags rsp ss */
    static uint64_t frame[9];

    frame[0] = 0x3333333333333333;
    frame[1] = 0x4444444444444444;
    frame[2] = 0x5555555555555555;
    frame[3] = 0;
    frame[4] = rip;
    frame[5] = cs;
    frame[6] = rflags;
    frame[7] = (uintptr_t)(stack + sizeof(stack));
    frame[8] = ss;
    count = 0;
    return_to(frame);
    printf("vector %lu, error code 0x%lx\n", seen.vector, seen.error);
}

static void what_it_wanted(const struct bad *b)
{
    printf("%s\n", b->what);
    try_to_return(b->cs, b->ss, b->rip, RFLAGS_IF);
    report_quiet("exceptions", count, 1);
    report_quiet("rip", (long)seen.rip, (long)b->rip);
    report_quiet("cs but for its RPL", (long)(seen.cs & 0xfffc), b->cs & 0xfffc);
    report_quiet("cs is of kernel mode", (long)(seen.cs & 3), 0);
    report_quiet("rsp", (long)seen.rsp, (long)(uintptr_t)(stack + sizeof(stack)));
    report_quiet("ss but for its RPL", (long)(seen.ss & 0xfffc), b->ss & 0xfffc);
    report_quiet("rcx", (long)seen.rcx, 0x5555555555555555);
    report_quiet("r11", (long)seen.r11, 0x4444444444444444);
    report_quiet("rax", (long)seen.rax, 0x3333333333333333);
    report_quiet("rbx", (long)seen.rbx, 0x1111111111111111);
    report_quiet("r15", (long)seen.r15, 0x2222222222222222);
    report_quiet("the frame is on the stack that was to be", (long)seen_stack, (long)(uintptr_t)(stack + sizeof(stack)));
}

static void mask_travels(void)
{
    volatile uint8_t *mask = &guest_shared_info->vcpu_info[0].evtchn_upcall_mask;

    try_to_return(0x1230, FLAT, TARGET, RFLAGS_IF);
    report_true("IF was set: so it says", (seen.rflags & RFLAGS_IF) != 0);
    report_true("IF was set: the mask in the frame", !trap_saved_mask(&seen));
    report_equal("events are let through", *mask, 0);
    try_to_return(0x1230, FLAT, TARGET, 0);
    report_true("IF was clear: so it says", (seen.rflags & RFLAGS_IF) == 0);
    report_true("IF was clear: the mask in the frame", trap_saved_mask(&seen));
    report_equal("events are held back", *mask, 1);
}

/* To user mode: back in the kernel, on its own stack, and the frame says where from. */
static void from_user_mode(void)
{
    static struct user_space user;

    if (!report_answer("a user root", user_space_make(&user, page_alloc(), 1), 0))
        return;
    trap_set_user_stack();
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        printf("to user mode: %s\n", bad[i].what);
        try_to_return(bad[i].cs | 3, bad[i].ss, bad[i].rip, RFLAGS_IF);
        report_quiet("exceptions", count, 1);
        report_quiet("cs", (long)(seen.cs & 0xffff), bad[i].cs | 3);
        report_quiet("rip", (long)seen.rip, (long)bad[i].rip);
        report_quiet("rsp", (long)seen.rsp, (long)(uintptr_t)(stack + sizeof(stack)));
        report_quiet("the frame is on another stack",
                     seen_stack < (uintptr_t)stack || seen_stack > (uintptr_t)stack + sizeof(stack), true);
    }
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    report_answer("no user root again", root_load_user(NULL), 0);
}

void guest_main(void)
{
    report_title("bad_return", "a return that cannot be is an exception there");
    for (unsigned int vector = TRAP_TS; vector <= TRAP_PF; vector++)
        trap_handle(vector, note);
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        what_it_wanted(&bad[i]);
    mask_travels();
    from_user_mode();
}
