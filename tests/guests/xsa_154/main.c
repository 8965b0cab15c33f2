/* SPDX-License-Identifier: MIT
 * XSA-154: memory of a device could be mapped cached and uncached at the same time, on which some processors stop.
 * Tried: the frames of the interrupt controllers and of the firmware, and ordinary memory, with each kind of caching that
 * an entry can ask for. Right: no frame of a device at all (-EPERM), no kind of caching but the usual one (-EINVAL). */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

#define PWT  0x008ul
#define PCD  0x010ul
#define PAT1 0x080ul /* in an L1 entry */

static const unsigned long kinds[] = {0, PWT, PCD, PCD | PWT, PAT1, PAT1 | PWT, PAT1 | PCD, PAT1 | PCD | PWT};

static long map(void *at, unsigned long frame, unsigned long flags)
{
    return hypercall_update_va_mapping((uintptr_t)at, frame << 12 | flags | ENTRY_NX, UVMF_INVLPG);
}

static void devices(void *page)
{
    static const unsigned long frames[] = {0xfee00, 0xfec00};

    for (unsigned int i = 0; i < 2; i++)
        for (unsigned int kind = 0; kind < 8; kind++) {
            long expected = kinds[kind] == 0 ? -XEN_EPERM : -XEN_EINVAL;

            report_answer("refused: a device, read-only", map(page, frames[i], kinds[kind] | ENTRY_RO), expected);
            report_answer("refused: a device", map(page, frames[i], kinds[kind] | ENTRY_RW), expected);
        }
}

static void memory(uint8_t *page)
{
    for (unsigned int kind = 1; kind < 8; kind++)
        report_answer("refused: own memory with that caching",
                      map(page, virt_to_frame(page), kinds[kind] | ENTRY_RW), -XEN_EINVAL);
    report_equal("the page is as it was", page[0], 0x44);
}

static void tables(void)
{
    struct tree tree;

    tree_make(&tree);
    tree_readonly(&tree);
    report_quiet("pin", table_pin(4, tree.table[4]), 0);
    for (unsigned int level = 2; level <= 4; level++) {
        uint64_t wanted = entry_table(tree.table[level - 1]);

        report_answer("refused: write-through tables", entry_update(&tree.table[level][7], wanted | PWT), -XEN_EINVAL);
        report_answer("refused: uncached tables", entry_update(&tree.table[level][7], wanted | PCD), -XEN_EINVAL);
    }
    report_quiet("unpin", table_unpin(tree.table[4]), 0);
    tree_free(&tree);
}

void guest_main(void)
{
    uint8_t *page = page_alloc();

    attempt_begin("xsa_154", "no memory of devices, one kind of caching");
    page[0] = 0x44;
    devices(page);
    memory(page);
    tables();
    page_free(page);
    attempt_end();
}
