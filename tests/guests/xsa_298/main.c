/* SPDX-License-Identifier: MIT
 * XSA-298: a far call through a selector beyond the end of the LDT was looked up all the same; with no LDT at all that gave the
 * page at address 0, whatever it was, the type of a descriptor table, from user mode.
 * Tried: far calls from user mode through selectors at and beyond the ends of LDT and GDT, with a page at address 0. Right: #GP
 * that names the selector, and that page stays ordinary memory. */
#include "attempt.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "guest/user.h"

#define LOCAL      4u
#define RING3      3u
#define ENTRIES    8u
#define DATA_RING3 0x00cff3000000fffful
#define CALL_GATE  0x0000ec00e0330000ul /* DPL 3, to the flat code segment */

extern uint8_t user_code[], user_call[];

__asm__(".pushsection .user_text, \"ax\", @progbits\n"
        ".balign 4096\n"
        ".globl user_code, user_call\n"
        "user_code:\n"
        "user_call:\n"
        "    lcall *(%rdi)\n"
        "    ud2\n"
        ".popsection");

static struct trap_regs seen;
static unsigned int count;

static bool note(struct trap_regs *regs)
{
    seen = *regs;
    count++;
    user_leave(regs);
    return true;
}

static long set_ldt(const void *address, unsigned int entries)
{
    return mmuext(MMUEXT_SET_LDT, HYPERCALL_PTR(address), entries, DOMID_SELF);
}

static void refused(uint8_t *data, uint16_t selector)
{
    ((uint32_t *)data)[0] = 0x1000;
    ((uint16_t *)data)[2] = selector;
    count = 0;
    user_space_run(user_code, user_call, 0);
    report_quiet("one exception", count, 1);
    report_quiet("vector", (long)seen.vector, TRAP_GP);
    report_quiet("error code", (long)seen.error, selector & ~RING3);
    report_quiet("at the call", (long)seen.rip, (long)USER_CODE);
}

static void all_refused(const char *what, uint8_t *data)
{
    static const uint16_t indices[] = {1, ENTRIES - 1, ENTRIES, 511, 512, 8191};

    for (unsigned int i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
        refused(data, (uint16_t)((unsigned int)indices[i] << 3 | LOCAL | RING3));
    refused(data, 100 << 3 | RING3);
    refused(data, 7000 << 3 | RING3);
    printf("%s: #GP\n", what);
}

/* Address 0: the tree's own slots lead elsewhere. */
static void page_at_zero(struct tree *tree)
{
    for (unsigned int level = 1; level <= 3; level++) {
        tree->table[level][0] = level == 1 ? entry_make(tree->page, ENTRY_RW | ENTRY_USER | ENTRY_NX)
                                           : entry_table(tree->table[level - 1]);
        report_quiet("read-only", page_readonly(tree->table[level]), 0);
    }
    report_answer("a page at address 0", entry_update(&paging_boot_root()[0], entry_table(tree->table[3])), 0);
    report_true("it can be written", try_write(NULL, CALL_GATE));
}

void guest_main(void)
{
    uint64_t *ldt = page_alloc();
    struct user_space user;
    struct tree tree;

    attempt_begin("xsa_298", "far calls beyond the end of a descriptor table");
    report_answer("a user root", user_space_make(&user, user_code, 1), 0);
    trap_set_user_stack();
    trap_handle(TRAP_GP, note);
    tree_make(&tree);
    page_at_zero(&tree);
    all_refused("no LDT", user.data);
    report_answer("the page at address 0 leaves its map", entry_update(&tree.table[1][0], 0), 0);
    report_answer("and that of the tree", entry_update(&tree.table[1][TREE_SLOT], 0), 0);
    *(uint64_t *)tree.page = 0;
    report_answer("it can become a table: it has no other type", table_register(1, tree.page), 0);
    report_answer("and memory again", table_unregister(tree.page), 0);
    ldt[ENTRIES] = ldt[1] = DATA_RING3;
    report_answer("a page for the LDT", page_readonly(ldt), 0);
    report_answer("an LDT of eight", set_ldt(ldt, ENTRIES), 0);
    all_refused("an LDT of eight", user.data);
    report_answer("no LDT again", set_ldt(NULL, 0), 0);
    all_refused("no LDT", user.data);
    report_answer("nothing at address 0", entry_update(&paging_boot_root()[0], 0), 0);
    report_answer("its page is memory again", page_writable(ldt), 0);
    report_answer("no user root", root_load_user(NULL), 0);
    tree_free(&tree);
    page_free(ldt);
    attempt_end();
}
