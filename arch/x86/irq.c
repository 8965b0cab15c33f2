/* SPDX-License-Identifier: MIT */
/* Interrupts of devices: see the header. */
#include "arch/x86/irq.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/dev/lapic.h"
#include "arch/x86/dev/pic.h"
#include "common/cpu.h"
#include "common/printk.h"
#include <arch/machine.h>

/* Bit per vector: came, and was said. A handler interrupts code that may hold the console's lock, so it only notes. */
static volatile u64 noted[4];
static u64 said[4];

static void unexpected(u32 vector)
{
    noted[(vector & 0xff) / 64] |= 1ull << vector % 64;
    softirq_raise(SOFTIRQ_CONSOLE);
}

void arch_irq_report(void)
{
    for (u32 vector = 0; vector < 256; vector++) {
        u64 bit = 1ull << vector % 64;
        if (!(noted[vector / 64] & bit) || (said[vector / 64] & bit))
            continue;
        said[vector / 64] |= bit;
        log_warning("an interrupt with vector %#x, which no device was given\n", vector);
    }
}

void arch_interrupts_on(void)
{
    insn_sti();
}

void arch_interrupts_off(void)
{
    insn_cli();
}

void irq_handle(const struct regs *r)
{
    if (r->vector == VECTOR_TIMER) {
        lapic_eoi();
        softirq_raise(SOFTIRQ_TIMER);
        return;
    }
    /* Spurious ones are not acknowledged: none is in service. */
    if (r->vector == VECTOR_SPURIOUS || (r->vector >= PIC_VECTOR_FIRST && r->vector <= PIC_VECTOR_LAST))
        return;
    unexpected(r->vector);
    lapic_eoi();
}
