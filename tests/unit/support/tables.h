/* SPDX-License-Identifier: MIT */
/*
 * Domains for unit tests of memory: made by domain_create(), with frames of their own and nothing in them, in either
 * mode of paging. Frames are named by pfn, 0 to count - 1; what the guest would call them is tables_number(). The
 * hypercalls go through the door. tables_reset() comes first.
 */
#ifndef XL_UNIT_SUPPORT_TABLES_H
#define XL_UNIT_SUPPORT_TABLES_H

#include "tests/unit/support/world.h"

#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/paging/types.h"
#include "common/frame.h"
#include <arch/paging.h>
#include <xen/xen.h>

#define TABLES_MAX 64 /* frames of one domain */

#define P    PTE_PRESENT
#define RW   PTE_RW
#define US   PTE_USER
#define RO_FLAGS (PTE_PRESENT | PTE_USER)
#define RW_FLAGS (PTE_PRESENT | PTE_RW | PTE_USER)

struct tables {
    struct domain *d;
    struct x86_vcpu *v; /* vcpu 0 */
    u64 count;
    mfn_t frame[TABLES_MAX];
};

/* The machine as after power-on with that many frames; hypervisor slots of roots get recognisable contents. */
void tables_reset(u64 frames);
/* A domain with count frames; its vcpu 0 makes the hypercalls from now on. */
void tables_make(struct tables *t, const char *name, enum domain_paging paging, u64 count);
/* Takes it down as the hypervisor would, all steps. */
void tables_destroy(struct tables *t);

u64 tables_number(const struct tables *t, u64 pfn);
gfn_t tables_gfn(const struct tables *t, u64 pfn);
u64 *tables_page(const struct tables *t, u64 pfn);
struct frame *tables_frame(const struct tables *t, u64 pfn);
u64 tables_word(const struct tables *t, u64 pfn);
/* An entry for that frame in the guest's form; and as it is to stand in a live table. */
u64 tables_entry(const struct tables *t, u64 pfn, u64 flags);
u64 tables_stored(const struct tables *t, u64 pfn, u64 flags);
/* The address of entry `slot` of a frame, as mmu_update takes it. */
u64 tables_slot(const struct tables *t, u64 pfn, unsigned slot);

/* A plain tree by stores: pfn 1 L4 [0] -> pfn 2 L3 [0] -> pfn 3 L2 [0] -> pfn 4 L1, whose [i] map 8+i, i < 4. */
#define L4 1
#define L3 2
#define L2 3
#define L1 4
#define DATA 8
void tables_tree(struct tables *t);

/*
 * Hypercalls of the current vcpu, given again as long as they stop half way, with what the way out to the guest does
 * to page tables; world_restarts counts. An interrupt that stopped one is served between two rounds, unless there is
 * always another.
 */
extern bool tables_always_interrupted;
extern void (*tables_between_restarts)(void); /* what the guest does between two rounds; NULL: nothing */
long tables_call(u32 number, u64 a1, u64 a2, u64 a3, u64 a4);
long mmuext(u32 cmd, u64 arg1);
long mmuext_pair(u32 cmd, u64 arg1, u64 arg2);
long mmu_update(u64 ptr, u64 val);
long update_va(vaddr_t va, u64 val, u64 flags);
long pin(const struct tables *t, unsigned level, u64 pfn);
long unpin(const struct tables *t, u64 pfn);
/* XENMEM_*_reservation, XENMEM_populate_physmap of one frame: 1: done. *gfn: in and out. */
long reservation(u32 command, u64 *gfn);

/* Room that the guest can reach at the host's own address, for lists of arguments. */
extern u64 tables_room[512];

/* All that can be seen of the memory of all domains: words, contents, M2P, p2m. */
struct snapshot;
struct snapshot *snapshot_take(void);
/*
 * Is everything as it was? A type without a count means nothing and is not compared. What differs first goes to stderr.
 */
bool snapshot_same(const struct snapshot *s);
/* The same for the frames of one domain only. */
bool snapshot_same_of(const struct snapshot *s, const struct domain *d);
void snapshot_free(struct snapshot *s);
bool same_since(struct snapshot *s); /* snapshot_same() and snapshot_free() */

#endif
