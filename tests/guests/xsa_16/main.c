/* SPDX-License-Identifier: MIT
 * XSA-16: PHYSDEVOP_map_pirq looked up the interrupt of a device in a table without asking whether the index lies in it.
 * Tried: indices around and far beyond the table, of every type, mapped and unmapped. Right where guests have no devices:
 * -ENOSYS, and nothing is written. */
#include "attempt.h"
#include "physdev.h"
#include "guest/guest.h"
#include "guest/report.h"

#define MAP_PIRQ   13u
#define UNMAP_PIRQ 14u

static const int32_t indices[] = {0, 1, 15, 255, 256, 4096, 0x7fffffff, -1, -2, -256, (int32_t)0x80000000};

void guest_main(void)
{
    unsigned long other = 0, written = 0;

    attempt_begin("xsa_16", "the interrupt of a device that is not there");
    for (unsigned int i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
        for (int32_t type = 0; type < 8; type++) {
            union physdev_argument map = physdev_argument(DOMID_SELF, type);
            bool same;

            map.word[2] = indices[i];
            map.word[3] = indices[i];
            other += physdev(MAP_PIRQ, map, &same) != -XEN_ENOSYS;
            written += !same;
            other += physdev(UNMAP_PIRQ, physdev_argument(DOMID_SELF, indices[i]), &same) != -XEN_ENOSYS;
            written += !same;
        }
    report_equal("answers other than ENOSYS", other, 0);
    report_equal("arguments that were written to", written, 0);
    attempt_end();
}
