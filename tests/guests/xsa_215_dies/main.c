/* SPDX-License-Identifier: MIT
 * XSA-215: the frame for a guest's callback was checked to begin outside of the hypervisor, but not to end there as well.
 * Tried: a kernel stack in the hypervisor's own map of memory, over a page that is the guest's, and a trap from user mode onto
 * it. Right: the domain is ended, not a byte is written. Were it not, the guest would go on and say so. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

extern uint8_t user_code[], user_trap[], trap_here[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_trap\n"
        "user_code:\n"
        "user_trap:\n"
        "    ud2\n"
        ".popsection\n"
        ".globl trap_here\n"
        "trap_here:\n" /* on the stack that must not be: away from it at once */
        "    mov $guest_stack_top, %rsp\n"
        "    call alive\n"
        "    ud2\n");

void alive(void);

void alive(void)
{
    report_failure("a frame was written where only the hypervisor may");
    report_finish();
}

/* The machine frame behind an address of the image: registered tables name machine frames in both modes. */
static uint64_t machine_frame(const void *address)
{
    const uint64_t *table = paging_boot_root();

    for (unsigned int level = 4; level > 1; level--)
        table = pfn_to_virt(entry_pfn_registered(table[table_index((uintptr_t)address, level)]));
    return (table[table_index((uintptr_t)address, 1)] & ENTRY_FRAME) >> 12;
}

/* Where the hypervisor's map of all memory has it. */
static uint64_t in_the_hypervisor(const void *address)
{
    return HYPERVISOR + (machine_frame(address) << 12);
}

void guest_main(void)
{
    struct user_space user;
    uint8_t *page = page_alloc();

    attempt_begin("xsa_215_dies", "a kernel stack in the hypervisor's memory");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    report_answer("a handler", trap_set_entry(TRAP_UD, trap_here, 0), 0);
    report_answer("a stack in the hypervisor", hypercall_stack_switch(FLAT_KERNEL_SS, in_the_hypervisor(page) + PAGE_SIZE), 0);
    printf("a trap onto it now\n");
    user_space_run(user_code, user_trap, 0);
    report_failure("still alive");
}
