/* SPDX-License-Identifier: MIT
 * Long requests, each as long as it can be: full tables, batches of thousands, rows of 2 MiB. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "latency.h"

#define UPDATES 4096u
#define CALLS   384u
#define ROW     512u  /* pages in a row */
#define FIRST   6144u /* first page of the row: not in the map, at 24 MiB */
#define GRANTS  64u

static struct tree tree;
static uint64_t *lone, *copy;
static struct mmu_update updates[UPDATES];
static struct multicall_entry calls[CALLS];
static xen_pfn_t row[ROW], singles[ROW];
static unsigned long gdt[14];
static struct trap_info traps[257];
static struct gnttab_copy copies[GRANTS];

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void tree_before(void)
{
    report_quiet("unpin", table_unpin(tree.table[4]), 0);
}

static long tree_pin(void)
{
    return table_pin(4, tree.table[4]);
}

static long tree_unpin(void)
{
    return table_unpin(tree.table[4]);
}

static void tree_again(void)
{
    report_quiet("pin", tree_pin(), 0);
}

static long lone_pin(void)
{
    return table_pin(1, lone);
}

static void lone_unpin(void)
{
    report_quiet("unpin", table_unpin(lone), 0);
}

static long lone_unpin_run(void)
{
    return table_unpin(lone);
}

static void lone_pin_before(void)
{
    report_quiet("pin", lone_pin(), 0);
}

/* One request takes the whole tree below an entry away. */
static long tree_unlink(void)
{
    return entry_update(&tree.table[3][TREE_SLOT], 0);
}

static void tree_link(void)
{
    report_quiet("link", entry_update(&tree.table[3][TREE_SLOT], entry_table(tree.table[2])), 0);
}

static long tree_link_run(void)
{
    return entry_update(&tree.table[3][TREE_SLOT], entry_table(tree.table[2]));
}

static void tree_unlink_before(void)
{
    report_quiet("unlink", tree_unlink(), 0);
}

static long batch(void)
{
    return hypercall_mmu_update(updates, UPDATES, NULL, DOMID_SELF);
}

static long many_calls(void)
{
    return hypercall_multicall(calls, CALLS);
}

static long one_mapping(void)
{
    return hypercall_update_va_mapping((uintptr_t)copy, entry_make(copy, ENTRY_RW), UVMF_INVLPG);
}

static long copy_pages(void)
{
    struct mmuext_op ops[32];

    for (unsigned int i = 0; i < 32; i++) {
        ops[i] = (struct mmuext_op){.cmd = i % 2 != 0 ? MMUEXT_COPY_PAGE : MMUEXT_CLEAR_PAGE};
        ops[i].arg1.mfn = virt_to_frame(copy);
        ops[i].arg2.src_mfn = virt_to_frame(lone);
    }
    return hypercall_mmuext_op(ops, 32, NULL, DOMID_SELF);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void name_row(void)
{
    for (unsigned int i = 0; i < ROW; i++)
        singles[i] = pfn_to_frame(FIRST + i);
}

static long singles_give(void)
{
    return reservation(XENMEM_decrease_reservation, singles, ROW, 0, 0, DOMID_SELF) - ROW;
}

/* The numbers of the new frames stand in singles afterwards. */
static long singles_take(void)
{
    return reservation(XENMEM_populate_physmap, singles, ROW, 0, 0, DOMID_SELF) - ROW;
}

static void remember(unsigned int i, unsigned long frame)
{
    if (!guest_is_rewrite())
        ((uint64_t *)guest_start_info->mfn_list)[FIRST + i] = frame;
}

static void singles_taken(void)
{
    for (unsigned int i = 0; i < ROW; i++)
        remember(i, singles[i]);
}

static void singles_before_take(void)
{
    name_row();
    report_quiet("give back", singles_give(), 0);
    for (unsigned int i = 0; i < ROW; i++)
        singles[i] = FIRST + i;
}

static void singles_retake(void)
{
    for (unsigned int i = 0; i < ROW; i++)
        singles[i] = FIRST + i;
    report_quiet("take", singles_take(), 0);
    singles_taken();
}

static long row_take(void)
{
    return reservation(XENMEM_populate_physmap, row, 1, 9, 0, DOMID_SELF) - 1;
}

static void row_taken(void)
{
    for (unsigned int i = 0; i < ROW; i++)
        remember(i, row[0] + i);
}

static void row_before_take(void)
{
    name_row();
    report_quiet("give back", singles_give(), 0);
    row[0] = FIRST;
}

static long row_give(void)
{
    return reservation(XENMEM_decrease_reservation, row, 1, 9, 0, DOMID_SELF) - 1;
}

static void row_before_give(void)
{
    row_before_take();
    report_quiet("take a row", row_take(), 0);
    row_taken();
}

static struct xen_memory_exchange swap;

static long exchange_run(void)
{
    return hypercall_memory_op(XENMEM_exchange, &swap);
}

static void exchange_of(unsigned int in, unsigned int in_order, xen_pfn_t *in_list, unsigned int out_order,
                        xen_pfn_t *out_list)
{
    swap = (struct xen_memory_exchange){
        .in = {.nr_extents = in, .extent_order = in_order, .domid = DOMID_SELF},
        .out = {.nr_extents = in << in_order >> out_order, .extent_order = out_order, .domid = DOMID_SELF},
    };
    set_xen_guest_handle(swap.in.extent_start, in_list);
    set_xen_guest_handle(swap.out.extent_start, out_list);
}

static xen_pfn_t out[ROW];

static void name_out(void)
{
    for (unsigned int i = 0; i < ROW; i++)
        out[i] = FIRST + i;
}

static void singles_for_singles(void)
{
    name_row();
    name_out();
    exchange_of(ROW, 0, singles, 0, out);
}

static void out_taken(void)
{
    for (unsigned int i = 0; i < ROW; i++)
        remember(i, out[i]);
}

static void singles_for_row(void)
{
    name_row();
    row[0] = FIRST;
    exchange_of(ROW, 0, singles, 9, row);
}

static void row_for_singles(void)
{
    row_before_give();
    name_out();
    exchange_of(1, 9, row, 0, out);
}

/* --- the rest ------------------------------------------------------------------------------------------------------ */

static long set_gdt(void)
{
    return hypercall_set_gdt(gdt, 14 * 512);
}

static void no_gdt(void)
{
    report_quiet("no table", hypercall_set_gdt(gdt, 0), 0);
}

static long set_traps(void)
{
    return hypercall_set_trap_table(traps);
}

static long grant_copies(void)
{
    long rc = hypercall_grant_table_op(GNTTABOP_copy, copies, GRANTS);

    for (unsigned int i = 0; i < GRANTS && rc == 0; i++)
        rc = copies[i].status;
    return rc;
}

static void many_ports(void)
{
    while (event_alloc_unbound(DOMID_SELF) > 0)
        ;
}

void operations_prepare(void)
{
    lone = page_alloc();
    copy = page_alloc();
    tree_make_full(&tree, 48);
    tree_readonly(&tree);
    for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
        lone[i] = entry_make(tree.page, ENTRY_RO);
    report_quiet("read-only", page_readonly(lone), 0);
    tree_again();
    for (unsigned int i = 0; i < UPDATES; i++)
        updates[i] = (struct mmu_update){.ptr = entry_address(&tree.full[i % 40][i % TABLE_ENTRIES]),
                                         .val = entry_make(i % 3 != 0 ? tree.page : (void *)copy, ENTRY_RO)};
    for (unsigned int i = 0; i < CALLS; i++) {
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping};
        calls[i].args[0] = (uintptr_t)copy;
        calls[i].args[1] = entry_make(copy, i % 2 != 0 ? ENTRY_RW : ENTRY_RO);
        calls[i].args[2] = UVMF_INVLPG;
    }
    for (unsigned int i = 0; i < 14; i++) {
        uint64_t *page = page_alloc();
        gdt[i] = virt_to_frame(page);
        for (unsigned int k = 0; k < 512; k++)
            page[k] = 0x00cff3000000ffff;
        report_quiet("read-only", page_readonly(page), 0);
    }
    report_quiet("the grant table", grant_setup(1), 0);
    grant_access(8, event_own_domain(), tree.page, true);
    for (unsigned int i = 0; i < GRANTS; i++) {
        copies[i] = (struct gnttab_copy){.len = PAGE_SIZE, .flags = GNTCOPY_source_gref};
        copies[i].source.u.ref = 8;
        copies[i].source.domid = copies[i].dest.domid = DOMID_SELF;
        copies[i].dest.u.gmfn = virt_to_frame(copy);
    }
}

const struct operation operations_restarted[] = {
    {"update_va_mapping", one_mapping, NULL, NULL},
    {"pin a full L1", lone_pin, NULL, lone_unpin},
    {"pin a tree of 48 full L1s", tree_pin, tree_before, NULL},
    {"link an L2 of 48 full L1s", tree_link_run, tree_unlink_before, NULL},
    {"mmu_update, 4096 entries", batch, NULL, NULL},
    {"multicall of 384 update_va_mapping", many_calls, NULL, NULL},
    {"mmuext_op, 32 pages cleared and copied", copy_pages, NULL, NULL},
    {"decrease_reservation, 512 pages", singles_give, name_row, singles_retake},
    {"populate_physmap, 512 pages", singles_take, singles_before_take, singles_taken},
    {"populate_physmap, a row of 512", row_take, row_before_take, row_taken},
    {"decrease_reservation, a row of 512", row_give, row_before_give, singles_retake},
    {"set_gdt, 14 pages", set_gdt, NULL, no_gdt},
    {"set_trap_table", set_traps, NULL, NULL},
    {"grant copy, 64 pages", grant_copies, NULL, NULL},
    {"exchange, 512 pages singly", exchange_run, singles_for_singles, out_taken},
    {"exchange, 512 pages for a row", exchange_run, singles_for_row, row_taken},
    {"exchange, a row for 512 pages", exchange_run, row_for_singles, out_taken},
};
/* The last three are for machine frames. */
const unsigned int operations_restarted_count = sizeof(operations_restarted) / sizeof(operations_restarted[0]);

const struct operation operations_finished[] = {
    {"unpin a full L1", lone_unpin_run, lone_pin_before, NULL},
    {"unpin a tree of 48 full L1s", tree_unpin, NULL, tree_again},
    {"unlink an L2 of 48 full L1s", tree_unlink, NULL, tree_link},
    {"event channels: reset of all", event_reset, many_ports, NULL},
};
const unsigned int operations_finished_count = sizeof(operations_finished) / sizeof(operations_finished[0]);
