/* SPDX-License-Identifier: MIT */
/* See tables.h. */
#include "tests/unit/support/tables.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/paging/p2m.h"
#include "hypercalls/hypercalls.h"
#include "lib/string.h"
#include <arch/domain.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/memory.h>

u64 tables_room[512] __attribute__((aligned(4096)));
static struct mmuext_op ext_op;
static struct mmu_update request;
static struct xen_memory_reservation memory;
static u64 memory_list[1];

bool tables_always_interrupted;
void (*tables_between_restarts)(void);

void tables_reset(u64 frames)
{
    fake_reset(frames);
    tables_always_interrupted = false;
    tables_between_restarts = NULL;
    fake_guest_pointer(tables_room, sizeof(tables_room));
    fake_guest_pointer(&ext_op, sizeof(ext_op));
    fake_guest_pointer(&request, sizeof(request));
    fake_guest_pointer(&memory, sizeof(memory));
    fake_guest_pointer(memory_list, sizeof(memory_list));
    for (unsigned i = 0; i < ARRAY_SIZE(host_l4_slots); i++)
        host_l4_slots[i] = 0x4850000000000000ull + i; /* not present to the processor's eye where i is even */
}

void tables_make(struct tables *t, const char *name, enum domain_paging paging, u64 count)
{
    if (count > TABLES_MAX)
        fake_fail("%lu frames", count);
    world_config.paging = paging;
    world_config.memory = world_config.maxmem = count << PAGE_SHIFT;
    *t = (struct tables){.d = world_domain(name, world_config.vcpus), .count = count};
    t->v = x86_vcpu(t->d->vcpu[0]);
    t->v->in_kernel = true;
    if (paging == PAGING_REWRITE &&
        (p2m_create(t->d, count + 1) || arch_p2m_set(t->d, gfn_make(count), t->d->shared_info_mfn)))
        fake_fail("no p2m");
    for (u64 pfn = 0; pfn < count; pfn++) {
        struct frame *f = frame_alloc_domain(t->d);
        if (!f || (paging == PAGING_REWRITE && arch_p2m_set(t->d, gfn_make(pfn), frame_mfn(f))))
            fake_fail("no memory for frame %lu of %s", pfn, name);
        m2p_table[frame_mfn(f).n] = pfn;
        t->frame[pfn] = frame_mfn(f);
    }
    world_enter(&t->v->vcpu);
    this_cpu()->softirq = 0;
}

void tables_destroy(struct tables *t)
{
    if (this_cpu()->current == &t->v->vcpu) {
        this_cpu()->current = NULL;
        insn_write_cr3(0);
    }
    domain_destroy(t->d);
    t->d = NULL;
}

u64 tables_number(const struct tables *t, u64 pfn)
{
    return arch_domain_translated(t->d) ? pfn : t->frame[pfn].n;
}
gfn_t tables_gfn(const struct tables *t, u64 pfn)
{
    return gfn_make(tables_number(t, pfn));
}
u64 *tables_page(const struct tables *t, u64 pfn)
{
    return mfn_to_ptr(t->frame[pfn]);
}
struct frame *tables_frame(const struct tables *t, u64 pfn)
{
    return frame_of(t->frame[pfn]);
}
u64 tables_word(const struct tables *t, u64 pfn)
{
    return frame_word(tables_frame(t, pfn));
}
u64 tables_entry(const struct tables *t, u64 pfn, u64 flags)
{
    return tables_number(t, pfn) << PAGE_SHIFT | flags;
}
u64 tables_stored(const struct tables *t, u64 pfn, u64 flags)
{
    return t->frame[pfn].n << PAGE_SHIFT | flags;
}
u64 tables_slot(const struct tables *t, u64 pfn, unsigned slot)
{
    return (tables_number(t, pfn) << PAGE_SHIFT) + slot * 8ull;
}

void tables_tree(struct tables *t)
{
    for (u64 pfn = L4; pfn < L1; pfn++)
        tables_page(t, pfn)[0] = tables_entry(t, pfn + 1, RW_FLAGS);
    for (unsigned i = 0; i < 4; i++)
        tables_page(t, L1)[i] = tables_entry(t, DATA + i, RW_FLAGS);
}

/* ---- hypercalls ----------------------------------------------------------------------------------------------- */

/* The way out to the guest, as far as memory is concerned. Nobody goes back with tables that wait for their end. */
static void way_out(struct vcpu *v)
{
    bool wanted = this_cpu()->softirq & SOFTIRQ_TABLES;
    this_cpu()->softirq = tables_always_interrupted ? SOFTIRQ_TIMER : 0;
    while (wanted && table_work_pending(&x86_vcpu(v)->work))
        arch_tables_softirq(v);
    if (table_work_pending(&x86_vcpu(v)->work))
        fake_fail("there is work left on tables, and nobody was told");
    this_cpu()->softirq &= ~SOFTIRQ_TABLES;
}

long tables_call(u32 number, u64 a1, u64 a2, u64 a3, u64 a4)
{
    struct vcpu *v = current_vcpu();
    long rc = hypercall_table[number](a1, a2, a3, a4, 0);

    world_restarts = 0;
    while (rc == -XEN_ERESTART && v->restart.wanted) {
        v->restart.wanted = false;
        if (++world_restarts > 100000)
            fake_fail("hypercall %u makes no progress", number);
        way_out(v);
        if (tables_between_restarts)
            tables_between_restarts();
        const u64 *a = v->restart.args;
        rc = hypercall_table[v->restart.op](a[0], a[1], a[2], a[3], a[4]);
    }
    way_out(v);
    return rc;
}

long mmuext_pair(u32 cmd, u64 arg1, u64 arg2)
{
    memset(&ext_op, 0, sizeof(ext_op));
    ext_op.cmd = cmd;
    ext_op.arg1.mfn = arg1;
    ext_op.arg2.src_mfn = arg2;
    return tables_call(__HYPERVISOR_mmuext_op, (u64)&ext_op, 1, 0, DOMID_SELF);
}
long mmuext(u32 cmd, u64 arg1)
{
    return mmuext_pair(cmd, arg1, 0);
}
long pin(const struct tables *t, unsigned level, u64 pfn)
{
    return mmuext(MMUEXT_PIN_L1_TABLE + level - 1, tables_number(t, pfn));
}
long unpin(const struct tables *t, u64 pfn)
{
    return mmuext(MMUEXT_UNPIN_TABLE, tables_number(t, pfn));
}
long mmu_update(u64 ptr, u64 val)
{
    request.ptr = ptr;
    request.val = val;
    return tables_call(__HYPERVISOR_mmu_update, (u64)&request, 1, 0, DOMID_SELF);
}
long update_va(vaddr_t va, u64 val, u64 flags)
{
    return tables_call(__HYPERVISOR_update_va_mapping, va, val, flags, 0);
}
long reservation(u32 command, u64 *gfn)
{
    memory_list[0] = *gfn;
    memory = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
    memory.extent_start.p = memory_list;
    long rc = tables_call(__HYPERVISOR_memory_op, command, (u64)&memory, 0, 0);
    *gfn = memory_list[0];
    return rc;
}

/* ---- snapshots ------------------------------------------------------------------------------------------------ */

struct snapshot {
    u64 free;
    u64 *words, *m2p;
    u16 *owners;
    u8 *ram;
    u32 *p2m[DOMAINS_MAX]; /* by rank, as the owners: numbers are never given twice, and one world is compared with another */
};

#define RANK_NONE 0xffff
static u16 rank_of(u16 id)
{
    u16 rank = 0;
    for (const struct domain *d = NULL; (d = domain_next(d)) != NULL; rank++)
        if (d->id == id)
            return rank;
    return RANK_NONE;
}

static void *copy_of(const void *from, size_t n)
{
    void *to = malloc(n);
    if (!to)
        fake_fail("no memory");
    return memcpy(to, from, n);
}

/* What a word says: the type matters while it is counted. */
static u64 word_meaning(u64 w)
{
    return w & FRAME_TC_MASK ? w : w & ~(FRAME_TYPE_MASK | FRAME_VALIDATED);
}

struct snapshot *snapshot_take(void)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    if (!s)
        fake_fail("no memory");
    s->free = frame_free_count();
    s->ram = copy_of(direct_map, frame_count << PAGE_SHIFT);
    s->m2p = copy_of(m2p_table, frame_count * sizeof(u64));
    s->words = calloc(frame_count, sizeof(u64));
    s->owners = calloc(frame_count, sizeof(u16));
    for (u64 n = 0; n < frame_count; n++) {
        s->words[n] = word_meaning(frame_word(&frame_table[n]));
        s->owners[n] = rank_of(frame_table[n].owner);
    }
    for (struct domain *d = NULL; (d = domain_next(d)) != NULL;)
        if (x86_domain(d)->p2m)
            s->p2m[rank_of(d->id)] = copy_of(x86_domain(d)->p2m, x86_domain(d)->p2m_count * sizeof(u32));
    return s;
}

static bool differs(u64 n, const char *what, u64 saw, u64 expected)
{
    if (saw == expected)
        return false;
    fprintf(stderr, "frame %lx: %s is %lx, expected %lx\n", n, what, saw, expected);
    return true;
}

static bool frame_same(const struct snapshot *s, u64 n)
{
    if (differs(n, "owner", rank_of(frame_table[n].owner), s->owners[n]) ||
        differs(n, "word", word_meaning(frame_word(&frame_table[n])), s->words[n]) ||
        differs(n, "M2P", m2p_table[n], s->m2p[n]))
        return false;
    const u64 *now = mfn_to_ptr(mfn_make(n)), *then = (const u64 *)(s->ram + (n << PAGE_SHIFT));
    if (memcmp(now, then, PAGE_SIZE) == 0)
        return true;
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if (now[i] != then[i])
            fprintf(stderr, "frame %lx[%u] is %lx, expected %lx\n", n, i, now[i], then[i]);
    return false;
}

bool snapshot_same_of(const struct snapshot *s, const struct domain *d)
{
    const u16 rank = rank_of(d->id);
    for (u64 n = 0; n < frame_count; n++)
        if ((s->owners[n] == rank || frame_table[n].owner == d->id) && !frame_same(s, n))
            return false;
    if (!x86_domain_const(d)->p2m)
        return true;
    for (u64 pfn = 0; pfn < x86_domain_const(d)->p2m_count; pfn++)
        if (differs(pfn, "mfn of this pfn", x86_domain_const(d)->p2m[pfn], s->p2m[rank][pfn]))
            return false;
    return true;
}

bool snapshot_same(const struct snapshot *s)
{
    for (const struct domain *d = NULL; (d = domain_next(d)) != NULL;)
        if (!snapshot_same_of(s, d))
            return false;
    return !differs(0, "number of free frames", frame_free_count(), s->free);
}

void snapshot_free(struct snapshot *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(s->p2m); i++)
        free(s->p2m[i]);
    free(s->ram);
    free(s->m2p);
    free(s->words);
    free(s->owners);
    free(s);
}

bool same_since(struct snapshot *s)
{
    bool same = snapshot_same(s);
    snapshot_free(s);
    return same;
}
