/* SPDX-License-Identifier: MIT
 * linear_tables: a root that names itself, read-only, shows all tables of an address space in one window;
 * guests used that for long. Read-only it harms nobody. What must never be is a writable one: neither at
 * registration, nor by a later change of the flags alone, which once was taken for harmless (XSA-182).
 * Skipped where the hypervisor takes no linear tables at all. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

#define SLOT 3u /* of the root: where it names itself */

/* With a root in its own slot, walking that slot four times ends at the root. */
static volatile uint64_t *root_through_itself(void)
{
    uint64_t address = 0;

    for (unsigned int level = 1; level <= 4; level++)
        address |= (uint64_t)SLOT << (12 + 9 * (level - 1));
    return (volatile uint64_t *)address;
}

static void writable_at_once(uint64_t *root)
{
    root[SLOT] = entry_make(root, ENTRY_TABLE);
    report_quiet("read-only", page_readonly(root), 0);
    report_answer("refused: pin a root that names itself writable", table_pin(4, root), -XEN_EINVAL);
    report_quiet("writable", page_writable(root), 0);
}

static void flags_alone(uint64_t *root)
{
    uint64_t readonly = entry_make(root, ENTRY_RO | ENTRY_USER), entry = root[SLOT];

    report_answer("load it", root_load(root), 0);
    report_equal("it shows through itself", root_through_itself()[SLOT], root[SLOT]);
    report_true("refused: store through the window", !try_write(&root_through_itself()[7], 0x777));
    report_true("refused: the same entry, writable by its flags alone",
                entry_update(&root[SLOT], readonly | ENTRY_WRITE) < 0);
    report_equal("the entry has no write bit", root[SLOT] & ENTRY_WRITE, 0);
    report_equal("the entry names the same frame", root[SLOT] & ENTRY_FRAME, entry & ENTRY_FRAME);
    report_true("refused: store through the window, still", !try_write(&root_through_itself()[7], 0x777));
    report_answer("take it out", entry_update(&root[SLOT], 0), 0);
    report_answer("load the boot root", root_load(paging_boot_root()), 0);
}

void guest_main(void)
{
    uint64_t *root = page_alloc();
    long answer;

    report_title("linear_tables", "a root may show itself, but never writable");
    root_copy_kernel(root);
    writable_at_once(root);
    root[SLOT] = entry_make(root, ENTRY_RO | ENTRY_USER);
    report_quiet("read-only", page_readonly(root), 0);
    answer = table_pin(4, root);
    if (answer == -XEN_EINVAL) {
        report_skip("this hypervisor takes no linear tables");
        return;
    }
    report_answer("pin a root that names itself read-only", answer, 0);
    flags_alone(root);
    report_answer("unpin", table_unpin(root), 0);
    report_answer("writable", page_writable(root), 0);
}
