/* SPDX-License-Identifier: MIT
 * lesson_traps: the program of docs/tutorial/03-traps.md. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

static uint8_t *hole;       /* an address where nothing is mapped until somebody goes there */
static uint64_t hole_entry; /* what belongs there */
static unsigned int faults;

static bool map_on_demand(struct trap_regs *regs)
{
    if (trap_cr2() != (uintptr_t)hole)
        return false;
    faults++;
    printf("page fault: error code 0x%lx, from %s mode\n", regs->error,
           trap_from_user(regs) ? "user" : "kernel");
    return hypercall_update_va_mapping((uintptr_t)hole, hole_entry, UVMF_INVLPG) == 0;
}

static void stores_to_nothing(void *unused)
{
    (void)unused;
    *(volatile uint64_t *)0x1000 = 1;
}

void guest_main(void)
{
    struct fault fault;

    report_title("lesson_traps", "a page comes when it is needed");
    hole = page_alloc();
    hole_entry = entry_make(hole, ENTRY_RW | ENTRY_NX);
    report_answer("take the page's mapping away",
                  hypercall_update_va_mapping((uintptr_t)hole, 0, UVMF_INVLPG), 0);

    trap_handle(TRAP_PF, map_on_demand);
    *(volatile uint64_t *)hole = 42;
    report_equal("the store arrived", *(volatile uint64_t *)hole, 42);
    report_equal("faults that it took", faults, 1);

    fault = fault_caught(stores_to_nothing, NULL);
    report_true("another address is not the handler's business", fault.happened && faults == 1);
    report_equal("its address", fault.address, 0x1000);
}
