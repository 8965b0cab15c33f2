/* SPDX-License-Identifier: MIT
 * XSA-52, XSA-172: AMD's FXRSTOR and XRSTOR leave where the last x87 instruction stood as it was, unless an exception is
 * pending; so the next vcpu could read the previous one's addresses.
 * Tried: instructions at addresses of its own, turns with others, and then what FXSAVE shows. Right: nothing but its own
 * addresses, or none. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"

#define ROUNDS 100u

struct fxsave {
    uint16_t fcw, fsw;
    uint8_t ftw, spare;
    uint16_t fop;
    uint64_t fip, fdp;
    uint64_t rest[61];
} __attribute__((aligned(16)));

static struct fxsave image;
static uint32_t one = 1;

static void save(void)
{
    __asm__ volatile("fxsave64 %0" : "=m"(image) : : "memory");
}

/* Its own instruction and operand, or what a processor has after reset: some note an operand only with an exception. */
static bool is_own(uint64_t ip, uint64_t dp)
{
    return (image.fip == ip || image.fip == 0) && (image.fdp == dp || image.fdp == 0);
}

void guest_main(void)
{
    extern uint8_t load_one[];
    unsigned int wrong = 0;

    attempt_begin("xsa_52_172", "where the last x87 instruction stood");
    save();
    report_true("at the start it stood nowhere", image.fip == 0 && image.fdp == 0 && image.fop == 0);
    __asm__ volatile("fninit; .globl load_one; load_one: fildl %0" : : "m"(one));
    save();
    for (unsigned int i = 0; i < ROUNDS; i++) {
        hypercall_sched_op(SCHEDOP_yield, NULL);
        save();
        wrong += !is_own(HYPERCALL_PTR(load_one), HYPERCALL_PTR(&one)) || (image.fcw != 0x37f);
    }
    report_equal("turns after which it stood elsewhere", wrong, 0);
    __asm__ volatile("fninit");
    attempt_end();
}
