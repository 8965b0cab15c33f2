/* SPDX-License-Identifier: MIT */
/* Console and end of a PC: serial port and text screen; ACPI, and what worked before ACPI. */
#include "arch/x86/machine.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/dev/acpi.h"
#include "arch/x86/dev/uart.h"
#include "arch/x86/dev/vga.h"
#include "common/cmdline.h"
#include "common/printk.h"
#include <arch/machine.h>

#define RESET_CONTROL    0xcf9
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET   0xfe
#define KEYBOARD_FULL    0x02u
#define RETURN_ADDRESSES 24u

extern const u8 image_start[], text_end[]; /* xen-lite.lds */

void machine_console_init(void)
{
    uart_init(&options.com1);
}

void machine_screen_init(void *memory)
{
    if (options.console_vga)
        vga_init(memory);
}

void machine_screen_move(void *memory)
{
    vga_move(memory);
}

void arch_console_write(const char *text, size_t n)
{
    if (options.console_com1)
        uart_write(text, n);
    if (options.console_vga)
        vga_write(text, n);
}

int arch_console_read(void)
{
    return options.console_com1 ? uart_read() : -1;
}

__noreturn void arch_halt(void)
{
    for (;;) {
        insn_cli();
        insn_hlt();
    }
}

__noreturn void arch_power_off(void)
{
    insn_cli();
    uart_drain();
    acpi_power_off();
    log_error("the machine does not switch itself off by ACPI: halted\n");
    arch_halt();
}

static void pause_a_while(void)
{
    for (u32 i = 0; i < 1000000; i++)
        insn_pause();
}

__noreturn void arch_reboot(void)
{
    insn_cli();
    uart_drain();
    acpi_reset();
    pause_a_while();
    insn_out8(RESET_CONTROL, 0x02);
    insn_out8(RESET_CONTROL, 0x06);
    pause_a_while();
    for (u32 i = 0; i < 100000 && (insn_in8(KEYBOARD_COMMAND) & KEYBOARD_FULL); i++)
        insn_pause();
    insn_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    pause_a_while();
    /* No handler can be found: the third fault resets the processor. */
    insn_lidt(0, 0);
    *(volatile u64 *)0x800000000000ull;
    arch_halt();
}

void arch_debug_exit(u8 status)
{
    uart_drain();
    if (options.debug_exit)
        insn_out8(options.debug_exit, status);
}

/* There are no frame pointers: every word of the stack that points into the text is shown, stale ones among
 * them. */
void arch_dump_stack(void)
{
    const u64 *sp = __builtin_frame_address(0);
    const u64 *end = (const u64 *)align_up((u64)sp + 1, PAGE_SIZE);
    u32 shown = 0;

    log_error("stack at %p, words that may be return addresses:\n", (const void *)sp);
    for (; sp < end && shown < RETURN_ADDRESSES; sp++)
        if (*sp >= (u64)image_start && *sp < (u64)text_end) {
            log_error("  %016llx\n", (unsigned long long)*sp);
            shown++;
        }
}
