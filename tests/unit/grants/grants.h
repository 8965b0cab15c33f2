/* SPDX-License-Identifier: MIT */
/*
 * Two domains and their grants: b lends, a uses, in any pair of modes. a's L1 (tables_tree) maps the first 2 MiB, so its
 * address 4096 * slot is mapped by its entry `slot`. Calls return an element's status, or the call's own error less 1000.
 */
#ifndef XL_UNIT_GRANTS_H
#define XL_UNIT_GRANTS_H

#include "common/grant_table.h"
#include "tests/unit/support/tables.h"

#define CALL_ERROR(error) (-(error)-1000)
#define PAGES 24 /* of each domain */

extern struct tables a, b;
extern enum domain_paging mode_a, mode_b;
extern u64 free_before; /* frames, before the domains were made */

/* Room for arguments at the host's own addresses. */
extern struct grant_room {
    struct gnttab_map_grant_ref map[80];
    struct gnttab_unmap_grant_ref unmap[80];
    struct gnttab_unmap_and_replace replace;
    struct gnttab_copy copy[80];
    struct gnttab_setup_table setup;
    struct gnttab_query_size query;
    struct gnttab_swap_grant_ref swap[80];
    u64 list[80];
} room;

/* Runs the test for all four pairs of modes, each with fresh domains, and audits and destroys them after it. */
void in_all_modes(void (*test)(void));
void grants_setup(enum domain_paging first, enum domain_paging second);
/* Takes a domain down, all steps, and lets zombies go that can. */
void end_of(struct tables *t);

long grant_op(u32 command, void *arguments, u32 count);
volatile struct grant_entry_v1 *entry_of(const struct tables *t, grant_ref_t ref);
/* b grants its frame pfn to a. */
void lend(grant_ref_t ref, u64 pfn, u16 flags);
u16 bits(grant_ref_t ref); /* GTF_reading and GTF_writing of b's entry */

extern grant_handle_t handle; /* of the last map */
extern u64 bus;
long map(grant_ref_t ref, u64 address, u32 flags);
long unmap(grant_handle_t which, u64 address);
long unmap_bus(grant_handle_t which, u64 address, u64 bus_address);
long replace(grant_handle_t which, u64 address, u64 new_address);
#define VA(slot) ((u64)(slot) << PAGE_SHIFT)

u64 refs_b(u64 pfn);
u64 writers_b(u64 pfn); /* its type count, as long as the type is writable */

#endif
