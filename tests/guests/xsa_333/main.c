/* SPDX-License-Identifier: MIT
 * XSA-333: RDMSR of a register that only the other vendor's processors have was executed without a way out: #GP in the
 * hypervisor.
 * Tried: reads and writes of registers of both vendors, and of numbers that nobody has. Right: #GP to the guest, or a value
 * that the hypervisor answers for; what is written is refused, and nothing else happens. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

static const struct {
    const char *name;
    uint32_t msr;
} registers[] = {
    {"IA32_PLATFORM_ID", 0x17},       {"IA32_FEATURE_CONTROL", 0x3a}, {"IA32_BIOS_SIGN_ID", 0x8b},
    {"MSR_PLATFORM_INFO", 0xce},      {"IA32_MISC_ENABLE", 0x1a0},    {"IA32_DEBUGCTL", 0x1d9},
    {"IA32_VMX_BASIC", 0x480},        {"IA32_DS_AREA", 0x600},        {"IA32_XSS", 0xda0},
    {"AMD HWCR", 0xc0010015},         {"AMD NB_CFG", 0xc001001f},     {"AMD VM_CR", 0xc0010114},
    {"AMD VM_HSAVE_PA", 0xc0010117},  {"AMD OSVW_ID_LENGTH", 0xc0010140}, {"AMD DR0_ADDR_MASK", 0xc0011027},
    {"AMD LS_CFG", 0xc0011020},       {"nobody's", 0x12345678},       {"the last", 0xffffffff},
};

struct access {
    uint32_t msr;
    uint64_t value;
};

static void reads(void *argument)
{
    struct access *access = argument;

    access->value = cpu_rdmsr(access->msr);
}

static void writes(void *argument)
{
    const struct access *access = argument;

    cpu_wrmsr(access->msr, access->value);
}

/* It either faults as the processor says, or went on behind the instruction. */
static bool well_behaved(struct fault fault)
{
    return !fault.happened || (fault.vector == TRAP_GP && fault.error == 0);
}

void guest_main(void)
{
    attempt_begin("xsa_333", "registers of the other vendor");
    for (unsigned int i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        struct access access = {.msr = registers[i].msr};
        struct fault read = fault_caught(reads, &access);

        report_quiet("a read: nothing or #GP", well_behaved(read), true);
        access.value = ~access.value;
        report_quiet("a write: nothing or #GP", well_behaved(fault_caught(writes, &access)), true);
        report_quiet("read once more: the same", fault_caught(reads, &access).happened, read.happened);
        printf("%s: #GP or an answer\n", registers[i].name);
    }
    report_true("nobody's number is #GP",
                fault_caught(reads, &(struct access){.msr = 0x12345678}).vector == TRAP_GP);
    attempt_end();
}
