/* SPDX-License-Identifier: MIT
 * XSA-111, XSA-454: calls that take 32 bits relied on the upper halves of their registers, which a guest fills as it likes, to
 * be zero; continuations stopped the host.
 * Tried: each call that takes a number of 32 bits, with the upper half of it set. Right: the same answer as without; where all 64
 * bits count (memory_op), a place to go on from that cannot be. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

#define UPPER 0xdeadbeef00000000ul

static struct multicall_entry calls[2];
static domid_t self = DOMID_SELF;
static uint32_t iopl;

/* The arguments that take 32 bits are marked in `narrow`. */
static const struct {
    const char *name;
    unsigned int number;
    uint64_t argument[3];
    unsigned int narrow;
} tried[] = {
    {"xen_version", __HYPERVISOR_xen_version, {XENVER_version}, 1},
    {"xen_version of a number that is none", __HYPERVISOR_xen_version, {999}, 1},
    {"multicall", __HYPERVISOR_multicall, {(uintptr_t)calls, 2}, 2},
    {"event_channel_op of a number that is none", __HYPERVISOR_event_channel_op, {999}, 1},
    {"sched_op yield", __HYPERVISOR_sched_op, {SCHEDOP_yield}, 1},
    {"vcpu_op is_up", __HYPERVISOR_vcpu_op, {VCPUOP_is_up, 0}, 3},
    {"vcpu_op of no vcpu", __HYPERVISOR_vcpu_op, {VCPUOP_is_up, 77}, 3},
    {"vm_assist", __HYPERVISOR_vm_assist, {VMASST_CMD_enable, VMASST_TYPE_writable_pagetables}, 3},
    {"set_debugreg", __HYPERVISOR_set_debugreg, {0, 0}, 1},
    {"fpu_taskswitch", __HYPERVISOR_fpu_taskswitch, {0}, 0},
    {"mmu_update", __HYPERVISOR_mmu_update, {0, 0, 0}, 2},
    {"mmuext_op", __HYPERVISOR_mmuext_op, {0, 0, 0}, 2},
    {"set_segment_base", __HYPERVISOR_set_segment_base, {SEGBASE_FS, 0}, 1},
    {"callback_op of a number that is none", __HYPERVISOR_callback_op, {999}, 1},
    {"physdev_op set_iopl", __HYPERVISOR_physdev_op, {6, (uintptr_t)&iopl}, 1},
    {"console_io of a number that is none", __HYPERVISOR_console_io, {999, 1}, 3},
};

static long answer(unsigned int n, uint64_t upper)
{
    uint64_t a[3];

    for (unsigned int i = 0; i < 3; i++)
        a[i] = tried[n].argument[i] | ((tried[n].narrow >> i & 1) != 0 ? upper : 0);
    for (unsigned int i = 0; i < 2; i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version};
    return hypercall(tried[n].number, a[0], a[1], a[2], DOMID_SELF, 0);
}

static void memory_op(void)
{
    uint64_t *page = page_alloc();
    xen_pfn_t frames[4] = {0, 1, 2, 3};
    struct xen_memory_reservation request = {.nr_extents = 4, .domid = DOMID_SELF};

    set_xen_guest_handle(request.extent_start, frames);
    /* Bits from 6 on say where an interrupted call goes on. */
    report_answer("decrease, going on behind the end",
                  hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation | 5ul << 6, HYPERCALL_PTR(&request), 0, 0, 0), 5);
    report_answer("current_reservation, going on",
                  hypercall(__HYPERVISOR_memory_op, XENMEM_current_reservation | 1ul << 6, HYPERCALL_PTR(&self), 0, 0, 0),
                  -XEN_EINVAL);
    page_free(page);
}

void guest_main(void)
{
    attempt_begin("xsa_111_454", "upper halves that are not zero");
    for (unsigned int n = 0; n < sizeof(tried) / sizeof(tried[0]); n++) {
        long plain = answer(n, 0);

        report_quiet("with an upper half", answer(n, UPPER), plain);
        report_quiet("with all of it", answer(n, ~0ul << 32), plain);
        printf("%s: %ld both times\n", tried[n].name, tried[n].number == __HYPERVISOR_xen_version ? 0 : plain);
    }
    memory_op();
    attempt_end();
}
