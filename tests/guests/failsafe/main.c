/* SPDX-License-Identifier: MIT
 * failsafe: an iret to what cannot be loaded enters the failsafe callback. Its frame holds what the guest wanted to
 * return to, and the data segments that are really loaded, whatever they are: a guest that finds another number there
 * than in the register takes the register for the one that failed. Skipped where the guest is told by an exception at
 * the address that it wanted instead, as by Xen 4.17. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define RFLAGS_IF 0x200ul
#define FLAT      0xe02bu
#define TARGET    0x123456ul /* where it would go on; nothing is there */

enum segment { DS, ES, FS, GS, SEGMENTS };

/* return.asm */
void return_to(const uint64_t frame[9], const uint16_t segments[SEGMENTS]);
extern uint8_t return_failsafe[], return_landing[];
extern uint64_t return_stack;
extern uint64_t failsafe_registers[3], failsafe_stack;
extern uint16_t failsafe_segments[SEGMENTS];
extern uint32_t failsafe_count;
extern struct {
    uint64_t rcx, r11, segment[SEGMENTS], rip, cs, rflags, rsp, ss;
} failsafe_frame;

static uint8_t stack[2 * PAGE_SIZE] __attribute__((aligned(16)));

static const struct loaded {
    const char *what;
    uint16_t segment[SEGMENTS];
} loaded[] = {
    {"all flat", {FLAT, FLAT, FLAT, FLAT}}, {"none", {0, 0, 0, 0}},
    {"ds alone", {FLAT, 0, 0, 0}},          {"all but ds", {0, FLAT, FLAT, FLAT}},
    {"es and gs", {0, FLAT, 0, FLAT}},      {"fs alone", {0, 0, FLAT, 0}},
};

/* What IRET refuses, from and to kernel mode. */
static const struct bad {
    const char *what;
    uint16_t cs, ss;
} bad[] = {
    {"a cs that no table holds", 0x1230, FLAT},
    {"a cs that is 0", 0, FLAT},
    {"a cs that is data", 0xe028, FLAT},
    {"an ss that no table holds", 0xe030, 0x1230},
    {"an ss that is code", 0xe030, 0xe033},
};

static bool told_by_exception(struct trap_regs *regs)
{
    regs->rip = (uintptr_t)return_landing;
    regs->rsp = return_stack;
    regs->cs = FLAT_KERNEL_CS & ~3ul;
    regs->ss = FLAT;
    return true;
}

static void set_mask(unsigned int masked)
{
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = (uint8_t)masked;
}

static void try_to_return(uint16_t cs, uint16_t ss, uint64_t rflags, const struct loaded *with)
{
    /* rax r11 rcx flags, then rip cs rflags rsp ss */
    static uint64_t frame[9];

    frame[0] = 0x3333333333333333;
    frame[1] = 0x4444444444444444;
    frame[2] = 0x5555555555555555;
    frame[3] = 0;
    frame[4] = TARGET;
    frame[5] = cs;
    frame[6] = rflags;
    frame[7] = (uintptr_t)(stack + sizeof(stack));
    frame[8] = ss;
    return_to(frame, with->segment);
}

static void check_segments(const struct loaded *with)
{
    static const char *const frame_name[] = {"frame's ds", "frame's es", "frame's fs", "frame's gs"};
    static const char *const register_name[] = {"ds", "es", "fs", "gs"};

    for (unsigned int i = 0; i < SEGMENTS; i++) {
        report_quiet(register_name[i], failsafe_segments[i], with->segment[i]);
        report_quiet(frame_name[i], (long)failsafe_frame.segment[i], with->segment[i]);
    }
}

static void what_is_loaded(void)
{
    for (unsigned int i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++) {
        const uint32_t before = failsafe_count;

        printf("loaded: %s\n", loaded[i].what);
        try_to_return(0x1230, FLAT, RFLAGS_IF, &loaded[i]);
        report_quiet("failsafe callbacks", failsafe_count - before, 1);
        check_segments(&loaded[i]);
    }
}

static void what_it_wanted(const struct bad *b)
{
    printf("%s\n", b->what);
    try_to_return(b->cs, b->ss, RFLAGS_IF, &loaded[0]);
    report_quiet("rip", (long)failsafe_frame.rip, TARGET);
    report_quiet("cs but for its RPL", (long)(failsafe_frame.cs & 0xfffc), b->cs & 0xfffc);
    report_quiet("cs is of kernel mode", (long)(failsafe_frame.cs & 3), 0);
    report_quiet("rsp", (long)failsafe_frame.rsp, (long)(uintptr_t)(stack + sizeof(stack)));
    report_quiet("ss but for its RPL", (long)(failsafe_frame.ss & 0xfffc), b->ss & 0xfffc);
    report_quiet("rcx", (long)failsafe_frame.rcx, 0x5555555555555555);
    report_quiet("r11", (long)failsafe_frame.r11, 0x4444444444444444);
    report_quiet("rax", (long)failsafe_registers[0], 0x3333333333333333);
    report_quiet("rbx", (long)failsafe_registers[1], 0x1111111111111111);
    report_quiet("r15", (long)failsafe_registers[2], 0x2222222222222222);
    check_segments(&loaded[0]);
}

/* On the stack that it wanted, right below it. */
static void where_it_stands(void)
{
    report_equal("the frame is on the stack that was to be", failsafe_stack + sizeof(failsafe_frame),
                 ((uintptr_t)stack + sizeof(stack)) & ~15ul);
}

static void mask_travels(void)
{
    report_true("IF was set: so it says", (failsafe_frame.rflags & RFLAGS_IF) != 0);
    report_equal("IF was set: the mask in the frame", failsafe_frame.cs >> 32 & 0xff, 0);
    report_equal("events are masked in the callback", guest_shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
    try_to_return(0x1230, FLAT, 0, &loaded[0]);
    report_true("IF was clear: so it says", (failsafe_frame.rflags & RFLAGS_IF) == 0);
    report_equal("IF was clear: the mask in the frame", failsafe_frame.cs >> 32 & 0xff, 1);
    report_answer("a callback that leaves events alone", trap_set_callback(CALLBACKTYPE_failsafe, return_failsafe, 0), 0);
    try_to_return(0x1230, FLAT, RFLAGS_IF, &loaded[0]);
    report_equal("events stay unmasked there", guest_shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
    set_mask(1);
}

/* To user mode: back in the kernel, on its own stack, and the frame says where from. */
static void from_user_mode(void)
{
    static struct user_space user;

    if (!report_answer("a user root", user_space_make(&user, page_alloc(), 1), 0))
        return;
    trap_set_user_stack();
    for (unsigned int i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++) {
        printf("to user mode, loaded: %s\n", loaded[i].what);
        try_to_return(0x1233, FLAT, RFLAGS_IF, &loaded[i]);
        report_quiet("cs", (long)(failsafe_frame.cs & 0xffff), 0x1233);
        report_quiet("rsp", (long)failsafe_frame.rsp, (long)(uintptr_t)(stack + sizeof(stack)));
        report_quiet("the frame is on another stack",
                     failsafe_stack < (uintptr_t)stack || failsafe_stack > (uintptr_t)stack + sizeof(stack), true);
        check_segments(&loaded[i]);
    }
    set_mask(1);
    report_answer("no user root again", root_load_user(NULL), 0);
}

void guest_main(void)
{
    report_title("failsafe", "a return that cannot be is told with the segments that are loaded");
    report_answer("a failsafe callback",
                  trap_set_callback(CALLBACKTYPE_failsafe, return_failsafe, CALLBACKF_mask_events), 0);
    trap_handle(TRAP_GP, told_by_exception);
    try_to_return(0x1230, FLAT, RFLAGS_IF, &loaded[0]);
    set_mask(1);
    if (failsafe_count == 0) {
        report_skip("an iret that cannot be is a #GP here");
        return;
    }
    trap_handle(TRAP_GP, NULL);
    what_is_loaded();
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        what_it_wanted(&bad[i]);
    where_it_stands();
    mask_travels();
    from_user_mode();
    trap_init();
}
