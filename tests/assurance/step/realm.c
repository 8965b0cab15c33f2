/* SPDX-License-Identifier: MIT */
/* See realm.h. */
#include "tests/assurance/step/realm.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/writable.h"
#include "common/heap.h"
#include "hypercalls/hypercalls.h"
#include "tests/assurance/step/steps.h"
#include "tests/assurance/step/tlb.h"
#include <arch/domain.h>
#include <string.h>
#include <xen/memory.h>
#include <xen/vcpu.h>

#define MACHINE_FRAMES 200
#define CODE           0x7000000000ull

struct tables realm[2];
u64 realm_free_at_start;
bool (*realm_between)(void);
static const struct cast *cast_now;
static unsigned cpu_now;
static u64 cr3_of[REALM_CPUS];

/* What each processor's guest gives as arguments. */
static struct room {
    struct mmu_update update;
    struct mmuext_op ext;
    struct xen_memory_reservation memory;
    struct xen_add_to_physmap place;
    struct vcpu_register_vcpu_info info;
    struct vcpu_guest_context context;
    u64 list[16];
} rooms[REALM_CPUS];
static u8 code[16];

unsigned realm_cpu(void)
{
    return cpu_now;
}
void realm_select(unsigned cpu)
{
    cr3_of[cpu_now] = fake_processor.cr3;
    fake_processor.cr3 = cr3_of[cpu];
    cpu_now = cpu;
    fake_cpu_select(cpu);
}

static struct room *room(void)
{
    return &rooms[cpu_now];
}
static const struct tables *mine(void)
{
    return &realm[cast_now->domain_of[cpu_now]];
}
static struct x86_vcpu *my_vcpu(void)
{
    return x86_vcpu(current_vcpu());
}
static u64 number(u64 pfn)
{
    return tables_number(mine(), pfn);
}
static u64 entry(u64 pfn, u64 flags)
{
    return flags & PTE_PRESENT ? tables_entry(mine(), pfn, flags) : 0;
}

/* ---- the way through the door --------------------------------------------------------------------------------- */

static void way_out(void)
{
    struct vcpu *v = current_vcpu();
    bool wanted = this_cpu()->softirq & SOFTIRQ_TABLES;
    this_cpu()->softirq = 0;
    while (wanted && table_work_pending(&x86_vcpu(v)->work)) {
        arch_tables_softirq(v);
        this_cpu()->softirq = 0;
        if (realm_between)
            (void)realm_between();
    }
    if (table_work_pending(&x86_vcpu(v)->work))
        breach("there is work left on tables, and nobody was told");
}

static long call(u32 op, u64 a1, u64 a2, u64 a3, u64 a4)
{
    struct vcpu *v = current_vcpu();
    long rc = hypercall_table[op](a1, a2, a3, a4, 0);
    for (unsigned rounds = 0; rc == -XEN_ERESTART && v->restart.wanted; rounds++) {
        const struct restart again = v->restart;
        v->restart.wanted = false;
        if (rounds > 10000)
            breach("hypercall %u makes no progress", op);
        way_out();
        if (realm_between && !realm_between())
            return -XEN_ERESTART;
        rc = hypercall_table[again.op](again.args[0], again.args[1], again.args[2], again.args[3], again.args[4]);
    }
    way_out();
    return rc;
}

static long ext(u32 command, u64 arg1, u64 arg2)
{
    room()->ext = (struct mmuext_op){.cmd = command, .arg1.mfn = arg1, .arg2.src_mfn = arg2};
    return call(__HYPERVISOR_mmuext_op, (u64)&room()->ext, 1, 0, DOMID_SELF);
}

void realm_next_request(void)
{
    ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

static long do_pin(const u64 *a)
{
    return ext(MMUEXT_PIN_L1_TABLE + (u32)a[0] - 1, number(a[1]), 0);
}
static long do_unpin(const u64 *a)
{
    return ext(MMUEXT_UNPIN_TABLE, number(a[0]), 0);
}
static long do_base(const u64 *a)
{
    return ext(MMUEXT_NEW_BASEPTR, number(a[0]), 0);
}
static long do_user_base(const u64 *a)
{
    return ext(MMUEXT_NEW_USER_BASEPTR, a[0] ? number(a[0]) : 0, 0);
}
static long do_clear_page(const u64 *a)
{
    return ext(MMUEXT_CLEAR_PAGE, number(a[0]), 0);
}
static long do_copy_page(const u64 *a)
{
    return ext(MMUEXT_COPY_PAGE, number(a[0]), number(a[1]));
}

static long update(u64 ptr, u64 val)
{
    room()->update = (struct mmu_update){.ptr = ptr, .val = val};
    return call(__HYPERVISOR_mmu_update, (u64)&room()->update, 1, 0, DOMID_SELF);
}
static long do_update(const u64 *a)
{
    return update(tables_slot(mine(), a[0], (unsigned)a[1]), entry(a[2], a[3]));
}
static long do_update_keep(const u64 *a)
{
    return update(tables_slot(mine(), a[0], (unsigned)a[1]) | MMU_PT_UPDATE_PRESERVE_AD, entry(a[2], a[3]));
}
/* A frame of the other domain, by whatever number it has there. */
static long do_update_foreign(const u64 *a)
{
    const struct tables *other = &realm[cast_now->domains > 1 && mine() == &realm[0]];
    return update(tables_slot(mine(), a[0], (unsigned)a[1]), other->frame[a[2]].n << PAGE_SHIFT | a[3]);
}
static long do_machphys(const u64 *a)
{
    return update(number(a[0]) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, a[1]);
}
static long do_va(const u64 *a)
{
    return call(__HYPERVISOR_update_va_mapping, a[0] << PAGE_SHIFT, entry(a[1], a[2]), UVMF_INVLPG, 0);
}

/* A plain store that faults, by the mapping at page a[0]: mov %rax, (%rdi). */
static long do_trapped(const u64 *a)
{
    struct regs r = {.rip = CODE, .cs = SEL_RING3_CS64, .rflags = 2, .rax = entry(a[2], a[3]),
                     .rdi = (a[0] << PAGE_SHIFT) + a[1] * 8};
    bool done = false;
    for (unsigned tries = 0; tries < 100 && r.rip == CODE; tries++) {
        done = writable_page_fault(my_vcpu(), &r, r.rdi);
        way_out();
        if (!done)
            break;
    }
    return done ? 0 : -XEN_EINVAL;
}

/* A store of the guest itself, if its TLB or its tables let it. */
static long do_store(const u64 *a)
{
    u64 *slot = &tables_page(mine(), a[0])[a[1]];
    if (steps_before)
        steps_before(slot, 8, ACCESS_WRITE | ACCESS_GUEST, __builtin_return_address(0));
    if (!tlb_can_store(cpu_now, mine()->frame[a[0]]))
        return -XEN_EFAULT;
    memory_touch(slot, 8);
    *slot = entry(a[2], a[3]);
    return 0;
}
/* What the processor does at a use of a page: accessed and dirty, where the entry is present. */
static long do_use(const u64 *a)
{
    u64 *slot = &tables_page(mine(), a[0])[a[1]];
    if (steps_before)
        steps_before(slot, 8, ACCESS_WRITE | ACCESS_GUEST, __builtin_return_address(0));
    u64 w = tables_word(mine(), a[0]);
    if (!(w & FRAME_VALIDATED) || word_type(w) != FRAME_L1 || !(*slot & PTE_PRESENT))
        return -XEN_EFAULT;
    memory_touch(slot, 8);
    *slot |= PTE_ACCESSED | (*slot & PTE_RW ? PTE_DIRTY : 0);
    return 0;
}
/* The guest uses everything that its tables map: all TLBs are full. */
static long do_run(const u64 *a)
{
    (void)a;
    tlb_fill();
    return 0;
}

static long do_gdt(const u64 *a)
{
    room()->list[0] = number(a[0]);
    return call(__HYPERVISOR_set_gdt, (u64)room()->list, a[1] * DESCRIPTORS_PER_PAGE, 0, 0);
}
static long do_ldt(const u64 *a)
{
    return ext(MMUEXT_SET_LDT, a[0] << PAGE_SHIFT, a[1]);
}
static long do_descriptor(const u64 *a)
{
    return call(__HYPERVISOR_update_descriptor, (number(a[0]) << PAGE_SHIFT) + 8, a[1], 0, 0);
}

static long memory(u32 command, u64 first)
{
    room()->memory = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
    room()->memory.extent_start.p = room()->list;
    room()->list[0] = first;
    return call(__HYPERVISOR_memory_op, command, (u64)&room()->memory, 0, 0) - 1; /* 0: done, -1: not */
}
static long do_decrease(const u64 *a)
{
    return memory(XENMEM_decrease_reservation, number(a[0]));
}
static long do_populate(const u64 *a)
{
    return memory(XENMEM_populate_physmap, a[0]);
}
static long do_place(const u64 *a)
{
    room()->place = (struct xen_add_to_physmap){.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = a[0]};
    return call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (u64)&room()->place, 0, 0);
}
static long do_info(const u64 *a)
{
    room()->info = (struct vcpu_register_vcpu_info){.mfn = number(a[0]), .offset = 1024};
    return call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, current_vcpu()->id, (u64)&room()->info, 0);
}
/* Vcpu 2, which nobody has started yet. */
static long do_initialise(const u64 *a)
{
    struct vcpu_guest_context *c = &room()->context;
    c->flags = VGCF_in_kernel;
    c->user_regs.cs = 0xe033;
    c->ctrlreg[3] = number(a[0]) << PAGE_SHIFT;
    if (a[1]) {
        c->gdt_ents = DESCRIPTORS_PER_PAGE;
        c->gdt_frames[0] = number(a[1]);
    }
    return call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 2, (u64)c, 0);
}

bool realm_may_do_nothing(const struct action *action)
{
    return action->run == do_decrease;
}

bool realm_keeps_what_it_has(const struct operation *op)
{
    return op->part[0].run == do_initialise;
}

/* What a state alone can do: write to a frame before anybody uses it; let another processor go on. */
static long do_poke(const u64 *a)
{
    tables_page(mine(), a[0])[a[1]] = entry(a[2], a[3]);
    return 0;
}
static long do_by(const u64 *a)
{
    realm_select((unsigned)a[0]);
    return 0;
}

#define PIN(level, pfn)                   {do_pin, {level, pfn}}
#define UNPIN(pfn)                        {do_unpin, {pfn}}
#define BASE(pfn)                         {do_base, {pfn}}
#define USER_BASE(pfn)                    {do_user_base, {pfn}}
#define UPDATE(table, slot, pfn, flags)   {do_update, {table, slot, pfn, flags}}
#define KEEP_AD(table, slot, pfn, flags)  {do_update_keep, {table, slot, pfn, flags}}
#define FOREIGN(table, slot, pfn, flags)  {do_update_foreign, {table, slot, pfn, flags}}
#define CLEAR(table, slot)                {do_update, {table, slot, 0, 0}}
#define MACHPHYS(pfn, value)              {do_machphys, {pfn, value}}
#define VA(page, pfn, flags)              {do_va, {page, pfn, flags}}
#define TRAPPED(page, slot, pfn, flags)   {do_trapped, {page, slot, pfn, flags}}
#define STORE(page, slot, pfn, flags)     {do_store, {page, slot, pfn, flags}}
#define USE(table, slot)                  {do_use, {table, slot}}
#define RUN                               {do_run, {0}}
#define GDT(pfn)                          {do_gdt, {pfn, 1}}
#define NO_GDT                            {do_gdt, {0, 0}}
#define LDT(page)                         {do_ldt, {page, 4}}
#define DESCRIPTOR(pfn, value)            {do_descriptor, {pfn, value}}
#define DECREASE(pfn)                     {do_decrease, {pfn}}
#define POPULATE(pfn)                     {do_populate, {pfn}}
#define PLACE(pfn)                        {do_place, {pfn}}
#define CLEAR_PAGE(pfn)                   {do_clear_page, {pfn}}
#define COPY_PAGE(to, from)               {do_copy_page, {to, from}}
#define INFO(pfn)                         {do_info, {pfn}}
#define INITIALISE(root, gdt)             {do_initialise, {root, gdt}}
#define POKE(page, slot, pfn, flags)      {do_poke, {page, slot, pfn, flags}}
#define BY(cpu)                           {do_by, {cpu}}

#define OPERATION(...) {#__VA_ARGS__, {__VA_ARGS__}}
#define STATE(name, ...) {name, {__VA_ARGS__}}
#define RW7 RW_FLAGS
#define RO5 RO_FLAGS

/* The first eight are those that everything else meets: tried more thoroughly (interleave.c). */
const struct operation realm_operations[] = {
    OPERATION(PIN(4, 5)),
    OPERATION(PIN(1, 11)),
    OPERATION(UNPIN(5)),
    OPERATION(UNPIN(11)),
    OPERATION(UPDATE(3, 1, 11, RW7)),
    OPERATION(CLEAR(3, 1)),
    OPERATION(VA(2, 11, RW7), VA(2, 0, 0), STORE(11, 1, 4, RW7)),
    OPERATION(DECREASE(11)),

    OPERATION(PIN(2, 7)),
    OPERATION(UNPIN(7)),
    OPERATION(BASE(5)),
    OPERATION(BASE(1)),
    OPERATION(USER_BASE(5)),
    OPERATION(USER_BASE(0)),
    OPERATION(UPDATE(2, 1, 7, RW7)),
    OPERATION(CLEAR(2, 1)),
    OPERATION(UPDATE(1, 1, 6, RW7)),
    OPERATION(CLEAR(1, 1)),
    OPERATION(UPDATE(7, 0, 14, RW7)),
    OPERATION(UPDATE(11, 1, 12, RW7)),
    OPERATION(UPDATE(4, 2, 12, RW7)),
    OPERATION(UPDATE(4, 2, 11, RO5)),
    OPERATION(CLEAR(4, 2)),
    OPERATION(KEEP_AD(4, 0, 8, RO5)),
    OPERATION(USE(4, 0)),
    OPERATION(STORE(8, 0, 9, RO5)),
    OPERATION(STORE(11, 0, 3, RW7)),
    OPERATION(TRAPPED(3, 2, 12, RW7)),
    OPERATION(TRAPPED(3, 0, 10, RW7)),
    OPERATION(GDT(13)),
    OPERATION(NO_GDT),
    OPERATION(LDT(1)),
    OPERATION(DESCRIPTOR(13, 0x00cffb000000ffff)),
    OPERATION(DECREASE(12)),
    OPERATION(POPULATE(12)),
    OPERATION(DECREASE(12), POPULATE(12)),
    OPERATION(DECREASE(13)),
    OPERATION(PLACE(12)),
    OPERATION(CLEAR_PAGE(11)),
    OPERATION(COPY_PAGE(11, 9)),
    OPERATION(MACHPHYS(12, 7)),
    OPERATION(INFO(12)),
    OPERATION(INITIALISE(5, 13)),
    OPERATION(INITIALISE(1, 0)),
    OPERATION(FOREIGN(4, 2, 12, RO5)),
    OPERATION(FOREIGN(4, 2, 8, RW7)),
};
const unsigned realm_operation_count = ARRAY_SIZE(realm_operations);

const struct operation realm_states[] = {
    STATE("one tree", RUN),
    STATE("two trees, the second pinned", PIN(4, 5)),
    STATE("L1 pinned", PIN(1, 11)),
    STATE("L2 pinned", PIN(2, 7)),
    STATE("L1 linked, its last use", UPDATE(3, 1, 11, RW7)),
    STATE("L1 linked and pinned", UPDATE(3, 1, 11, RW7), PIN(1, 11)),
    STATE("L1 linked twice", UPDATE(3, 1, 11, RW7), UPDATE(3, 2, 11, RW7)),
    STATE("L1 below two tables", UPDATE(3, 1, 11, RW7), PIN(2, 7)),
    STATE("L2 linked", UPDATE(2, 1, 7, RW7)),
    STATE("L3 linked", UPDATE(1, 1, 6, RW7)),
    STATE("L3 linked, L2 pinned", UPDATE(1, 1, 6, RW7), PIN(2, 7)),
    STATE("second tree is the user's", USER_BASE(5)),
    STATE("second tree is the other vcpu's", BY(1), BASE(5)),
    STATE("second tree is loaded everywhere", BASE(5), BY(1), BASE(5)),
    STATE("L1 mapped writable", UPDATE(4, 2, 11, RW7), RUN),
    STATE("L1 was mapped writable", UPDATE(4, 2, 11, RW7), RUN, CLEAR(4, 2)),
    STATE("L1 was mapped writable, L2 pinned over another", POKE(7, 0, 14, RW7), UPDATE(4, 2, 11, RW7), RUN, CLEAR(4, 2),
          PIN(2, 7)),
    STATE("L1 was a table", PIN(1, 11), UNPIN(11)),
    STATE("the tree was a tree", PIN(4, 5), RUN, UNPIN(5)),
    STATE("L1 mapped read-only and pinned", UPDATE(4, 2, 11, RO5), PIN(1, 11)),
    STATE("data mapped writable", UPDATE(4, 2, 12, RW7), RUN),
    STATE("data mapped read-only by another table", UPDATE(11, 1, 12, RO5), UPDATE(3, 1, 11, RW7), RUN),
    STATE("data mapped writable by a table that is linked", POKE(11, 1, 12, RW7), UPDATE(3, 1, 11, RW7), RUN),
    STATE("data is the last use of its frame", UPDATE(4, 2, 12, RW7), RUN, DECREASE(12)),
    STATE("L1 is given back and still linked", UPDATE(3, 1, 11, RW7), RUN, DECREASE(11)),
    STATE("L1 is given back and still pinned", PIN(1, 11), DECREASE(11)),
    STATE("data is given back", DECREASE(12)),
    STATE("bad entry deep below", POKE(14, 2, 4, RW7)),
    STATE("bad entry in the middle", POKE(7, 2, 4, RO5)),
    STATE("L1 names its own L2", POKE(11, 2, 7, RO5)),
    STATE("L1 names its own L2, writable", POKE(11, 2, 7, RW7)),
    STATE("two L2 share an L1", POKE(7, 1, 11, RW7), PIN(2, 7)),
    STATE("a circle", POKE(7, 2, 5, RW7)),
    STATE("descriptors in use", GDT(13)),
    STATE("descriptors in use by both", GDT(13), BY(1), GDT(13)),
    STATE("descriptors mapped writable", UPDATE(4, 2, 13, RW7), RUN),
    STATE("descriptors mapped read-only", VA(1, 13, RO5), RUN),
    STATE("descriptors were mapped writable", UPDATE(4, 2, 13, RW7), RUN, CLEAR(4, 2)),
    STATE("vcpu_info on the data", INFO(12)),
    STATE("third vcpu has a tree", INITIALISE(5, 13)),
    STATE("all of it pinned", PIN(1, 11), PIN(1, 14), PIN(2, 7), PIN(3, 6), PIN(4, 5)),
    STATE("shared_info where the data was", PLACE(12)),
};
const unsigned realm_state_count = ARRAY_SIZE(realm_states);

const struct cast realm_casts[] = {
    {"two vcpus of a domain, direct", {PAGING_DIRECT, PAGING_DIRECT}, 1, {0, 0}, 2},
    {"two vcpus of a domain, rewrite", {PAGING_REWRITE, PAGING_DIRECT}, 1, {0, 0}, 2},
    {"two domains, direct", {PAGING_DIRECT, PAGING_DIRECT}, 2, {0, 1}, 2},
    {"two domains, rewrite and direct", {PAGING_REWRITE, PAGING_DIRECT}, 2, {0, 1}, 2},
};
const unsigned realm_cast_count = ARRAY_SIZE(realm_casts);

/* ---- making and ending ---------------------------------------------------------------------------------------- */

static void fill_frames(const struct tables *t)
{
    static const struct {
        u8 pfn, slot, to;
        u16 flags;
    } entries[] = {{1, 0, 2, RW7}, {2, 0, 3, RW7}, {3, 0, 4, RW7}, {4, 0, 8, RW7},  {4, 1, 9, RO5},   {4, 3, 4, RO5},
                   {5, 0, 6, RW7}, {6, 0, 7, RW7}, {7, 0, 11, RW7}, {7, 1, 14, RW7}, {11, 0, 9, RO5}, {11, 1, 10, RO5},
                   {14, 0, 9, RO5}};
    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
        tables_page(t, entries[i].pfn)[entries[i].slot] = tables_entry(t, entries[i].to, entries[i].flags);
    tables_page(t, 13)[0] = 0x00cffb000000ffff; /* a data segment of ring 3 */
}

/* The processor runs that vcpu, on the first tree. */
static void cpu_begin(unsigned cpu, struct vcpu *v)
{
    realm_select(cpu);
    x86_vcpu(v)->in_kernel = true;
    v->initialised = true;
    world_enter(v);
    this_cpu()->softirq = 0;
    if (do_base((const u64[]){1}))
        fake_fail("no root for cpu %u", cpu);
}

static void machine_make(void)
{
    tables_reset(MACHINE_FRAMES);
    for (unsigned c = 0; c < REALM_CPUS; c++)
        fake_guest_pointer(&rooms[c], sizeof(rooms[c]));
    memcpy(code, (const u8[]){0x48, 0x89, 0x07}, 3);
    fake_guest_range(CODE, code, sizeof(code), false);
    memset(cr3_of, 0, sizeof(cr3_of));
    cpu_now = 0;
    tlb_reset();
    /* What is allocated once and for all, by each processor. */
    struct tables warm;
    for (unsigned c = 0; c < REALM_CPUS; c++) {
        realm_select(c);
        tables_make(&warm, "warm", PAGING_DIRECT, 1);
        tables_call(__HYPERVISOR_set_gdt, (u64)tables_room, 0, 0, 0);
        tables_destroy(&warm);
    }
    realm_select(0);
    realm_free_at_start = frame_free_count();
}

/* While a state is made the TLBs are already kept an eye on. */
static void look_before(const void *at, size_t n, unsigned access, const void *where)
{
    (void)where;
    tlb_before(cpu_now, at, n, access);
}
static void look_changed(const void *at, u64 old, u64 new)
{
    tlb_changed(cpu_now, at, old, new);
}
static void look_flush(void)
{
    tlb_flush_all_from(cpu_now);
}

static void note_originals(void);

bool realm_make(const struct cast *cast, const struct operation *state)
{
    cast_now = cast;
    machine_make();
    for (unsigned i = 0; i < cast->domains; i++) {
        world_config.vcpus = 3;
        tables_make(&realm[i], i ? "b" : "a", cast->mode[i], REALM_FRAMES);
        realm[i].d->vm_assist |= 1ull << VMASST_TYPE_writable_pagetables;
        fill_frames(&realm[i]);
    }
    for (unsigned c = 0, next[2] = {0, 0}; c < cast->cpus; c++)
        cpu_begin(c, realm[cast->domain_of[c]].d->vcpu[next[cast->domain_of[c]]++]);
    for (unsigned c = 0; c < cast->cpus; c++) {
        realm_select(c);
        tlb_begin(c, mine()->d->id);
    }
    steps_before = look_before;
    steps_changed = look_changed;
    fake_on_flush_others = look_flush;
    bool ok = true;
    for (unsigned c = 0; c < cast->domains && ok; c++) {
        realm_select(c); /* where there are two domains, both come into the state */
        for (unsigned i = 0; i < PARTS_MAX && state->part[i].run && ok; i++)
            ok = (state->part[i].run != do_by || cast->domains == 1) ? state->part[i].run(state->part[i].argument) == 0 : false;
    }
    steps_before = NULL;
    steps_changed = NULL;
    fake_on_flush_others = NULL;
    note_originals();
    realm_select(0);
    fake_console_clear();
    return ok;
}

void realm_end(void)
{
    fake_on_flush_others = NULL;
    tlb_reset(); /* no vcpu runs any more */
    for (unsigned c = 0; c < REALM_CPUS; c++) {
        realm_select(c);
        this_cpu()->current = NULL;
        insn_write_cr3(0);
    }
    realm_select(0);
    for (unsigned i = 0; i < cast_now->domains; i++)
        domain_destroy(realm[i].d);
}

static bool held_by_us[MACHINE_FRAMES];

void realm_hold_all(void)
{
    for (u64 n = 0; n < frame_count; n++) {
        held_by_us[n] = word_refs(frame_word(&frame_table[n])) && frame_get(&frame_table[n], frame_table[n].owner);
    }
}
void realm_put_all(void)
{
    for (u64 n = 0; n < frame_count; n++)
        if (held_by_us[n])
            frame_put(&frame_table[n]);
}

/* ---- looking at it -------------------------------------------------------------------------------------------- */

static u64 mix(u64 digest, u64 value)
{
    digest = (digest ^ value) * 0x9e3779b97f4a7c15ull;
    return digest ^ digest >> 29;
}

/* [frame]: has been its domain's since the state was made. What a domain got later has any number: it counts as new. */
static bool is_original[MACHINE_FRAMES];

static void note_originals(void)
{
    for (u64 n = 0; n < frame_count; n++)
        is_original[n] = frame_table[n].owner != OWNER_NONE;
}

void realm_changed(const void *at, u64 new)
{
    size_t record = (size_t)((const u8 *)at - (const u8 *)frame_table);
    if (new == 0 && record < frame_count * sizeof(struct frame))
        is_original[record / sizeof(struct frame)] = false;
}

#define NEW_FRAME (1ull << 40)
static u64 label(u64 n)
{
    return n < frame_count && !is_original[n] && frame_table[n].owner != OWNER_NONE ? NEW_FRAME : n;
}

static u64 mix_vcpu(u64 digest, const struct x86_vcpu *v)
{
    digest = mix(mix(digest, label(v->kernel_root.n)), label(v->user_root.n));
    digest = mix(mix(digest, v->gdt_entries), v->gdt_entries ? label(v->gdt_frame[0].n) : 0);
    digest = mix(mix(digest, v->ldt_entries), v->ldt_entries ? label(v->ldt_frame[0].n) : 0);
    return mix(mix(digest, label(v->vcpu.info_mfn.n)), v->vcpu.initialised);
}

static u64 digest_frame(u64 n)
{
    const struct frame *f = &frame_table[n];
    const struct domain *d = domain_find(f->owner);
    const u64 w = frame_word(f), *words = mfn_to_ptr(mfn_make(n));
    const bool counted = w & FRAME_TC_MASK, table = counted && word_type(w) >= FRAME_L1 && word_type(w) <= FRAME_L4;
    u64 digest = mix(label(n), f->owner);
    digest = mix(digest, counted ? w : w & ~(FRAME_TYPE_MASK | FRAME_VALIDATED));
    digest = mix(digest, d && arch_domain_translated(d) ? m2p_table[n] : 0); /* in direct mode it is a hint */
    for (unsigned i = 0; i < PT_ENTRIES && !(w & FRAME_SPECIAL); i++) {
        u64 e = words[i];
        if (table && (e & PTE_PRESENT) && !is_hypervisor_slot(word_type(w), i))
            e = (e & ~PTE_ADDR) ^ label(pte_frame(e)) << PAGE_SHIFT;
        digest = mix(digest, e);
    }
    return digest;
}

u64 realm_digest(void)
{
    u64 digest = frame_free_count();
    for (u64 n = 0; n < frame_count; n++)
        if (frame_table[n].owner != OWNER_NONE)
            digest += digest_frame(n); /* in any order */
    for (unsigned i = 0; i < cast_now->domains; i++) {
        const struct x86_domain *xd = x86_domain_const(realm[i].d);
        digest = mix(digest, atomic_load_explicit(&realm[i].d->tot_pages, memory_order_relaxed));
        for (u64 pfn = 0; xd->p2m && pfn < xd->p2m_count; pfn++)
            digest = mix(digest, label(xd->p2m[pfn]));
        for (unsigned k = 0; k < realm[i].d->vcpu_count; k++)
            digest = mix_vcpu(digest, x86_vcpu(realm[i].d->vcpu[k]));
    }
    return digest;
}

const char *realm_unfinished(void)
{
    for (unsigned i = 0; i < cast_now->domains; i++)
        for (unsigned k = 0; k < realm[i].d->vcpu_count; k++) {
            const struct x86_vcpu *v = x86_vcpu(realm[i].d->vcpu[k]);
            if (v->cursor)
                return "a table is left locked";
            if (v->work.held != FRAME_LIST_END || v->work.dropped != FRAME_LIST_END)
                return "a list of tables is not empty";
        }
    for (u64 n = 0; n < frame_count; n++)
        if (frame_word(&frame_table[n]) & (FRAME_LOCKED | FRAME_LISTED))
            return "a frame is locked or stands on a list";
    for (unsigned c = 0; c < REALM_CPUS; c++) {
        realm_select(c);
        u32 held = this_cpu()->locks_held;
        realm_select(0);
        if (held)
            return "a lock is held";
    }
    return NULL;
}
