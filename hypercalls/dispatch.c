/* SPDX-License-Identifier: MIT */
/* The tables behind the door, made from table.def. A number without a row has an answer too: -ENOSYS, and a line in the log. */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/printk.h"
#include "hypercalls/hypercalls.h"
#include <xen/errno.h>

long hypercall_unknown(u64 number)
{
    const struct vcpu *v = current_vcpu();

    return guest_refuse(v->domain, XEN_ENOSYS, "hypercall %llu is not one of ours\n", (unsigned long long)number);
}

/* One function for each place of the table, so that the log can name the number: places are numbered in octal. */
#define MISSING(eights, ones)                                                                                         \
    static long missing_##eights##ones(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)                                        \
    {                                                                                                                 \
        (void)a1, (void)a2, (void)a3, (void)a4, (void)a5;                                                             \
        return hypercall_unknown(0##eights##ones);                                                                    \
    }
#define MISSING_8(eights)                                                                                             \
    MISSING(eights, 0) MISSING(eights, 1) MISSING(eights, 2) MISSING(eights, 3) MISSING(eights, 4)                    \
        MISSING(eights, 5) MISSING(eights, 6) MISSING(eights, 7)
MISSING_8(0)
MISSING_8(1)
MISSING_8(2)
MISSING_8(3)
MISSING_8(4)
MISSING_8(5)
MISSING_8(6)
MISSING_8(7)

#define PLACE(eights, ones) [0##eights##ones] = missing_##eights##ones,
#define PLACE_8(eights)                                                                                               \
    PLACE(eights, 0) PLACE(eights, 1) PLACE(eights, 2) PLACE(eights, 3) PLACE(eights, 4) PLACE(eights, 5)             \
        PLACE(eights, 6) PLACE(eights, 7)

/* Each row takes the place of the "missing" that stands there: the one spot where a later initialiser shall win. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const hypercall_fn hypercall_table[HYPERCALL_COUNT] = {
    PLACE_8(0) PLACE_8(1) PLACE_8(2) PLACE_8(3) PLACE_8(4) PLACE_8(5) PLACE_8(6) PLACE_8(7)
#define HYPERCALL(number, name, in_batch) [number] = hypercall_##name,
#include "hypercalls/table.def"
#undef HYPERCALL
};
#pragma GCC diagnostic pop

const u8 hypercall_batch[HYPERCALL_COUNT] = {
#define HYPERCALL(number, name, in_batch) [number] = (u8)(in_batch),
#include "hypercalls/table.def"
#undef HYPERCALL
};
