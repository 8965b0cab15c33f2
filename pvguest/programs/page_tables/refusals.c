/* SPDX-License-Identifier: MIT
 * What the hypervisor refuses, and the code it gives: the codes are those of Xen 4.17. Each refusal must
 * leave everything as it was; refusals_run()'s caller goes on to use the tables. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "space.h"

#define NO_SUCH_FRAME 0xfffffffff0ul /* beyond any processor's address width */

static long mmuext(unsigned int command, unsigned long frame)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = frame};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* A frame that the guest may not map: it is not there, or is not its own. Xen gives these two different
 * codes; in rewrite mode both are numbers that the guest does not have, so only the refusal is printed, and
 * the code is checked where there is one to compare with. */
static void frame_refused(const char *what, long saw, long expected)
{
    if (guest_is_rewrite() && saw < 0)
        saw = expected;
    if (report_quiet(what, saw, expected))
        printf("%s: ok\n", what);
}

/* A frame of this machine that is not the guest's: in rewrite mode the first number it does not have, in
 * direct mode one whose M2P entry does not lead back. 0 if none is found. */
static unsigned long foreign_frame(void)
{
    uint64_t pfn;

    if (guest_is_rewrite())
        return guest_start_info->nr_pages + 0x1000;
    for (unsigned long mfn = 0x1000; mfn < 0x40000; mfn++)
        if (try_read(&machine_to_phys_mapping[mfn], &pfn) &&
            (pfn >= guest_start_info->nr_pages || pfn_to_frame(pfn) != mfn))
            return mfn;
    return 0;
}

static void pins(struct space *space)
{
    void *page = page_alloc(), *table = page_alloc();

    report_answer("refused: pin a table a second time", table_pin(4, space->table[4]), -XEN_EINVAL);
    report_answer("refused: pin a page that has a writable mapping", table_pin(1, page), -XEN_EINVAL);
    report_answer("refused: unpin a page that is no table", table_unpin(page), -XEN_EINVAL);
    report_answer("refused: unpin a table that is not pinned itself", table_unpin(space->table[1]),
                  -XEN_EINVAL);
    report_answer("refused: pin an L1 as an L2", table_pin(2, space->table[1]), -XEN_EINVAL);
    report_answer("refused: pin an L3 as an L4", table_pin(4, space->table[3]), -XEN_EINVAL);
    report_answer("refused: pin a frame that is not there", mmuext(MMUEXT_PIN_L1_TABLE, NO_SUCH_FRAME),
                  -XEN_EINVAL);
    report_answer("refused: pin a frame that is not its own", mmuext(MMUEXT_PIN_L1_TABLE, foreign_frame()),
                  -XEN_EINVAL);
    report_answer("refused: unpin a frame that is not there", mmuext(MMUEXT_UNPIN_TABLE, NO_SUCH_FRAME),
                  -XEN_EINVAL);
    report_answer("refused: load a page that is no table", mmuext(MMUEXT_NEW_BASEPTR, virt_to_frame(page)),
                  -XEN_EINVAL);
    report_answer("refused: load an L3 as root", root_load(space->table[3]), -XEN_EINVAL);
    report_answer("refused: load a frame that is not there", mmuext(MMUEXT_NEW_BASEPTR, NO_SUCH_FRAME),
                  -XEN_EINVAL);

    report_quiet("read-only", page_readonly(table), 0);
    report_quiet("pin", table_pin(1, table), 0);
    report_answer("refused: pin an L1 a second time", table_pin(1, table), -XEN_EINVAL);
    report_quiet("unpin", table_unpin(table), 0);
    report_answer("refused: unpin it a second time", table_unpin(table), -XEN_EINVAL);
    report_quiet("writable", page_writable(table), 0);
    page_free(table);
    page_free(page);
}

/* Tables that must not be accepted; level is the one that is pinned. */
static void bad_table(const char *what, unsigned int level, uint64_t entry, long expected)
{
    uint64_t *table = page_alloc(), *good = page_alloc();

    table[0] = entry_make(good, ENTRY_RO);
    table[1] = entry;
    if (level > 1)
        table[0] = 0;
    report_quiet("read-only", page_readonly(table), 0);
    if (expected == -XEN_EINVAL)
        report_answer(what, table_pin(level, table), expected);
    else
        frame_refused(what, table_pin(level, table), expected);
    report_quiet("writable", page_writable(table), 0);
    report_quiet("entry as it was", table[1] == entry, true);
    page_free(good);
    page_free(table);
}

static void bad_tables(struct space *space)
{
    uint64_t *loop = page_alloc();
    void *page = page_alloc();

    bad_table("refused: L1 with a frame that is not there", 1, NO_SUCH_FRAME << 12 | ENTRY_RW, -XEN_EPERM);
    bad_table("refused: L1 with a frame that is not its own", 1, foreign_frame() << 12 | ENTRY_RW,
              -XEN_EBUSY);
    bad_table("refused: L1 with a live table writable", 1, entry_make(space->table[2], ENTRY_RW), -XEN_EBUSY);
    bad_table("refused: L2 with an ordinary page for an L1", 2, entry_make(page, ENTRY_TABLE), -XEN_EINVAL);
    bad_table("refused: L2 with an L2 for an L1", 2, entry_make(space->table[2], ENTRY_TABLE), -XEN_EINVAL);
    bad_table("refused: L2 with a superpage", 2, entry_make(page, ENTRY_TABLE | ENTRY_SUPERPAGE),
              -XEN_EINVAL);
    bad_table("refused: L3 with an L1 for an L2", 3, entry_make(space->table[1], ENTRY_TABLE), -XEN_EINVAL);
    bad_table("refused: L3 with a superpage", 3, entry_make(space->table[2], ENTRY_TABLE | ENTRY_SUPERPAGE),
              -XEN_EINVAL);
    bad_table("refused: L4 with an L4 for an L3", 4, entry_make(space->table[4], ENTRY_TABLE), -XEN_EINVAL);
    bad_table("refused: L4 with a reserved bit", 4,
              entry_make(space->table[3], ENTRY_TABLE | ENTRY_SUPERPAGE), -XEN_EINVAL);

    loop[3] = entry_make(loop, ENTRY_TABLE);
    report_quiet("read-only", page_readonly(loop), 0);
    report_answer("refused: L3 that names itself", table_pin(3, loop), -XEN_EINVAL);
    report_answer("refused: L2 that names itself", table_pin(2, loop), -XEN_EINVAL);
    report_answer("refused: L4 that names itself writable", table_pin(4, loop), -XEN_EINVAL);
    report_quiet("writable", page_writable(loop), 0);
    page_free(page);
    page_free(loop);
}

static void live_entries(struct space *space)
{
    uint64_t *l1 = space->table[1], before = l1[2];
    void *page = page_alloc();

    report_answer("refused: L1 entry, a live table writable", entry_update(&l1[2], entry_make(l1, ENTRY_RW)),
                  -XEN_EBUSY);
    frame_refused("refused: L1 entry, a frame that is not there",
                  entry_update(&l1[2], NO_SUCH_FRAME << 12 | ENTRY_RW), -XEN_EPERM);
    frame_refused("refused: L1 entry, a frame that is not its own",
                  entry_update(&l1[2], foreign_frame() << 12 | ENTRY_RW), -XEN_EBUSY);
    report_equal("the L1 entry is as it was", l1[2], before);
    report_answer("refused: L2 entry, an ordinary page",
                  entry_update(&space->table[2][3], entry_make(page, ENTRY_TABLE)), -XEN_EINVAL);
    report_answer("refused: L2 entry, a superpage",
                  entry_update(&space->table[2][3], entry_make(page, ENTRY_TABLE | ENTRY_SUPERPAGE)),
                  -XEN_EINVAL);
    report_answer("refused: L3 entry, its own table",
                  entry_update(&space->table[3][3], entry_make(space->table[3], ENTRY_TABLE)), -XEN_EINVAL);
    report_answer("refused: L4 entry, an L2",
                  entry_update(&space->table[4][3], entry_make(space->table[2], ENTRY_TABLE)), -XEN_EINVAL);
    report_answer("refused: L4 entry in the hypervisor's slots",
                  entry_update(&space->table[4][260], entry_make(space->table[3], ENTRY_TABLE)), -XEN_EINVAL);
    page_free(page);
}

static void bad_requests(struct space *space)
{
    struct mmu_update batch[3];
    struct mmuext_op op = {.cmd = 99};
    unsigned int done = 77;
    uint64_t *l1 = space->table[1];
    void *page = space->data[0];

    for (unsigned int i = 0; i < 3; i++)
        batch[i] = (struct mmu_update){.ptr = entry_address(&l1[100 + i]), .val = entry_make(page, ENTRY_RO)};
    batch[1].val = entry_make(l1, ENTRY_RW);
    report_answer("refused: a batch with a bad second entry",
                  hypercall_mmu_update(batch, 3, &done, DOMID_SELF), -XEN_EBUSY);
    report_equal("done", done, 1);
    report_true("the first was carried out, the third was not", l1[100] != 0 && l1[101] == 0 && l1[102] == 0);
    report_quiet("clear", entry_update(&l1[100], 0), 0);

    batch[0].ptr = NO_SUCH_FRAME << 12;
    report_answer("refused: mmu_update in a frame that is not there",
                  hypercall_mmu_update(batch, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    batch[0].ptr = entry_address(&l1[100]);
    report_answer("refused: mmu_update for a domain that is not there",
                  hypercall_mmu_update(batch, 1, NULL, 1234), -XEN_ESRCH);
    report_answer("refused: mmu_update with an array that is not there",
                  hypercall_mmu_update((struct mmu_update *)SPACE_VA, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    report_answer("refused: mmuext_op with an unknown command", hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF),
                  -XEN_ENOSYS);
    report_answer("refused: mmuext_op with an array that is not there",
                  hypercall_mmuext_op((struct mmuext_op *)SPACE_VA, 1, NULL, DOMID_SELF), -XEN_EFAULT);
}

static void bad_addresses(struct space *space)
{
    uint64_t entry = entry_make(space->data[0], ENTRY_RO);
    void *page = page_alloc();

    report_answer("refused: update_va_mapping where there is no L1",
                  hypercall_update_va_mapping(7ul << 39, entry, UVMF_INVLPG), -XEN_EINVAL);
    report_answer("refused: update_va_mapping in the hypervisor's slots",
                  hypercall_update_va_mapping(0xffff830000000000, entry, UVMF_INVLPG), -XEN_EINVAL);
    report_answer(
        "refused: update_va_mapping, a live table writable",
        hypercall_update_va_mapping((uintptr_t)page, entry_make(space->table[1], ENTRY_RW), UVMF_INVLPG),
        -XEN_EBUSY);
    report_answer("refused: update_va_mapping, a table's own page writable", page_writable(space->table[4]),
                  -XEN_EBUSY);
    report_true("the live table reads as before",
                entry_pfn_registered(space->table[1][0]) == virt_to_pfn(space->data[0]));
    page_free(page);
}

/* A store that the hypervisor will not carry out comes back to the guest as the fault it is. */
static void bad_stores(struct space *space)
{
    volatile uint64_t *slot = &space->table[1][120];

    report_true("refused: store to an L1, a live table writable",
                !try_write(slot, entry_make(space->table[1], ENTRY_RW)));
    report_true("refused: store to an L2",
                !try_write(&space->table[2][9], entry_make(space->table[1], ENTRY_TABLE)));
    report_true("refused: store to the M2P", !try_write(&machine_to_phys_mapping[0], 1));
    report_equal("the entry is as it was", *slot, 0);
}

void refusals_run(struct space *space)
{
    if (foreign_frame() == 0)
        report_error("no foreign frame found");
    pins(space);
    bad_tables(space);
    live_entries(space);
    bad_requests(space);
    bad_addresses(space);
    bad_stores(space);
}
