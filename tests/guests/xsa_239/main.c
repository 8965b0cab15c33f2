/* SPDX-License-Identifier: MIT
 * XSA-239: an emulated read of a port gave the guest more bytes than it had asked for: the rest was the hypervisor's stack.
 * Tried: IN and INS of each width, into registers and memory full of poison. Right: a byte or a word leaves the rest of the
 * register alone, four bytes clear the upper half, and in memory exactly the bytes of the width are written. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/guest.h"
#include "guest/report.h"

#define SET_IOPL 6u
#define PORT     0x80u /* nobody's */
#define POISON   0x5a5a5a5a5a5a5a5aul

static void registers(void)
{
    uint64_t byte = POISON, word = POISON, four = POISON;

    __asm__ volatile("inb %w1, %b0" : "+a"(byte) : "d"(PORT));
    __asm__ volatile("inw %w1, %w0" : "+a"(word) : "d"(PORT));
    __asm__ volatile("inl %w1, %k0" : "+a"(four) : "d"(PORT));
    report_equal("IN of a byte: the rest is as it was", byte >> 8, POISON >> 8);
    report_equal("IN of a word: the rest is as it was", word >> 16, POISON >> 16);
    report_equal("IN of four bytes: the upper half is zero", four >> 32, 0);
}

static void memory(const char *what, unsigned int width, unsigned int count)
{
    uint8_t *at = poisoned(0x5a), *end = at;
    uint64_t left = count;

    if (width == 1)
        __asm__ volatile("rep insb" : "+D"(end), "+c"(left) : "d"(PORT) : "memory");
    else if (width == 2)
        __asm__ volatile("rep insw" : "+D"(end), "+c"(left) : "d"(PORT) : "memory");
    else
        __asm__ volatile("rep insl" : "+D"(end), "+c"(left) : "d"(PORT) : "memory");
    report_equal(what, bytes_spilt(0x5a, (unsigned long)width * count), 0);
    report_quiet("it ends behind them", end - at, (long)(width * count));
    report_quiet("none is left to do", (long)left, 0);
}

void guest_main(void)
{
    uint32_t iopl = 1;

    attempt_begin("xsa_239", "as many bytes of a port as were asked for");
    report_answer("the ports are for the kernel", hypercall(__HYPERVISOR_physdev_op, SET_IOPL, HYPERCALL_PTR(&iopl), 0, 0, 0), 0);
    registers();
    memory("INS of bytes: others that were written", 1, 7);
    memory("INS of words: others that were written", 2, 5);
    memory("INS of four bytes: others that were written", 4, 3);
    memory("INS of none", 4, 0);
    attempt_end();
}
