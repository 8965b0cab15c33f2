/* SPDX-License-Identifier: MIT
 * extended_state: XCR0 and the upper halves of the vector registers. XSETBV takes what CPUID offers and refuses the
 * rest (XSA-53, XSA-54); the upper halves start at zero, stay through hypercalls, yields and sleeps, and come back when
 * AVX was off for a while; where the last x87 instruction of another domain stood is never seen (XSA-52, XSA-172).
 * Run several of these side by side (each with its own word as command line) to make them take turns. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define MILLISECOND 1000000ull
#define REGISTERS   16u
#define ROUNDS      20u
#define GUEST_IMAGE 0xffffffff80000000ul /* where guests of this SDK are linked */

#define CPUID_1_ECX_XSAVE   (1u << 26)
#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_1_ECX_AVX     (1u << 28)
#define CR4_OSXSAVE         (1ul << 18)
#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u

struct ymm {
    uint64_t word[REGISTERS][4];
};
static struct ymm expected, seen;

/* The compiler knows nothing of these registers (-mgeneral-regs-only), so nobody else here touches them. */
static void ymm_store(struct ymm *to)
{
    __asm__ volatile("vmovdqu %%ymm0, 0(%0); vmovdqu %%ymm1, 32(%0); vmovdqu %%ymm2, 64(%0); vmovdqu %%ymm3, 96(%0);"
                     "vmovdqu %%ymm4, 128(%0); vmovdqu %%ymm5, 160(%0); vmovdqu %%ymm6, 192(%0);"
                     "vmovdqu %%ymm7, 224(%0); vmovdqu %%ymm8, 256(%0); vmovdqu %%ymm9, 288(%0);"
                     "vmovdqu %%ymm10, 320(%0); vmovdqu %%ymm11, 352(%0); vmovdqu %%ymm12, 384(%0);"
                     "vmovdqu %%ymm13, 416(%0); vmovdqu %%ymm14, 448(%0); vmovdqu %%ymm15, 480(%0)"
                     :
                     : "r"(to)
                     : "memory");
}

static void ymm_load(const struct ymm *from)
{
    __asm__ volatile("vmovdqu 0(%0), %%ymm0; vmovdqu 32(%0), %%ymm1; vmovdqu 64(%0), %%ymm2; vmovdqu 96(%0), %%ymm3;"
                     "vmovdqu 128(%0), %%ymm4; vmovdqu 160(%0), %%ymm5; vmovdqu 192(%0), %%ymm6;"
                     "vmovdqu 224(%0), %%ymm7; vmovdqu 256(%0), %%ymm8; vmovdqu 288(%0), %%ymm9;"
                     "vmovdqu 320(%0), %%ymm10; vmovdqu 352(%0), %%ymm11; vmovdqu 384(%0), %%ymm12;"
                     "vmovdqu 416(%0), %%ymm13; vmovdqu 448(%0), %%ymm14; vmovdqu 480(%0), %%ymm15"
                     :
                     : "r"(from)
                     : "memory");
}

static uint64_t xcr0_get(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

struct xsetbv {
    uint32_t index;
    uint64_t value;
};

static void xsetbv(void *argument)
{
    const struct xsetbv *x = argument;

    __asm__ volatile("xsetbv" : : "c"(x->index), "a"((uint32_t)x->value), "d"((uint32_t)(x->value >> 32)) : "memory");
}

static bool xcr0_set(uint32_t index, uint64_t value)
{
    struct xsetbv x = {index, value};
    struct fault fault = fault_caught(xsetbv, &x);

    if (fault.happened && fault.vector != TRAP_GP)
        report_failure("xsetbv: vector %u", fault.vector);
    return !fault.happened;
}

static void what_xsetbv_takes(uint64_t offered)
{
    static const struct xsetbv refused[] = {
        {0, 0},       {0, XCR0_SSE},           {0, XCR0_X87 | XCR0_AVX}, {0, XCR0_SSE | XCR0_AVX},
        {1, 1},       {0x80000000, 1},         {0, 1ull << 63 | 1},      {0, 1ull << 62 | 1},
        {0, 1 | 1ull << 8}, {0, 1 | 1ull << 5}, {0, 1 | 1ull << 9},      {0, 1 | 1ull << 11},
    };

    for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (xcr0_set(refused[i].index, refused[i].value))
            report_failure("xsetbv: register %u took 0x%lx", refused[i].index, (unsigned long)refused[i].value);
    for (unsigned int bit = 0; bit < 64; bit++)
        if (!(offered >> bit & 1) && xcr0_set(0, (offered & 7) | 1ull << bit))
            report_failure("xsetbv took bit %u, which CPUID does not offer", bit);
    report_true("xsetbv takes x87 alone", xcr0_set(0, XCR0_X87) && xcr0_get() == XCR0_X87);
    report_true("and x87, SSE, AVX", xcr0_set(0, 7) && xcr0_get() == 7);
    report_equal("CPUID gives the size of the area for that", cpu_cpuid_forced(0xd, 0).ebx, 832);
}

static void on_timer(evtchn_port_t port)
{
    (void)port;
}

static void sleep(uint64_t ns)
{
    event_sleep_until(event_system_time() + ns);
}

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 8;
}

static unsigned int right;

static void compare(const char *when)
{
    ymm_store(&seen);
    if (memcmp(&seen, &expected, sizeof(seen)) == 0)
        right++;
    else
        report_failure("%s: a register is not what it was", when);
}

static void they_stay(uint64_t seed)
{
    if (event_bind_virq(VIRQ_TIMER, on_timer) < 0) {
        report_error("no timer");
        return;
    }
    for (unsigned int round = 0; round < ROUNDS; round++) {
        for (unsigned int i = 0; i < REGISTERS * 4; i++)
            expected.word[i / 4][i % 4] = random_next(&seed);
        ymm_load(&expected);
        hypercall_xen_version(XENVER_version, NULL);
        compare("after a hypercall");
        hypercall_sched_op(SCHEDOP_yield, NULL);
        compare("after a yield");
        sleep(MILLISECOND);
        compare("after a sleep");
        if (!xcr0_set(0, XCR0_X87 | XCR0_SSE))
            report_failure("AVX could not be switched off");
        sleep(MILLISECOND);
        if (!xcr0_set(0, 7))
            report_failure("AVX could not be switched on again");
        compare("after AVX was off for a while");
    }
    events_disable();
    report_equal("the registers stayed, of 80 times", right, 4 * ROUNDS);
}

/* Where the last x87 instruction stood and what it read: nothing of a guest's before this one has executed any. */
static void no_foreign_pointers(void)
{
    static uint64_t image[64] __attribute__((aligned(16)));
    static const uint32_t one = 1;

    __asm__ volatile("fxsave64 %0" : "=m"(image));
    report_true("x87 instruction pointer: not a guest's", image[1] < GUEST_IMAGE);
    report_true("x87 operand pointer: not a guest's", image[2] < GUEST_IMAGE);
    __asm__ volatile("fildl %0" : : "m"(one)); /* what the guests beside this one must not see */
}

void guest_main(void)
{
    struct cpuid_regs leaf1 = cpu_cpuid_forced(1, 0);
    uint64_t offered;

    report_title("extended_state", "XCR0 and the upper halves of the vector registers");
    report_equal("XSAVE and OSXSAVE go together", (leaf1.ecx & CPUID_1_ECX_XSAVE) != 0,
                 (leaf1.ecx & CPUID_1_ECX_OSXSAVE) != 0);
    if (!(leaf1.ecx & CPUID_1_ECX_XSAVE) || !(leaf1.ecx & CPUID_1_ECX_AVX)) {
        report_skip("this processor has no AVX, or the guest may not use it");
        report_finish();
    }
    CPU_WRITE_CR(4, CPU_READ_CR(4) | CR4_OSXSAVE); /* Xen asks for it before XSETBV; elsewhere it is on already */
    offered = (uint64_t)cpu_cpuid_forced(0xd, 0).edx << 32 | cpu_cpuid_forced(0xd, 0).eax;
    report_true("x87, SSE and AVX are offered", (offered & 7) == 7);
    report_true("x87 is on from the start", xcr0_get() & XCR0_X87);
    no_foreign_pointers();
    what_xsetbv_takes(offered);
    ymm_store(&seen);
    report_true("all sixteen are zero at the start", memcmp(&seen, &expected, sizeof(seen)) == 0);
    they_stay(0x9e3779b97f4a7c15ull + (uint8_t)guest_command_line()[0]);
    report_finish();
}
