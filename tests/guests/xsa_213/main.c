/* SPDX-License-Identifier: MIT
 * XSA-213: an iret in a multicall left for user mode, and the rest of the batch was carried out with the user's tables in
 * use: what it validated and dropped was that of another root.
 * Tried: an iret to user mode, and to kernel mode, with calls behind it. Right: the batch ends there; what stands behind it
 * is neither carried out nor written to. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define MARK 0x5a5a5a5a5a5a5a5aul

extern uint8_t user_code[], user_calls[];

/* The batch begins with the iret's frame on top of the stack: no slot of the hypercall page, which pushes words of its own. */
void batch_with_frame(const uint64_t frame[9], struct multicall_entry *calls, unsigned long count);
extern uint8_t batch_landing[];
extern uint64_t batch_stack;

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_calls\n"
        "user_code:\n"
        "user_calls:\n"
        "    syscall\n"
        "    ud2\n"
        ".popsection\n"
        ".globl batch_with_frame, batch_landing, batch_stack\n"
        "batch_with_frame:\n"
        "    push %rbx\n    push %rbp\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    mov %rsp, batch_stack\n"
        "    mov %rdi, %rsp\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov $13, %eax\n"
        "    syscall\n"
        "    ud2\n"
        "batch_landing:\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbp\n    pop %rbx\n"
        "    ret\n"
        ".pushsection .bss\n"
        ".balign 8\n"
        "batch_stack: .skip 8\n"
        ".popsection");

static struct multicall_entry calls[4];
static struct trap_regs seen;
static unsigned int count;

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    count++;
    regs->rip = (uintptr_t)batch_landing;
    regs->rsp = batch_stack;
    regs->cs = FLAT_KERNEL_CS & ~3ul;
    regs->ss = FLAT_KERNEL_SS;
    return true;
}

static void batch(void)
{
    calls[0] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}, .result = MARK};
    calls[1] = (struct multicall_entry){.op = __HYPERVISOR_iret, .result = MARK};
    calls[2] = (struct multicall_entry){.op = __HYPERVISOR_set_debugreg, .args = {0, 0x1234}, .result = MARK};
    calls[3] = (struct multicall_entry){.op = __HYPERVISOR_fpu_taskswitch, .args = {1}, .result = MARK};
}

static void leaves_for(uint64_t cs, const void *rip, uint64_t rsp, uint64_t rax)
{
    static uint64_t frame[9];

    frame[0] = rax;
    frame[4] = HYPERCALL_PTR(rip);
    frame[5] = cs;
    frame[6] = 0x202;
    frame[7] = rsp;
    frame[8] = FLAT_KERNEL_SS;
    batch();
    count = 0;
    batch_with_frame(frame, calls, 4);
    report_equal("traps", count, 1);
    report_equal("rax is that of the frame", seen.rax, rax);
    report_equal("the call before was carried out", calls[0].result >> 16, 4);
    report_equal("the first behind was not answered", calls[2].result, MARK);
    report_equal("the second neither", calls[3].result, MARK);
    report_answer("nor carried out: DR0", hypercall_get_debugreg(0), 0);
}

static void trap_here(void)
{
    __asm__ volatile("int3; ud2");
}

void guest_main(void)
{
    static uint8_t stack[PAGE_SIZE] __attribute__((aligned(16)));
    struct user_space user;

    attempt_begin("xsa_213", "an iret ends its batch");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_SYSCALL, note);
    trap_handle(TRAP_BP, note);
    printf("to user mode\n");
    leaves_for(FLAT_KERNEL_CS | 3, (const void *)USER_CODE, USER_STACK + PAGE_SIZE, 0x1111);
    report_equal("it ran", seen.vector, TRAP_SYSCALL);
    printf("to kernel mode\n");
    leaves_for(FLAT_KERNEL_CS & ~3ul, (const void *)(uintptr_t)trap_here, HYPERCALL_PTR(stack + sizeof(stack)), 0x2222);
    report_equal("it ran", seen.vector, TRAP_BP);
    report_answer("no user root", root_load_user(NULL), 0);
    guest_shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    attempt_end();
}
