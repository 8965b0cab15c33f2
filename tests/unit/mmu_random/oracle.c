/* SPDX-License-Identifier: MIT */
/* See oracle.h. */
#include "tests/unit/mmu_random/oracle.h"
#include "arch/x86/paging/host_map.h"
#include <stdlib.h>
#include <string.h>

const u16 oracle_slots[] = {0, 1, 2, 3, 255, 256, 260, 271, 272, 510, 511};
const unsigned oracle_slot_count = ARRAY_SIZE(oracle_slots);

static u64 word_of(u64 n)
{
    return frame_word(&frame_table[n]);
}
/* In use as a table of any kind: nobody may write to it. */
static bool is_kept(u64 n)
{
    u64 w = word_of(n);
    return word_type_count(w) && word_type(w) != FRAME_WRITABLE && word_type(w) != FRAME_NONE;
}
static bool is_table(u64 n, unsigned level)
{
    u64 w = word_of(n);
    return word_type_count(w) && word_type(w) == level && (w & FRAME_VALIDATED);
}
static bool is_ours(unsigned level, unsigned i)
{
    return level == PT_LEVELS && i >= HYPERVISOR_FIRST_SLOT && i <= HYPERVISOR_LAST_SLOT;
}

u8 oracle_lent[ORACLE_FRAMES];

/* A page of its own; another's, as long as it is somebody's, if that one lent it, or to a privileged domain. */
static bool may_map(const struct domain *d, u64 n, bool writable)
{
    return frame_table[n].owner == d->id ||
           (frame_table[n].owner != OWNER_NONE && (d->privileged || (oracle_lent[n] & (writable ? LENT_WRITE : LENT_READ))));
}

/* ---- what can be reached -------------------------------------------------------------------------------------- */

static struct {
    const struct domain *d;
    enum oracle_look look;
    u8 seen[5][ORACLE_FRAMES];
    u16 list[4 * ORACLE_FRAMES]; /* frame + level * ORACLE_FRAMES */
    unsigned fill;
    const char *wrong;
} reach;

static void reach_table(u64 n, unsigned level)
{
    if (n >= frame_count)
        reach.wrong = "a table's entry names no frame";
    else if (frame_table[n].owner != reach.d->id)
        reach.wrong = "a table of somebody else is reachable";
    else if (!is_table(n, level))
        reach.wrong = "what is reachable as a table is none of that level";
    else if (!reach.seen[level][n]) {
        reach.seen[level][n] = 1;
        reach.list[reach.fill++] = (u16)(n + level * ORACLE_FRAMES);
    }
}

static void reach_entry(u64 entry, unsigned level)
{
    u64 n = entry << 12 >> 24;
    if (!(entry & 1))
        return;
    if (!(entry & 4))
        reach.wrong = "an entry keeps ring 3 out";
    else if (entry & 0x118 || (level > 1 && entry & 0x80))
        reach.wrong = "an entry has a forbidden bit";
    else if (level > 1)
        reach_table(n, level - 1);
    else if (n >= frame_count)
        reach.wrong = "a leaf names no frame";
    else if (!may_map(reach.d, n, entry & 2))
        reach.wrong = "a frame of somebody else is reachable";
    else if (entry & 2 && is_kept(n))
        reach.wrong = "a table is reachable writable";
}

static void reach_entries(u64 n, unsigned level)
{
    const u64 *table = mfn_to_ptr(mfn_make(n));
    unsigned count = reach.look == LOOK_ALL_SLOTS ? PT_ENTRIES : oracle_slot_count;
    for (unsigned k = 0; k < count && !reach.wrong; k++) {
        unsigned i = reach.look == LOOK_ALL_SLOTS ? k : oracle_slots[k];
        if (!is_ours(level, i))
            reach_entry(table[i], level);
        else if (table[i] != host_l4_slots[i - HYPERVISOR_FIRST_SLOT])
            reach.wrong = "a slot of the hypervisor is not as it must be";
    }
}

static void reach_roots(const struct x86_vcpu *v)
{
    if (!mfn_is_invalid(v->kernel_root))
        reach_table(v->kernel_root.n, PT_LEVELS);
    if (!mfn_is_invalid(v->user_root))
        reach_table(v->user_root.n, PT_LEVELS);
}

const char *oracle_reachable(enum oracle_look look)
{
    reach.wrong = NULL;
    reach.look = look;
    for (const struct domain *d = NULL; !reach.wrong && (d = domain_next(d)) != NULL;) {
        reach.d = d;
        reach.fill = 0;
        memset(reach.seen, 0, sizeof(reach.seen));
        for (u32 i = 0; i < d->vcpu_count; i++)
            reach_roots(x86_vcpu(d->vcpu[i]));
        for (unsigned i = 0; i < reach.fill && !reach.wrong; i++)
            reach_entries(reach.list[i] % ORACLE_FRAMES, reach.list[i] / ORACLE_FRAMES);
        const struct x86_domain *xd = x86_domain_const(d);
        for (u64 pfn = 0; xd->p2m && pfn < xd->p2m_count && !reach.wrong; pfn++)
            if (xd->p2m[pfn] != P2M_NONE && (xd->p2m[pfn] >= frame_count || frame_table[xd->p2m[pfn]].owner != d->id))
                reach.wrong = "a number of a domain names a frame of somebody else";
    }
    return reach.wrong;
}

/* ---- what caches may hold ------------------------------------------------------------------------------------- */

/* A frame may be cached as a table of several levels, and as a page. */
static struct {
    u64 loads;                      /* CR3 loads so far: each is a flush */
    u8 table[5][ORACLE_FRAMES];     /* a way to it is cached */
    u8 writable[ORACLE_FRAMES], readable[ORACLE_FRAMES];
    u8 read_as[5][ORACLE_FRAMES];   /* in this step: its entries have been looked at */
    u16 list[4 * ORACLE_FRAMES];
    unsigned fill;
} cache;

void oracle_cache_reset(void)
{
    memset(&cache, 0, sizeof(cache));
    cache.loads = fake_processor.cr3_loads;
}

static const char *cache_leaf(const struct domain *d, u64 n, bool writable)
{
    if (n >= frame_count || !may_map(d, n, writable))
        return "a cache leads to a frame of somebody else";
    if (writable && is_kept(n))
        return "a cache leads to a table, writable";
    if (writable)
        cache.writable[n] = 1;
    cache.readable[n] = 1;
    return NULL;
}

static const char *cache_way(const struct domain *d, u64 n, unsigned level)
{
    if (n >= frame_count || frame_table[n].owner != d->id)
        return "a cache leads to a table of somebody else";
    cache.table[level][n] = 1;
    if (!cache.read_as[level][n]) {
        cache.read_as[level][n] = 1;
        cache.list[cache.fill++] = (u16)(n + level * ORACLE_FRAMES);
    }
    return NULL;
}

static const char *cache_entries(const struct domain *d, u64 n, unsigned level)
{
    const u64 *table = mfn_to_ptr(mfn_make(n));
    const char *wrong = NULL;
    for (unsigned k = 0; k < oracle_slot_count && !wrong; k++) {
        unsigned i = oracle_slots[k];
        if (!(table[i] & 1) || is_ours(level, i))
            continue;
        u64 frame = table[i] << 12 >> 24;
        wrong = level == 1 ? cache_leaf(d, frame, table[i] & 2) : cache_way(d, frame, level - 1);
    }
    return wrong;
}

const char *oracle_cache_step(struct domain *d, mfn_t root)
{
    const char *wrong = NULL;
    if (fake_processor.cr3_loads != cache.loads)
        oracle_cache_reset();
    memset(cache.read_as, 0, sizeof(cache.read_as));
    cache.fill = 0;
    if (!mfn_is_invalid(root))
        wrong = cache_way(d, root.n, 4);
    for (u64 n = 0; n < frame_count && !wrong; n++) {
        for (unsigned level = 1; level <= 4 && !wrong; level++)
            if (cache.table[level][n])
                wrong = cache_way(d, n, level);
        if (!wrong && (cache.readable[n] || cache.writable[n]))
            wrong = cache_leaf(d, n, cache.writable[n]);
    }
    for (unsigned i = 0; i < cache.fill && !wrong; i++)
        wrong = cache_entries(d, cache.list[i] % ORACLE_FRAMES, cache.list[i] / ORACLE_FRAMES);
    return wrong;
}

/* ---- what nobody else may change ------------------------------------------------------------------------------ */

static struct {
    u64 word[ORACLE_FRAMES], m2p[ORACLE_FRAMES];
    u16 owner[ORACLE_FRAMES];
    u8 lent[ORACLE_FRAMES];
    u8 (*page)[PAGE_SIZE]; /* [ORACLE_FRAMES], made when it is first needed */
} kept;

/* Written by others too: the ports' bits in shared_info and in a registered vcpu_info, and what is lent. */
static bool is_shared(const struct domain *d, u64 n)
{
    bool shared = (word_of(n) & FRAME_SPECIAL) || oracle_lent[n];
    for (u32 i = 0; i < d->vcpu_count; i++)
        shared |= d->vcpu[i]->info_mfn.n == n;
    return shared;
}

void oracle_keep(const struct domain *d)
{
    if (!kept.page && (kept.page = malloc(sizeof(*kept.page) * ORACLE_FRAMES)) == NULL)
        fake_fail("no memory for the oracle");
    for (u64 n = 0; n < frame_count; n++) {
        kept.owner[n] = frame_table[n].owner;
        kept.lent[n] = oracle_lent[n];
        if (kept.owner[n] != d->id)
            continue;
        kept.word[n] = word_of(n);
        kept.m2p[n] = m2p_table[n];
        memcpy(kept.page[n], mfn_to_ptr(mfn_make(n)), PAGE_SIZE);
    }
}

const char *oracle_kept(const struct domain *d)
{
    for (u64 n = 0; n < frame_count; n++) {
        /* What was lent may go with its last user, where its owner has given it back before. */
        if ((kept.owner[n] == d->id) != (frame_table[n].owner == d->id) && !kept.lent[n])
            return "another's step gave or took a frame";
        if (kept.owner[n] != d->id || kept.lent[n] || is_shared(d, n))
            continue;
        if (kept.word[n] != word_of(n) || kept.m2p[n] != m2p_table[n])
            return "another's step changed a word or a number";
        if (memcmp(kept.page[n], mfn_to_ptr(mfn_make(n)), PAGE_SIZE) != 0)
            return "another's step changed a page";
    }
    return NULL;
}
