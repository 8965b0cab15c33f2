/* SPDX-License-Identifier: MIT
 * XSA-67: OUTS was emulated without looking whether its operand could be read: what stood on the hypervisor's stack went to
 * the port.
 * Tried: OUTS and INS with operands that are not there, read-only, across pages, in the hypervisor and nowhere. Right: the page
 * fault or #GP that the processor gives, at the instruction, with the registers as they were. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define SET_IOPL 6u
#define PORT     0x80u

struct string {
    uint64_t address;
    uint64_t count;
};

static void outsb(void *argument)
{
    struct string *s = argument;

    __asm__ volatile("outsb" : "+S"(s->address) : "d"(PORT) : "memory");
}

static void outsl(void *argument)
{
    struct string *s = argument;

    __asm__ volatile("outsl" : "+S"(s->address) : "d"(PORT) : "memory");
}

static void rep_outsb(void *argument)
{
    struct string *s = argument;

    __asm__ volatile("rep outsb" : "+S"(s->address), "+c"(s->count) : "d"(PORT) : "memory");
}

static void insb(void *argument)
{
    struct string *s = argument;

    __asm__ volatile("insb" : "+D"(s->address) : "d"(PORT) : "memory");
}

static void faults(const char *what, void (*function)(void *), uint64_t address, unsigned int vector, uint64_t error,
                   uint64_t at)
{
    struct string string = {address, 0};
    struct fault fault = fault_caught(function, &string);

    printf("%s: vector %u, error code 0x%lx\n", what, fault.happened ? fault.vector : 0, fault.error);
    report_quiet("vector", fault.happened ? (long)fault.vector : -1, vector);
    report_quiet("error code", (long)fault.error, (long)error);
    if (vector == TRAP_PF)
        report_quiet("address", (long)fault.address, (long)at);
}

/* Interrupted by its fault, it stands at the byte that could not be read. */
static uint64_t left_in_count;

static bool at_the_byte(struct trap_regs *regs)
{
    left_in_count = regs->rcx;
    return false;
}

static void repeated(uint8_t *page)
{
    struct string string = {HYPERCALL_PTR(page) + PAGE_SIZE - 10, 30};

    trap_handle(TRAP_PF, at_the_byte);
    report_true("REP OUTS into nothing faults", fault_caught(rep_outsb, &string).happened);
    report_equal("bytes that are left", left_in_count, 20);
    trap_handle(TRAP_PF, NULL);
}

void guest_main(void)
{
    uint8_t *page = page_alloc(), *hole = page_alloc();
    uint32_t iopl = 1;
    struct string string;

    attempt_begin("xsa_67", "operands of OUTS that cannot be read");
    report_answer("the ports are for the kernel", hypercall(__HYPERVISOR_physdev_op, SET_IOPL, HYPERCALL_PTR(&iopl), 0, 0, 0), 0);
    report_quiet("the pages lie side by side", hole - page, PAGE_SIZE);
    report_answer("a hole behind the page", hypercall_update_va_mapping(HYPERCALL_PTR(hole), 0, UVMF_INVLPG), 0);
    faults("OUTS, nothing", outsb, 0x1000, TRAP_PF, 0, 0x1000);
    faults("OUTS, the hole", outsb, HYPERCALL_PTR(hole), TRAP_PF, 0, HYPERCALL_PTR(hole));
    faults("INS, nothing", insb, 0x1000, TRAP_PF, 2, 0x1000);
    report_quiet("read-only", page_readonly(page), 0);
    faults("INS, read-only", insb, HYPERCALL_PTR(page), TRAP_PF, 2, HYPERCALL_PTR(page)); /* as Xen says it */
    faults("OUTS, not canonical", outsb, NONCANONICAL, TRAP_GP, 0, 0);
    report_true("OUTS of what is read-only goes",
                (string = (struct string){HYPERCALL_PTR(page), 0}, !fault_caught(outsl, &string).happened));
    report_equal("one step on", string.address, HYPERCALL_PTR(page) + 4);
    repeated(page);
    report_quiet("writable", page_writable(page), 0);
    report_quiet("no hole", page_writable(hole), 0);
    page_free(page);
    page_free(hole);
    attempt_end();
}
