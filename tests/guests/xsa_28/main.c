/* SPDX-License-Identifier: MIT
 * XSA-28: HVMOP_get_mem_access used what the page table's entry gave it as an index into an array, and a parameter's number
 * likewise.
 * Tried: parameters and accesses of every number far beyond the ends. Right where no guest is HVM: -ENOSYS, and nothing is
 * written. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/guest.h"
#include "guest/report.h"

#define SET_PARAM      0u
#define GET_PARAM      1u
#define SET_MEM_ACCESS 12u
#define GET_MEM_ACCESS 13u

struct param {
    domid_t domid;
    uint32_t index;
    uint64_t value;
};

void guest_main(void)
{
    static const unsigned int commands[] = {SET_PARAM, GET_PARAM, SET_MEM_ACCESS, GET_MEM_ACCESS};
    static const uint32_t indices[] = {0, 15, 37, 38, 255, 0x7fffffff, 0x80000000, ~0u};
    unsigned long count = 0;

    attempt_begin("xsa_28", "numbers of parameters that are none");
    for (unsigned int c = 0; c < sizeof(commands) / sizeof(commands[0]); c++)
        for (unsigned int i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
            struct param *argument = poisoned(0x5a);
            const struct param given = {.domid = DOMID_SELF, .index = indices[i], .value = ~0ul};

            memcpy(argument, &given, sizeof(given));
            count += hypercall(__HYPERVISOR_hvm_op, commands[c], HYPERCALL_PTR(argument), 0, 0, 0) != -XEN_ENOSYS;
            count += memcmp(argument, &given, sizeof(given)) != 0 || bytes_spilt(0x5a, sizeof(given)) != 0;
        }
    report_equal("answers other than ENOSYS", count, 0);
    attempt_end();
}
