/* SPDX-License-Identifier: MIT */
/*
 * Interruption and failure at every point. Each operation (realm.c) from each state is
 *   - stopped at each look at "is somebody else waiting" (preempt_pending()), and at each two: the same end and answers as
 *     without;
 *   - stopped at each look, with each operation of another vcpu in between: an end that the requests one after the other
 *     come to as well, or a clean refusal;
 *   - stopped at each look and never given again: as if it had not been made, once the vcpu makes its next request;
 *   - given an allocation, a copy from the guest or a copy to it that fails, each in turn: done, or not at all.
 * After each the audit and the oracle find nothing, and every frame comes back.
 * It also counts what lies between two looks: frames whose memory was used, and accesses.
 */
#include "tests/assurance/interleave/serial.h"
#include "tests/assurance/step/steps.h"
#include "tests/assurance/step/tlb.h"
#include "tests/assurance/sweep/sweep.h"
#include "common/cpu.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const failure_names[] = {"", "allocation", "copy from the guest", "copy to the guest"};

/* What is tried now. */
KEPT static struct {
    const struct cast *cast;
    const struct operation *state, *op, *between;
    unsigned stop[2];      /* the looks at which it is stopped, counted from 1; 0: none */
    bool abandon;
    /* What came up. */
    unsigned looks;
    bool inserted, on;
} now = {0};

KEPT static struct {
    u64 points, pairs, twice, abandoned, faults, refusals, runs;
    u64 frames_most, accesses_most;
    const char *frames_op, *accesses_op;
} figures = {0};

/* ---- a breach ------------------------------------------------------------------------------------------------- */

void breach(const char *fmt, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "breach: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n%s\nstate: %s\noperation: %s\n", now.cast ? now.cast->name : "-", now.state ? now.state->name : "-",
            now.op ? now.op->name : "-");
    if (now.stop[0])
        fprintf(stderr, "stopped at look %u", now.stop[0]);
    if (now.stop[1])
        fprintf(stderr, " and at %u", now.stop[1]);
    if (now.stop[0])
        fprintf(stderr, "%s\n", now.abandon ? ", and not given again" : "");
    if (now.between)
        fprintf(stderr, "in between: %s\n", now.between->name);
    if (failures.at)
        fprintf(stderr, "fails: %s %u\n", failure_names[failures.kind], failures.at);
    for (unsigned i = 0; i < PARTS_ALL; i++)
        if (cpus_run.rc[i])
            fprintf(stderr, "answer of request %u of cpu %u: %ld\n", i % PARTS_MAX, i / PARTS_MAX, cpus_run.rc[i]);
    fprintf(stderr, "%s", fake_console_text());
    if (now.cast && now.state && now.op)
        fprintf(stderr, "again: sweep %ld %ld %ld\n", (long)(now.cast - realm_casts), (long)(now.state - realm_states),
                (long)(now.op - realm_operations));
    _exit(1);
}

static void on_signal(int number)
{
    breach("signal %d (6: BUG or panic, see the console below)", number);
}

/* ---- looks, and what lies between ------------------------------------------------------------------------------ */

KEPT static u64 accesses = 0;
KEPT static u8 frame_used[512] = {0};
KEPT static unsigned frames_used = 0;

static void between_looks_end(void)
{
    if (frames_used > figures.frames_most) {
        figures.frames_most = frames_used;
        figures.frames_op = now.op->name;
    }
    if (accesses > figures.accesses_most) {
        figures.accesses_most = accesses;
        figures.accesses_op = now.op->name;
    }
    accesses = 0;
    frames_used = 0;
    memset(frame_used, 0, sizeof(frame_used));
}

static void count_access(const void *at)
{
    size_t frame = (size_t)((const u8 *)at - direct_map) >> PAGE_SHIFT;
    accesses++;
    if (frame < frame_count && frame < sizeof(frame_used) && frame_table[frame].owner != OWNER_NONE && !frame_used[frame]) {
        frame_used[frame] = 1;
        frames_used++;
    }
}

static void before(const void *at, size_t n, unsigned access, const void *where)
{
    (void)where;
    if (!now.on)
        return;
    now.on = false;
    tlb_before(realm_cpu(), at, n, access);
    count_access(at);
    if (realm_cpu() == 0 && at == (const void *)&this_cpu()->softirq && access == ACCESS_READ) {
        between_looks_end();
        now.looks++;
        if (now.looks == now.stop[0] || now.looks == now.stop[1])
            __atomic_fetch_or(&this_cpu()->softirq, SOFTIRQ_TIMER, __ATOMIC_RELAXED);
    }
    now.on = true;
}

static void changed(const void *at, u64 old, u64 new)
{
    tlb_changed(realm_cpu(), at, old, new);
    realm_changed(at, new);
}

static void flush_others(void)
{
    bool was = now.on;
    now.on = false;
    tlb_flush_all_from(realm_cpu());
    now.on = was;
}

/* ---- one run --------------------------------------------------------------------------------------------------- */

static void parts(unsigned cpu, const struct operation *op)
{
    for (unsigned i = 0; i < PARTS_MAX && op->part[i].run; i++)
        cpus_run.rc[cpu * PARTS_MAX + i] = op->part[i].run(op->part[i].argument);
}

static bool between(void)
{
    if (now.between && !now.inserted) {
        now.inserted = true;
        realm_select(1);
        parts(1, now.between);
        realm_select(0);
    }
    return !now.abandon;
}

static struct outcome run(const struct operation *op)
{
    memory_restore();
    fake_console_clear();
    memset(cpus_run.rc, 0, sizeof(cpus_run.rc));
    memset(cpus_run.skipped, 0, sizeof(cpus_run.skipped));
    memset(failures.count, 0, sizeof(failures.count));
    now.looks = 0;
    now.inserted = false;
    steps_before = before;
    steps_changed = changed;
    fake_on_flush_others = flush_others;
    realm_between = between;
    realm_select(0);
    now.on = failures.on = true;
    parts(0, op);
    failures.on = false;
    between_looks_end();
    if (now.abandon)
        realm_next_request();
    now.on = false;
    tlb_fill();
    steps_before = NULL;
    steps_changed = NULL;
    realm_between = NULL;
    figures.runs++;
    return outcome_now();
}

static void same_as(const struct outcome *saw, const struct outcome *expected)
{
    if (memcmp(saw->rc, expected->rc, sizeof(saw->rc)) != 0)
        breach("the answer is another than without interruption");
    if (saw->digest != expected->digest)
        breach("the end is another than without interruption");
    outcome_check(saw);
}

/* ---- the sweeps ------------------------------------------------------------------------------------------------- */

static void stop_everywhere(const struct outcome *plain, unsigned looks, bool twice)
{
    for (now.stop[0] = 1; now.stop[0] <= looks; now.stop[0]++) {
        struct outcome o = run(now.op);
        unsigned then = now.looks;
        same_as(&o, plain);
        figures.points++;
        for (now.stop[1] = now.stop[0] + 1; twice && now.stop[1] <= then; now.stop[1]++) {
            o = run(now.op);
            same_as(&o, plain);
            figures.twice++;
        }
        now.stop[1] = 0;
    }
    now.stop[0] = 0;
}

/* The requests of a stopped operation, or the one abandoned, count as refused. */
static void abandon_everywhere(unsigned looks)
{
    memset(cpus_run.operation, 0, sizeof(cpus_run.operation));
    cpus_run.operation[0] = now.op;
    serial_orders();
    now.abandon = true;
    for (now.stop[0] = 1; now.stop[0] <= looks; now.stop[0]++) {
        struct outcome o = run(now.op);
        outcome_check(&o);
        if (serial_explains(&o) == OUTCOME_WRONG && !realm_keeps_what_it_has(now.op))
            breach("an abandoned request left something");
        figures.abandoned++;
    }
    now.abandon = false;
    now.stop[0] = 0;
}

static void insert_everywhere(unsigned looks, bool all)
{
    for (unsigned b = 0; b < realm_operation_count; b++) {
        if (!all && (b + (unsigned)(now.op - realm_operations) + (unsigned)(now.state - realm_states)) % 3)
            continue;
        now.between = NULL;
        memset(cpus_run.operation, 0, sizeof(cpus_run.operation));
        cpus_run.operation[0] = now.op;
        cpus_run.operation[1] = &realm_operations[b];
        serial_orders();
        now.between = &realm_operations[b];
        for (now.stop[0] = 1; now.stop[0] <= looks; now.stop[0]++) {
            struct outcome o = run(now.op);
            if (!now.inserted)
                continue;
            outcome_check(&o);
            enum explanation found = serial_explains(&o);
            if (found == OUTCOME_WRONG)
                breach("no order of the requests one after the other comes to this end");
            figures.refusals += found == OUTCOME_REFUSED;
            figures.pairs++;
        }
        now.stop[0] = 0;
    }
    now.between = NULL;
}

/* Done or not at all; what a copy to the guest would have told may be untold. */
static void fail_everywhere(const unsigned count[FAIL_KINDS])
{
    memset(cpus_run.operation, 0, sizeof(cpus_run.operation));
    cpus_run.operation[0] = now.op;
    serial_orders();
    for (unsigned kind = FAIL_ALLOC; kind < FAIL_KINDS; kind++) {
        failures.kind = (enum failure)kind;
        for (failures.at = 1; failures.at <= count[kind]; failures.at++) {
            struct outcome o = run(now.op);
            outcome_check(&o);
            if (serial_explains(&o) == OUTCOME_WRONG && !(kind == FAIL_COPY_TO && serial_comes_to(o.digest)))
                breach("a request with a failure in it is neither done nor undone");
            figures.faults++;
        }
    }
    failures.at = 0;
}

static void one_operation(bool all)
{
    outcome_forget();
    struct outcome plain = run(now.op);
    const unsigned looks = now.looks;
    unsigned count[FAIL_KINDS];
    memcpy(count, failures.count, sizeof(count));
    outcome_check(&plain);
    stop_everywhere(&plain, looks, true);
    if (looks) {
        abandon_everywhere(looks);
        insert_everywhere(looks, all);
    }
    fail_everywhere(count);
}

static bool state_begin(unsigned cast, unsigned state)
{
    now.cast = &realm_casts[cast];
    now.state = &realm_states[state];
    now.op = NULL;
    if (!realm_make(now.cast, now.state))
        return false;
    memory_save();
    cpus_words_reset();
    return true;
}

int main(int argc, char **argv)
{
    const bool is_long = steps_form_is_long();
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGABRT, on_signal);
    signal(SIGSEGV, on_signal);
    signal(SIGILL, on_signal);
    cpus_init();
    for (unsigned c = 0; c < realm_cast_count; c++)
        for (unsigned s = 0; s < realm_state_count; s++) {
            if ((argc == 4 && (c != strtoul(argv[1], NULL, 0) || s != strtoul(argv[2], NULL, 0))) || !state_begin(c, s))
                continue;
            for (unsigned o = 0; o < realm_operation_count; o++) {
                now.op = &realm_operations[o];
                if (argc == 4 && o != strtoul(argv[3], NULL, 0))
                    continue;
                one_operation(is_long || argc == 4);
            }
        }
    now.state = NULL;
    printf("sweep: %lu runs; stopped at %lu looks, %lu times at two, %lu with another's request in between (%lu refused "
           "by chance), %lu abandoned; %lu failures\n",
           figures.runs, figures.points, figures.twice, figures.pairs, figures.refusals, figures.abandoned, figures.faults);
    printf("sweep: between two looks lie at most %lu frames of guests (%s) and %lu accesses (%s), with tables of %u\n",
           figures.frames_most, figures.frames_op, figures.accesses_most, figures.accesses_op, PT_ENTRIES);
    printf("figure preemption_points %lu\nfigure preemption_pairs %lu\n"
           "figure fault_points %lu\nfigure frames_between_looks %lu\n",
           figures.points + figures.abandoned, figures.twice + figures.pairs, figures.faults, figures.frames_most);
    return 0;
}
