/* SPDX-License-Identifier: MIT
 * One address space of this guest's own: four tables and the data pages that its L1 shows at SPACE_VA. */
#ifndef PAGE_TABLES_SPACE_H
#define PAGE_TABLES_SPACE_H

#include <stdint.h>

#define SPACE_VA    0x0000008000000000ul /* L4 slot 1: far from the kernel's half */
#define SPACE_PAGES 4u

struct space {
    uint64_t *table[5]; /* by level, 1 to 4; [0] is not used */
    uint64_t *data[SPACE_PAGES];
};

/* Builds the tables in ordinary memory; data page i begins with the word first + i. Nothing is registered. */
void space_build(struct space *space, uint64_t first);

/* Where the L1's entry i shows in the space. */
static inline volatile uint64_t *space_address(unsigned int i)
{
    return (volatile uint64_t *)(SPACE_VA + i * 4096ul);
}

/* Gives the four tables one after the other a read-only mapping, or a writable one again. */
long space_readonly(struct space *space);
long space_writable(struct space *space);

void space_free(struct space *space);

/* refusals.c: what the hypervisor must not do, each with its error code. The space is registered. */
void refusals_run(struct space *space);

#endif
