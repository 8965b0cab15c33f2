/* SPDX-License-Identifier: MIT */
/*
 * What arch/x86 has outside the folders that are linked with the tests, or has in files that only a processor
 * can run. Weak, so that the real one takes its place wherever it is linked.
 */
#include "arch/fake/fake.h"
#include "arch/x86/cpu/features.h"
#include "arch/x86/entry/stub.h"
#include "arch/x86/paging/host_map.h"
#include "common/cpu.h"
#include "common/softirq.h"
#include <arch/domain.h>
#include <arch/paging.h>
#include <arch/time.h>

#define WEAK __attribute__((weak))

u64 fake_flushes_before_reuse;

WEAK u64 host_l4_slots[HYPERVISOR_SLOTS];
WEAK mfn_t host_root;

/* A processor with SSE and AVX. */
WEAK struct cpu_features cpu_features = {.vendor = "FakeFakeFake",
                                         .physical_bits = 40,
                                         .gib_pages = true,
                                         .pge = true,
                                         .smep = true,
                                         .umip = true,
                                         .xsave = true,
                                         .xcr0 = 7,
                                         .xsave_size = 832};

WEAK void arch_flush_before_reuse(void)
{
    fake_flushes_before_reuse++;
}

/* As if the table began at 4 GiB. */
WEAK mfn_t arch_m2p_mfn(u64 offset)
{
    return mfn_make((GIB(4) + offset) >> PAGE_SHIFT);
}

/* What exit_to_guest does before it leaves. */
WEAK void entry_return_to_guest(void)
{
    while (this_cpu()->softirq)
        softirq_run();
    fake_end(FAKE_GUEST);
}

WEAK void arch_vcpu_dump(const struct vcpu *v)
{
    (void)v;
    fake_dumps++;
}
