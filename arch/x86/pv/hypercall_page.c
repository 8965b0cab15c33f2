/* SPDX-License-Identifier: MIT */
/*
 * Code that runs in the guest. SYSCALL uses up rcx and r11, so a slot keeps them on the guest's stack; what stands
 * below the slots' code is INT3. iret does not come back: it leaves rcx, r11, rax as the head of its frame.
 */
#include "arch/x86/pv/hypercall_page.h"
#include "lib/string.h"
#include "lib/types.h"
#include <xen/xen.h>

#define SLOT_SIZE 32
#define SLOTS     (PAGE_SIZE / SLOT_SIZE)
#define INT3      0xcc

/* push rcx; push r11; mov eax, 0; syscall; pop r11; pop rcx; ret */
static const u8 call_code[] = {0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
/* push rcx; push r11; push rax; mov eax, 0; syscall */
static const u8 iret_code[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05};

#define CALL_NUMBER_AT 4
#define IRET_NUMBER_AT 5

void hypercall_page_fill(void *page)
{
    u8 *slot = page;
    memset(page, INT3, PAGE_SIZE);
    for (u8 n = 0; n < SLOTS; n++, slot += SLOT_SIZE) {
        if (n == __HYPERVISOR_iret) {
            memcpy(slot, iret_code, sizeof(iret_code));
            slot[IRET_NUMBER_AT] = n;
        } else {
            memcpy(slot, call_code, sizeof(call_code));
            slot[CALL_NUMBER_AT] = n;
        }
    }
}
