/* SPDX-License-Identifier: MIT
 * physdev_op, for those who try that guests have no interrupts of devices. */
#ifndef PHYSDEV_H
#define PHYSDEV_H

#include <stdbool.h>
#include "guest/hypercall.h"
#include "guest/string.h"

/* Room for any of its structures: 0x5a in every byte but for what the caller sets. */
union physdev_argument {
    int32_t word[8];
    uint8_t byte[32];
};

static inline union physdev_argument physdev_argument(int32_t first, int32_t second)
{
    union physdev_argument argument;

    memset(&argument, 0x5a, sizeof(argument));
    argument.word[0] = first;
    argument.word[1] = second;
    return argument;
}

/* The call; *same says whether the argument is as it was. */
static inline long physdev(unsigned int command, union physdev_argument argument, bool *same)
{
    union physdev_argument given = argument;
    long answer = hypercall(__HYPERVISOR_physdev_op, command, HYPERCALL_PTR(&given), 0, 0, 0);

    *same = memcmp(&given, &argument, sizeof(given)) == 0;
    return answer;
}

#endif
