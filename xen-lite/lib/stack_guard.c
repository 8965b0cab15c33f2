/* SPDX-License-Identifier: MIT */
/*
 * The stack protector, for the code that reads what others wrote (ELF files, command lines, firmware tables): it runs
 * once per domain or once at all, so the check costs nothing. mk/hypervisor.mk lists the files. The paths of every
 * hypercall go without: their buffers have fixed sizes and their copies are counted.
 */
#include "lib/bug.h"
#include "lib/stack_guard.h"

/* Names that the compiler expects. The start value serves until stack_guard_seed(). */
extern u64 __stack_chk_guard;
u64 __stack_chk_guard = 0x5bd1e995a7c30dull << 8; /* lowest byte 0: stops text that runs over */
__noreturn void __stack_chk_fail(void);

void stack_guard_seed(u64 seed)
{
    __stack_chk_guard ^= (seed * 0x9e3779b97f4a7c15ull) & ~0xffull;
}

void __stack_chk_fail(void)
{
    bug(__FILE__, __LINE__, "the stack was overwritten");
}
