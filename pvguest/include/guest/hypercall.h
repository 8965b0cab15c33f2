/* SPDX-License-Identifier: MIT
 * One inline function for each hypercall that guests use, named and ordered as in <xen/xen.h>. Each returns
 * what the hypervisor returned: 0 or a count on success, a negated XEN_E... on refusal (error_name() in
 * report.h names it). Relies on the hypercall page: slot n, 32 bytes each, keeps every register but rax and
 * the arguments. */
#ifndef GUEST_HYPERCALL_H
#define GUEST_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

extern uint8_t hypercall_page[4096];

/* The call with up to five arguments in rdi rsi rdx r10 r8. Xen may change argument registers when it
 * restarts a long call, so they are outputs too. */
static inline long hypercall(unsigned int number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                             uint64_t a5)
{
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    long result;

    __asm__ volatile("call *%[slot]"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : [slot] "0"(hypercall_page + (uint64_t)number * 32)
                     : "memory");
    return result;
}

#define HYPERCALL_PTR(p) ((uint64_t)(uintptr_t)(p))

static inline long hypercall_set_trap_table(const struct trap_info *table)
{
    return hypercall(__HYPERVISOR_set_trap_table, HYPERCALL_PTR(table), 0, 0, 0, 0);
}

/* count requests; *done (may be NULL) receives how many were carried out. */
static inline long hypercall_mmu_update(const struct mmu_update *requests, unsigned int count,
                                        unsigned int *done, domid_t domain)
{
    return hypercall(__HYPERVISOR_mmu_update, HYPERCALL_PTR(requests), count, HYPERCALL_PTR(done), domain, 0);
}

/* frames: machine frame numbers of the pages that hold the table; entries: how many descriptors are used. */
static inline long hypercall_set_gdt(const unsigned long *frames, unsigned int entries)
{
    return hypercall(__HYPERVISOR_set_gdt, HYPERCALL_PTR(frames), entries, 0, 0, 0);
}

static inline long hypercall_stack_switch(uint64_t ss, uint64_t rsp)
{
    return hypercall(__HYPERVISOR_stack_switch, ss, rsp, 0, 0, 0);
}

static inline long hypercall_fpu_taskswitch(int set)
{
    return hypercall(__HYPERVISOR_fpu_taskswitch, (uint64_t)set, 0, 0, 0, 0);
}

static inline long hypercall_set_debugreg(unsigned int reg, uint64_t value)
{
    return hypercall(__HYPERVISOR_set_debugreg, reg, value, 0, 0, 0);
}

static inline long hypercall_get_debugreg(unsigned int reg)
{
    return hypercall(__HYPERVISOR_get_debugreg, reg, 0, 0, 0, 0);
}

/* address: machine address of the descriptor (frame number across the interface << 12 | offset). */
static inline long hypercall_update_descriptor(uint64_t address, uint64_t descriptor)
{
    return hypercall(__HYPERVISOR_update_descriptor, address, descriptor, 0, 0, 0);
}

static inline long hypercall_memory_op(unsigned int command, void *argument)
{
    return hypercall(__HYPERVISOR_memory_op, command, HYPERCALL_PTR(argument), 0, 0, 0);
}

static inline long hypercall_multicall(struct multicall_entry *calls, unsigned int count)
{
    return hypercall(__HYPERVISOR_multicall, HYPERCALL_PTR(calls), count, 0, 0, 0);
}

static inline long hypercall_update_va_mapping(uint64_t address, uint64_t entry, uint64_t flags)
{
    return hypercall(__HYPERVISOR_update_va_mapping, address, entry, flags, 0, 0);
}

/* deadline: nanoseconds of system time; 0 stops the timer. */
static inline long hypercall_set_timer_op(uint64_t deadline)
{
    return hypercall(__HYPERVISOR_set_timer_op, deadline, 0, 0, 0, 0);
}

static inline long hypercall_xen_version(unsigned int command, void *argument)
{
    return hypercall(__HYPERVISOR_xen_version, command, HYPERCALL_PTR(argument), 0, 0, 0);
}

static inline long hypercall_console_io(unsigned int command, unsigned int count, const char *text)
{
    return hypercall(__HYPERVISOR_console_io, command, count, HYPERCALL_PTR(text), 0, 0);
}

static inline long hypercall_vm_assist(unsigned int command, unsigned int type)
{
    return hypercall(__HYPERVISOR_vm_assist, command, type, 0, 0, 0);
}

static inline long hypercall_vcpu_op(unsigned int command, unsigned int vcpu, void *argument)
{
    return hypercall(__HYPERVISOR_vcpu_op, command, vcpu, HYPERCALL_PTR(argument), 0, 0);
}

static inline long hypercall_set_segment_base(unsigned int which, uint64_t base)
{
    return hypercall(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

static inline long hypercall_mmuext_op(const struct mmuext_op *ops, unsigned int count, unsigned int *done,
                                       domid_t domain)
{
    return hypercall(__HYPERVISOR_mmuext_op, HYPERCALL_PTR(ops), count, HYPERCALL_PTR(done), domain, 0);
}

static inline long hypercall_sched_op(unsigned int command, void *argument)
{
    return hypercall(__HYPERVISOR_sched_op, command, HYPERCALL_PTR(argument), 0, 0, 0);
}

static inline long hypercall_callback_op(unsigned int command, const void *argument)
{
    return hypercall(__HYPERVISOR_callback_op, command, HYPERCALL_PTR(argument), 0, 0, 0);
}

static inline long hypercall_event_channel_op(unsigned int command, void *argument)
{
    return hypercall(__HYPERVISOR_event_channel_op, command, HYPERCALL_PTR(argument), 0, 0, 0);
}

/* For privileged domains; operation: a struct xen_sysctl (<xen/sysctl.h>). */
static inline long hypercall_sysctl(void *operation)
{
    return hypercall(__HYPERVISOR_sysctl, HYPERCALL_PTR(operation), 0, 0, 0, 0);
}

/* count arguments in a row; what became of each stands in its status (GNTST_..., <xen/grant_table.h>). */
static inline long hypercall_grant_table_op(unsigned int command, void *arguments, unsigned int count)
{
    return hypercall(__HYPERVISOR_grant_table_op, command, HYPERCALL_PTR(arguments), count, 0, 0);
}

#endif
