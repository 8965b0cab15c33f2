/* SPDX-License-Identifier: MIT
 * XSA-259: `int 0x80` has a way of its own into the hypervisor, and the part of it for guests without a handler was left
 * with the wrong tables in use.
 * Tried: `int 0x80` from user and kernel mode with no handler, and with handlers of every DPL. Right: without one it is a #GP
 * like any other `int n`, with the error code and the address that the processor gives; with one it comes, whatever its
 * DPL (of all vectors this one alone is not asked for it, as on Xen). */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

extern uint8_t user_code[], user_int80[];
extern uint8_t trap_entry_table[]; /* pv64.asm, 32 bytes a vector */
void kernel_int80(void *unused);   /* int.asm: begins with the instruction */

static struct trap_regs seen;
static unsigned int count;

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    count++;
    if (trap_from_user(regs)) {
        user_leave(regs);
        return true;
    }
    return regs->vector != TRAP_GP; /* in kernel mode fault_caught() takes it */
}

static uint64_t user_address(const uint8_t *instruction)
{
    return USER_CODE + (uint64_t)(instruction - user_code);
}

static void user_goes(const char *what, unsigned int vector, uint64_t error)
{
    count = 0;
    user_space_run(user_code, user_int80, 0);
    printf("user mode, %s: vector %lu, error code 0x%lx\n", what, seen.vector, seen.error);
    report_quiet("traps", count, 1);
    report_quiet("from user mode", trap_from_user(&seen), true);
    report_quiet("vector", (long)seen.vector, vector);
    report_quiet("error code", (long)seen.error, (long)error);
    report_quiet("rip", (long)seen.rip, (long)user_address(user_int80) + (vector == TRAP_GP ? 0 : 2));
}

static void kernel_faults(const char *what)
{
    struct fault fault = fault_caught(kernel_int80, NULL);

    printf("kernel mode, %s: vector %u, error code 0x%lx\n", what, fault.vector, fault.error);
    report_quiet("a fault", fault.happened, true);
    report_quiet("vector", fault.vector, TRAP_GP);
    report_quiet("error code", (long)fault.error, 0x402);
    report_quiet("rip", (long)fault.rip, (long)(uintptr_t)kernel_int80);
}

/* No list clears the whole table; what is set behind it is all there is. */
static void only_general_protection(void)
{
    report_answer("no handlers at all", hypercall_set_trap_table(NULL), 0);
    report_answer("one of #GP", trap_set_entry(TRAP_GP, trap_entry_table + 32 * TRAP_GP, 0), 0);
}

static void without_a_handler(void)
{
    only_general_protection();
    user_goes("int 0x80 without a handler", TRAP_GP, 0x402);
    user_goes("once more", TRAP_GP, 0x402);
    kernel_faults("int 0x80 without a handler");
}

static void set(uint8_t dpl)
{
    report_quiet("entry", trap_set_entry(0x80, trap_entry_table + 32 * 0x80, dpl), 0);
}

/* Of all vectors this one does not ask for the DPL of its handler, as on Xen. */
static void whatever_the_dpl(void)
{
    for (uint8_t dpl = 0; dpl < 3; dpl++) {
        set(dpl);
        printf("DPL %u\n", dpl);
        user_goes("int 0x80", 0x80, 0);
    }
}

static void for_user_mode(void)
{
    set(3);
    user_goes("int 0x80 with DPL 3", 0x80, 0);
    count = 0;
    kernel_int80(NULL);
    report_equal("kernel mode, int 0x80 with DPL 3: traps", count, 1);
    report_equal("vector", seen.vector, 0x80);
}

void guest_main(void)
{
    static struct user_space user;

    attempt_begin("xsa_259", "int 0x80 that nobody takes is a #GP and not the end");
    if (!report_answer("a user root", user_space_make(&user, user_code, 1), 0))
        return;
    trap_set_user_stack();
    trap_handle(TRAP_GP, note);
    trap_handle(TRAP_USER_INT, note);
    for_user_mode();
    without_a_handler();
    for_user_mode();
    whatever_the_dpl();
    trap_init();
    report_answer("no user root again", root_load_user(NULL), 0);
    attempt_end();
}
