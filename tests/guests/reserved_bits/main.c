/* SPDX-License-Identifier: MIT
 * reserved_bits: entries with bits that a guest may not set, at each level and in each way there is to write
 * one: a table that is registered, an update of a registered one, a plain store. Each is refused, and the
 * entry stays as it was; the bits that are the guest's own are not. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

#define ENTRY_PWT    0x008ul
#define ENTRY_PCD    0x010ul
#define ENTRY_GLOBAL 0x100ul

static const struct {
    const char *name;
    uint64_t bits;
} bad[] = {
    {"write-through", ENTRY_PWT},
    {"no caching", ENTRY_PCD},
    {"superpage", ENTRY_SUPERPAGE},
    {"global", ENTRY_GLOBAL},
};

#define BAD (sizeof(bad) / sizeof(bad[0]))

static uint64_t *table[5]; /* by level; the entry 0 of each names the one below */

static void say(char *buffer, size_t size, const char *how, unsigned int level, const char *bits)
{
    snprintf(buffer, size, "refused: %s, level %u, %s", how, level, bits);
}

static void pinned(unsigned int level, unsigned int i)
{
    uint64_t *other = page_alloc(), entry = entry_make(table[level - 1], ENTRY_TABLE | bad[i].bits);
    char what[80];

    other[7] = entry;
    report_quiet("read-only", page_readonly(other), 0);
    say(what, sizeof(what), "pin", level, bad[i].name);
    report_answer(what, table_pin(level, other), -XEN_EINVAL);
    report_quiet("the entry is as it was", (long)(other[7] == entry), 1);
    report_quiet("writable", page_writable(other), 0);
    page_free(other);
}

static void updated(unsigned int level, unsigned int i)
{
    uint64_t before = table[level][0];
    char what[80];

    say(what, sizeof(what), "mmu_update", level, bad[i].name);
    report_answer(what,
                  entry_update(&table[level][1], entry_make(table[level - 1], ENTRY_TABLE | bad[i].bits)),
                  -XEN_EINVAL);
    report_quiet("still empty", (long)table[level][1], 0);
    say(what, sizeof(what), "mmu_update of a live entry", level, bad[i].name);
    report_answer(what,
                  entry_update(&table[level][0], entry_make(table[level - 1], ENTRY_TABLE | bad[i].bits)),
                  -XEN_EINVAL);
    report_quiet("as it was", (long)(table[level][0] == before), 1);
}

static void stored(unsigned int level, unsigned int i)
{
    char what[80];

    say(what, sizeof(what), "store", level, bad[i].name);
    report_true(what, !try_write(&table[level][2], entry_make(table[level - 1], ENTRY_TABLE | bad[i].bits)));
    report_quiet("still empty", (long)table[level][2], 0);
}

/* Frames that no processor can name, in the bits between the largest machine and bit 51. */
static void frames_beyond(void)
{
    uint64_t beyond = 0x000f000000000000ul;

    report_true("refused: L1, a frame beyond all machines",
                entry_update(&table[1][3], beyond | ENTRY_RW) < 0);
    report_quiet("still empty", (long)table[1][3], 0);
    for (unsigned int level = 2; level <= 4; level++) {
        report_answer("refused: a table beyond all machines",
                      entry_update(&table[level][3], beyond | ENTRY_TABLE), -XEN_EINVAL);
        report_quiet("still empty", (long)table[level][3], 0);
    }
}

/* Bits 9 to 11 belong to the guest, and so does everything in an entry that is not present. */
static void own_bits(void)
{
    for (unsigned int level = 2; level <= 4; level++) {
        report_answer("bits 9 to 11 of a table's entry",
                      entry_update(&table[level][4], entry_make(table[level - 1], ENTRY_TABLE | 0xe00)), 0);
        report_equal("they are there", table[level][4] & 0xe00, 0xe00);
        report_answer("all bits, not present", entry_update(&table[level][4], ~ENTRY_PRESENT), 0);
        report_equal("they are there", table[level][4], ~ENTRY_PRESENT);
        report_answer("empty", entry_update(&table[level][4], 0), 0);
    }
}

void guest_main(void)
{
    report_title("reserved_bits", "entries with bits that no guest may set");
    for (unsigned int level = 1; level <= 4; level++) {
        table[level] = page_alloc();
        if (level > 1)
            table[level][0] = entry_make(table[level - 1], ENTRY_TABLE);
        report_quiet("read-only", page_readonly(table[level]), 0);
    }
    report_answer("a good tree", table_pin(4, table[4]), 0);
    report_answer("stores to tables", hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables),
                  0);
    for (unsigned int level = 2; level <= 4; level++)
        for (unsigned int i = 0; i < BAD; i++) {
            pinned(level, i);
            updated(level, i);
            stored(level, i);
        }
    frames_beyond();
    own_bits();
    report_answer("the good tree can go", table_unpin(table[4]), 0);
}
