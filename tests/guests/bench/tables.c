/* SPDX-License-Identifier: MIT
 * Page tables: single entries, batches, upper levels, update_va_mapping, roots, flushes, pinning, and trapped
 * stores. Two address spaces are registered; space 0 is loaded while the rows run. */
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "bench.h"

#define SPACE_VA 0x0000008000000000ul
#define BATCH    128u
#define FILLED   16u

struct space {
    uint64_t *table[5];
};

static struct space spaces[2], fresh;
static uint64_t *pages[2];            /* what entries name */
static uint64_t *swapped[2];          /* pinned L1s */
static uint64_t *spare_l2, *spare_l3; /* pinned */
static uint64_t *small_l1, *full_l1;  /* not pinned, 16 and 512 entries */
static struct mmu_update requests[BATCH];
static struct multicall_entry calls[32];
static struct mmuext_op op;
static unsigned int turn;

static void space_build(struct space *space, uint64_t *l1)
{
    space->table[1] = l1;
    for (unsigned int level = 2; level <= 4; level++) {
        space->table[level] = page_alloc();
        space->table[level][table_index(SPACE_VA, level)] = entry_make(space->table[level - 1], ENTRY_TABLE);
    }
    root_copy_kernel(space->table[4]);
    for (unsigned int level = 1; level <= 4; level++)
        report_quiet("table read-only", page_readonly(space->table[level]), 0);
}

static uint64_t page_entry(unsigned int i, uint64_t flags)
{
    return entry_make(pages[i & 1], flags);
}

static long update_one(void)
{
    return hypercall_mmu_update(requests, 1, NULL, DOMID_SELF);
}

static long update_32(void)
{
    return hypercall_mmu_update(requests, 32, NULL, DOMID_SELF);
}

static long update_128(void)
{
    return hypercall_mmu_update(requests, 128, NULL, DOMID_SELF);
}

static void request_put(unsigned int i, const uint64_t *entry, uint64_t value)
{
    requests[i] = (struct mmu_update){.ptr = entry_address(entry), .val = value};
}

static long l1_other_frame(void)
{
    request_put(0, &spaces[0].table[1][8], page_entry(++turn, ENTRY_RW));
    return 0;
}

static long l1_same_value(void)
{
    request_put(0, &spaces[0].table[1][8], page_entry(turn, ENTRY_RW));
    return update_one();
}

static long l1_to_readonly(void)
{
    l1_same_value();
    requests[0].val = page_entry(turn, ENTRY_RO);
    return 0;
}

static long l1_preserve(void)
{
    l1_other_frame();
    requests[0].ptr |= MMU_PT_UPDATE_PRESERVE_AD;
    return 0;
}

static long l1_clear(void)
{
    l1_same_value();
    requests[0].val = 0;
    return 0;
}

static long l1_set(void)
{
    request_put(0, &spaces[0].table[1][8], 0);
    update_one();
    requests[0].val = page_entry(turn, ENTRY_RW);
    return 0;
}

static long batch_other_frame(void)
{
    turn++;
    for (unsigned int i = 0; i < BATCH; i++)
        request_put(i, &spaces[0].table[1][256 + i], page_entry(turn, ENTRY_RW));
    return 0;
}

static long batch_clear(void)
{
    batch_other_frame();
    update_128();
    for (unsigned int i = 0; i < BATCH; i++)
        requests[i].val = 0;
    return 0;
}

static long machphys(void)
{
    unsigned long pfn = virt_to_pfn(pages[0]);

    requests[0] = (struct mmu_update){.ptr = pfn_to_frame(pfn) << 12 | MMU_MACHPHYS_UPDATE, .val = pfn};
    return 0;
}

static long l2_swap(void)
{
    request_put(0, &spaces[0].table[2][3], entry_make(swapped[++turn & 1], ENTRY_TABLE));
    return 0;
}

static long l2_link(void)
{
    request_put(0, &spaces[0].table[2][4], entry_make(small_l1, ENTRY_TABLE));
    return 0;
}

static long l2_unlink(void)
{
    request_put(0, &spaces[0].table[2][4], 0);
    return 0;
}

static long l2_unlink_now(void)
{
    l2_unlink();
    return update_one();
}

static long l2_link_now(void)
{
    l2_link();
    update_one();
    return l2_unlink();
}

static long l3_set(void)
{
    request_put(0, &spaces[0].table[3][4], entry_make(spare_l2, ENTRY_TABLE));
    return 0;
}

static long l3_clear_now(void)
{
    request_put(0, &spaces[0].table[3][4], 0);
    return update_one();
}

static long l4_set(void)
{
    request_put(0, &spaces[0].table[4][4], entry_make(spare_l3, ENTRY_TABLE));
    return 0;
}

static long l4_clear(void)
{
    l4_set();
    update_one();
    requests[0].val = 0;
    return 0;
}

static long l4_clear_now(void)
{
    request_put(0, &spaces[0].table[4][4], 0);
    return update_one();
}

static const struct bench_row update_rows[] = {
    {"mmu_update: one L1 entry, other frame", 1, update_one, l1_other_frame, NULL},
    {"mmu_update: same value", 1, update_one, l1_same_value, NULL},
    {"mmu_update: same frame, RW to RO", 1, update_one, l1_to_readonly, NULL},
    {"mmu_update: PRESERVE_AD", 1, update_one, l1_preserve, NULL},
    {"mmu_update: clear", 1, update_one, l1_clear, NULL},
    {"mmu_update: set", 1, update_one, l1_set, NULL},
    {"mmu_update batch of 32, per entry", 32, update_32, batch_other_frame, NULL},
    {"mmu_update batch of 128, per entry", 128, update_128, batch_other_frame, NULL},
    {"clear, batch of 128, per entry", 128, update_128, batch_clear, NULL},
    {"MMU_MACHPHYS_UPDATE", 1, update_one, machphys, NULL},
    {"L2 entry: swap pinned L1s", 1, update_one, l2_swap, NULL},
    {"L2 entry: link an unpinned L1 with 16 entries", 1, update_one, l2_link, l2_unlink_now},
    {"L2 entry: unlink it", 1, update_one, l2_link_now, NULL},
    {"L3 entry: pinned L2", 1, update_one, l3_set, l3_clear_now},
    {"L4 entry: pinned L3", 1, update_one, l4_set, l4_clear_now},
    {"L4 entry: clear", 1, update_one, l4_clear, NULL},
};

/* ---- update_va_mapping ---- */

static uint64_t va_entry;

static long va_other_frame(void)
{
    va_entry = page_entry(++turn, ENTRY_RW);
    return 0;
}

static long va_set(void)
{
    return hypercall_update_va_mapping(SPACE_VA + 0x9000, va_entry, UVMF_NONE);
}

static long va_set_invlpg(void)
{
    return hypercall_update_va_mapping(SPACE_VA + 0x9000, va_entry, UVMF_INVLPG);
}

static long va_set_flush(void)
{
    return hypercall_update_va_mapping(SPACE_VA + 0x9000, va_entry, UVMF_TLB_FLUSH);
}

static long va_clear(void)
{
    va_other_frame();
    va_set();
    va_entry = 0;
    return 0;
}

static long va_batch_prepare(void)
{
    turn++;
    for (unsigned int i = 0; i < 32; i++)
        calls[i] = (struct multicall_entry){
            .op = __HYPERVISOR_update_va_mapping,
            .args = {SPACE_VA + 0x100000 + i * PAGE_SIZE, page_entry(turn, ENTRY_RW), UVMF_NONE}};
    return 0;
}

static long va_batch(void)
{
    return hypercall_multicall(calls, 32);
}

static const struct bench_row va_rows[] = {
    {"update_va_mapping", 1, va_set, va_other_frame, NULL},
    {"update_va_mapping + INVLPG", 1, va_set_invlpg, va_other_frame, NULL},
    {"update_va_mapping + TLB flush", 1, va_set_flush, va_other_frame, NULL},
    {"update_va_mapping: clear + INVLPG", 1, va_set_invlpg, va_clear, NULL},
    {"32 update_va_mapping in a multicall, per call", 32, va_batch, va_batch_prepare, NULL},
};

/* ---- roots, flushes, pins ---- */

static long mmuext(void)
{
    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static long op_prepare(unsigned int command, const void *page)
{
    op = (struct mmuext_op){.cmd = command};
    if (page != NULL)
        op.arg1.mfn = virt_to_frame(page);
    return 0;
}

static long root_other(void)
{
    return op_prepare(MMUEXT_NEW_BASEPTR, spaces[++turn & 1].table[4]);
}

static long root_user_other(void)
{
    return op_prepare(MMUEXT_NEW_USER_BASEPTR, spaces[++turn & 1].table[4]);
}

static long flush_local(void)
{
    return op_prepare(MMUEXT_TLB_FLUSH_LOCAL, NULL);
}

static long flush_all(void)
{
    return op_prepare(MMUEXT_TLB_FLUSH_ALL, NULL);
}

static long invlpg_local(void)
{
    op_prepare(MMUEXT_INVLPG_LOCAL, NULL);
    op.arg1.linear_addr = SPACE_VA;
    return 0;
}

static long invlpg_all(void)
{
    op_prepare(MMUEXT_INVLPG_ALL, NULL);
    op.arg1.linear_addr = SPACE_VA;
    return 0;
}

static long pin_full(void)
{
    return op_prepare(MMUEXT_PIN_L1_TABLE, full_l1);
}

static long unpin_full(void)
{
    return op_prepare(MMUEXT_UNPIN_TABLE, full_l1);
}

static long unpin_full_now(void)
{
    unpin_full();
    return mmuext();
}

static long pin_full_now(void)
{
    pin_full();
    mmuext();
    return unpin_full();
}

static long pin_tree(void)
{
    return op_prepare(MMUEXT_PIN_L4_TABLE, fresh.table[4]);
}

static long unpin_tree_now(void)
{
    op_prepare(MMUEXT_UNPIN_TABLE, fresh.table[4]);
    return mmuext();
}

static long pin_tree_now(void)
{
    pin_tree();
    mmuext();
    return op_prepare(MMUEXT_UNPIN_TABLE, fresh.table[4]);
}

/* Stack, both roots and the FPU, as a kernel that runs many processes asks for them. */
static long switch_prepare(void)
{
    static struct mmuext_op roots[2];
    const uint64_t *root = spaces[++turn & 1].table[4];

    roots[0] = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = virt_to_frame(root)};
    roots[1] = (struct mmuext_op){.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = virt_to_frame(root)};
    for (unsigned int i = 0; i < 2; i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_mmuext_op,
                                            .args = {(uintptr_t)&roots[i], 1, 0, DOMID_SELF}};
    calls[2] =
        (struct multicall_entry){.op = __HYPERVISOR_stack_switch, .args = {0xe02b, (uintptr_t)pages[0]}};
    calls[3] = (struct multicall_entry){.op = __HYPERVISOR_fpu_taskswitch, .args = {1}};
    return 0;
}

static long switch_now(void)
{
    return hypercall_multicall(calls, 4);
}

static long switch_done(void)
{
    trap_set_user_stack();
    return hypercall_fpu_taskswitch(0);
}

/* A whole short life: four fresh tables, registered, loaded, filled by 32 entries, and taken apart again. */
static long space_lives(void)
{
    struct space space;
    long answer = 0;

    space_build(&space, page_alloc());
    answer |= table_pin(4, space.table[4]);
    answer |= root_load(space.table[4]);
    for (unsigned int i = 0; i < 32; i++)
        answer |= hypercall_update_va_mapping(SPACE_VA + i * PAGE_SIZE, page_entry(i, ENTRY_RW), UVMF_NONE);
    answer |= root_load(spaces[0].table[4]);
    answer |= table_unpin(space.table[4]);
    for (unsigned int level = 1; level <= 4; level++) {
        answer |= page_writable(space.table[level]);
        page_free(space.table[level]);
    }
    return answer;
}

static const struct bench_row op_rows[] = {
    {"MMUEXT_NEW_BASEPTR (context switch)", 1, mmuext, root_other, NULL},
    {"MMUEXT_NEW_USER_BASEPTR", 1, mmuext, root_user_other, NULL},
    {"MMUEXT_TLB_FLUSH_LOCAL", 1, mmuext, flush_local, NULL},
    {"MMUEXT_INVLPG_LOCAL", 1, mmuext, invlpg_local, NULL},
    {"MMUEXT_TLB_FLUSH_ALL", 1, mmuext, flush_all, NULL},
    {"MMUEXT_INVLPG_ALL", 1, mmuext, invlpg_all, NULL},
    {"context switch as Linux does it, one multicall", 1, switch_now, switch_prepare, switch_done},
    {"pin an L1 with 512 present entries", 1, mmuext, pin_full, unpin_full_now},
    {"unpin it", 1, mmuext, pin_full_now, NULL},
    {"pin a fresh L4 tree with a full L1", 1, mmuext, pin_tree, unpin_tree_now},
    {"unpin that tree", 1, mmuext, pin_tree_now, NULL},
    {"an address space: build, pin, load, 32 entries, tear down", 1, space_lives, NULL, NULL},
};

/* ---- trapped stores ---- */

static volatile uint64_t *store_slot;
static uint64_t store_value;

static long store_other_frame(void)
{
    store_value = page_entry(++turn, ENTRY_RW);
    return 0;
}

static long store_mov(void)
{
    *store_slot = store_value;
    return 0;
}

static long store_set(void)
{
    request_put(0, &spaces[0].table[1][10], page_entry(turn, ENTRY_RW));
    return update_one();
}

static long store_xchg(void)
{
    uint64_t value = 0;

    __asm__ volatile("xchg %0, %1" : "+r"(value), "+m"(*store_slot) : : "memory");
    return 0;
}

static long store_btr(void)
{
    __asm__ volatile("lock btrq $1, %0" : "+m"(*store_slot) : : "memory");
    return 0;
}

static const struct bench_row store_rows[] = {
    {"trapped store to a registered L1: mov", 1, store_mov, store_other_frame, NULL},
    {"trapped store: xchg with 0", 1, store_xchg, store_set, NULL},
    {"trapped store: lock btr", 1, store_btr, store_set, NULL},
};

/* ---- setting up ---- */

static uint64_t *l1_filled(unsigned int entries)
{
    uint64_t *l1 = page_alloc();

    for (unsigned int i = 0; i < entries; i++)
        l1[i] = page_entry(i, ENTRY_RW);
    return l1;
}

static uint64_t *table_pinned(unsigned int level, uint64_t *table)
{
    report_quiet("register", table_register(level, table), 0);
    return table;
}

static void set_up(void)
{
    for (unsigned int i = 0; i < 2; i++)
        pages[i] = page_alloc();
    for (unsigned int i = 0; i < 2; i++) {
        space_build(&spaces[i], l1_filled(4));
        report_quiet("pin", table_pin(4, spaces[i].table[4]), 0);
        swapped[i] = table_pinned(1, l1_filled(FILLED));
    }
    small_l1 = l1_filled(FILLED);
    full_l1 = l1_filled(TABLE_ENTRIES);
    report_quiet("read-only", page_readonly(small_l1), 0);
    report_quiet("read-only", page_readonly(full_l1), 0);
    spare_l2 = table_pinned(2, page_alloc());
    spare_l3 = table_pinned(3, page_alloc());
    space_build(&fresh, l1_filled(TABLE_ENTRIES));
    store_slot = &spaces[0].table[1][10];
    report_quiet("load", root_load(spaces[0].table[4]), 0);
}

void bench_tables(void)
{
    set_up();
    BENCH_ROWS(update_rows);
    BENCH_ROWS(va_rows);
    BENCH_ROWS(op_rows);
    report_quiet("vm_assist", hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    report_quiet("load", root_load(spaces[0].table[4]), 0);
    BENCH_ROWS(store_rows);
    report_quiet("load the boot root", root_load(paging_boot_root()), 0);
    report_quiet("no user root", root_load_user(NULL), 0);
}
