/* SPDX-License-Identifier: MIT
 * Interrupting a long hypercall in the middle, to do something else before it goes on: what it finds then is not what it
 * left. */
#ifndef MIDWAY_H
#define MIDWAY_H

#include <stdbool.h>
#include <stddef.h>

struct midway {
    unsigned int hypercall; /* its number: what must stand in rax where it was interrupted */
    void (*prepare)(void);  /* brings about what the call works on, before each try */
    long (*call)(void);     /* makes the call; returns its answer */
    void (*during)(void);   /* done in the upcall, when the call has begun and not ended; NULL: nothing */
};

/*
 * Sets a timer shortly before the call, a little later at each try, until its event interrupts the call. Returns whether
 * it did; *answer is that of the last call. Takes VIRQ_TIMER, in the lowest free port at the time of the call.
 */
bool midway_run(const struct midway *midway, long *answer);

#endif
