/* SPDX-License-Identifier: MIT
 * traps: each exception comes to the guest's kernel with its vector, its error code and an honest frame, and
 * the guest goes on where it says. First from kernel mode, then from user mode with a root of its own, by
 * SYSCALL, by int n and by faults; the upcall mask travels in the frame. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define RFLAGS_TF    0x100ul
#define RFLAGS_IF    0x200ul
#define NONCANONICAL 0x8000000000000000ul

extern uint8_t user_code[], user_program[];

static struct trap_regs seen;
static unsigned int count;

static bool remember(struct trap_regs *regs)
{
    seen = *regs;
    count++;
    return true;
}

static void set_mask(unsigned int masked)
{
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = (uint8_t)masked;
}

static void raises_ud(void *unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

static void divides_by_zero(void *unused)
{
    (void)unused;
    __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; div %%rdx" : : : "rax", "rdx", "cc");
}

static void reads(void *address)
{
    (void)*(volatile uint64_t *)address;
}

static void writes(void *address)
{
    *(volatile uint64_t *)address = 1;
}

static void jumps(void *address)
{
    ((void (*)(void))(uintptr_t)address)();
}

static void uses_sse(void *unused)
{
    (void)unused;
    __asm__ volatile("movaps %xmm0, %xmm1");
}

static void one(const char *what, void (*function)(void *), void *argument, unsigned int vector,
                uint64_t error)
{
    struct fault fault = fault_caught(function, argument);

    printf("%s: vector %u, error code 0x%lx\n", what, fault.vector, fault.error);
    report_quiet("vector", fault.happened ? (long)fault.vector : -1, (long)vector);
    report_quiet("error code", (long)fault.error, (long)error);
}

static void from_kernel_mode(void)
{
    uint64_t *page = page_alloc();

    one("undefined instruction", raises_ud, NULL, TRAP_UD, 0);
    one("division by zero", divides_by_zero, NULL, TRAP_DE, 0);
    one("non-canonical address", reads, (void *)NONCANONICAL, TRAP_GP, 0);
    one("read of nothing", reads, (void *)0x1000, TRAP_PF, 0);
    one("write to nothing", writes, (void *)0x1000, TRAP_PF, 2);
    page_readonly(page);
    one("write to a read-only page", writes, page, TRAP_PF, 3);
    one("jump into a page without execute permission", jumps, page, TRAP_PF, 0x11);
    hypercall_fpu_taskswitch(1);
    one("SSE while the FPU is taken away", uses_sse, NULL, TRAP_NM, 0);
    hypercall_fpu_taskswitch(0);
    page_writable(page);
    page_free(page);
}

static void breakpoint_goes_on(void)
{
    extern uint8_t behind_int3[];
    uint64_t stack;

    trap_handle(TRAP_BP, remember);
    count = 0;
    __asm__ volatile("mov %%rsp, %0; int3; .globl behind_int3; behind_int3:" : "=r"(stack) : : "memory");
    report_equal("int3: traps", count, 1);
    report_equal("int3: rip is behind it", seen.rip, (uintptr_t)behind_int3);
    report_equal("int3: rsp is the interrupted one", seen.rsp, stack);
    report_equal("int3: cs of kernel mode has RPL 0", seen.cs & 0xffff, 0xe030);
    trap_handle(TRAP_BP, NULL);
    trap_handle(TRAP_USER_INT, remember);
    __asm__ volatile("int $0x80" : : : "memory");
    report_equal("int 0x80 from kernel mode: vector", seen.vector, TRAP_USER_INT);
}

static void mask_travels(void)
{
    trap_handle(TRAP_BP, remember);
    set_mask(1);
    __asm__ volatile("int3" : : : "memory");
    report_true("masked: the frame says so", trap_saved_mask(&seen));
    report_true("masked: the frame's IF is clear", (seen.rflags & RFLAGS_IF) == 0);
    report_equal("masked: still so after iret", guest_shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
    set_mask(0);
    __asm__ volatile("int3" : : : "memory");
    report_true("not masked: the frame says so", !trap_saved_mask(&seen));
    report_true("not masked: the frame's IF is set", (seen.rflags & RFLAGS_IF) != 0);
    report_equal("not masked: still so after iret", guest_shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
    trap_handle(TRAP_BP, NULL);
    set_mask(1);
}

static bool step_once(struct trap_regs *regs)
{
    regs->rflags &= ~RFLAGS_TF;
    return remember(regs);
}

static void single_step(void)
{
    trap_handle(TRAP_DB, step_once);
    count = 0;
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq; nop; nop" : : "i"(RFLAGS_TF) : "memory", "cc");
    report_equal("single step: traps", count, 1);
    trap_handle(TRAP_DB, NULL);
}

/* ---- user mode ---- */

static struct trap_regs trips[16];
static uint64_t addresses[16];

/* Notes each entry and says how many bytes the user program goes on behind. */
static bool user_trip(struct trap_regs *regs)
{
    if (count < 16) {
        addresses[count] = trap_cr2();
        trips[count++] = *regs;
    }
    switch (regs->vector) {
    case TRAP_UD:
        user_leave(regs);
        break;
    case TRAP_PF:
        regs->rip += regs->rsi == 0 ? 6 : 3;
        break;
    case TRAP_GP:
        regs->rip += 1;
        break;
    case TRAP_SYSCALL:
        regs->rax = 0x5ca11;
        trap_return_flags(VGCF_in_syscall);
        break;
    default:
        regs->rax = 0x80808;
        break;
    }
    return true;
}

static void trip(unsigned int n, const char *what, uint64_t vector, uint64_t error)
{
    printf("%s: vector %lu, error code 0x%lx\n", what, trips[n].vector, trips[n].error);
    report_quiet("vector", (long)trips[n].vector, (long)vector);
    report_quiet("error code", (long)trips[n].error, (long)error);
    report_quiet("from user mode", trap_from_user(&trips[n]), true);
}

static void from_user_mode(void)
{
    static const unsigned int vectors[] = {TRAP_UD, TRAP_PF, TRAP_GP, TRAP_BP, TRAP_USER_INT, TRAP_SYSCALL};
    static struct user_space user;
    const uint64_t *data;

    if (!report_answer("a user root", user_space_make(&user, user_code, 1), 0))
        return;
    for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        trap_handle(vectors[i], user_trip);
    count = 0;
    user_space_run(user_code, user_program, 0);
    data = (const uint64_t *)user.data;
    report_equal("trips from user mode", count, 8);
    trip(0, "user SYSCALL", TRAP_SYSCALL, 0);
    report_equal("user SYSCALL: rax is the user's", trips[0].rax, 17);
    report_equal("user SYSCALL: rip is the user's", trips[0].rip & ~0xffful, USER_CODE);
    report_equal("user SYSCALL: rsp is the user's", trips[0].rsp, USER_STACK + PAGE_SIZE);
    trip(1, "user int 0x80", TRAP_USER_INT, 0);
    trip(2, "user int3", TRAP_BP, 0);
    trip(3, "user read of nothing", TRAP_PF, 4);
    report_equal("its address", addresses[3], 0);
    trip(4, "user read of kernel memory", TRAP_PF, 4);
    report_equal("its address", addresses[4], 0xffffffff80000000);
    trip(5, "user hlt", TRAP_GP, 0);
    trip(6, "user cli", TRAP_GP, 0);
    trip(7, "user ud2", TRAP_UD, 0);
    report_equal("the kernel's answer to SYSCALL arrived", data[0], 0x5ca11);
    report_equal("the kernel's answer to int 0x80 arrived", data[1], 0x80808);
    report_equal("rbx came through", data[2], 0x1111111111111111);
    report_equal("r12 came through", data[3], 0x2222222222222222);
    report_true("interrupts stayed on", (data[4] & RFLAGS_IF) != 0);
    report_answer("no user root again", root_load_user(NULL), 0);
}

void guest_main(void)
{
    report_title("traps", "exceptions come to the guest, and it goes on");
    from_kernel_mode();
    breakpoint_goes_on();
    mask_travels();
    single_step();
    from_user_mode();
}
