/* SPDX-License-Identifier: MIT
 * A small user space: one page-aligned piece of code, a stack page and a data page, in a user root of its own. User
 * mode sees nothing else; the kernel reads and writes stack and data at its own addresses. */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include <stdbool.h>
#include <stdint.h>

#define USER_CODE  0x0000010000000000ul /* L4 slot 2 */
#define USER_STACK (USER_CODE + 0x100000)
#define USER_DATA  (USER_CODE + 0x200000 - 0x1000)

struct user_space {
    uint64_t *table[5]; /* by level, 1 to 4 */
    uint8_t *stack, *data;
};

/* Builds and pins the user root and loads it as the user root. code: up to 16 pages of the image (section
 * .user_text). Returns the first refusal, or 0. */
long user_space_make(struct user_space *user, const void *code, unsigned int pages);

/* Runs user mode at an address of the code with a stack and rdi = USER_DATA, until a handler calls user_leave(). */
void user_space_run(const void *code, const void *entry, uint64_t iret_flags);

#endif
