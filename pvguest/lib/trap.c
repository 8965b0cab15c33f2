/* SPDX-License-Identifier: MIT
 * The trap table, the callbacks and what happens when one comes: a handler, an expected fault, or a dump and
 * death. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/string.h"
#include "guest/trap.h"

#define KERNEL_CS   0xe030ul /* RPL 0: return to kernel mode */
#define KERNEL_SS   0xe02bul
#define MASK_EVENTS 4u /* trap_info.flags: upcalls are masked on entry */
#define RFLAGS_IF   0x200ul
#define RFLAGS_TF   0x100ul

/* pv64.asm */
extern uint8_t trap_entry_table[];
extern uint8_t event_callback_entry[], failsafe_callback_entry[], syscall_callback_entry[];
extern uint8_t fault_landing[], user_landing[], guest_trap_stack_top[];
extern uint64_t fault_saved_stack, user_saved_stack;
int fault_try(void (*function)(void *), void *argument);

static trap_handler handlers[TRAP_COUNT];
static struct fault last_fault;
static uint64_t return_flags;

void trap_handle(enum trap_vector vector, trap_handler handler)
{
    handlers[vector] = handler;
}

void trap_return_flags(uint64_t flags)
{
    return_flags = flags;
}

uint64_t trap_cr2(void)
{
    return guest_shared_info->vcpu_info[0].arch.cr2;
}

static const char *const vector_names[20] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR",       "#UD", "#NM", "#DF", "vector 9",
    "#TS", "#NP", "#SS", "#GP", "#PF", "vector 15", "#MF", "#AC", "#MC", "#XM",
};

static const char *vector_name(uint64_t vector)
{
    if (vector < 20)
        return vector_names[vector];
    switch (vector) {
    case TRAP_EVENT:
        return "event";
    case TRAP_SYSCALL:
        return "syscall";
    case TRAP_FAILSAFE:
        return "failsafe";
    default:
        return "interrupt";
    }
}

static _Noreturn void trap_fatal(const struct trap_regs *r)
{
    console_flush();
    printf("FATAL: unexpected trap %lu (%s), error code 0x%lx, in %s mode\n", r->vector,
           vector_name(r->vector), r->error, trap_from_user(r) ? "user" : "kernel");
    printf("  rip 0x%lx cr2 0x%lx cs 0x%lx ss 0x%lx rflags 0x%lx\n", r->rip,
           guest_shared_info ? trap_cr2() : 0ul, r->cs, r->ss, r->rflags);
    printf("  rax 0x%lx rbx 0x%lx rcx 0x%lx rdx 0x%lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    printf("  rsi 0x%lx rdi 0x%lx rbp 0x%lx rsp 0x%lx\n", r->rsi, r->rdi, r->rbp, r->rsp);
    printf("  r8 0x%lx r9 0x%lx r10 0x%lx r11 0x%lx\n", r->r8, r->r9, r->r10, r->r11);
    printf("  r12 0x%lx r13 0x%lx r14 0x%lx r15 0x%lx\n", r->r12, r->r13, r->r14, r->r15);
    guest_shutdown(SHUTDOWN_crash);
}

/* Makes the trap return in kernel mode at an address, on a saved stack. */
static void trap_return_to(struct trap_regs *regs, const uint8_t *address, uint64_t stack)
{
    regs->rip = (uintptr_t)address;
    regs->rsp = stack;
    regs->cs = KERNEL_CS;
    regs->ss = KERNEL_SS;
    regs->rflags &= ~RFLAGS_TF;
}

void trap_dispatch(struct trap_regs *regs)
{
    trap_handler handler = regs->vector < TRAP_COUNT ? handlers[regs->vector] : NULL;

    return_flags = 0;
    if (handler == NULL || !handler(regs)) {
        if (fault_saved_stack == 0 || trap_from_user(regs))
            trap_fatal(regs);
        last_fault = (struct fault){
            .happened = true,
            .vector = (unsigned int)regs->vector,
            .error = regs->error,
            .rip = regs->rip,
            .address = regs->vector == TRAP_PF ? trap_cr2() : 0,
        };
        trap_return_to(regs, fault_landing, fault_saved_stack);
    }
    regs->error = return_flags;
}

struct fault fault_caught(void (*function)(void *), void *argument)
{
    last_fault = (struct fault){.happened = false};
    if (fault_try(function, argument) == 0)
        last_fault.happened = false;
    return last_fault;
}

struct access {
    volatile uint64_t *address;
    uint64_t value;
};

static void access_read(void *argument)
{
    struct access *access = argument;

    access->value = *access->address;
}

static void access_write(void *argument)
{
    struct access *access = argument;

    *access->address = access->value;
}

bool try_read(const volatile void *address, uint64_t *value)
{
    struct access access = {.address = (volatile uint64_t *)(uintptr_t)address};

    if (fault_caught(access_read, &access).happened)
        return false;
    *value = access.value;
    return true;
}

bool try_write(volatile void *address, uint64_t value)
{
    struct access access = {.address = address, .value = value};

    return !fault_caught(access_write, &access).happened;
}

void user_leave(struct trap_regs *regs)
{
    trap_return_to(regs, user_landing, user_saved_stack);
}

void trap_set_user_stack(void)
{
    hypercall_stack_switch(KERNEL_SS, (uintptr_t)guest_trap_stack_top);
}

long trap_set_entry(unsigned int vector, const void *entry, uint8_t flags)
{
    struct trap_info table[2] = {
        {.vector = (uint8_t)vector, .flags = flags, .cs = FLAT_KERNEL_CS, .address = (uintptr_t)entry},
    };

    return hypercall_set_trap_table(table);
}

long trap_set_callback(uint16_t type, const void *entry, uint16_t flags)
{
    struct callback_register callback = {.type = type, .flags = flags, .address = (uintptr_t)entry};

    return hypercall_callback_op(CALLBACKOP_register, &callback);
}

static void must_succeed(const char *what, long answer)
{
    if (answer == 0)
        return;
    printf("FATAL: %s: %ld\n", what, answer);
    guest_shutdown(SHUTDOWN_crash);
}

/* Ring 3 may raise #BP, #OF and the user vector by int n; ring 1 stands for "kernel mode alone". */
static uint8_t trap_flags(unsigned int vector)
{
    switch (vector) {
    case TRAP_BP:
    case TRAP_OF:
    case TRAP_USER_INT:
        return 3;
    default:
        return 0;
    }
}

void trap_init(void)
{
    static struct trap_info table[257];

    for (unsigned int vector = 0; vector < 256; vector++)
        table[vector] = (struct trap_info){
            .vector = (uint8_t)vector,
            .flags = trap_flags(vector),
            .cs = FLAT_KERNEL_CS,
            .address = (uintptr_t)(trap_entry_table + 32 * vector),
        };
    must_succeed("set_trap_table", hypercall_set_trap_table(table));
    must_succeed("event callback", trap_set_callback(CALLBACKTYPE_event, event_callback_entry, 0));
    must_succeed("failsafe callback",
                 trap_set_callback(CALLBACKTYPE_failsafe, failsafe_callback_entry, CALLBACKF_mask_events));
    must_succeed("syscall callback",
                 trap_set_callback(CALLBACKTYPE_syscall, syscall_callback_entry, CALLBACKF_mask_events));
    trap_set_user_stack();
}
