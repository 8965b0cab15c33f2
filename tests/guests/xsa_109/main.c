/* SPDX-License-Identifier: MIT
 * XSA-109: mmu_update took as owner of the tables any domain that the caller controls, also one that has no such tables,
 * and went through a pointer that was not there.
 * Tried: every kind of domain as owner of the table and as owner of the frames: none, the idle one, those that own
 * devices or the hypervisor's memory, the neighbour. Right: -ESRCH where there is none (xen-lite has no domains of its
 * own), -EPERM for the neighbour. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

/* The upper half names the owner of the table, one more than its number; the lower the owner of the frame. */
static const domid_t nobody[] = {4321, DOMID_INVALID, DOMID_IDLE, DOMID_COW, 0x7fff};
static const domid_t systems[] = {DOMID_IO, DOMID_XEN};

static long update(const uint64_t *entry, unsigned int domains)
{
    struct mmu_update request = {.ptr = entry_address(entry), .val = *entry};

    return hypercall(__HYPERVISOR_mmu_update, HYPERCALL_PTR(&request), 1, 0, domains, 0);
}

static void as_owner(const uint64_t *entry, domid_t owner, long expected)
{
    report_answer("refused: its tables", update(entry, (owner + 1u) << 16 | DOMID_SELF), expected);
    report_answer("refused: its frames", update(entry, owner), expected);
    report_answer("refused: mmuext_op there", mmuext(MMUEXT_PIN_L1_TABLE, 1, 0, owner), expected);
}

void guest_main(void)
{
    struct tree tree;
    uint64_t before;

    attempt_begin("xsa_109", "tables and frames of others");
    tree_make(&tree);
    tree_readonly(&tree);
    report_quiet("pin", table_pin(4, tree.table[4]), 0);
    before = tree.table[1][TREE_SLOT];
    for (unsigned int i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        printf("domain 0x%x\n", nobody[i]);
        as_owner(&tree.table[1][TREE_SLOT], nobody[i], -XEN_ESRCH);
    }
    for (unsigned int i = 0; i < 2 && !attempt_privileged(); i++) {
        printf("domain 0x%x\n", systems[i]);
        as_owner(&tree.table[1][TREE_SLOT], systems[i], -XEN_ESRCH);
    }
    printf("the neighbour\n");
    as_owner(&tree.table[1][TREE_SLOT], attempt_neighbour(), attempt_neighbour_refused());
    report_equal("the entry is as it was", tree.table[1][TREE_SLOT], before);
    report_quiet("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
    attempt_end();
}
