/* SPDX-License-Identifier: MIT */
/* See grants.h. */
#include "tests/unit/grants/grants.h"
#include "common/cmdline.h"
#include <string.h>

struct tables a, b;
enum domain_paging mode_a, mode_b;
u64 free_before;
struct grant_room room;
grant_handle_t handle;
u64 bus;

void grants_setup(enum domain_paging first, enum domain_paging second)
{
    mode_a = first;
    mode_b = second;
    tables_reset(400);
    fake_guest_pointer(&room, sizeof(room));
    options.gnttab_max_frames = 4;
    options.gnttab_max_maptrack_frames = 2;
    free_before = frame_free_count();
    tables_make(&b, "b", mode_b, PAGES);
    tables_make(&a, "a", mode_a, PAGES);
    tables_tree(&a);
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)), 0);
    assert_int_equal(grant_grow(b.d, 1), 0);
}

void end_of(struct tables *t)
{
    tables_destroy(t);
    if (this_cpu()->softirq & SOFTIRQ_DOMAIN)
        domain_work();
    this_cpu()->softirq = 0;
}

void in_all_modes(void (*test)(void))
{
    static const enum domain_paging modes[] = {PAGING_DIRECT, PAGING_REWRITE};
    for (unsigned i = 0; i < 4; i++) {
        grants_setup(modes[i % 2], modes[i / 2]);
        test();
        assert_int_equal(arch_audit(), 0);
        if (a.d)
            end_of(&a);
        assert_int_equal(arch_audit(), 0);
        if (b.d)
            end_of(&b);
        assert_int_equal(arch_audit(), 0);
        assert_null(domain_next(NULL));
        assert_int_equal(frame_free_count(), free_before);
    }
}

long grant_op(u32 command, void *arguments, u32 count)
{
    return tables_call(__HYPERVISOR_grant_table_op, command, (u64)arguments, count, 0);
}

volatile struct grant_entry_v1 *entry_of(const struct tables *t, grant_ref_t ref)
{
    volatile struct grant_entry_v1 *frame = mfn_to_ptr(grant_frame(t->d, (u32)(ref / GRANTS_PER_FRAME)));
    return &frame[ref % GRANTS_PER_FRAME];
}

void lend(grant_ref_t ref, u64 pfn, u16 flags)
{
    volatile struct grant_entry_v1 *e = entry_of(&b, ref);
    e->frame = (u32)tables_number(&b, pfn);
    e->domid = a.d->id;
    e->flags = flags;
}

u16 bits(grant_ref_t ref)
{
    return entry_of(&b, ref)->flags & (GTF_reading | GTF_writing);
}

long map(grant_ref_t ref, u64 address, u32 flags)
{
    room.map[0] = (struct gnttab_map_grant_ref){
        .host_addr = address, .flags = flags, .ref = ref, .dom = b.d->id, .status = 1, .handle = 0xbad, .dev_bus_addr = 0xbad};
    long rc = grant_op(GNTTABOP_map_grant_ref, room.map, 1);
    handle = room.map[0].handle;
    bus = room.map[0].dev_bus_addr;
    return rc ? rc - 1000 : room.map[0].status;
}

long unmap_bus(grant_handle_t which, u64 address, u64 bus_address)
{
    room.unmap[0] = (struct gnttab_unmap_grant_ref){
        .host_addr = address, .dev_bus_addr = bus_address, .handle = which, .status = 1};
    long rc = grant_op(GNTTABOP_unmap_grant_ref, room.unmap, 1);
    return rc ? rc - 1000 : room.unmap[0].status;
}
long unmap(grant_handle_t which, u64 address)
{
    return unmap_bus(which, address, 0);
}

long replace(grant_handle_t which, u64 address, u64 new_address)
{
    room.replace = (struct gnttab_unmap_and_replace){
        .host_addr = address, .new_addr = new_address, .handle = which, .status = 1};
    long rc = grant_op(GNTTABOP_unmap_and_replace, &room.replace, 1);
    return rc ? rc - 1000 : room.replace.status;
}

u64 refs_b(u64 pfn)
{
    return word_refs(tables_word(&b, pfn));
}
u64 writers_b(u64 pfn)
{
    u64 w = tables_word(&b, pfn);
    return word_type(w) == FRAME_WRITABLE ? word_type_count(w) : 0;
}
