/* SPDX-License-Identifier: MIT
 * XSA-4: the test whether an address of a request is the guest's was wrong at the edges of the hypervisor's range.
 * Tried: requests that lie in it, begin before it or reach out of it, that wrap around, or are no addresses at all;
 * as lists, results and texts. Right: -EFAULT. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

#define HOLE_BEGIN 0xffff800000000000ul
#define HOLE_END   0xffff880000000000ul

/* Each is wrong for anything of at least 24 bytes. */
static const uint64_t places[] = {
    0x00007ffffffffff8ul, 0x00007ffffffffffful, NONCANONICAL, 0xffff7ffffffffff8ul, HOLE_BEGIN - 1,
    HOLE_BEGIN + 0x800000000000 / 2, HYPERVISOR, HOLE_END - 16, HOLE_END - 8, HOLE_END - 1, ~0ul - 15, ~0ul,
};

static void requests(void *there)
{
    report_answer("refused: set_trap_table", hypercall_set_trap_table(there), -XEN_EFAULT);
    report_answer("refused: mmu_update", hypercall_mmu_update(there, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    report_answer("refused: mmuext_op", hypercall_mmuext_op(there, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    report_answer("refused: multicall", hypercall_multicall(there, 1), -XEN_EFAULT);
    report_answer("refused: callback_op", hypercall_callback_op(CALLBACKOP_register, there), -XEN_EFAULT);
    report_answer("refused: event_channel_op", hypercall_event_channel_op(EVTCHNOP_status, there), -XEN_EFAULT);
    report_answer("refused: add_to_physmap", hypercall_memory_op(XENMEM_add_to_physmap, there), -XEN_EFAULT);
    report_answer("refused: vcpu_op", hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, there), -XEN_EFAULT);
    report_answer("refused: a text", hypercall_console_io(CONSOLEIO_write, 64, there), -XEN_EFAULT);
    report_answer("nothing given back from a list",
                  reservation(XENMEM_decrease_reservation, there, 1, 0, 0, DOMID_SELF), 0);
    report_answer("refused: the command line", hypercall_xen_version(XENVER_commandline, there), -XEN_EFAULT);
}

void guest_main(void)
{
    attempt_begin("xsa_4", "requests at the edges of what a guest can name");
    for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        printf("at 0x%lx\n", places[i]);
        requests((void *)places[i]);
    }
    attempt_end();
}
