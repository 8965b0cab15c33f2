/* SPDX-License-Identifier: MIT
 * XSA-260, XSA-265: MOV SS puts off the #DB of a breakpoint that it hits until the next instruction is done. Where that is one
 * that enters the hypervisor, the #DB came at the hypervisor's first instruction, on the guest's stack; later, what it left
 * in DR6 stopped the host.
 * Tried: SS loaded from watched memory, then each way into the hypervisor, from kernel and user mode. Right: the hypervisor
 * passes over its own #DB, and the guest gets the event that it asked for. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define ON_ACCESS_2 (1ul << 6 | 7ul << 28) /* breakpoint 3: two bytes, read or write */
#define DR6_NONE    0xffff0ff0ul

extern uint8_t user_code[], user_syscall[], user_int3[], user_int80[], user_ud2[];

/* rdi: the watched word, which holds a selector. */
#define USER_WAY(name, instruction) ".globl " name "\n" name ":\n    mov (%rdi), %ss\n    " instruction "\n    ud2\n"

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code\n"
        "user_code:\n" USER_WAY("user_syscall", "syscall") USER_WAY("user_int3", "int3")
            USER_WAY("user_int80", "int $0x80") USER_WAY("user_ud2", "ud2") ".popsection");

static volatile uint16_t selector = FLAT_KERNEL_SS;
static volatile unsigned int count[TRAP_COUNT];

static bool note(struct trap_regs *regs)
{
    count[regs->vector]++;
    if (regs->vector == TRAP_DB)
        return true;
    if (trap_from_user(regs))
        user_leave(regs);
    else if (regs->vector == TRAP_UD)
        regs->rip += 2;
    return true;
}

static void watch(const volatile void *address)
{
    report_quiet("DR3", hypercall_set_debugreg(3, HYPERCALL_PTR(address)), 0);
    report_quiet("DR7", hypercall_set_debugreg(7, address == NULL ? 0 : ON_ACCESS_2), 0);
    report_quiet("DR6", hypercall_set_debugreg(6, DR6_NONE), 0);
}

static void came(const char *what, unsigned int vector)
{
    printf("%s\n", what);
    report_quiet("its event", count[vector], 1);
    report_quiet("breakpoints, one at most", count[TRAP_DB] <= 1, true);
    count[vector] = count[TRAP_DB] = 0;
}

static void from_the_kernel(void)
{
    long answer = __HYPERVISOR_xen_version;

    watch(&selector);
    __asm__ volatile("mov %[selector], %%ss; syscall"
                     : "+a"(answer)
                     : [selector] "m"(selector), "D"(XENVER_version), "S"(0ul)
                     : "rcx", "r11", "memory");
    report_equal("SYSCALL in the kernel: version", (unsigned long)answer >> 16, 4);
    count[TRAP_DB] = 0;
    __asm__ volatile("mov %0, %%ss; int3" : : "m"(selector) : "memory");
    came("INT3 in the kernel", TRAP_BP);
    __asm__ volatile("mov %0, %%ss; int $0x80" : : "m"(selector) : "memory");
    came("INT 0x80 in the kernel", TRAP_USER_INT);
    __asm__ volatile("mov %0, %%ss; ud2" : : "m"(selector) : "memory");
    came("UD2 in the kernel", TRAP_UD);
    watch(NULL);
}

static void from_user_mode(uint8_t *data)
{
    static const struct {
        const char *what;
        const uint8_t *entry;
        unsigned int vector;
    } ways[] = {
        {"SYSCALL in user mode", user_syscall, TRAP_SYSCALL},
        {"INT3 in user mode", user_int3, TRAP_BP},
        {"INT 0x80 in user mode", user_int80, TRAP_USER_INT},
        {"UD2 in user mode", user_ud2, TRAP_UD},
    };

    *(uint16_t *)data = FLAT_KERNEL_SS;
    watch((void *)USER_DATA);
    for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        user_space_run(user_code, ways[i].entry, 0);
        came(ways[i].what, ways[i].vector);
    }
    watch(NULL);
}

void guest_main(void)
{
    static const unsigned int vectors[] = {TRAP_DB, TRAP_BP, TRAP_UD, TRAP_USER_INT, TRAP_SYSCALL};
    struct user_space user;

    attempt_begin("xsa_260_265", "a #DB that MOV SS puts off");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        trap_handle(vectors[i], note);
    from_the_kernel();
    from_user_mode(user.data);
    report_answer("no user root", root_load_user(NULL), 0);
    attempt_end();
}
