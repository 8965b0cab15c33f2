/* SPDX-License-Identifier: MIT
 * XSA-502: what a domain was told about its memory nodes (XENMEM_get_vnumainfo) was read while it was being freed.
 * Tried: the question, for itself and others, with results in every place and counts of every size. Right: there are no
 * such nodes, -EOPNOTSUPP; -EFAULT where the question cannot be read. */
#include "attempt.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"

void guest_main(void)
{
    static struct xen_vnuma_topology_info question, before;
    static const unsigned int counts[] = {0, 1, 64, 0xffffffff};

    attempt_begin("xsa_502", "no memory nodes");
    for (unsigned int i = 0; i < 4; i++) {
        question = (struct xen_vnuma_topology_info){
            .domid = DOMID_SELF, .nr_vnodes = counts[i], .nr_vcpus = counts[i], .nr_vmemranges = counts[i]};
        before = question;
        report_answer("refused: of itself", hypercall_memory_op(XENMEM_get_vnumainfo, &question), -XEN_EOPNOTSUPP);
        report_true("nothing is written", memcmp(&question, &before, sizeof(question)) == 0);
        question.domid = 4321;
        report_answer("refused: of nobody", hypercall_memory_op(XENMEM_get_vnumainfo, &question), -XEN_ESRCH);
        question.domid = attempt_neighbour();
        report_answer("refused: of the neighbour", hypercall_memory_op(XENMEM_get_vnumainfo, &question),
                      attempt_neighbour_refused());
    }
    report_answer("refused: it cannot be read", hypercall_memory_op(XENMEM_get_vnumainfo, (void *)HYPERVISOR), -XEN_EFAULT);
    attempt_end();
}
