/* SPDX-License-Identifier: MIT
 * Exceptions, callbacks and trips to user mode. Every vector has an entry in the trap table; what no handler
 * takes and no fault_caught() expects ends the domain with a dump and reason crash. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include <stdbool.h>
#include <stdint.h>

enum trap_vector {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_BR = 5,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_XM = 19,
    TRAP_USER_INT = 0x80, /* the one vector, besides 3 and 4, that user mode may raise by int n */
    TRAP_EVENT = 256,       /* the callbacks, as the entry stubs number them */
    TRAP_SYSCALL = 257,
    TRAP_FAILSAFE = 258,
    TRAP_COUNT = 259,
};

/* The interrupted state, in the order in which pv64.asm pushes it. A handler may change any of it. */
struct trap_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t vector;
    uint64_t rax, r11, rcx;
    uint64_t error; /* on return: the flags word of the iret hypercall, set to iret_flags by the dispatcher */
    uint64_t rip;
    uint64_t cs; /* low 16 bits: selector, RPL 0 if from kernel mode; byte 4: the upcall mask as it was */
    uint64_t rflags;
    uint64_t rsp;
    uint64_t ss;
};

/* Returns true if it dealt with the trap; false passes it on to fault_caught() or to the fatal dump. */
typedef bool (*trap_handler)(struct trap_regs *regs);

/* Installs a handler for a vector or callback; NULL removes it. */
void trap_handle(enum trap_vector vector, trap_handler handler);

/* Registers table and callbacks: called once at the start; called again, it undoes trap_set_entry() and
 * trap_set_callback(). */
void trap_init(void);

/* The raw entries, for those who count instructions or need a bare frame: an own entry point for a vector (flags as
 * in struct trap_info; 0 as entry changes nothing: it ends the list) or for a callback (CALLBACKTYPE_..., CALLBACKF_...).
 * Return the hypervisor's answer. */
long trap_set_entry(unsigned int vector, const void *entry, uint8_t flags);
long trap_set_callback(uint16_t type, const void *entry, uint16_t flags);

/* From user mode? The hypervisor marks kernel mode by RPL 0. */
static inline bool trap_from_user(const struct trap_regs *regs)
{
    return (regs->cs & 3) != 0;
}

/* The upcall mask that was in force when the trap came. */
static inline bool trap_saved_mask(const struct trap_regs *regs)
{
    return (regs->cs >> 32 & 0xff) != 0;
}

/* The fault address of the last #PF. */
uint64_t trap_cr2(void);

/* What ended a call of fault_caught(). */
struct fault {
    bool happened;
    unsigned int vector;
    uint64_t error;
    uint64_t rip;
    uint64_t address; /* cr2, for #PF */
};

/* Calls function(argument). If an exception ends it, execution goes on behind the call and the exception is
 * returned: the stack is unwound, nothing else. */
struct fault fault_caught(void (*function)(void *), void *argument);

/* Reads or writes eight bytes; returns whether that worked. */
bool try_read(const volatile void *address, uint64_t *value);
bool try_write(volatile void *address, uint64_t value);

/* Enters user mode at rip with rsp and rdi = argument; comes back when a handler calls user_leave().
 * iret_flags: 0 or VGCF_in_syscall. Needs a user root (NEW_USER_BASEPTR) and trap_set_user_stack(). */
void user_enter(uint64_t rip, uint64_t rsp, uint64_t argument, uint64_t iret_flags);

/* In a handler: makes the trap return behind user_enter() in kernel mode instead of to user mode. */
void user_leave(struct trap_regs *regs);

/* Tells the hypervisor which stack a trap from user mode uses. */
void trap_set_user_stack(void);

/* What the handler's return hands to the iret hypercall as flags (VGCF_in_syscall); good for one return. */
void trap_return_flags(uint64_t flags);

/* Called by the entry stubs. */
void trap_dispatch(struct trap_regs *regs);

#endif
