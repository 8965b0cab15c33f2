/* SPDX-License-Identifier: MIT */
/* See ops.h. Hypercalls go through their table; only a batch that stays open is driven from inside (arch_mmu_update). */
#include "tests/assurance/explore/ops.h"
#include "arch/fake/fake.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/paging/roots.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/paging/update.h"
#include "common/cpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/domain.h>
#include <arch/paging.h>
#include <string.h>
#include <xen/errno.h>
#include <xen/memory.h>
#include <xen/xen.h>

const char *const op_names[OP_KINDS] = {
    "mmu_update", "mmu_update (more follows)", "mmu_update keeping A and D", "end of the batch", "store that comes late",
    "update_va_mapping", "pin", "unpin", "new base", "new user base", "set_gdt", "clear page", "copy page",
    "decrease_reservation", "populate_physmap", "increase_reservation", "mmu_update of M2P", "TLB flush",
    "(work on tables)", "(the other domain's turn)", "(the other domain is to end)", "(one step of taking it down)"};

/* ---- names ---------------------------------------------------------------------------------------------------- */

static unsigned names_of(unsigned domain)
{
    return shape.rewrite[domain] ? shape.pfns[domain] : shape.frames;
}

unsigned frame_named(const struct image *image, unsigned domain, unsigned name)
{
    if (name >= names_of(domain))
        return NOBODY;
    return shape.rewrite[domain] ? image->domain[domain].p2m[name] : name;
}

u64 guest_number(unsigned domain, unsigned name)
{
    if (name == NAME_MISSING)
        return frame_count + 3;
    if (name == NAME_OURS)
        return 1;
    if (name == NAME_SHARED)
        return realm[domain]->shared_info_mfn.n;
    return shape.rewrite[domain] ? name : first_mfn + name;
}

u64 guest_entry(unsigned domain, u16 value)
{
    if (value == VAL_GATE)
        return 0x00008c0000000000ull;
    if (!value)
        return 0;
    return guest_number(domain, VAL_NAME(value)) << PAGE_SHIFT | ((value & VAL_PRESENT) ? PTE_PRESENT : 0) |
           ((value & VAL_RW) ? PTE_RW : 0) | ((value & VAL_USER) ? PTE_USER : 0) | ((value & VAL_NX) ? PTE_NX : 0) |
           ((value & VAL_PSE) ? PTE_PSE : 0) | ((value & VAL_GLOBAL) ? PTE_GLOBAL : 0) |
           ((value & VAL_PCD) ? PTE_PCD : 0);
}

/* ---- which operations there are -------------------------------------------------------------------------------- */

static struct {
    const struct image *image;
    bool (*visit)(const struct op *op);
    bool over;
    unsigned me;
    struct op op;
    u8 asked; /* frames whose contents are still to be chosen ... */
    u8 level[FRAMES_MAX]; /* ... as a table of that level */
} all;

static void emit(void)
{
    if (!all.over)
        all.over = !all.visit(&all.op);
}

/* With and without an interrupt that is pending: for what can be long. */
static void emit_both(void)
{
    all.op.stopped = false;
    emit();
    all.op.stopped = true;
    emit();
    all.op.stopped = false;
}

static void begin(enum op_kind kind, unsigned a, unsigned b, u16 value)
{
    all.op.kind = (u8)kind;
    all.op.a = (u8)a;
    all.op.b = (u8)b;
    all.op.value = value;
    all.op.stopped = false;
    all.op.filled = all.asked = 0;
}

#define RO_VALUE (VAL_PRESENT | VAL_USER)
#define RW_VALUE (VAL_PRESENT | VAL_USER | VAL_RW)

/* Is the frame the domain's, and could it be made a table whose contents nobody has fixed? A writable one can where work is
 * left on tables: what holds it may be gone before it is looked at. */
static bool can_be_filled(unsigned frame)
{
    if (frame == NOBODY)
        return false;
    const struct frame_image *f = &all.image->frame[frame];
    const struct domain_image *d = &all.image->domain[all.me];
    const bool unused = !IMG_TYPES(f->bits);
    const bool may_be = IMG_TYPE(f->bits) == FRAME_WRITABLE && (d->held != NOBODY || d->dropped != NOBODY);
    return f->owner == all.me + 1 && !contents_matter(f) && (unused || may_be);
}

static void fill_next(void);

/*
 * The frame may become a table of that level: its contents are to be chosen, or, where they are given, those of the frames
 * that they name. No more than one level below another, so this ends.
 */
static void want_table(unsigned frame, unsigned level)
{
    if (frame == NOBODY || level == 0 || (all.op.filled >> frame & 1))
        return;
    const struct frame_image *f = &all.image->frame[frame];
    if (can_be_filled(frame)) {
        all.op.filled |= (u8)(1u << frame);
        all.asked |= (u8)(1u << frame);
        all.level[frame] = (u8)level;
    } else if (f->owner == all.me + 1 && contents_matter(f) && !(is_live_table(f) && IMG_TYPE(f->bits) == level)) {
        for (unsigned s = 0; s < PT_ENTRIES; s++)
            if ((f->entry[s] & ENT_PRESENT) && !(f->entry[s] & (ENT_OURS | ENT_STRANGE)))
                want_table(frame_read_anew(all.image, all.me, f->entry[s]), level - 1);
    }
}

#define ALL_SLOTS PT_ENTRIES

/*
 * One entry of the frame's contents, all of them, or a pair of which the second is refused; and, where an entry names a frame
 * that could become a table below, what stands in that.
 */
static void fill_with(unsigned frame, unsigned slot, u16 value, u16 last)
{
    const u8 filled = all.op.filled, asked = all.asked;
    u16 *entry = all.op.fill[frame];
    for (unsigned s = 0; s < PT_ENTRIES; s++)
        entry[s] = slot == ALL_SLOTS && !is_ours(all.level[frame], s) ? value : 0;
    if (slot != ALL_SLOTS) {
        entry[PT_ENTRIES - 1] = last;
        entry[slot] = value;
    }
    if (value & VAL_PRESENT)
        want_table(frame_named(all.image, all.me, VAL_NAME(value)), all.level[frame] - 1u);
    fill_next();
    all.op.filled = filled;
    all.asked = asked;
}

static void fill_frame(unsigned frame)
{
    const unsigned level = all.level[frame], names = names_of(all.me);
    fill_with(frame, 0, 0, 0);
    for (unsigned s = 0; s < PT_ENTRIES; s++) {
        if (is_ours(level, s))
            continue;
        for (unsigned name = 0; name < names; name++) {
            fill_with(frame, s, (u16)(name | RW_VALUE), 0);
            if (level == 1)
                fill_with(frame, s, (u16)(name | RO_VALUE), 0);
        }
    }
    for (unsigned name = 0; PT_ENTRIES > 1 && name < names; name++)
        fill_with(frame, ALL_SLOTS, (u16)(name | RW_VALUE), 0);
    fill_with(frame, 0, NAME_MISSING | RO_VALUE, 0);
    fill_with(frame, 0, RW_VALUE | VAL_PSE, 0);
    if (level > 1)
        fill_with(frame, 0, RO_VALUE | VAL_GLOBAL, 0);
    /* What went before it is given back. */
    for (unsigned name = 0; PT_ENTRIES > 1 && !is_ours(level, PT_ENTRIES - 1) && name < names; name++) {
        fill_with(frame, 0, (u16)(name | RW_VALUE), NAME_MISSING | RO_VALUE);
        if (level == 1)
            fill_with(frame, 0, (u16)(name | RO_VALUE), VAL_PSE | RO_VALUE);
    }
}

static void fill_next(void)
{
    if (!all.asked) {
        emit_both();
        return;
    }
    unsigned frame = (unsigned)__builtin_ctz(all.asked);
    all.asked &= (u8)~(1u << frame);
    fill_frame(frame);
    all.asked |= (u8)(1u << frame);
}

/* The operation makes a table of that level of the frame, if it can be one. */
static void emit_typing(unsigned frame, unsigned level)
{
    all.op.filled = all.asked = 0;
    want_table(frame, level);
    fill_next();
    all.op.filled = all.asked = 0;
}

/* Values that an entry of that level can be given. */
static void each_value(unsigned level, void (*with)(u16 value))
{
    with(0);
    for (unsigned name = 0; name < names_of(all.me); name++) {
        with((u16)(name | RW_VALUE));
        if (level == 1 || name == 0)
            with((u16)(name | RO_VALUE));
        if (shape.rich) {
            with((u16)(name | VAL_PRESENT | VAL_RW));
            with((u16)(name | RO_VALUE | VAL_NX));
        }
    }
    with(NAME_MISSING | RO_VALUE);
    with(RW_VALUE | VAL_PSE);
    with(RO_VALUE | VAL_GLOBAL);
    with(RO_VALUE | VAL_PCD);
    if (!shape.rewrite[all.me]) {
        with(NAME_OURS | RO_VALUE);
        with(NAME_OURS | RW_VALUE);
    }
}

static unsigned update_level;

static void update_with(u16 value)
{
    static const u8 kinds[] = {OP_UPDATE, OP_UPDATE_MORE, OP_UPDATE_KEEP, OP_STORE_RACED};
    const bool batch = all.image->batch;
    const unsigned target = frame_named(all.image, all.me, VAL_NAME(value));
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        /* In an open batch there is nothing but more of it. The two last are for the leaves. */
        if ((batch && kinds[i] != OP_UPDATE_MORE) || (i >= 2 && (update_level != 1 || !shape.rich)))
            continue;
        begin(kinds[i], all.op.a, all.op.b, value);
        if (update_level > 1 && (value & VAL_PRESENT) && !(value & (VAL_PSE | VAL_GLOBAL | VAL_PCD)))
            emit_typing(target, update_level - 1);
        else
            emit();
    }
}

static void each_update(void)
{
    for (unsigned name = 0; name < names_of(all.me); name++) {
        unsigned frame = frame_named(all.image, all.me, name);
        const struct frame_image *f = frame == NOBODY ? NULL : &all.image->frame[frame];
        if (f && f->owner == all.me + 1 && is_live_table(f)) {
            update_level = IMG_TYPE(f->bits);
            for (unsigned s = 0; s < PT_ENTRIES; s++) {
                begin(OP_UPDATE, name, s, 0);
                each_value(update_level, update_with);
            }
        } else {
            begin(all.image->batch ? OP_UPDATE_MORE : OP_UPDATE, name, 0, 0);
            emit();
        }
    }
}

static void va_with(u16 value)
{
    begin(OP_VA, all.op.a, value == 0, value);
    emit();
}

static void each_va(void)
{
    unsigned addresses = 1;
    for (unsigned level = 0; level < PT_LEVELS; level++)
        addresses *= PT_ENTRIES;
    if (all.image->domain[all.me].kernel_root == NOBODY)
        return;
    for (unsigned a = 0; a < addresses && a < 4; a++) {
        begin(OP_VA, a, 0, 0);
        each_value(1, va_with);
    }
}

static void each_table_op(void)
{
    for (unsigned name = 0; name < names_of(all.me); name++) {
        unsigned frame = frame_named(all.image, all.me, name);
        for (unsigned level = 1; level <= PT_LEVELS; level++) {
            begin(OP_PIN, name, level, 0);
            emit_typing(frame, level);
        }
        begin(OP_UNPIN, name, 0, 0);
        emit_both();
        begin(OP_BASE, name, 0, 0);
        emit_typing(frame, PT_LEVELS);
        begin(OP_USER_BASE, name, 0, 0);
        if (shape.rewrite[all.me] && name == 0)
            continue; /* number 0: none */
        emit_typing(frame, PT_LEVELS);
    }
    begin(OP_USER_BASE, NAME_NONE, 0, 0);
    emit_both();
    begin(OP_PIN, NAME_MISSING, 1, 0);
    emit();
    if (!shape.rewrite[all.me]) {
        begin(OP_PIN, NAME_SHARED, 1, 0);
        emit();
        begin(OP_PIN, NAME_OURS, 1, 0);
        emit();
    }
}

static void each_gdt(void)
{
    begin(OP_GDT, NAME_NONE, 0, 0);
    emit();
    for (unsigned name = 0; name < names_of(all.me); name++) {
        unsigned frame = frame_named(all.image, all.me, name);
        begin(OP_GDT, name, 0, 0);
        if (!can_be_filled(frame)) {
            emit();
            continue;
        }
        all.op.filled = (u8)(1u << frame);
        memset(all.op.fill[frame], 0, sizeof(all.op.fill[frame]));
        emit();
        all.op.fill[frame][PT_ENTRIES - 1] = VAL_GATE;
        emit();
    }
}

static void each_page_op(void)
{
    for (unsigned name = 0; name < names_of(all.me); name++) {
        begin(OP_CLEAR, name, 0, 0);
        emit();
        for (unsigned from = 0; from < names_of(all.me); from++) {
            begin(OP_COPY, name, from, 0);
            if (from == name || frame_named(all.image, all.me, from) == NOBODY || shape.rich)
                emit();
        }
        begin(OP_DECREASE, name, 0, 0);
        emit();
        if (shape.rewrite[all.me]) {
            begin(OP_POPULATE, name, 0, 0);
            emit();
        } else {
            begin(OP_MACHPHYS, name, 0, 0);
            emit();
        }
    }
    if (!shape.rewrite[all.me]) {
        begin(OP_POPULATE, 0, 0, 0);
        emit();
    }
    begin(OP_INCREASE, 0, 0, 0);
    emit();
}

static bool work_is_left(const struct domain_image *d)
{
    return d->dropped != NOBODY || (d->held != NOBODY && !(d->flags & DOM_RESUME));
}

static void each_turn(void)
{
    const struct domain_image *other = &all.image->domain[!all.me];
    if (!(other->flags & DOM_DYING)) {
        begin(OP_SWITCH, 0, 0, 0);
        emit();
        begin(OP_KILL, 0, 0, 0);
        emit();
    } else if (!(other->flags & DOM_DEAD)) {
        begin(OP_TAKE_DOWN, 0, 0, 0);
        emit_both();
    }
}

void ops_each(const struct image *image, bool (*visit)(const struct op *op))
{
    all.image = image;
    all.visit = visit;
    all.over = false;
    all.me = image->current;
    if (image->batch) {
        each_update();
        begin(OP_BATCH_END, 0, 0, 0);
        emit_both();
        return;
    }
    each_turn();
    if (work_is_left(&image->domain[all.me])) {
        begin(OP_WORK, 0, 0, 0);
        all.op.stopped = true;
        emit();
        return;
    }
    each_update();
    each_va();
    each_table_op();
    each_gdt();
    each_page_op();
    begin(OP_FLUSH, 0, 0, 0);
    emit();
}

/* ---- carrying them out ----------------------------------------------------------------------------------------- */

static struct {
    struct mmu_update update;
    struct mmuext_op ext;
    struct xen_memory_reservation memory;
    u64 list[1];
} room;

void ops_init(void)
{
    fake_guest_pointer(&room, sizeof(room));
}

static long ext(u32 cmd, u64 arg1, u64 arg2)
{
    room.ext.cmd = cmd;
    room.ext.arg1.mfn = arg1;
    room.ext.arg2.src_mfn = arg2;
    return hypercall_table[__HYPERVISOR_mmuext_op]((u64)&room.ext, 1, 0, DOMID_SELF, 0);
}

static long reservation(u32 command, u64 number)
{
    room.memory.nr_extents = 1;
    room.memory.domid = DOMID_SELF;
    room.memory.extent_start.p = room.list;
    room.list[0] = number;
    long done = hypercall_table[__HYPERVISOR_memory_op](command, (u64)&room.memory, 0, 0, 0);
    return done == 1 ? 0 : -XEN_EINVAL;
}

static u64 slot_address(unsigned me, const struct op *op)
{
    return (guest_number(me, op->a) << PAGE_SHIFT) + op->b * 8u;
}

static long update(unsigned me, const struct op *op, u64 command)
{
    room.update.ptr = slot_address(me, op) | command;
    room.update.val = command == MMU_MACHPHYS_UPDATE ? 77 : guest_entry(me, op->value);
    return hypercall_table[__HYPERVISOR_mmu_update]((u64)&room.update, 1, 0, DOMID_SELF, 0);
}

/* One of a batch: the table stays locked, tables that lost their last use wait; a refusal ends the batch. */
static long update_more(unsigned me, const struct op *op)
{
    struct vcpu *v = &realm_vcpu[me]->vcpu;
    long rc = arch_mmu_update(v, realm[me], realm[me], slot_address(me, op), guest_entry(me, op->value));
    if (rc) {
        arch_mmu_update_end(v);
        arch_paging_finish(v, rc);
    }
    return rc;
}

static long store_raced(const struct image *image, unsigned me, const struct op *op)
{
    struct x86_vcpu *v = realm_vcpu[me];
    unsigned frame = frame_named(image, me, op->a);
    long rc = update_entry(v, realm[me], realm[me], &frame_table[first_mfn + frame], op->b, guest_entry(me, op->value),
                           STORE_IF_EQUAL, 0x123456000ull);
    arch_mmu_update_end(&v->vcpu);
    return rc;
}

static long update_va(unsigned me, const struct op *op)
{
    u64 va = 0;
    unsigned rest = op->a;
    for (unsigned level = 1; level <= PT_LEVELS; level++, rest /= PT_ENTRIES)
        va |= (u64)(rest % PT_ENTRIES) << (PAGE_SHIFT + 9 * (level - 1));
    return hypercall_table[__HYPERVISOR_update_va_mapping](va, guest_entry(me, op->value), op->b ? UVMF_TLB_FLUSH : 0, 0, 0);
}

static long set_gdt(unsigned me, const struct op *op)
{
    room.list[0] = guest_number(me, op->a);
    return hypercall_table[__HYPERVISOR_set_gdt]((u64)room.list, op->a == NAME_NONE ? 0 : DESCRIPTORS_PER_PAGE, 0, 0, 0);
}

static long batch_end(unsigned me)
{
    struct vcpu *v = &realm_vcpu[me]->vcpu;
    arch_mmu_update_end(v);
    return arch_paging_finish(v, 0);
}

static long turn(unsigned to)
{
    struct x86_vcpu *v = realm_vcpu[to];
    this_cpu()->current = &v->vcpu;
    this_cpu()->softirq = 0;
    if (mfn_is_invalid(v->kernel_root))
        insn_write_cr3(0);
    else
        root_load(v);
    if (table_work_pending(&v->work))
        softirq_raise(SOFTIRQ_TABLES);
    return 0;
}

/* As the end of a domain does it (common/domain.c): all that holds something of its memory, then its own hold. */
static long take_down(unsigned who)
{
    struct domain *d = realm[who];
    if (!arch_domain_relinquish(d))
        return 0;
    frame_batch_begin();
    for (unsigned i = 0; i < shape.frames; i++) {
        struct frame *f = &frame_table[first_mfn + i];
        if (f->owner != d->id || !(frame_word(f) & FRAME_ALLOC))
            continue;
        if (arch_domain_translated(d))
            arch_p2m_set(d, gfn_make(m2p_table[first_mfn + i]), MFN_INVALID);
        frame_drop_alloc(f);
    }
    frame_batch_end(FRAMES_SCRUB);
    return 0;
}

static long carry_out(const struct image *image, const struct op *op)
{
    const unsigned me = image->current;
    switch ((enum op_kind)op->kind) {
    case OP_UPDATE:
        return update(me, op, MMU_NORMAL_PT_UPDATE);
    case OP_UPDATE_KEEP:
        return update(me, op, MMU_PT_UPDATE_PRESERVE_AD);
    case OP_MACHPHYS:
        return update(me, op, MMU_MACHPHYS_UPDATE);
    case OP_UPDATE_MORE:
        return update_more(me, op);
    case OP_BATCH_END:
        return batch_end(me);
    case OP_STORE_RACED:
        return store_raced(image, me, op);
    case OP_VA:
        return update_va(me, op);
    case OP_PIN:
        return ext(MMUEXT_PIN_L1_TABLE + op->b - 1u, guest_number(me, op->a), 0);
    case OP_UNPIN:
        return ext(MMUEXT_UNPIN_TABLE, guest_number(me, op->a), 0);
    case OP_BASE:
        return ext(MMUEXT_NEW_BASEPTR, guest_number(me, op->a), 0);
    case OP_USER_BASE:
        return ext(MMUEXT_NEW_USER_BASEPTR, op->a == NAME_NONE ? 0 : guest_number(me, op->a), 0);
    case OP_CLEAR:
        return ext(MMUEXT_CLEAR_PAGE, guest_number(me, op->a), 0);
    case OP_COPY:
        return ext(MMUEXT_COPY_PAGE, guest_number(me, op->a), guest_number(me, op->b));
    case OP_GDT:
        return set_gdt(me, op);
    case OP_DECREASE:
        return reservation(XENMEM_decrease_reservation, guest_number(me, op->a));
    case OP_POPULATE:
        return reservation(XENMEM_populate_physmap, op->a);
    case OP_INCREASE:
        return reservation(XENMEM_increase_reservation, 0);
    case OP_FLUSH:
        return ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
    case OP_WORK:
        arch_tables_softirq(&realm_vcpu[me]->vcpu);
        return 0;
    case OP_SWITCH:
        return turn(!me);
    case OP_KILL:
        realm[!me]->dying = true;
        return 0;
    case OP_TAKE_DOWN:
        return take_down(!me);
    case OP_KINDS:
        break;
    }
    return -XEN_ENOSYS;
}

long op_carry_out(const struct image *image, const struct op *op)
{
    for (unsigned i = 0; i < shape.frames; i++)
        for (unsigned s = 0; (op->filled >> i & 1) && s < PT_ENTRIES; s++)
            play_page(i)[s] = guest_entry(image->current, op->fill[i][s]);
    this_cpu()->softirq = op->stopped ? SOFTIRQ_TIMER : 0;
    return carry_out(image, op);
}
