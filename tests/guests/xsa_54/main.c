/* SPDX-License-Identifier: MIT
 * XSA-54: XSETBV was executed with what the guest gave; a value that the processor refuses was a #GP in the hypervisor.
 * Tried: registers that are none, every bit that CPUID does not offer, and combinations that cannot be. Right: #GP to the
 * guest, and XCR0 is as it was. */
#include "attempt.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define LEAF1_XSAVE (1u << 26)
#define CR4_OSXSAVE (1ul << 18)
#define X87         1ul
#define SSE         2ul
#define AVX         4ul

struct xsetbv {
    uint32_t index;
    uint64_t value;
};

static uint64_t xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void xsetbv(void *argument)
{
    const struct xsetbv *x = argument;

    __asm__ volatile("xsetbv" : : "c"(x->index), "a"((uint32_t)x->value), "d"((uint32_t)(x->value >> 32)) : "memory");
}

static unsigned long refused_well(uint32_t index, uint64_t value)
{
    struct xsetbv x = {index, value};
    uint64_t before = xcr0();
    struct fault fault = fault_caught(xsetbv, &x);

    return fault.happened && fault.vector == TRAP_GP && fault.error == 0 && xcr0() == before;
}

void guest_main(void)
{
    static const struct xsetbv bad[] = {
        {0, 0}, {0, SSE}, {0, X87 | AVX}, {0, SSE | AVX}, {1, X87}, {2, X87}, {0x80000000, X87}, {0xffffffff, X87},
    };
    unsigned long wrong = 0;
    uint64_t offered;

    attempt_begin("xsa_54", "XSETBV of what cannot be");
    if ((cpu_cpuid_forced(1, 0).ecx & LEAF1_XSAVE) == 0) {
        report_skip("this processor has no XSAVE");
        return;
    }
    CPU_WRITE_CR(4, CPU_READ_CR(4) | CR4_OSXSAVE); /* Xen asks for it first; elsewhere it is on already */
    offered = (uint64_t)cpu_cpuid_forced(0xd, 0).edx << 32 | cpu_cpuid_forced(0xd, 0).eax;
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        wrong += !refused_well(bad[i].index, bad[i].value);
    report_equal("combinations that were not refused", wrong, 0);
    wrong = 0;
    for (unsigned int bit = 0; bit < 64; bit++)
        if ((offered >> bit & 1) == 0)
            wrong += !refused_well(0, (offered & (X87 | SSE | AVX)) | 1ul << bit);
    report_equal("bits that are not offered and were not refused", wrong, 0);
    report_true("what is offered is taken",
                !fault_caught(xsetbv, &(struct xsetbv){0, offered & (X87 | SSE | AVX)}).happened);
    report_true("x87 and SSE alone", !fault_caught(xsetbv, &(struct xsetbv){0, X87 | SSE}).happened);
    report_equal("are in XCR0", xcr0(), X87 | SSE);
    attempt_end();
}
