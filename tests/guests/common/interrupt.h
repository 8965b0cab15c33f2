/* SPDX-License-Identifier: MIT
 * Long hypercalls that are stopped in the middle: a timer fires while the hypervisor works, its event is delivered
 * before the work is done, and what the guest does then happens between two steps of that work. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#define ABANDONED (-999l) /* what an abandoned call answers */

struct interruption {
    void (*meanwhile)(void); /* done in the middle of the call; may be NULL */
    unsigned int times;      /* how often at most: each arms the timer for the next */
    bool abandon;            /* after that the call is not gone on with: it returns ABANDONED */
    unsigned int inside;     /* comes back: how often a call was stopped in its middle */
};

/* Takes over the event callback of vcpu 0 and its timer. False, and reported: that cannot be. */
bool interrupt_init(void);

/* call(argument), with a timer that fires that many nanoseconds after its begin. Upcalls are masked before and
 * afterwards. Returns what the call returned. */
long interrupted(long (*call)(void *), void *argument, uint64_t after, struct interruption *how);

#endif
