/* SPDX-License-Identifier: MIT */
/*
 * Our own mistakes: BUG_ON(condition) stops the machine with file, line and the condition. Declared at the bottom of
 * the house, defined at its top (common/panic.c), so that a lock need not know how to print. Never reachable by what
 * a guest does: a guest's mistake is an error code or domain_crash().
 */
#ifndef XL_LIB_BUG_H
#define XL_LIB_BUG_H

#include "lib/types.h"

__noreturn void bug(const char *file, unsigned line, const char *what);

#define BUG()            bug(__FILE__, __LINE__, "BUG()")
#define BUG_ON(cond)                                                                                                \
    do {                                                                                                            \
        if (unlikely(cond))                                                                                         \
            bug(__FILE__, __LINE__, #cond);                                                                         \
    } while (0)

#endif
