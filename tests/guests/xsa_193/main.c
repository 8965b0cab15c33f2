/* SPDX-License-Identifier: MIT
 * XSA-193: a segment base that is not canonical was written to the processor, which answers with a fault, in the
 * hypervisor; a new vcpu could bring one as well.
 * Tried: such a base by each way there is. Right: -EINVAL from hypercalls, #GP from WRMSR, the base is as it was, and no
 * vcpu comes of it. */
#include "attempt.h"
#include "second.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"

#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

static const struct {
    const char *name;
    unsigned int which;
    uint32_t msr;
} bases[] = {
    {"FS", SEGBASE_FS, MSR_FS_BASE},
    {"GS of the kernel", SEGBASE_GS_KERNEL, MSR_GS_BASE},
    {"GS of user mode", SEGBASE_GS_USER, MSR_KERNEL_GS_BASE},
};

static const uint64_t bad[] = {NONCANONICAL, 0xffff7fffffffffff, 0x8000000000000000, 0x5555555555555555, 1ul << 47};

struct write {
    uint32_t msr;
    uint64_t value;
};

static void writes(void *argument)
{
    const struct write *write = argument;

    cpu_wrmsr(write->msr, write->value);
}

static void by_each_way(unsigned int n)
{
    const uint64_t mine = 0x7000 + n;

    report_quiet("a base of its own", hypercall_set_segment_base(bases[n].which, mine), 0);
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct write write = {bases[n].msr, bad[i]};
        struct fault fault = fault_caught(writes, &write);

        report_quiet("refused: set_segment_base", hypercall_set_segment_base(bases[n].which, bad[i]), -XEN_EINVAL);
        report_quiet("refused: WRMSR: vector", fault.happened ? (long)fault.vector : -1, TRAP_GP);
        report_quiet("the base is as it was", (long)cpu_rdmsr(bases[n].msr), (long)mine);
    }
    report_quiet("a base of the upper half", hypercall_set_segment_base(bases[n].which, 0xffff880000000000), 0);
    report_quiet("is there", (long)cpu_rdmsr(bases[n].msr), (long)0xffff880000000000);
    report_quiet("nothing again", hypercall_set_segment_base(bases[n].which, 0), 0);
    printf("%s: what is not canonical is refused\n", bases[n].name);
}

/* Whoever has one vcpu alone is refused because the other does not exist. */
static void by_a_new_vcpu(void)
{
    static struct vcpu_guest_context context;
    uint64_t *const base[] = {&context.fs_base, &context.gs_base_kernel, &context.gs_base_user};
    long expected = hypercall_vcpu_op(VCPUOP_is_up, 1, NULL) == 0 ? -XEN_EINVAL : -XEN_ENOENT;

    for (unsigned int n = 0; n < 3; n++)
        for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            second_describe(&context, paging_boot_root());
            *base[n] = bad[i];
            report_quiet("refused: initialise", hypercall_vcpu_op(VCPUOP_initialise, 1, &context), expected);
            report_quiet("refused: up", hypercall_vcpu_op(VCPUOP_up, 1, NULL), expected);
        }
    printf("no vcpu begins with one\n");
}

void guest_main(void)
{
    attempt_begin("xsa_193", "segment bases that are not canonical");
    for (unsigned int n = 0; n < sizeof(bases) / sizeof(bases[0]); n++)
        by_each_way(n);
    by_a_new_vcpu();
    attempt_end();
}
