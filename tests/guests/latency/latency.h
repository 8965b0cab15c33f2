/* SPDX-License-Identifier: MIT
 * What is measured by latency (main.c), and with what (operations.c). */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdbool.h>

struct operation {
    const char *name;
    long (*run)(void);    /* what is interrupted; a negative answer ends the guest's test */
    void (*before)(void); /* before each run; NULL: nothing */
    void (*after)(void);
};

/* Memory for the operations. */
void operations_prepare(void);

/* Those that are given up half-way and asked for again, so that the upcall comes in between. */
extern const struct operation operations_restarted[];
extern const unsigned int operations_restarted_count;

/* Those that leave work which must be done before the vcpu goes on, while others run. */
extern const struct operation operations_finished[];
extern const unsigned int operations_finished_count;

#endif
