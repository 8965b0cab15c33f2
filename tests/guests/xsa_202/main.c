/* SPDX-License-Identifier: MIT
 * XSA-202: an instruction that the hypervisor carries out was fetched once to see what it is and once more to do it; a second
 * vcpu made a CLI of it meanwhile, and the guest ran with interrupts off.
 * Tried: an instruction that overwrites itself while it is carried out, and one that another vcpu rewrites all the time,
 * between IN and CLI. Right: what was decoded is what is done, and the real interrupt flag stays on. */
#include "attempt.h"
#include "second.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

#define SET_IOPL  6u
#define RFLAGS_IF 0x200ul
#define ROUNDS    2000u

static const uint8_t rep_insb[] = {0xf3, 0x6c, 0xc3};       /* rep insb; ret */
static const uint8_t in_al[] = {0xec, 0xc3};                /* in (%dx), %al; ret */
static const uint8_t cli = 0xfa;

static volatile uint8_t *code;
static volatile bool done;

static uint64_t flags(void)
{
    uint64_t value;

    __asm__ volatile("pushfq; pop %0" : "=r"(value) : : "memory");
    return value;
}

static void code_is(const uint8_t *bytes, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        code[i] = bytes[i];
}

static void call_code(uint64_t *rdi, uint64_t *rcx)
{
    __asm__ volatile("call *%[code]" : "+D"(*rdi), "+c"(*rcx) : [code] "r"(code), "d"(0x80) : "rax", "memory", "cc");
}

static void overwrites_itself(void)
{
    uint64_t rdi = HYPERCALL_PTR(code), rcx = 1;

    code_is(rep_insb, sizeof(rep_insb));
    call_code(&rdi, &rcx);
    report_equal("its first byte is the port's", code[0], 0xff);
    report_equal("the second is as it was", code[1], rep_insb[1]);
    report_equal("it did one round", rdi - HYPERCALL_PTR(code), 1);
    report_equal("and none is left", rcx, 0);
    report_true("the real interrupt flag is on", (flags() & RFLAGS_IF) != 0);
}

static void rewrite(void)
{
    while (!done) {
        code[0] = code[0] == cli ? in_al[0] : cli;
        second_yield();
    }
}

static void is_rewritten(void)
{
    uint64_t off = 0, rdi = 0, rcx = 0;

    code_is(in_al, sizeof(in_al));
    second_order(rewrite);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        call_code(&rdi, &rcx);
        off += (flags() & RFLAGS_IF) == 0;
        if (i % 4 == 0)
            second_yield();
    }
    done = true;
    report_true("vcpu 1 has rewritten", second_done());
    report_equal("rounds after which the real interrupt flag was off", off, 0);
}

void guest_main(void)
{
    uint32_t iopl = 1;
    uint8_t *page = page_alloc();

    attempt_begin("xsa_202", "an instruction that changes while it is carried out");
    if (!second_bring_up())
        return;
    report_answer("the ports are for the kernel", hypercall(__HYPERVISOR_physdev_op, SET_IOPL, HYPERCALL_PTR(&iopl), 0, 0, 0), 0);
    code = page;
    report_answer("code that can be written",
                  hypercall_update_va_mapping(HYPERCALL_PTR(page), entry_make(page, ENTRY_RW), UVMF_INVLPG), 0);
    overwrites_itself();
    is_rewritten();
    report_answer("data again", page_writable(page), 0);
    page_free(page);
    attempt_end();
}
