/* SPDX-License-Identifier: MIT
 * How vcpu 1 starts and obeys, and the event callback of both vcpus (second.h). */
#include "guest/cpu.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"
#include "second.h"

#define STACK_SIZE 16384u
#define FLAT_CS    0xe033u
#define FLAT_SS    0xe02bu

extern uint8_t trap_entry_table[], event_callback_entry[], failsafe_callback_entry[],
    syscall_callback_entry[];
extern uint8_t second_entry[];

static uint8_t stack[STACK_SIZE] __attribute__((aligned(16)));
static uint64_t fs_area[8], gs_area[8]; /* their first words name themselves */
static void (*volatile current_order)(void);

struct vcpu_info *second_info[2];
uint64_t second_ports[2];
volatile unsigned int second_came[2][PORTS];
volatile struct second_start second_start;

/* From the registers of the description to the arguments of a function. */
__asm__(".globl second_entry\n"
        "second_entry:\n"
        "    mov %rbx, %rsi\n"
        "    mov %r15, %rdx\n"
        "    call second_main\n"
        "    ud2\n");

void second_main(uint64_t rdi, uint64_t rbx, uint64_t r15);

static unsigned int vcpu_here(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return here >= (uintptr_t)stack && here < (uintptr_t)stack + STACK_SIZE;
}

static bool upcall(struct trap_regs *regs)
{
    unsigned int vcpu = vcpu_here();
    struct vcpu_info *info = second_info[vcpu];

    (void)regs;
    while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST) != 0) {
        unsigned long ports;

        __atomic_exchange_n(&info->evtchn_pending_sel, 0ul, __ATOMIC_SEQ_CST);
        ports =
            guest_shared_info->evtchn_pending[0] & ~guest_shared_info->evtchn_mask[0] & second_ports[vcpu];
        for (; ports != 0; ports &= ports - 1) {
            unsigned int port = (unsigned int)__builtin_ctzl(ports);

            event_clear(port);
            second_came[vcpu][port]++;
        }
    }
    return true;
}

void second_events_init(void)
{
    second_info[0] = &guest_shared_info->vcpu_info[0];
    second_info[1] = &guest_shared_info->vcpu_info[1];
    trap_handle(TRAP_EVENT, upcall);
}

void second_describe(struct vcpu_guest_context *c, const uint64_t *root)
{
    memset(c, 0, sizeof(*c));
    c->flags = VGCF_in_kernel;
    for (unsigned int i = 0; i < 256; i++)
        c->trap_ctxt[i] = (struct trap_info){
            .vector = (uint8_t)i, .cs = FLAT_CS, .address = (uintptr_t)(trap_entry_table + 32 * i)};
    c->user_regs.rip = (uintptr_t)second_entry;
    c->user_regs.rsp = c->kernel_sp = (uintptr_t)stack + STACK_SIZE;
    c->user_regs.cs = FLAT_CS;
    c->user_regs.ss = (uint16_t)(c->kernel_ss = FLAT_SS);
    c->user_regs.rflags = 0x202;
    c->user_regs.rdi = 0x1111111111111111;
    c->user_regs.rbx = 0x2222222222222222;
    c->user_regs.r15 = 0x3333333333333333;
    fs_area[0] = (uintptr_t)fs_area;
    gs_area[0] = (uintptr_t)gs_area;
    c->fs_base = (uintptr_t)fs_area;
    c->gs_base_kernel = (uintptr_t)gs_area;
    c->event_callback_eip = (uintptr_t)event_callback_entry;
    c->failsafe_callback_eip = (uintptr_t)failsafe_callback_entry;
    c->syscall_callback_eip = (uintptr_t)syscall_callback_entry;
    c->ctrlreg[3] = virt_to_frame(root) << 12;
}

void second_main(uint64_t rdi, uint64_t rbx, uint64_t r15)
{
    uint64_t fs, gs;

    __asm__ volatile("mov %%fs:0, %0; mov %%gs:0, %1" : "=r"(fs), "=r"(gs));
    second_start.rdi = rdi;
    second_start.rsi = rbx;
    second_start.rdx = r15;
    second_start.fs = fs == (uintptr_t)fs_area;
    second_start.gs = gs == (uintptr_t)gs_area;
    second_start.cr3 = CPU_READ_CR(3);
    second_start.mask = second_info[1]->evtchn_upcall_mask != 0;
    for (;;) {
        if (current_order != NULL) {
            current_order();
            current_order = NULL;
        }
        second_yield();
    }
}

void second_yield(void)
{
    hypercall_sched_op(SCHEDOP_yield, NULL);
}

void second_order(void (*order)(void))
{
    current_order = order;
}

bool second_wait(bool (*condition)(void))
{
    uint64_t limit = event_system_time() + PATIENCE;

    while (!condition()) {
        if (event_system_time() > limit)
            return false;
        second_yield();
    }
    return true;
}

static bool nothing_ordered(void)
{
    return current_order == NULL;
}

bool second_done(void)
{
    return second_wait(nothing_ordered);
}

void second_block_for(unsigned int vcpu, evtchn_port_t port)
{
    second_info[vcpu]->evtchn_upcall_mask = 1; /* between the look and the block nothing may come unseen */
    while (second_came[vcpu][port] == 0) {
        events_block();
        second_info[vcpu]->evtchn_upcall_mask = 1;
    }
}

static bool has_started(void)
{
    return second_start.rdi != 0;
}

bool second_bring_up(void)
{
    static struct vcpu_guest_context context;

    second_events_init();
    second_describe(&context, paging_boot_root());
    return report_quiet("second: initialise", hypercall_vcpu_op(VCPUOP_initialise, 1, &context), 0) &&
           report_quiet("second: up", hypercall_vcpu_op(VCPUOP_up, 1, NULL), 0) &&
           report_quiet("second: it runs", second_wait(has_started), true);
}
