/* SPDX-License-Identifier: MIT
 * XSA-7: SYSRET to an address that is not canonical faults on Intel's processors while they are in ring 0 already, on the
 * stack that the guest left there.
 * Tried: a SYSCALL in the last two bytes of the lower half, from kernel and from user mode, and an iret by SYSRET to such
 * an address. Right: the call is made, and the guest gets a #GP at the address behind it. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define EDGE      NONCANONICAL          /* behind the last byte of the lower half */
#define EDGE_PAGE (EDGE - PAGE_SIZE)
#define SYSCALL   (EDGE - 2)

static uint64_t *table[4], *user_root;
static uint8_t *code;
static struct trap_regs seen[4];
static unsigned int count;

/* One page, and tables of levels 1 to 3 that lead to it at the very end of slot 255. */
static void edge_make(void)
{
    static const uint8_t syscall[] = {0x0f, 0x05};

    code = page_alloc();
    memcpy(code + PAGE_SIZE - sizeof(syscall), syscall, sizeof(syscall));
    for (unsigned int level = 1; level <= 3; level++) {
        table[level] = page_alloc();
        table[level][511] = level == 1 ? entry_make(code, ENTRY_RO | ENTRY_USER) : entry_table(table[level - 1]);
    }
    user_root = page_alloc();
    user_root[255] = entry_table(table[3]);
    for (unsigned int level = 1; level <= 3; level++)
        report_quiet("read-only", page_readonly(table[level]), 0);
    report_quiet("read-only", page_readonly(user_root), 0);
    report_answer("the page in the kernel's tables", entry_update(&paging_boot_root()[255], entry_table(table[3])), 0);
    report_answer("a user root", table_pin(4, user_root), 0);
    report_answer("it is used", root_load_user(user_root), 0);
}

static void edge_free(void)
{
    report_answer("no user root", root_load_user(NULL), 0);
    report_answer("it is unpinned", table_unpin(user_root), 0);
    report_answer("the page out of the kernel's tables", entry_update(&paging_boot_root()[255], 0), 0);
    for (unsigned int level = 1; level <= 3; level++)
        report_quiet("writable", page_writable(table[level]), 0);
    report_quiet("writable", page_writable(user_root), 0);
}

static void kernel_call(void *result)
{
    register uint64_t rax __asm__("rax") = __HYPERVISOR_xen_version;

    (void)result;
    __asm__ volatile("jmp *%1" : "+r"(rax) : "r"(SYSCALL), "D"(XENVER_version), "S"(0ul) : "rcx", "r11", "memory");
}

static bool note(struct trap_regs *regs)
{
    if (count < 4)
        seen[count] = *regs;
    count++;
    if (regs->vector == TRAP_SYSCALL) {
        trap_return_flags(VGCF_in_syscall);
        return true;
    }
    if (!trap_from_user(regs))
        return false;
    user_leave(regs);
    return true;
}

static void from_the_kernel(void)
{
    struct fault fault;

    count = 0;
    fault = fault_caught(kernel_call, NULL);
    report_equal("from the kernel: vector", fault.happened ? fault.vector : ~0ul, TRAP_GP);
    report_equal("error code", fault.error, 0);
    report_equal("rip", fault.rip, EDGE);
    report_equal("the call was made: version", seen[0].rax >> 16, 4);
}

static void from_user_mode(void)
{
    count = 0;
    user_enter(SYSCALL, EDGE_PAGE + 0x800, 0, 0);
    report_equal("from user mode: traps", count, 2);
    report_equal("the first: a system call", seen[0].vector, TRAP_SYSCALL);
    report_equal("its rip", seen[0].rip, EDGE);
    report_equal("the kernel's return by SYSRET: vector", seen[1].vector, TRAP_GP);
    report_equal("error code", seen[1].error, 0);
    report_equal("rip", seen[1].rip, EDGE);
    report_true("from user mode", trap_from_user(&seen[1]));
}

static void by_iret(uint64_t rip)
{
    count = 0;
    user_enter(rip, EDGE_PAGE + 0x800, 0, VGCF_in_syscall);
    report_equal("an iret by SYSRET to nowhere: traps", count, 1);
    report_equal("vector", seen[0].vector, TRAP_GP);
    report_equal("rip", seen[0].rip, rip);
}

void guest_main(void)
{
    attempt_begin("xsa_7", "a return to the end of the lower half");
    edge_make();
    trap_set_user_stack();
    trap_handle(TRAP_GP, note);
    trap_handle(TRAP_SYSCALL, note);
    from_the_kernel();
    from_user_mode();
    by_iret(EDGE);
    by_iret(0xffff7fffffffffff);
    by_iret(0x8000000000000000);
    edge_free();
    attempt_end();
}
