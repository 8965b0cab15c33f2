/* SPDX-License-Identifier: MIT */
/* Local APIC: see the header. */
#include "arch/x86/dev/lapic.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/regs.h"

#define MSR_APIC_BASE 0x1bu
#define BASE_X2APIC   (1ull << 10)
#define BASE_ENABLE   (1ull << 11)
#define BASE_ADDRESS  0x000ffffffffff000ull
#define MSR_X2APIC    0x800u /* + offset / 16 */

#define REG_ID            0x020u
#define REG_VERSION       0x030u
#define REG_TPR           0x080u
#define REG_EOI           0x0b0u
#define REG_SPURIOUS      0x0f0u
#define REG_LVT_CMCI      0x2f0u
#define REG_LVT_TIMER     0x320u
#define REG_LVT_THERMAL   0x330u
#define REG_LVT_PERF      0x340u
#define REG_LVT_LINT0     0x350u
#define REG_LVT_LINT1     0x360u
#define REG_LVT_ERROR     0x370u
#define REG_TIMER_INITIAL 0x380u
#define REG_TIMER_CURRENT 0x390u
#define REG_TIMER_DIVIDE  0x3e0u
#define LVT_MASKED        (1u << 16)
#define SPURIOUS_ENABLE   (1u << 8)
#define DIVIDE_BY_1       0xbu

static volatile u32 *mmio; /* NULL: x2APIC */

static u32 get(u32 reg)
{
    return mmio ? mmio[reg / 4] : (u32)insn_rdmsr(MSR_X2APIC + reg / 16);
}
static void put(u32 reg, u32 value)
{
    if (mmio)
        mmio[reg / 4] = value;
    else
        insn_wrmsr(MSR_X2APIC + reg / 16, value);
}

paddr_t lapic_address(void)
{
    u64 base = insn_rdmsr(MSR_APIC_BASE);

    return (base & BASE_X2APIC) ? 0 : base & BASE_ADDRESS;
}

void lapic_init(volatile void *registers)
{
    u64 base = insn_rdmsr(MSR_APIC_BASE);

    mmio = registers;
    if (!(base & BASE_ENABLE))
        insn_wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
    u32 last_lvt = get(REG_VERSION) >> 16 & 0xff;
    put(REG_LVT_TIMER, LVT_MASKED);
    put(REG_LVT_LINT0, LVT_MASKED);
    put(REG_LVT_LINT1, LVT_MASKED);
    put(REG_LVT_ERROR, LVT_MASKED);
    if (last_lvt >= 4)
        put(REG_LVT_PERF, LVT_MASKED);
    if (last_lvt >= 5)
        put(REG_LVT_THERMAL, LVT_MASKED);
    if (last_lvt >= 6)
        put(REG_LVT_CMCI, LVT_MASKED);
    put(REG_TPR, 0);
    put(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    put(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    put(REG_TIMER_INITIAL, 0);
}

u32 lapic_id(void)
{
    return mmio ? get(REG_ID) >> 24 : get(REG_ID);
}

void lapic_eoi(void)
{
    put(REG_EOI, 0);
}

void lapic_timer_vector(u8 vector)
{
    put(REG_LVT_TIMER, vector);
}

void lapic_timer_start(u32 count)
{
    put(REG_TIMER_INITIAL, count);
}

u32 lapic_timer_left(void)
{
    return get(REG_TIMER_CURRENT);
}
