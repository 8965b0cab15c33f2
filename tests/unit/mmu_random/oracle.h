/* SPDX-License-Identifier: MIT */
/*
 * What must be true of the memory of two domains after any step, found by walking their tables and nothing else: written
 * without the engine's help, so that it cannot err with it. Of the engine's records only a frame's owner and type are
 * believed, and arch_audit() counts those.
 */
#ifndef XL_UNIT_MMU_RANDOM_ORACLE_H
#define XL_UNIT_MMU_RANDOM_ORACLE_H

#include "tests/unit/support/tables.h"

#define ORACLE_FRAMES 256 /* of the machine, at most */

/* The slots that the random steps use; all 512 are looked at where that is asked for. */
extern const u16 oracle_slots[];
extern const unsigned oracle_slot_count;

enum oracle_look { LOOK_USED_SLOTS, LOOK_ALL_SLOTS };

/* NULL: all is well; else a sentence. Both domains' roots: right tables, own frames, no table writable. */
const char *oracle_reachable(enum oracle_look look);

/*
 * The processor's caches, as forgetful as the engine's flushes and no more: they hold every translation and every way to
 * a table that the loaded root has offered since the last flush. None of them may lead to what is not the domain's, or
 * write to a table.
 */
void oracle_cache_reset(void);
const char *oracle_cache_step(struct domain *d, mfn_t root);

/*
 * Frames that their owner has lent, by grants as the guests wrote them: whoever makes such steps keeps it. Another domain may
 * map them with these rights and no more, and change what is in them.
 */
#define LENT_READ  1
#define LENT_WRITE 2
extern u8 oracle_lent[ORACLE_FRAMES];

/* The other domain's frames, words and numbers, from the one call to the next. */
void oracle_keep(const struct domain *d);
const char *oracle_kept(const struct domain *d);

#endif
