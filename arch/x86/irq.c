/* SPDX-License-Identifier: MIT */
/* Interrupts of devices: see the header. */
#include "arch/x86/irq.h"
#include "arch/x86/dev/lapic.h"
#include "arch/x86/dev/pic.h"
#include "common/cpu.h"
#include "common/printk.h"

static void unexpected(u32 vector)
{
    static u64 seen[4]; /* each is said once */

    vector &= 0xff;
    if (seen[vector / 64] >> vector % 64 & 1)
        return;
    seen[vector / 64] |= 1ull << vector % 64;
    log_warning("an interrupt with vector %#x, which no device was given\n", vector);
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
