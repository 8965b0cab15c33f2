/* SPDX-License-Identifier: MIT */
/* See random.h. */
#include "tests/unit/mmu_random/random.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/roots.h"
#include "arch/x86/paging/writable.h"
#include "common/grant_table.h"
#include "hypercalls/hypercalls.h"
#include "tests/unit/mmu_random/oracle.h"
#include <arch/domain.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/memory.h>

#define FRAMES   176
#define PER_DOMAIN 32
#define CODE     0x7000000000ull
#define HISTORY  24

static u64 seed = 20240607, state;
static struct tables realm[2], *me, *other;
static enum domain_paging modes[2];
static u8 code[32];

/* Arguments of hypercalls, where the guest can have them. */
static struct {
    struct mmu_update update[8];
    struct mmuext_op ext;
    struct xen_memory_reservation memory;
    struct xen_memory_exchange exchange;
    u64 out[16];
    struct xen_add_to_physmap place;
    u64 list[16];
    u32 done;
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_unmap_and_replace replace;
    struct gnttab_copy copy;
} room;

/* xorshift64* (Vigna 2016). */
static u64 random64(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
}
static unsigned below(unsigned n)
{
    return (unsigned)((random64() >> 32) * n >> 32);
}
static bool percent(unsigned n)
{
    return below(100) < n;
}

/* ---- history -------------------------------------------------------------------------------------------------- */

static struct {
    const char *what;
    u64 step, a, b, c;
    long rc;
    int domain, stopped;
} history[HISTORY];
static u64 step_now;
static u64 tally_ok, tally_refused, tally_stopped, tally_mapped, tally_unmapped;

static void note(const char *what, u64 a, u64 b, u64 c)
{
    history[step_now % HISTORY] = (__typeof__(history[0])){what, step_now, a, b, c, 0, me == &realm[1], 0};
}

static void wrong_step(const char *why)
{
    fprintf(stderr, "seed %lu, step %lu: %s\n", seed, step_now, why);
    for (u64 i = step_now < HISTORY ? 0 : step_now - HISTORY + 1; i <= step_now; i++)
        fprintf(stderr, "  %lu: %c %s %lx %lx %lx = %ld%s\n", history[i % HISTORY].step, "AB"[history[i % HISTORY].domain],
                history[i % HISTORY].what, history[i % HISTORY].a, history[i % HISTORY].b, history[i % HISTORY].c,
                history[i % HISTORY].rc, history[i % HISTORY].stopped ? " (interrupted)" : "");
    fprintf(stderr, "%s", fake_console_text());
    fail_msg("see above");
}

/* ---- random arguments ----------------------------------------------------------------------------------------- */

/* Most frames have a part to play, so that trees come about: 0 L4, 1 L3, 2 L2, 3 L1, 4 and up data. */
static unsigned part_of(u64 pfn)
{
    return (unsigned)(pfn % 8);
}
static u64 any_pfn(void)
{
    return below(PER_DOMAIN);
}
static u64 pfn_of_part(unsigned part)
{
    return part > 3 ? any_pfn() : below(PER_DOMAIN / 8) * 8 + part;
}

/* A frame number that the guest might name. Mostly its own. */
static u64 any_number(u64 pfn)
{
    switch (below(90)) {
    case 0:
        return tables_number(other, any_pfn());
    case 1:
        return arch_domain_translated(me->d) ? PER_DOMAIN : me->d->shared_info_mfn.n;
    case 2:
        return below(FRAMES + 8);
    default:
        return tables_number(me, pfn);
    }
}

static unsigned any_slot(void)
{
    return oracle_slots[below(oracle_slot_count)];
}

static u64 any_flags(void)
{
    static const u64 flags[] = {RO_FLAGS, RW_FLAGS, RW_FLAGS, RW_FLAGS, RO_FLAGS | PTE_NX, P, P | RW, 0, RW | US,
                                RW_FLAGS | PTE_ACCESSED | PTE_DIRTY, RW_FLAGS | PTE_AVAIL, RO_FLAGS | 1ull << 52};
    static const u64 odd[] = {RW_FLAGS | PTE_PSE, RO_FLAGS | PTE_PCD, RO_FLAGS | PTE_PWT, RW_FLAGS | PTE_GLOBAL, ~0ull & 0xfff};
    return percent(98) ? flags[below(ARRAY_SIZE(flags))] : odd[below(ARRAY_SIZE(odd))];
}

/* An entry that could stand in a table which plays that part: a page of data may be writable, a table mostly not. */
static u64 any_entry(unsigned part)
{
    if (percent(12))
        return percent(85) ? 0 : random64();
    if (part < 3 && percent(95))
        return any_number(pfn_of_part(part + 1)) << PAGE_SHIFT | any_flags();
    u64 pfn = any_pfn();
    return any_number(pfn) << PAGE_SHIFT | (part_of(pfn) < 4 && percent(95) ? RO_FLAGS : any_flags());
}

static u64 any_address(void)
{
    static const u64 slots[] = {0, 1, 2, 3, 510, 511};
    u64 va = 0;
    for (unsigned level = 1; level <= 4; level++)
        va |= slots[below(percent(80) ? 3 : 6)] << (3 + 9 * level);
    return va >> 47 ? va | 0xffff000000000000ull : va;
}

/* ---- hypercalls ----------------------------------------------------------------------------------------------- */

static void way_out(void)
{
    bool wanted = this_cpu()->softirq & SOFTIRQ_TABLES;
    this_cpu()->softirq = 0;
    while (wanted && table_work_pending(&me->v->work))
        arch_tables_softirq(&me->v->vcpu);
    if (table_work_pending(&me->v->work))
        wrong_step("there is work left on tables, and nobody was told");
    this_cpu()->softirq = 0;
}

/* Interrupted at random points, sometimes at all; and sometimes the guest does not come back to it. */
static long call(u32 number, u64 a1, u64 a2, u64 a3, u64 a4)
{
    struct vcpu *v = &me->v->vcpu;
    const bool always = percent(3);
    unsigned stops = 0;
    fake_interrupt_after = always ? 1 : percent(60) ? 1 + below(12) : 0;
    long rc = hypercall_table[number](a1, a2, a3, a4, 0);
    while (rc == -XEN_ERESTART && v->restart.wanted) {
        const struct restart again = v->restart;
        v->restart.wanted = false;
        if (stops++ > 1000)
            wrong_step("no progress");
        way_out();
        if (percent(5))
            break;
        fake_interrupt_after = always ? 1 : percent(60) ? 1 + below(12) : 0;
        rc = hypercall_table[again.op](again.args[0], again.args[1], again.args[2], again.args[3], again.args[4]);
    }
    fake_interrupt_after = 0;
    way_out();
    history[step_now % HISTORY].stopped = (int)stops;
    tally_stopped += stops > 0;
    return rc;
}

static long ext(u32 cmd, u64 arg1, u64 arg2)
{
    room.ext = (struct mmuext_op){.cmd = cmd, .arg1.mfn = arg1, .arg2.src_mfn = arg2};
    note(cmd <= MMUEXT_PIN_L4_TABLE ? "pin" : cmd == MMUEXT_UNPIN_TABLE ? "unpin" : "mmuext", cmd, arg1, arg2);
    return call(__HYPERVISOR_mmuext_op, (u64)&room.ext, 1, 0, DOMID_SELF);
}

/* ---- the steps ------------------------------------------------------------------------------------------------ */

/* By a mapping that it may have: the frame is writable to it or nothing yet. */
static long step_store(void)
{
    u64 pfn = any_pfn(), n = me->frame[pfn].n, w = frame_word(&frame_table[n]);
    unsigned slot = any_slot();
    u64 val = any_entry(part_of(pfn));
    note("store", n, slot, val);
    if (frame_table[n].owner != me->d->id || (word_type_count(w) && word_type(w) != FRAME_WRITABLE))
        return -1;
    /* The processor has a writable translation only where the type says so, after a flush that came with it. */
    if (!word_type_count(w)) {
        struct frame *f = arch_get_writable_gfn(me->d, tables_gfn(me, pfn));
        if (!f || frame_mfn(f).n != n) {
            if (f)
                arch_put_writable(f);
            return -1;
        }
        tables_page(me, pfn)[slot] = val;
        arch_put_writable(f);
        return 0;
    }
    tables_page(me, pfn)[slot] = val;
    return 0;
}

static void fill_update(struct mmu_update *u)
{
    u64 pfn = any_pfn(), command = percent(80) ? MMU_NORMAL_PT_UPDATE : below(4);
    u->ptr = (any_number(pfn) << PAGE_SHIFT) + any_slot() * 8u + (percent(2) ? 4 : 0) + command;
    u->val = command == MMU_MACHPHYS_UPDATE ? random64() >> below(64) : any_entry(part_of(pfn));
}

static long step_update(void)
{
    fill_update(&room.update[0]);
    note("mmu_update", room.update[0].ptr, room.update[0].val, 0);
    return call(__HYPERVISOR_mmu_update, (u64)room.update, 1, 0, DOMID_SELF);
}

static long step_batch(void)
{
    u32 n = 2 + below(6);
    for (u32 i = 0; i < n; i++)
        fill_update(&room.update[i]);
    if (percent(50)) /* to one table */
        for (u32 i = 1; i < n; i++)
            room.update[i].ptr = (room.update[0].ptr & PAGE_MASK) + any_slot() * 8u;
    note("batch", n, room.update[0].ptr, room.update[0].val);
    room.done = 0;
    long rc = call(__HYPERVISOR_mmu_update, (u64)room.update, n, (u64)&room.done, DOMID_SELF);
    if (rc == 0 && room.done != n)
        wrong_step("a batch is done, and says that it is not");
    return rc;
}

static long step_va(void)
{
    u64 va = any_address(), val = any_entry(3), flags = below(6);
    note("va", va, val, flags);
    return call(__HYPERVISOR_update_va_mapping, va, val, flags, 0);
}

/* A plain store that faults: mov, lock btr of the writable or the present bit. */
static long step_trapped(void)
{
    static const u8 insns[][8] = {{0x48, 0x89, 0x07}, {0xf0, 0x48, 0x0f, 0xba, 0x37, 0x01}, {0x48, 0x87, 0x07},
                                  {0xf0, 0x48, 0x0f, 0xba, 0x3f, 0x00}, {0xf0, 0x48, 0x0f, 0xba, 0x2f, 0x01}};
    struct regs r = {.rip = CODE, .cs = SEL_RING3_CS64, .rflags = 2, .rax = any_entry(3), .rdi = any_address() + any_slot() * 8u};
    memcpy(code, insns[below(ARRAY_SIZE(insns))], 8);
    note("trapped", r.rdi, r.rax, code[0]);
    bool ok = writable_page_fault(me->v, &r, r.rdi);
    way_out();
    return ok ? 0 : -1;
}

static long step_pin(void)
{
    u64 pfn = any_pfn();
    unsigned part = part_of(pfn), level = part < 4 && percent(90) ? 4 - part : 1 + below(4);
    return ext(MMUEXT_PIN_L1_TABLE + level - 1, any_number(pfn), 0);
}
static long step_unpin(void)
{
    return ext(MMUEXT_UNPIN_TABLE, any_number(percent(80) ? pfn_of_part(below(4)) : any_pfn()), 0);
}
static long step_root(void)
{
    u64 number = any_number(percent(85) ? pfn_of_part(0) : any_pfn());
    return percent(60) ? ext(MMUEXT_NEW_BASEPTR, number, 0) : ext(MMUEXT_NEW_USER_BASEPTR, percent(20) ? 0 : number, 0);
}

static long step_gdt(void)
{
    u32 pages = below(4);
    for (u32 i = 0; i < pages; i++)
        room.list[i] = any_number(any_pfn());
    note("set_gdt", pages, room.list[0], room.list[1]);
    return call(__HYPERVISOR_set_gdt, (u64)room.list, pages * 512, 0, 0);
}
static long step_ldt(void)
{
    return ext(MMUEXT_SET_LDT, percent(20) ? 0 : any_address(), below(3) * 300);
}
static long step_descriptor(void)
{
    static const u64 descriptors[] = {0, 0x00cffb000000ffff, 0x00affa000000ffff, 0x0000890000000067, 0x00cff3000000ffff};
    u64 at = (any_number(any_pfn()) << PAGE_SHIFT) + any_slot() * 8u, val = descriptors[below(ARRAY_SIZE(descriptors))];
    note("update_descriptor", at, val, 0);
    return call(__HYPERVISOR_update_descriptor, at, val, 0, 0);
}

static long step_page(void)
{
    if (percent(50))
        return ext(MMUEXT_CLEAR_PAGE, any_number(any_pfn()), 0);
    return ext(MMUEXT_COPY_PAGE, any_number(any_pfn()), any_number(any_pfn()));
}

/* A path from a root to a page, from above or from below, and the root is loaded: so that there is something to spoil. */
static long step_path(void)
{
    const bool down = percent(50);
    const u64 va = any_address(), path[] = {pfn_of_part(0), pfn_of_part(1), pfn_of_part(2), pfn_of_part(3), any_pfn()};
    for (unsigned i = 0; i < 4; i++) {
        unsigned level = down ? 4 - i : i + 1, part = 4 - level;
        u64 flags = level == 1 && (part_of(path[4]) < 4 || percent(30)) ? RO_FLAGS : RW_FLAGS;
        room.update[0].ptr = tables_slot(me, path[part], pt_index(va, level));
        room.update[0].val = tables_entry(me, path[part + 1], flags);
        note("path", va, room.update[0].ptr, room.update[0].val);
        call(__HYPERVISOR_mmu_update, (u64)room.update, 1, 0, DOMID_SELF);
    }
    return ext(percent(75) ? MMUEXT_NEW_BASEPTR : MMUEXT_NEW_USER_BASEPTR, tables_number(me, path[0]), 0);
}

/* The frame that stands for pfn from now on. */
static void frame_came(u64 pfn, mfn_t new)
{
    if (frame_of(new)->owner != me->d->id)
        wrong_step("a new frame is not the domain's");
    for (unsigned i = 0; i < 512; i++)
        if (((u64 *)mfn_to_ptr(new))[i])
            wrong_step("a new frame is not clear");
    me->frame[pfn] = new;
}

/* One extent, of which the guest knows how it ended by what is done. */
static long step_memory(void)
{
    u32 command = percent(45) ? XENMEM_decrease_reservation : percent(70) ? XENMEM_populate_physmap : XENMEM_increase_reservation;
    u32 order = percent(70) ? 0 : below(4);
    u64 pfn = below((PER_DOMAIN >> order) + (unsigned)percent(5)) << order;
    bool translated = arch_domain_translated(me->d);
    room.memory = (struct xen_memory_reservation){.nr_extents = 1, .extent_order = order, .domid = DOMID_SELF};
    if (percent(10))
        room.memory.mem_flags = percent(50) ? XENMEMF_address_bits(10u + (u32)below(12)) : (u32)random64();
    room.memory.extent_start.p = room.list;
    room.list[0] = command == XENMEM_decrease_reservation ? any_number(pfn % PER_DOMAIN) : pfn;
    note("memory", command, room.list[0], order);
    long done = call(__HYPERVISOR_memory_op, command, (u64)&room.memory, 0, 0);
    if (done != 1 || command == XENMEM_decrease_reservation)
        return done == 1 ? 0 : -1;
    if (!translated && room.list[0] % (1u << order))
        wrong_step("frames in a row do not begin at a multiple of their number");
    /* In direct mode the frames of before, if they are still the domain's, have no name here any more: back with them. */
    for (u64 i = 0; i < 1u << order && !translated; i++)
        if (frame_table[me->frame[pfn + i].n].owner == me->d->id && me->frame[pfn + i].n - room.list[0] >= 1u << order)
            frame_drop_alloc(frame_of(me->frame[pfn + i]));
    for (u64 i = 0; i < 1u << order; i++)
        frame_came(pfn + i, translated ? arch_gfn_to_mfn(me->d, gfn_make(pfn + i)) : mfn_make(room.list[0] + i));
    return 0;
}

static bool exchange_takes(u64 n)
{
    for (u64 i = 0; i < room.exchange.in.nr_extents; i++)
        if (n - room.list[i] < 1u << room.exchange.in.extent_order)
            return true;
    return false;
}

/* Some chunks, each the frames of 2^order numbers in a row; where they are taken or given singly, one by one. */
static long step_exchange(void)
{
    u32 order = percent(50) ? 0 : below(4), in_order = percent(30) ? order : 0, out_order = in_order ? 0 : order;
    u64 size = 1u << order, chunks = 1 + below(16u >> order < 3 ? 16u >> order : 3), pfn[8];
    for (u64 c = 0; c < chunks; c++) {
        pfn[c] = below(PER_DOMAIN >> order) << order;
        for (u64 i = 0; i < size; i++) {
            room.list[in_order ? c : c * size + i] = in_order && i ? room.list[c] : any_number(pfn[c] + i);
            room.out[out_order ? c : c * size + i] = out_order ? pfn[c] : pfn[c] + i;
        }
    }
    room.exchange = (struct xen_memory_exchange){
        .in = {.nr_extents = in_order ? chunks : chunks * size, .extent_order = in_order, .domid = DOMID_SELF},
        .out = {.nr_extents = out_order ? chunks : chunks * size, .extent_order = out_order, .domid = DOMID_SELF},
    };
    room.exchange.in.extent_start.p = room.list;
    room.exchange.out.extent_start.p = room.out;
    note("exchange", chunks, in_order, out_order);
    long rc = call(__HYPERVISOR_memory_op, XENMEM_exchange, (u64)&room.exchange, 0, 0);
    u64 done = room.exchange.nr_exchanged / (in_order ? 1 : size);
    if (rc == 0 && done != chunks)
        wrong_step("an exchange is done, and says that it is not");
    for (u64 c = 0; c < done; c++)
        for (u64 i = 0; i < size; i++) {
            u64 n = out_order ? room.out[c] + i : room.out[c * size + i];
            if (!exchange_takes(n)) /* by chance, from a chunk before */
                frame_came(pfn[c] + i, mfn_make(n));
        }
    return rc;
}

static long step_place(void)
{
    room.place = (struct xen_add_to_physmap){.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info};
    room.place.gpfn = below(PER_DOMAIN + 2);
    note("shared_info to", room.place.gpfn, 0, 0);
    return call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (u64)&room.place, 0, 0);
}

static long step_flush(void)
{
    return ext(percent(50) ? MMUEXT_TLB_FLUSH_LOCAL : MMUEXT_INVLPG_ALL, any_address(), 0);
}

/* ---- grants --------------------------------------------------------------------------------------------------- */

#define LENT_REFS 6u
#define MAPS      24u

/* The maps that there are, by what the hypercalls answered: whoever holds one may reach the frame, and nobody else may. */
static struct lent_map {
    struct tables *user, *granter; /* user NULL: none */
    u64 mfn, address;
    u32 flags; /* of its halves that are left */
    grant_handle_t handle;
} lent_maps[MAPS];

/* What is done to the other's memory by a grant is right if it was right before: looked at, and taken as the new state. */
static void lent_before(void)
{
    const char *wrong = oracle_kept(other->d);
    if (wrong)
        wrong_step(wrong);
}
static void lent_after(void)
{
    memset(oracle_lent, 0, sizeof(oracle_lent));
    for (unsigned i = 0; i < MAPS; i++) {
        const struct lent_map *m = &lent_maps[i];
        if (m->user && m->user != m->granter && (m->flags & GNTMAP_host_map))
            oracle_lent[m->mfn] |= m->flags & GNTMAP_readonly ? LENT_READ : LENT_READ | LENT_WRITE;
    }
    oracle_keep(other->d);
}

/* A record of mine where there is one, or a free one. */
static struct lent_map *lent_find(const struct tables *user)
{
    unsigned start = below(MAPS);
    for (unsigned i = 0; i < MAPS; i++)
        if (lent_maps[(start + i) % MAPS].user == user)
            return &lent_maps[(start + i) % MAPS];
    return NULL;
}

/* Mostly a table that is live, as far as a few tries find one. */
static u64 any_l1(void)
{
    u64 pfn = any_pfn();
    for (unsigned tries = 0; tries < 40; tries++, pfn = any_pfn()) {
        u64 w = frame_word(&frame_table[me->frame[pfn].n]);
        if (word_type(w) == FRAME_L1 && (w & FRAME_VALIDATED))
            break;
    }
    return pfn;
}

static grant_ref_t any_ref(void)
{
    return percent(97) ? below(LENT_REFS) : (grant_ref_t)random64();
}

/* An entry of one's own table, as the guest may write it at any moment. */
static long step_lend(void)
{
    static const u16 flags[] = {GTF_permit_access, GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly, 0,
                                GTF_accept_transfer, GTF_permit_access | GTF_sub_page};
    struct grant_entry_v1 *e = (struct grant_entry_v1 *)mfn_to_ptr(grant_frame(me->d, 0)) + below(LENT_REFS);
    e->frame = (u32)any_number(any_pfn());
    e->domid = percent(90) ? other->d->id : percent(80) ? me->d->id : (u16)random64();
    e->flags = percent(60) ? GTF_permit_access : flags[below(ARRAY_SIZE(flags))];
    note("lend", e->frame, e->domid, e->flags);
    return 0;
}

static long step_grant_map(void)
{
    struct lent_map *m = lent_find(NULL);
    struct tables *granter = percent(85) ? other : me;
    u32 flags = (percent(92) ? GNTMAP_host_map : 0) | (percent(40) ? GNTMAP_readonly : 0) |
                (percent(15) ? GNTMAP_device_map : 0) | (percent(30) ? GNTMAP_application_map : 0);
    u64 address = any_address();
    if (!m)
        return -1;
    if (percent(75)) {
        flags |= GNTMAP_contains_pte;
        address = (any_number(any_l1()) << PAGE_SHIFT) + any_slot() * 8u + (percent(2) ? 4 : 0);
    }
    lent_before();
    room.map = (struct gnttab_map_grant_ref){.host_addr = address, .flags = flags, .ref = any_ref(), .dom = granter->d->id};
    note("grant map", address, flags, room.map.ref);
    long rc = call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (u64)&room.map, 1, 0);
    tally_mapped += rc == 0 && room.map.status == GNTST_okay;
    if (rc == 0 && room.map.status == GNTST_okay)
        *m = (struct lent_map){me, granter, room.map.dev_bus_addr >> PAGE_SHIFT, address, flags, room.map.handle};
    if (m->user && frame_table[m->mfn].owner != granter->d->id)
        wrong_step("a grant leads to a frame that is not the granter's");
    lent_after();
    return rc ? rc : room.map.status;
}

/* The halves that an answer of 0 has ended. */
static void lent_ended(struct lent_map *m, u64 address, u64 bus)
{
    if (address)
        m->flags &= ~(u32)GNTMAP_host_map;
    if (bus)
        m->flags &= ~(u32)GNTMAP_device_map;
    if (!(m->flags & (GNTMAP_host_map | GNTMAP_device_map)))
        m->user = NULL;
    tally_unmapped += m->user == NULL;
}

static long step_grant_unmap(void)
{
    struct lent_map *m = lent_find(me);
    if (!m)
        return -1;
    u64 address = percent(80) ? m->address : percent(50) ? any_address() : 0, bus = percent(50) ? m->mfn << PAGE_SHIFT : 0;
    grant_handle_t handle = percent(97) ? m->handle : (grant_handle_t)random64();
    lent_before();
    room.unmap = (struct gnttab_unmap_grant_ref){.host_addr = address, .dev_bus_addr = bus, .handle = handle};
    note("grant unmap", address, bus, handle);
    long rc = call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (u64)&room.unmap, 1, 0);
    if (rc == 0 && room.unmap.status == GNTST_okay && handle == m->handle)
        lent_ended(m, address, bus);
    lent_after();
    return rc ? rc : room.unmap.status;
}

static long step_grant_replace(void)
{
    struct lent_map *m = lent_find(me);
    if (!m)
        return -1;
    lent_before();
    room.replace = (struct gnttab_unmap_and_replace){
        .host_addr = m->address, .new_addr = percent(10) ? m->address : any_address(), .handle = m->handle};
    note("grant replace", m->address, room.replace.new_addr, m->handle);
    long rc = call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace, (u64)&room.replace, 1, 0);
    if (rc == 0 && room.replace.status == GNTST_okay)
        lent_ended(m, m->address, 0);
    lent_after();
    return rc ? rc : room.replace.status;
}

static struct gnttab_copy_ptr any_side(bool granted)
{
    struct gnttab_copy_ptr p = {.offset = (u16)(percent(90) ? below(4000) : random64())};
    p.domid = granted ? (percent(85) ? other->d->id : me->d->id) : percent(95) ? DOMID_SELF : me->d->id;
    if (granted)
        p.u.ref = any_ref();
    else
        p.u.gmfn = any_number(any_pfn());
    return p;
}

/* Bytes that make no entry of a table out of another: whole entries, at their places. */
static long step_grant_copy(void)
{
    bool from = percent(60), to = percent(60);
    room.copy = (struct gnttab_copy){.source = any_side(from), .dest = any_side(to), .len = (u16)(below(12) * 8),
                                     .flags = (u16)((from ? GNTCOPY_source_gref : 0) | (to ? GNTCOPY_dest_gref : 0))};
    room.copy.dest.offset &= 0xfff8;
    room.copy.source.offset &= 0xfff8;
    lent_before();
    note("grant copy", room.copy.source.u.gmfn, room.copy.dest.u.gmfn, room.copy.flags);
    long rc = call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&room.copy, 1, 0);
    lent_after();
    return rc ? rc : room.copy.status;
}

/* The other domain's turn. What was done to it meanwhile, nothing, is looked at. */
static long step_switch(void)
{
    note("switch", 0, 0, 0);
    const char *wrong = oracle_kept(other->d);
    if (wrong)
        wrong_step(wrong);
    me->v->work.resume = false; /* what an abandoned request kept */
    softirq_raise(SOFTIRQ_TABLES);
    way_out();
    struct tables *t = me;
    me = other;
    other = t;
    world_enter(&me->v->vcpu);
    root_load(me->v);
    oracle_keep(other->d);
    return 0;
}

static u64 free_at_start;

static void realm_make(unsigned i)
{
    tables_make(&realm[i], i ? "b" : "a", modes[i], PER_DOMAIN);
    realm[i].d->vm_assist |= 1ull << VMASST_TYPE_writable_pagetables;
    assert_answer(mmuext(MMUEXT_NEW_BASEPTR, tables_number(&realm[i], 8)), 0); /* a vcpu that runs has a root */
    assert_int_equal(grant_grow(realm[i].d, 1), 0);
}

static void both_begin(void)
{
    frame_alloc_scatter(0); /* their records need frames in a row */
    realm_make(0);
    realm_make(1);
    frame_alloc_scatter(random64() | 1);
    me = &realm[1];
    other = &realm[0];
    oracle_cache_reset();
    memset(lent_maps, 0, sizeof(lent_maps));
    lent_after();
}

/* Both end, wherever they stood, and every frame is free again. */
static void both_end(void)
{
    tables_destroy(other);
    if (arch_audit())
        wrong_step("the audit finds something after the end of a domain");
    tables_destroy(me);
    if (this_cpu()->softirq & SOFTIRQ_DOMAIN) /* who had lent what the other still used */
        domain_work();
    this_cpu()->softirq = 0;
    if (arch_audit())
        wrong_step("the audit finds something after the end of both domains");
    if (frame_free_count() != free_at_start)
        wrong_step("frames are missing after the end of both domains");
    fake_console_clear();
}

static long step_reborn(void)
{
    note("reborn", 0, 0, 0);
    const char *wrong = oracle_kept(other->d);
    if (wrong)
        wrong_step(wrong);
    both_end();
    both_begin();
    return 0;
}

static const struct {
    long (*step)(void);
    unsigned weight; /* of all: 10000 and some */
    bool whole; /* refused: as if it had never been */
} kinds[] = {
    {step_store, 2200, false}, {step_update, 2400, true}, {step_batch, 500, false},      {step_va, 800, false},
    {step_trapped, 600, true}, {step_pin, 900, true},     {step_unpin, 700, true},       {step_root, 600, true},
    {step_gdt, 300, true},     {step_ldt, 200, true},     {step_descriptor, 300, true},  {step_page, 300, true},
    {step_memory, 300, false}, {step_place, 50, false},   {step_flush, 100, true},       {step_switch, 200, false},
    {step_lend, 250, true},    {step_grant_map, 350, true},   {step_grant_unmap, 300, false},
    {step_grant_copy, 150, true}, {step_grant_replace, 40, false},
    {step_path, 400, false},   {step_reborn, 5, false},   {step_exchange, 200, false},
};

/* ---- one step and what follows -------------------------------------------------------------------------------- */

static u64 words_before[ORACLE_FRAMES];

static u64 meaning(u64 n)
{
    u64 w = frame_word(&frame_table[n]);
    return word_type_count(w) ? w : w & ~(FRAME_TYPE_MASK | FRAME_VALIDATED);
}

static void check_words(void)
{
    for (u64 n = 0; n < frame_count; n++)
        if (words_before[n] != meaning(n))
            wrong_step("a refused step changed a frame's word");
}

static void one_step(void)
{
    unsigned weights = 0, kind = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        weights += kinds[i].weight;
    for (unsigned at = below(weights); at >= kinds[kind].weight; kind++)
        at -= kinds[kind].weight;

    /* What an abandoned request kept is let go by the next one. */
    bool whole = kinds[kind].whole && me->v->work.held == FRAME_LIST_END && me->v->descriptor_kept_count == 0;
    for (u64 n = 0; whole && n < frame_count; n++)
        words_before[n] = meaning(n);
    long rc = kinds[kind].step();
    history[step_now % HISTORY].rc = rc;
    if (rc == -XEN_EAGAIN || rc > 0)
        wrong_step("an answer that no guest may see");
    if (rc < 0 && rc != -XEN_ERESTART && whole)
        check_words();
    tally_ok += rc == 0;
    tally_refused += rc < 0;
    if (arch_audit())
        wrong_step("the audit finds something");
    const char *wrong = oracle_reachable(step_now % 64 ? LOOK_USED_SLOTS : LOOK_ALL_SLOTS);
    if (!wrong)
        wrong = fake_processor.cr3 == me->v->kernel_root.n << PAGE_SHIFT ? NULL : "another root is loaded than the vcpu's";
    if (!wrong)
        wrong = oracle_cache_step(me->d, mfn_make(fake_processor.cr3 >> PAGE_SHIFT));
    if (wrong)
        wrong_step(wrong);
}

void random_run(enum domain_paging first, enum domain_paging second, u64 count)
{
    if (getenv("XL_RANDOM_STEPS"))
        count = strtoull(getenv("XL_RANDOM_STEPS"), NULL, 0);
    if (getenv("XL_RANDOM_SEED"))
        seed = strtoull(getenv("XL_RANDOM_SEED"), NULL, 0);
    state = seed ? seed : 1;

    struct tables warm; /* what is allocated once and for all is allocated here */
    tables_reset(FRAMES);
    fake_guest_pointer(&room, sizeof(room));
    fake_guest_range(CODE, code, sizeof(code), false);
    tables_make(&warm, "warm", PAGING_DIRECT, 1);
    assert_answer(tables_call(__HYPERVISOR_set_gdt, (u64)&room, 0, 0, 0), 0);
    tables_destroy(&warm);
    free_at_start = frame_free_count();
    modes[0] = first;
    modes[1] = second;
    tally_ok = tally_refused = tally_stopped = tally_mapped = tally_unmapped = 0;
    both_begin();
    for (step_now = 0; step_now < count; step_now++)
        one_step();
    printf("# %lu steps, seed %lu: %lu done, %lu refused, %lu interrupted; %lu grants mapped, %lu unmapped; %lu of %lu frames "
           "were left\n", count, seed, tally_ok, tally_refused, tally_stopped, tally_mapped, tally_unmapped,
           frame_free_count(), free_at_start);
    /* Most steps have to come through, or nothing was tested. */
    assert_true(tally_ok > count / 4 && tally_refused > count / 20 && tally_stopped > count / 2000);
    assert_true(tally_mapped > count / 2000 && tally_unmapped > count / 4000);
    both_end();
}
