/* SPDX-License-Identifier: MIT */
/* See cpus.h. */
#include "tests/assurance/interleave/cpus.h"
#include "tests/assurance/step/steps.h"
#include "tests/assurance/step/tlb.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STACK_SIZE (512u << 10)
#define STEPS_MAX  20000 /* of one schedule: more is a livelock */
#define SPINS_MAX  2000  /* turns of a waiting loop in one schedule: more is a deadlock */
#define TRACE_MAX  4096

KEPT struct run cpus_run = {0};
KEPT struct choice cpus_choices[CHOICES_MAX] = {{0, 0, 0, 0}};
KEPT unsigned cpus_choice_count = 0;

KEPT static struct {
    ucontext_t context;
    void *stack;
    bool done;
} co[REALM_CPUS] = {{.done = false}};
KEPT static ucontext_t outside = {0};
KEPT static bool on = false;     /* a schedule is under way, and what runs is the hypervisor's own */
KEPT static unsigned given = 0;  /* choices that are fixed */
KEPT static unsigned spins = 0;

/* [word]: bits 2c and 2c+1: read, written by cpu c, in any schedule of this pair. */
KEPT static u8 *touched = NULL;
KEPT static u32 *touched_list = NULL;
KEPT static size_t touched_count = 0;
KEPT static size_t touched_room = 0;
KEPT static bool grew = false;
KEPT static unsigned shared_words = 0;

KEPT static struct {
    const void *where, *at;
    u8 cpu, event;
} trace[TRACE_MAX] = {{NULL, NULL, 0, 0}};
KEPT static unsigned trace_fill = 0;
enum { EVENT_ACCESS, EVENT_REQUEST, EVENT_END, EVENT_SPIN };

/* ---- what is shared ------------------------------------------------------------------------------------------- */

void cpus_words_reset(void)
{
    if (memory_words() > touched_room) {
        free(touched);
        free(touched_list);
        touched_room = memory_words();
        touched = calloc(touched_room, 1);
        touched_list = calloc(touched_room, sizeof(*touched_list));
        touched_count = 0;
    }
    for (size_t i = 0; i < touched_count; i++)
        touched[touched_list[i]] = 0;
    touched_count = 0;
    shared_words = 0;
    grew = false;
}

bool cpus_words_grew(void)
{
    bool did = grew;
    grew = false;
    return did;
}

unsigned cpus_words_shared(void)
{
    return shared_words;
}

/* Used by two, and one of them writes. */
static bool is_shared(u8 bits)
{
    for (unsigned c = 0; c < REALM_CPUS; c++) {
        u8 own = (u8)(3u << 2 * c);
        if ((bits & 2u << 2 * c) && (bits & (u8)~own))
            return true;
    }
    return false;
}

/* Notes the access; is a word of it shared? */
static bool note_access(unsigned cpu, const void *at, size_t n, unsigned access)
{
    bool shared = false;
    for (size_t offset = 0; offset < n; offset += 8) {
        size_t word = memory_word((const u8 *)at + offset);
        if (word == WORD_NONE)
            return false;
        u8 before = touched[word], after = (u8)(before | (access & 3u) << 2 * cpu);
        if (before != after) {
            if (!before)
                touched_list[touched_count++] = (u32)word;
            touched[word] = after;
            if (is_shared(after) && !is_shared(before)) {
                grew = true;
                shared_words++;
            }
        }
        shared = shared || is_shared(after);
    }
    return shared;
}

/* ---- choices -------------------------------------------------------------------------------------------------- */

/* 0 to of - 1. */
static unsigned choose(unsigned of, bool preempts)
{
    if (cpus_choice_count == CHOICES_MAX)
        breach("more than %d choices", CHOICES_MAX);
    struct choice *c = &cpus_choices[cpus_choice_count];
    if (cpus_choice_count >= given)
        c->taken = 0;
    *c = (struct choice){c->taken, (u8)of, preempts, (u8)cpus_run.preemptions};
    cpus_choice_count++;
    if (c->taken >= of)
        fake_fail("choice %u is not among %u", c->taken, of);
    return c->taken;
}

static void note(unsigned event, const void *where, const void *at)
{
    if (trace_fill < TRACE_MAX) {
        trace[trace_fill].where = where;
        trace[trace_fill].at = at;
        trace[trace_fill].cpu = (u8)realm_cpu();
        trace[trace_fill].event = (u8)event;
        trace_fill++;
    }
}

/* The other processors that can go on, in order from the one after this. */
static unsigned others(unsigned out[REALM_CPUS])
{
    unsigned n = 0;
    for (unsigned i = 1; i < REALM_CPUS; i++) {
        unsigned c = (realm_cpu() + i) % REALM_CPUS;
        if (cpus_run.operation[c] && !co[c].done)
            out[n++] = c;
    }
    return n;
}

static void go_to(unsigned cpu)
{
    unsigned from = realm_cpu();
    cpus_run.switches++;
    realm_select(cpu);
    swapcontext(&co[from].context, &co[cpu].context);
}

/* ---- the hooks ------------------------------------------------------------------------------------------------ */

static void before(const void *at, size_t n, unsigned access, const void *where)
{
    unsigned other[REALM_CPUS], count;

    if (!on)
        return;
    on = false;
    bool shared = note_access(realm_cpu(), at, n, access);
    if (shared && cpus_run.grain == GRAIN_ACCESS) {
        note(EVENT_ACCESS, where, at);
        if (++cpus_run.steps > STEPS_MAX)
            breach("no end after %d steps", STEPS_MAX);
        if (cpus_run.preemptions < cpus_run.bound && (count = others(other)) > 0) {
            unsigned taken = choose(count + 1, true);
            if (taken) {
                cpus_run.preemptions++;
                go_to(other[taken - 1]);
            }
        }
    }
    tlb_before(realm_cpu(), at, n, access);
    on = true;
}

static void changed(const void *at, u64 old, u64 new)
{
    if (!on)
        return;
    on = false;
    tlb_changed(realm_cpu(), at, old, new);
    realm_changed(at, new);
    on = true;
}

static void flush_others(void)
{
    bool was = on;
    on = false;
    tlb_flush_all_from(realm_cpu());
    on = was;
}

/* Who waits lets the others go on: that is no preemption. */
void __wrap_fake_cpu_relax(void);
void __wrap_fake_cpu_relax(void)
{
    unsigned other[REALM_CPUS];
    if (!on)
        return;
    on = false;
    note(EVENT_SPIN, __builtin_return_address(0), NULL);
    if (++spins > SPINS_MAX)
        breach("the processors wait for one another");
    unsigned count = others(other);
    if (count)
        go_to(other[count > 1 ? choose(count, false) : 0]);
    on = true;
}

/* ---- a processor ---------------------------------------------------------------------------------------------- */

static void cpu_main(void)
{
    const unsigned cpu = realm_cpu();
    const struct operation *op = cpus_run.operation[cpu];
    unsigned other[REALM_CPUS], count;

    for (unsigned i = 0; i < PARTS_MAX && op->part[i].run; i++) {
        unsigned at = cpu * PARTS_MAX + i;
        if (cpus_run.grain == GRAIN_REQUEST) {
            if (i && (count = others(other)) > 0) {
                unsigned taken = choose(count + 1, false);
                if (taken)
                    go_to(other[taken - 1]);
            }
            cpus_run.skipped[at] = choose(2, false);
        }
        note(EVENT_REQUEST, NULL, NULL);
        on = true;
        if (!cpus_run.skipped[at])
            cpus_run.rc[at] = op->part[i].run(op->part[i].argument);
        on = false;
    }
    note(EVENT_END, NULL, NULL);
    co[cpu].done = true;
    count = others(other);
    if (count)
        go_to(other[count > 1 ? choose(count, false) : 0]);
    setcontext(&outside);
}

void cpus_init(void)
{
    for (unsigned c = 0; c < REALM_CPUS; c++) {
        co[c].stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (co[c].stack == MAP_FAILED)
            fake_fail("no stack");
    }
}

void cpus_go(unsigned fixed)
{
    unsigned first[REALM_CPUS], count = 0;

    memory_restore();
    fake_console_clear();
    given = fixed;
    cpus_choice_count = 0;
    trace_fill = 0;
    spins = 0;
    cpus_run.preemptions = cpus_run.switches = 0;
    cpus_run.steps = 0;
    memset(cpus_run.rc, 0, sizeof(cpus_run.rc));
    memset(cpus_run.skipped, 0, sizeof(cpus_run.skipped));
    for (unsigned c = 0; c < REALM_CPUS; c++) {
        co[c].done = false;
        if (!cpus_run.operation[c])
            continue;
        first[count++] = c;
        getcontext(&co[c].context);
        co[c].context.uc_stack.ss_sp = co[c].stack;
        co[c].context.uc_stack.ss_size = STACK_SIZE;
        makecontext(&co[c].context, cpu_main, 0);
    }
    steps_before = before;
    steps_changed = changed;
    fake_on_flush_others = flush_others;
    on = false;
    bool linger = cpus_run.grain == GRAIN_REQUEST && choose(2, false);
    if (linger)
        realm_hold_all();
    realm_select(first[choose(count, false)]);
    swapcontext(&outside, &co[realm_cpu()].context);
    realm_select(0);
    on = linger;
    if (linger)
        realm_put_all();
    on = false;
    tlb_fill();
    steps_before = NULL;
    steps_changed = NULL;
    realm_select(0);
}

void cpus_print(void)
{
    on = false;
    steps_before = NULL;
    steps_changed = NULL;
    unsigned step = 0;
    for (unsigned i = 0; i < trace_fill; i++) {
        const char *what = trace[i].event == EVENT_REQUEST ? "begins" : trace[i].event == EVENT_END ? "ends" : "waits";
        if (trace[i].event == EVENT_ACCESS)
            fprintf(stderr, "  cpu %u step %u at %p, before: ", trace[i].cpu, ++step, trace[i].at);
        else
            fprintf(stderr, "  cpu %u %s%s", trace[i].cpu, what, trace[i].where ? ": " : "\n");
        if (trace[i].where)
            steps_print_place(trace[i].where);
    }
}
