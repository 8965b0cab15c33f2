/* SPDX-License-Identifier: MIT
 * page_tables: a guest that keeps its own page tables. It builds two address spaces out of ordinary pages,
 * registers them, changes entries in each way there is, switches between the spaces, takes them apart again,
 * and then asks for what must be refused. It prints no addresses and no mode, so its lines are the same in
 * both modes and on Xen. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "space.h"

#define FIRST_A 0xaaaa0000ul
#define FIRST_B 0xbbbb0000ul

static struct space a, b;

/* Registered tables hold machine frames in both modes: the M2P says which of the guest's pages an entry
 * names. */
static bool entry_names(uint64_t entry, const void *page)
{
    return (entry & ENTRY_PRESENT) != 0 && entry_pfn_registered(entry) == virt_to_pfn(page);
}

static void registers_two_spaces(void)
{
    static const char *const names[] = {"", "b: pin L1", "b: pin L2", "b: pin L3", "b: pin L4"};

    space_build(&a, FIRST_A);
    space_build(&b, FIRST_B);
    report_answer("a: tables read-only", space_readonly(&a), 0);
    report_answer("a: pin the L4, and with it the whole tree", table_pin(4, a.table[4]), 0);
    report_answer("b: tables read-only", space_readonly(&b), 0);
    for (unsigned int level = 1; level <= 4; level++)
        report_answer(names[level], table_pin(level, b.table[level]), 0);
    report_true("a: registered entries read back through the M2P",
                entry_names(a.table[4][1], a.table[3]) && entry_names(a.table[3][0], a.table[2]) &&
                    entry_names(a.table[2][0], a.table[1]) && entry_names(a.table[1][3], a.data[3]));
}

static void switches_between_them(void)
{
    uint64_t value;

    report_true("boot space: nothing is mapped there", !try_read(space_address(0), &value));
    report_answer("load a", root_load(a.table[4]), 0);
    report_equal("a: first word", *space_address(0), FIRST_A);
    report_equal("a: word of the last page", *space_address(3), FIRST_A + 3);
    report_answer("load b", root_load(b.table[4]), 0);
    report_equal("b: first word, same address", *space_address(0), FIRST_B);
    *space_address(1) = 0x1234;
    report_equal("b: a store arrives in its page", b.data[1][0], 0x1234);
    report_equal("a: its page is untouched", a.data[1][0], FIRST_A + 1);
    report_answer("load a again", root_load(a.table[4]), 0);
    report_equal("a: first word again", *space_address(0), FIRST_A);
}

/* Runs in space a. */
static void updates_by_hypercall(void)
{
    struct mmu_update batch[16];
    unsigned int done = 0, right = 0;
    uint64_t entry;

    report_answer("mmu_update: set a new entry",
                  entry_update(&a.table[1][8], entry_make(b.data[2], ENTRY_RW)), 0);
    report_equal("its page shows", *space_address(8), FIRST_B + 2);
    report_answer("mmu_update: another frame", entry_update(&a.table[1][8], entry_make(b.data[3], ENTRY_RW)),
                  0);
    report_answer("flush", paging_flush(), 0);
    report_equal("the other page shows", *space_address(8), FIRST_B + 3);
    report_answer("mmu_update: not present, any other bits", entry_update(&a.table[1][8], 0x123456789abcdef0),
                  0);
    report_equal("they are kept as they are", a.table[1][8], 0x123456789abcdef0);
    report_answer("mmu_update: clear", entry_update(&a.table[1][8], 0), 0);
    report_equal("the entry reads 0", a.table[1][8], 0);

    for (unsigned int i = 0; i < 16; i++)
        batch[i] = (struct mmu_update){.ptr = entry_address(&a.table[1][16 + i]),
                                       .val = entry_make(b.data[i % SPACE_PAGES], ENTRY_RO)};
    report_answer("mmu_update: a batch of 16", hypercall_mmu_update(batch, 16, &done, DOMID_SELF), 0);
    report_equal("done", done, 16);
    for (unsigned int i = 0; i < 16; i++)
        right += *space_address(16 + i) == b.data[i % SPACE_PAGES][0];
    report_equal("pages that show", right, 16);

    entry = entry_make(b.data[0], ENTRY_RW);
    report_answer("update_va_mapping",
                  hypercall_update_va_mapping((uintptr_t)space_address(40), entry, UVMF_INVLPG), 0);
    report_equal("its page shows", *space_address(40), FIRST_B);
    report_true("the entry names it", entry_names(a.table[1][40], b.data[0]));
    report_answer("update_va_mapping: clear",
                  hypercall_update_va_mapping((uintptr_t)space_address(40), 0, UVMF_INVLPG), 0);
    report_true("the page is gone", !try_read(space_address(40), &entry));

    batch[0].ptr = entry_address(&b.data[1][7]);
    batch[0].val = 0x777;
    report_answer("mmu_update: in an ordinary page", hypercall_mmu_update(batch, 1, NULL, DOMID_SELF), 0);
    report_equal("the page has it", b.data[1][7], 0x777);

    entry = a.table[1][3] | ENTRY_ACCESSED | ENTRY_DIRTY;
    batch[0].ptr = entry_address(&a.table[1][3]) | MMU_PT_UPDATE_PRESERVE_AD;
    batch[0].val = entry_make(a.data[3], ENTRY_PRESENT | ENTRY_WRITE);
    report_answer("mmu_update: keep accessed and dirty", hypercall_mmu_update(batch, 1, NULL, DOMID_SELF), 0);
    report_true("they are kept", ((a.table[1][3] ^ entry) & (ENTRY_ACCESSED | ENTRY_DIRTY)) == 0);
}

/* A plain store to a registered table traps; the hypervisor decodes it, checks it and carries it out. */
static void updates_by_store(void)
{
    volatile uint64_t *slot = &a.table[1][60];
    uint64_t entry = entry_make(b.data[2], ENTRY_RW);

    report_answer("vm_assist: writable page tables",
                  hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    *slot = entry;
    report_true("mov: the entry names the page", entry_names(*slot, b.data[2]));
    report_equal("mov: the page shows", *space_address(60), FIRST_B + 2);
    __asm__ volatile("xchg %0, %1" : "+r"(entry), "+m"(*slot) : : "memory");
    report_true("xchg: the old entry comes back", entry_names(entry, b.data[2]));
    entry = 0;
    __asm__ volatile("xchg %0, %1" : "+r"(entry), "+m"(*slot) : : "memory");
    report_equal("xchg with 0: the entry reads 0", *slot, 0);
    paging_flush();
    report_true("xchg with 0: the page is gone", !try_read(space_address(60), &entry));
    *slot = entry_make(b.data[2], ENTRY_RW);
    __asm__ volatile("lock btrq $1, %0" : "+m"(*slot) : : "memory");
    report_true("lock btr: the entry has lost its write bit",
                (*slot & (ENTRY_PRESENT | ENTRY_WRITE)) == ENTRY_PRESENT);
    __asm__ volatile("lock andq %1, %0" : "+m"(*slot) : "r"(~ENTRY_PRESENT) : "memory");
    report_true("lock and: the entry is not present", (*slot & ENTRY_PRESENT) == 0);
    *slot = 0;
    report_equal("mov 0: the entry reads 0", *slot, 0);
}

static void write_word(void *address)
{
    *(volatile uint64_t *)address = 0;
}

/* What the guest itself sees when it steps beside its own tables. */
static void faults_are_its_own(void)
{
    void *page = (void *)(SPACE_VA + 20 * 4096);
    struct fault fault = fault_caught(write_word, page); /* from the batch: read-only */

    report_equal("store to a read-only page: vector", fault.vector, TRAP_PF);
    report_equal("store to a read-only page: error code", fault.error, 3);
    report_equal("store to a read-only page: cr2", fault.address, (uintptr_t)page);
    page = (void *)(SPACE_VA + 400 * 4096);
    fault = fault_caught(write_word, page);
    report_equal("store to a page that is not there: error code", fault.error, 2);
}

static void changes_upper_levels(void)
{
    uint64_t value;

    report_answer("L2 entry: share b's L1", entry_update(&a.table[2][1], entry_make(b.table[1], ENTRY_TABLE)),
                  0);
    report_equal("b's page shows in a", *(volatile uint64_t *)(SPACE_VA + (2ul << 20)), FIRST_B);
    report_answer("L2 entry: take it out", entry_update(&a.table[2][1], 0), 0);
    report_answer("L3 entry: share b's L2", entry_update(&a.table[3][7], entry_make(b.table[2], ENTRY_TABLE)),
                  0);
    report_equal("b's page shows in a", *(volatile uint64_t *)(SPACE_VA + (7ul << 30)), FIRST_B);
    report_answer("L3 entry: take it out", entry_update(&a.table[3][7], 0), 0);
    report_answer("L4 entry: share b's L3", entry_update(&a.table[4][5], entry_make(b.table[3], ENTRY_TABLE)),
                  0);
    report_equal("b's page shows in a", *(volatile uint64_t *)(5ul << 39), FIRST_B);
    report_answer("L4 entry: take it out", entry_update(&a.table[4][5], 0), 0);
    paging_flush();
    report_true("b's pages are gone from a", !try_read((void *)(5ul << 39), &value));
}

/* Back to ordinary memory: unregistered pages hold the guest's own numbers, and can be written. */
static void takes_them_apart(void)
{
    static const char *const names[] = {"", "b: unpin L1", "b: unpin L2", "b: unpin L3", "b: unpin L4"};

    report_answer("load the boot root", root_load(paging_boot_root()), 0);
    report_answer("a: unpin the L4, and with it the tree", table_unpin(a.table[4]), 0);
    for (unsigned int level = 4; level >= 1; level--)
        report_answer(names[level], table_unpin(b.table[level]), 0);
    report_answer("a: tables writable again", space_writable(&a), 0);
    report_answer("b: tables writable again", space_writable(&b), 0);
    report_true("a: entries hold the guest's own numbers",
                entry_pfn_plain(a.table[4][1]) == virt_to_pfn(a.table[3]) &&
                    entry_pfn_plain(a.table[1][0]) == virt_to_pfn(a.data[0]) &&
                    (a.table[1][0] & ENTRY_FRAME) == (entry_make(a.data[0], 0) & ENTRY_FRAME));
    a.table[1][0] = 0x5555;
    report_equal("a: an old table takes any value", a.table[1][0], 0x5555);
    space_free(&a);
    space_free(&b);
}

void guest_main(void)
{
    report_title("page_tables", "a guest keeps its own page tables");
    registers_two_spaces();
    switches_between_them();
    updates_by_hypercall();
    updates_by_store();
    faults_are_its_own();
    changes_upper_levels();
    takes_them_apart();

    space_build(&a, FIRST_A);
    report_quiet("tables read-only", space_readonly(&a), 0);
    report_quiet("pin", table_pin(4, a.table[4]), 0);
    refusals_run(&a);
    report_answer("after all refusals: load it", root_load(a.table[4]), 0);
    report_equal("after all refusals: first word", *space_address(0), FIRST_A);
    report_answer("after all refusals: load the boot root", root_load(paging_boot_root()), 0);
    report_answer("after all refusals: unpin", table_unpin(a.table[4]), 0);
    report_answer("after all refusals: tables writable", space_writable(&a), 0);
}
