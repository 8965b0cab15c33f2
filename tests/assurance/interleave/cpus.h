/* SPDX-License-Identifier: MIT */
/*
 * Two or more processors on one thread of the host: each has a stack of its own and works through its requests; before an
 * access to a word that more than one of them uses, and one of them writes, a scheduler may let another go on. All that
 * happens is decided by the list of choices, so that a schedule can be run again.
 */
#ifndef XL_ASSURANCE_CPUS_H
#define XL_ASSURANCE_CPUS_H

#include "tests/assurance/step/realm.h"

#define CHOICES_MAX 4096
#define PARTS_ALL   (REALM_CPUS * PARTS_MAX)

enum grain {
    GRAIN_ACCESS,  /* choices stand before accesses */
    GRAIN_REQUEST, /* only between two requests: serial orders. Choices also say whether a request is made at all, and
                      whether frames that are given back meanwhile stay until the end, as they do where a request under
                      way has a reference to them. */
};

struct run {
    enum grain grain;
    unsigned bound;                             /* preemptions at most */
    const struct operation *operation[REALM_CPUS]; /* NULL: this processor does nothing */
    /* Out. */
    long rc[PARTS_ALL]; /* [cpu * PARTS_MAX + part] */
    bool skipped[PARTS_ALL];
    unsigned preemptions, switches;
    u64 steps; /* accesses at which another could have come */
};
extern struct run cpus_run;

/* The choices of the run: given to repeat it as far as they go, then 0 each; afterwards all that were made. */
struct choice {
    u8 taken, of;
    u8 preempts; /* taking another than 0 costs a preemption */
    u8 before;   /* preemptions used up before it */
};
extern struct choice cpus_choices[CHOICES_MAX];
extern unsigned cpus_choice_count;

/* Once. */
void cpus_init(void);
/* Which words are used by more than one: forgotten. */
void cpus_words_reset(void);
/* Did the last run see a word shared that no run before did? Its schedule was then not among all there are. */
bool cpus_words_grew(void);
unsigned cpus_words_shared(void);
/* Runs cpus_run from the state of memory_save() to its end, all lists of work run. given: choices that are fixed. */
void cpus_go(unsigned given);
/* The schedule so far: who did what, and where. */
void cpus_print(void);

#endif
