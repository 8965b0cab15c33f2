/* SPDX-License-Identifier: MIT
 * The user space of user.h: four tables, registered as the second root. */
#include "guest/paging.h"
#include "guest/trap.h"
#include "guest/user.h"

static uint64_t *slot(const struct user_space *user, uint64_t address)
{
    return &user->table[1][table_index(address, 1)];
}

long user_space_make(struct user_space *user, const void *code, unsigned int pages)
{
    long answer = 0;

    for (unsigned int level = 1; level <= 4; level++)
        user->table[level] = page_alloc();
    for (unsigned int level = 4; level >= 2; level--)
        user->table[level][table_index(USER_CODE, level)] = entry_make(user->table[level - 1], ENTRY_TABLE);
    user->stack = page_alloc();
    user->data = page_alloc();
    for (unsigned int i = 0; i < pages; i++)
        *slot(user, USER_CODE + i * PAGE_SIZE) =
            entry_make((const uint8_t *)code + i * PAGE_SIZE, ENTRY_RO | ENTRY_USER);
    *slot(user, USER_STACK) = entry_make(user->stack, ENTRY_RW | ENTRY_USER | ENTRY_NX);
    *slot(user, USER_DATA) = entry_make(user->data, ENTRY_RW | ENTRY_USER | ENTRY_NX);
    for (unsigned int level = 1; level <= 4 && answer == 0; level++)
        answer = page_readonly(user->table[level]);
    if (answer == 0)
        answer = table_pin(4, user->table[4]);
    return answer != 0 ? answer : root_load_user(user->table[4]);
}

void user_space_run(const void *code, const void *entry, uint64_t iret_flags)
{
    uint64_t offset = (uintptr_t)entry - (uintptr_t)code;

    user_enter(USER_CODE + offset, USER_STACK + PAGE_SIZE, USER_DATA, iret_flags);
}
