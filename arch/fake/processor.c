/* SPDX-License-Identifier: MIT */
/* The registers of the fake processor, see processor.h. */
#include "arch/fake/processor.h"
#include "arch/fake/fake.h"
#include "common/cpu.h"
#include "lib/string.h"
#include <arch/time.h>

struct fake_processor fake_processor;
void (*fake_on_idle)(void);

void fake_processor_reset(void)
{
    memset(&fake_processor, 0, sizeof(fake_processor));
    fake_on_idle = NULL;
    fake_processor.cr0 = 0x80050033;
    fake_processor.cr4 = 0x6a0;
    fake_processor.xcr0 = 1;
    fake_processor.xcr0_allowed = 7;
    fake_processor.flags = 2;
    fake_processor.mxcsr = 0x1f80;
    fake_processor.dr[6] = 0xffff0ff0;
    fake_processor.dr[7] = 0x400;
    fake_processor.tsc = 1000000;
    fake_processor.cs = 0xe008;
    fake_msr_set(0x1b, 0xfee00900);                      /* APIC_BASE */
    fake_msr_set(0x277, 0x0007040600070406);             /* PAT */
    fake_msr_set(0xc0000080, 0xd01);                     /* EFER */
    for (u32 msr = 0xc0000081; msr <= 0xc0000084; msr++) /* STAR, LSTAR, CSTAR, FMASK */
        fake_msr_set(msr, 0);
    for (u32 msr = 0xc0000100; msr <= 0xc0000103; msr++) /* FS, GS and kernel GS base, TSC_AUX */
        fake_msr_set(msr, 0);
}

u64 *fake_msr_find(u32 number)
{
    for (u32 i = 0; i < fake_processor.msr_count; i++)
        if (fake_processor.msr[i].number == number)
            return &fake_processor.msr[i].value;
    return NULL;
}

void fake_msr_set(u32 number, u64 value)
{
    u64 *found = fake_msr_find(number);

    if (found == NULL) {
        if (fake_processor.msr_count == FAKE_MSRS)
            fake_fail("more than %u MSRs", FAKE_MSRS);
        struct fake_msr *msr = &fake_processor.msr[fake_processor.msr_count++];
        msr->number = number;
        found = &msr->value;
    }
    *found = value;
}

void fake_fault(const char *what)
{
    fake_fail("the processor faults: %s", what);
}

void fake_insn_wait(void)
{
    if (fake_on_idle != NULL)
        fake_on_idle();
    if (this_cpu()->softirq != 0) /* as an interrupt that woke it */
        return;
    u64 when = fake_timer_programmed();
    if (when == ~0ull)
        fake_insn_hlt();
    fake_processor.halts++;
    fake_clock_advance(when - system_time());
}

void fake_insn_hlt(void)
{
    fake_processor.halts++;
    fake_end(FAKE_HALT);
}
