/* SPDX-License-Identifier: MIT
 * Building an address space out of ordinary pages: an entry holds a frame of the guest's own numbering until
 * its table is registered. */
#include "guest/paging.h"
#include "space.h"

void space_build(struct space *space, uint64_t first)
{
    for (unsigned int level = 1; level <= 4; level++)
        space->table[level] = page_alloc();
    for (unsigned int level = 4; level >= 2; level--)
        space->table[level][table_index(SPACE_VA, level)] = entry_make(space->table[level - 1], ENTRY_TABLE);
    for (unsigned int i = 0; i < SPACE_PAGES; i++) {
        space->data[i] = page_alloc();
        space->data[i][0] = first + i;
        space->table[1][i] = entry_make(space->data[i], ENTRY_RW);
    }
    root_copy_kernel(space->table[4]);
}

long space_readonly(struct space *space)
{
    long answer = 0;

    for (unsigned int level = 1; level <= 4 && answer == 0; level++)
        answer = page_readonly(space->table[level]);
    return answer;
}

long space_writable(struct space *space)
{
    long answer = 0;

    for (unsigned int level = 1; level <= 4 && answer == 0; level++)
        answer = page_writable(space->table[level]);
    return answer;
}

void space_free(struct space *space)
{
    for (unsigned int level = 1; level <= 4; level++)
        page_free(space->table[level]);
    for (unsigned int i = 0; i < SPACE_PAGES; i++)
        page_free(space->data[i]);
}
