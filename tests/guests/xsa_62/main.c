/* SPDX-License-Identifier: MIT
 * XSA-62: parts of the extended state that a guest had switched off in XCR0 were neither saved nor loaded; switched on later,
 * they held what another guest had left there.
 * Tried: the upper halves of the YMM registers after AVX is switched on for the first time, and after it was off while others
 * ran. Right: zero, and then what the guest itself left. */
#include "attempt.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"

#define LEAF1_AVX   (1u << 28)
#define CR4_OSXSAVE (1ul << 18)
#define ROUNDS      50u

struct ymm {
    uint64_t word[4][4]; /* four of the sixteen */
};

static void xcr0_set(uint32_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"(value), "d"(0) : "memory");
}

static void ymm_store(struct ymm *to)
{
    __asm__ volatile("vmovdqu %%ymm0, 0(%0); vmovdqu %%ymm5, 32(%0); vmovdqu %%ymm10, 64(%0); vmovdqu %%ymm15, 96(%0)"
                     :
                     : "r"(to)
                     : "memory");
}

static void ymm_load(const struct ymm *from)
{
    __asm__ volatile("vmovdqu 0(%0), %%ymm0; vmovdqu 32(%0), %%ymm5; vmovdqu 64(%0), %%ymm10; vmovdqu 96(%0), %%ymm15"
                     :
                     : "r"(from)
                     : "memory");
}

void guest_main(void)
{
    static struct ymm mine, now;
    unsigned int wrong = 0;

    attempt_begin("xsa_62", "what was switched off is not another's");
    if ((cpu_cpuid_forced(1, 0).ecx & LEAF1_AVX) == 0) {
        report_skip("this processor has no AVX, or the guest may not use it");
        return;
    }
    CPU_WRITE_CR(4, CPU_READ_CR(4) | CR4_OSXSAVE);
    xcr0_set(3);
    for (unsigned int i = 0; i < ROUNDS; i++)
        hypercall_sched_op(SCHEDOP_yield, NULL);
    xcr0_set(7);
    ymm_store(&now);
    report_true("switched on for the first time, all is zero", memcmp(&now, &mine, sizeof(now)) == 0);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        memset(&mine, (int)(i + 1), sizeof(mine));
        ymm_load(&mine);
        xcr0_set(3);
        hypercall_sched_op(SCHEDOP_yield, NULL);
        xcr0_set(7);
        ymm_store(&now);
        wrong += memcmp(&now, &mine, sizeof(now)) != 0;
    }
    report_equal("times that it came back as something else", wrong, 0);
    attempt_end();
}
