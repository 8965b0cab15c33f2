/* SPDX-License-Identifier: MIT
 * Plain hypercalls: in and out, alone and in a multicall, and what a kernel calls when it switches tasks. */
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/trap.h"
#include "bench.h"

#define FLAT_STACK     0xe02bu
#define SELECTOR_ENTRY 100u /* a descriptor of the guest's own table */

extern uint8_t guest_trap_stack_top[];
extern uint8_t bench_plain_entry[];
long bench_iret(void);

static struct multicall_entry batch[32];
static uint64_t *gdt;

static long null_call(void)
{
    return hypercall_xen_version(XENVER_version, NULL);
}

static long no_such_call(void)
{
    return hypercall(60, 0, 0, 0, 0, 0) == -XEN_ENOSYS ? 0 : -XEN_EINVAL;
}

static long yield(void)
{
    return hypercall_sched_op(SCHEDOP_yield, NULL);
}

static long batch_prepare(void)
{
    for (unsigned int i = 0; i < 32; i++)
        batch[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0}};
    return 0;
}

static long batch_of_one(void)
{
    return hypercall_multicall(batch, 1);
}

static long batch_of_32(void)
{
    return hypercall_multicall(batch, 32);
}

static long stack_switch(void)
{
    return hypercall_stack_switch(FLAT_STACK, (uintptr_t)guest_trap_stack_top);
}

static long base_fs(void)
{
    return hypercall_set_segment_base(SEGBASE_FS, 0x1000);
}

static long base_gs_user(void)
{
    return hypercall_set_segment_base(SEGBASE_GS_USER, 0x1000);
}

static long base_gs_kernel(void)
{
    return hypercall_set_segment_base(SEGBASE_GS_KERNEL, 0x1000);
}

static long fpu_set_clear(void)
{
    hypercall_fpu_taskswitch(1);
    return hypercall_fpu_taskswitch(0);
}

static long descriptor(void)
{
    return hypercall_update_descriptor(entry_address(&gdt[SELECTOR_ENTRY]), 0x00cff2000000ffff);
}

static long trap_table(void)
{
    static const struct trap_info table[2] = {{.vector = 0x90, .cs = FLAT_KERNEL_CS, .address = 0x1000}};

    return hypercall_set_trap_table(table);
}

static long set_debugreg(void)
{
    return hypercall_set_debugreg(0, 0x1000);
}

static long get_debugreg(void)
{
    return hypercall_get_debugreg(0);
}

static long vcpu_is_up(void)
{
    return hypercall_vcpu_op(VCPUOP_is_up, 0, NULL);
}

static long timer_set(void)
{
    return hypercall_set_timer_op(1ull << 60);
}

static long timer_stop(void)
{
    return hypercall_set_timer_op(0);
}

static long timer_single(void)
{
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = 1ull << 60};

    return hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer);
}

static const struct bench_row rows[] = {
    {"null hypercall: xen_version(XENVER_version)", 1, null_call, NULL, NULL},
    {"hypercall number that does not exist", 1, no_such_call, NULL, NULL},
    {"sched_op yield, alone", 1, yield, NULL, NULL},
    {"multicall of one null call", 1, batch_of_one, batch_prepare, NULL},
    {"multicall of 32 null calls, per call", 32, batch_of_32, batch_prepare, NULL},
    {"stack_switch", 1, stack_switch, NULL, NULL},
    {"set_segment_base FS", 1, base_fs, NULL, NULL},
    {"set_segment_base user GS", 1, base_gs_user, NULL, NULL},
    {"set_segment_base kernel GS", 1, base_gs_kernel, NULL, NULL},
    {"fpu_taskswitch set + clear", 1, fpu_set_clear, NULL, NULL},
    {"update_descriptor", 1, descriptor, NULL, NULL},
    {"set_trap_table, one entry", 1, trap_table, NULL, NULL},
    {"set_debugreg", 1, set_debugreg, NULL, NULL},
    {"get_debugreg", 1, get_debugreg, NULL, NULL},
    {"vcpu_op is_up", 1, vcpu_is_up, NULL, NULL},
    {"iret hypercall, kernel to kernel", 1, bench_iret, NULL, NULL},
    {"set_timer_op", 1, timer_set, NULL, NULL},
    {"set_timer_op 0", 1, timer_stop, NULL, NULL},
    {"vcpu_op set_singleshot_timer", 1, timer_single, NULL, NULL},
};

void bench_calls(void)
{
    unsigned long frame;

    gdt = page_alloc();
    page_readonly(gdt);
    frame = virt_to_frame(gdt);
    hypercall_set_gdt(&frame, 512);
    BENCH_ROWS(rows);
    hypercall_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL);
    hypercall_set_gdt(NULL, 0);
    page_writable(gdt);
    page_free(gdt);
    trap_init();
}
