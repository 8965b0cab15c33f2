/* SPDX-License-Identifier: MIT
 * XSA-66: the instruction emulator read the operand of FBLD without looking whether that worked, and left what stood on the
 * hypervisor's stack where the guest could see it.
 * Tried: wide instructions with a page table as operand, which makes them the emulator's business. Right: what reads
 * reads the table; what writes is either the guest's page fault or refused, and the table is as it was. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

static void fxsave(void *at)
{
    __asm__ volatile("fxsave64 (%0)" : : "r"(at) : "memory");
}

static void movups(void *at)
{
    __asm__ volatile("movups %%xmm0, (%0)" : : "r"(at) : "memory");
}

static void cmpxchg16b(void *at)
{
    __asm__ volatile("cmpxchg16b (%0)" : : "r"(at), "a"(0ul), "b"(1ul), "c"(2ul), "d"(0ul) : "memory", "cc");
}

static void fbld(void *at)
{
    __asm__ volatile("fninit; fbld (%0); fstp %%st(0)" : : "r"(at) : "memory");
}

static const struct {
    const char *name;
    void (*function)(void *);
} writers[] = {
    {"FXSAVE", fxsave}, {"MOVUPS", movups}, {"CMPXCHG16B", cmpxchg16b},
};

void guest_main(void)
{
    uint64_t *table = page_alloc(), *copy = page_alloc(), *at;

    attempt_begin("xsa_66", "a page table as operand of what is not emulated");
    report_answer("stores to tables are carried out",
                  hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    table[7] = entry_make(copy, ENTRY_RO);
    report_answer("a table", table_register(1, table), 0);
    memcpy(copy, table, PAGE_SIZE);
    at = &table[16]; /* zeros, on a boundary of 128 bytes */
    for (unsigned int i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        struct fault fault = fault_caught(writers[i].function, at);

        report_equal(writers[i].name, fault.happened ? fault.vector : ~0ul, TRAP_PF);
        report_quiet("error code", (long)fault.error, 3);
        report_quiet("address", fault.address - HYPERCALL_PTR(at) < 512, true);
        report_quiet("the table is as it was", memcmp(copy, table, PAGE_SIZE), 0);
    }
    report_true("FBLD reads it", !fault_caught(fbld, at).happened);
    __asm__ volatile("fninit");
    report_answer("and it is ordinary again", table_unregister(table), 0);
    page_free(table);
    page_free(copy);
    attempt_end();
}
