/* SPDX-License-Identifier: MIT
 * XSA-165: a vcpu that had no state of its own yet was run with the FPU and XMM registers of whoever was there before.
 * Tried: the registers before they are first used, in each vcpu, while others have theirs filled. Right: the state of a
 * processor after reset, in every bit. */
#include "attempt.h"
#include "second.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/sse.h"

#define MXCSR_RESET 0x1f80u
#define FCW_RESET   0x37fu

static struct state {
    struct sse sse;
    uint64_t x87[14]; /* FNSAVE's 108 bytes */
    uint32_t mxcsr;
} seen[2];

static void look(struct state *state)
{
    sse_store(&state->sse);
    __asm__ volatile("stmxcsr %0; fnsave %1" : "=m"(state->mxcsr), "=m"(state->x87));
}

static void second_looks(void)
{
    look(&seen[1]);
}

static unsigned long words_set(const struct state *state)
{
    unsigned long words = 0;

    for (unsigned int i = 0; i < SSE_REGISTERS; i++)
        words += (state->sse.xmm[i][0] | state->sse.xmm[i][1]) != 0;
    return words;
}

static unsigned long bytes_set(const struct state *state)
{
    const uint8_t *bytes = (const uint8_t *)state->x87;
    unsigned long set = 0;

    for (unsigned int i = 28; i < 108; i++) /* behind the environment: the eight registers */
        set += bytes[i] != 0;
    return set;
}

static void is_fresh(const struct state *state)
{
    report_equal("XMM registers that are not zero", words_set(state), 0);
    report_equal("bytes of x87 registers that are not zero", bytes_set(state), 0);
    report_equal("MXCSR", state->mxcsr, MXCSR_RESET);
    report_equal("control word", (uint16_t)state->x87[0], FCW_RESET);
}

/* Words that must not show in a vcpu that begins. */
static void fill(void)
{
    static struct sse words;

    for (unsigned int i = 0; i < SSE_REGISTERS; i++)
        words.xmm[i][0] = words.xmm[i][1] = 0xdeadbeefdeadbeef;
    sse_load(&words);
    __asm__ volatile("fldpi; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi");
}

void guest_main(void)
{
    attempt_begin("xsa_165", "registers before they are first used");
    look(&seen[0]);
    is_fresh(&seen[0]);
    fill();
    if (!second_bring_up())
        return;
    second_order(second_looks);
    report_true("vcpu 1 has looked", second_done());
    is_fresh(&seen[1]);
    __asm__ volatile("fninit");
    attempt_end();
}
