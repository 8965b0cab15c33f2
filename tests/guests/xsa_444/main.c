/* SPDX-License-Identifier: MIT
 * XSA-444: a breakpoint was allowed on addresses right beside the hypervisor's own, and a mask of the processor's widened
 * it over the live descriptor table: #DB within #DB, without end.
 * Tried: breakpoints in, at the edges of and up to eight bytes before the hypervisor's range, and where the address is not
 * canonical. Right: -EPERM, also for what reaches in from below; the register is as it was. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

#define RANGE_START 0xffff800000000000ul
#define RANGE_END   0xffff880000000000ul

static const struct {
    const char *what;
    uint64_t address;
} refused[] = {
    {"the first address", RANGE_START},
    {"the middle", 0xffff840000000000},
    {"its code", 0xffff82d080200000},
    {"its tables", 0xffff82d0d0000000},
    {"its map of memory", HYPERVISOR},
    {"its last byte", RANGE_END - 1},
    {"its last eight bytes", RANGE_END - 8},
    {"the first address that is not canonical", NONCANONICAL},
    {"the last one", RANGE_START - 1},
};

static const struct {
    const char *what;
    uint64_t address;
} taken[] = {
    {"nothing", 0},
    {"the last word of the lower half", NONCANONICAL - 8},
    {"the first address behind it", RANGE_END},
    {"the last word of all", ~7ul},
};

static void leaves_it_alone(unsigned int reg)
{
    const long mine = 0x1000 * (reg + 1);

    report_quiet("an address of its own", hypercall_set_debugreg(reg, (uint64_t)mine), 0);
    for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        report_quiet(refused[i].what, hypercall_set_debugreg(reg, refused[i].address), -XEN_EPERM);
        report_quiet("the register is as it was", hypercall_get_debugreg(reg), mine);
    }
    for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        report_quiet(taken[i].what, hypercall_set_debugreg(reg, taken[i].address), 0);
        report_quiet("it is there", hypercall_get_debugreg(reg), (long)taken[i].address);
    }
    report_quiet("nothing again", hypercall_set_debugreg(reg, 0), 0);
    printf("DR%u: not in the hypervisor\n", reg);
}

void guest_main(void)
{
    attempt_begin("xsa_444", "breakpoints beside the hypervisor");
    for (unsigned int reg = 0; reg < 4; reg++)
        leaves_it_alone(reg);
    attempt_end();
}
