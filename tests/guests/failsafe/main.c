/* SPDX-License-Identifier: MIT
 * failsafe: a data segment whose descriptor went away while its vcpu slept is 0 afterwards, and the guest is told by the
 * failsafe callback. Its frame holds what was in the registers: where that differs from what is there now, the guest sees
 * which one failed. Vcpu 1 is there to take turns with. */
#include "second.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

#define RFLAGS_IF  0x200ul
#define FLAT       0xe02bu
#define LOCAL      0x000fu /* the second descriptor of the LDT, ring 3 */
#define DATA_RING3 0x00cff3000000fffful

enum segment { DS, ES, FS, GS, SEGMENTS };

/* lose.asm */
void lose(const uint16_t segments[SEGMENTS], void (*away)(void));
extern uint8_t lose_failsafe[];
extern uint16_t lose_segments[SEGMENTS];
extern uint32_t lose_count;
extern struct {
    uint64_t rcx, r11, segment[SEGMENTS], rip, cs, rflags, rsp, ss;
} lose_frame;

static uint64_t *ldt;
static bool masked; /* are events, when the segments go */

static const struct loaded {
    const char *what;
    uint16_t segment[SEGMENTS];
} loaded[] = {
    {"ds", {LOCAL, FLAT, FLAT, FLAT}},         {"es", {0, LOCAL, 0, 0}},
    {"fs", {FLAT, 0, LOCAL, 0}},               {"gs", {FLAT, FLAT, 0, LOCAL}},
    {"all four", {LOCAL, LOCAL, LOCAL, LOCAL}},
};

static long ldt_set(const void *address, unsigned int entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = HYPERCALL_PTR(address), .arg2.nr_ents = entries};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static volatile uint8_t *mask(void)
{
    return &guest_shared_info->vcpu_info[0].evtchn_upcall_mask;
}

/* The registers keep what they have; the next turn of this vcpu has to load it anew. */
static void drop_and_yield(void)
{
    report_quiet("the LDT goes", ldt_set(NULL, 0), 0);
    *mask() = masked;
    for (unsigned int i = 0; i < 10; i++)
        second_yield();
}

static void told(const struct loaded *with)
{
    static const char *const name[] = {"ds", "es", "fs", "gs"};
    const uint32_t before = lose_count;

    printf("gone: %s\n", with->what);
    report_quiet("an LDT", ldt_set(ldt, 2), 0);
    lose(with->segment, drop_and_yield);
    report_quiet("failsafe callbacks", lose_count - before, 1);
    for (unsigned int i = 0; i < SEGMENTS; i++) {
        report_quiet(name[i], lose_segments[i], with->segment[i] == LOCAL ? 0 : with->segment[i]);
        report_quiet("in the frame", (long)lose_frame.segment[i], with->segment[i]);
    }
    report_quiet("cs is of kernel mode", (long)(lose_frame.cs & 3), 0);
    report_quiet("the mask in the frame", (long)(lose_frame.cs >> 32 & 0xff), masked);
    report_quiet("IF in the frame", (lose_frame.rflags & RFLAGS_IF) == 0, masked);
    *mask() = 1;
}

/* With the flag of the callback events are masked in it, without it they stay as they were. */
static void mask_travels(void)
{
    masked = true;
    told(&loaded[0]);
    report_answer("a callback that masks events",
                  trap_set_callback(CALLBACKTYPE_failsafe, lose_failsafe, CALLBACKF_mask_events), 0);
    report_quiet("an LDT", ldt_set(ldt, 2), 0);
    masked = false;
    lose(loaded[0].segment, drop_and_yield);
    report_equal("events are masked in it", *mask(), 1);
}

void guest_main(void)
{
    report_title("failsafe", "a data segment that went away is told, with what it was");
    report_answer("a failsafe callback", trap_set_callback(CALLBACKTYPE_failsafe, lose_failsafe, 0), 0);
    if (!second_bring_up())
        return;
    ldt = page_alloc();
    ldt[1] = DATA_RING3;
    report_answer("a page for the LDT", page_readonly(ldt), 0);
    for (unsigned int i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++)
        told(&loaded[i]);
    mask_travels();
    trap_init();
}
