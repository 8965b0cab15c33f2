/* SPDX-License-Identifier: MIT */
/*
 * What each processor's TLB may hold: every translation, and every way to a table, that the loaded root has offered at any
 * moment since the processor's last flush. Nothing is forgotten without one. Seen from outside: the model reads the tables
 * before each change, and the registers; of the engine's records only owner, type and validity of frames.
 *
 * It is a breach (breach()) when
 *   - a processor may still write to a frame by an old translation while the one that took it for a table or a descriptor
 *     page reads it, or when it becomes valid (security invariant F2: the flush comes after the type was taken);
 *   - a processor can write to what another still walks as a table;
 *   - a processor caches a way to a frame of another domain, or to one that is scrubbed or given away.
 */
#ifndef XL_ASSURANCE_TLB_H
#define XL_ASSURANCE_TLB_H

#include "common/frame.h"
#include "lib/types.h"

/* All forgotten. owner: the domain whose vcpu runs there; OWNER_NONE: nothing runs and nothing is cached there. */
void tlb_reset(void);
void tlb_begin(unsigned cpu, u16 owner);
/* What steps_before and steps_changed tell, of the processor that works. */
void tlb_before(unsigned cpu, const void *at, size_t n, unsigned access);
void tlb_changed(unsigned cpu, const void *at, u64 old, u64 new);
/* The hypervisor has flushed all processors from there. */
void tlb_flush_all_from(unsigned cpu);
/* Reads all tables now: a guest that runs uses all it has. */
void tlb_fill(void);
/* Can the guest on that processor store to the frame, by what stands in its TLB or its tables? */
bool tlb_can_store(unsigned cpu, mfn_t mfn);

/* Given by the program: says what and how it came to it, and ends. */
__noreturn void breach(const char *fmt, ...) __printf(1, 2);

#endif
