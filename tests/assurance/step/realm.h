/* SPDX-License-Identifier: MIT */
/*
 * One or two small domains, the processors that run their vcpus, and what these can ask for: the operations on memory, and
 * the states from which they are tried. Shared by what interleaves two processors and by what interrupts one.
 *
 * Frames of a domain, by pfn (tables have 4 entries, slot 3 of a root is the hypervisor's):
 *
 *     1 L4 [0]> 2 L3 [0]> 3 L2 [0]> 4 L1  [0]> 8 rw  [1]> 9 ro  [3]> 4 ro        loaded on each processor
 *     5 L4 [0]> 6 L3 [0]> 7 L2 [0]> 11 L1 [0]> 9 ro  [1]> 10 ro                  a second tree, not yet registered
 *                              [1]> 14 L1 [0]> 9 ro
 *     12, 15 data    13 descriptors    10, 8, 9 data
 */
#ifndef XL_ASSURANCE_REALM_H
#define XL_ASSURANCE_REALM_H

#include "tests/unit/support/tables.h"

#define REALM_CPUS   3 /* at most */
#define REALM_FRAMES 16

/* One request of a guest. Returns what the guest sees. */
struct action {
    long (*run)(const u64 *argument);
    u64 argument[4];
};
/* What one processor does in a row, up to three requests; also what makes a state, done by cpu 0 (or where BY says). */
#define PARTS_MAX 8
struct operation {
    const char *name;
    struct action part[PARTS_MAX];
};
extern const struct operation realm_operations[], realm_states[];
extern const unsigned realm_operation_count, realm_state_count;

/* Who the processors work for. */
struct cast {
    const char *name;
    enum domain_paging mode[2]; /* of the first domain, and of the second, if there is one */
    u8 domains;
    u8 domain_of[REALM_CPUS];   /* [cpu]: 0 or 1 */
    u8 cpus;
};
extern const struct cast realm_casts[];
extern const unsigned realm_cast_count;

extern struct tables realm[2];

/*
 * Called where a request has been stopped half-way and others may run before it goes on. False: the guest does not come back
 * to it. NULL: nobody is asked. The answer of an abandoned request is -XEN_ERESTART.
 */
extern bool (*realm_between)(void);
/* Giving back a frame that another request is giving back just now is answered like the other, and does nothing. */
bool realm_may_do_nothing(const struct action *action);
/* vcpu_op initialise, interrupted and never given again, leaves the vcpu the tables it has so far (arch/x86/vcpu.c). */
bool realm_keeps_what_it_has(const struct operation *op);
/* Long work of this processor's vcpu that is left after an abandoned request, as its next request does it. */
void realm_next_request(void);

/* The machine anew, with these domains, in that state. False: this state is none for this cast. */
bool realm_make(const struct cast *cast, const struct operation *state);
/* this_cpu() and the loaded root are that processor's from now on. */
void realm_select(unsigned cpu);
unsigned realm_cpu(void);
/* All domains end. */
void realm_end(void);
/* The frames that are free before any domain is made. */
extern u64 realm_free_at_start;
/* A word of 8 bytes was changed atomically: the world that runs tells (steps_changed). */
void realm_changed(const void *at, u64 new);
/*
 * All that counts of the state: owners, words, contents, numbers, roots, descriptor tables, charges; mixed to 64 bits.
 * Which of the free frames a domain was given does not count.
 */
u64 realm_digest(void);
/* A reference more to every frame in use, as a request under way has of those that it looked up; and back again. */
void realm_hold_all(void);
void realm_put_all(void);
/* NULL: nothing is left undone or held: no lock, no list, no cursor. Else what. */
const char *realm_unfinished(void);

#endif
