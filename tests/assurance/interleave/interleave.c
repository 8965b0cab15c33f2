/* SPDX-License-Identifier: MIT */
/*
 * Two processors, systematically: every pair of operations (realm.c), from every state, in every schedule with at most
 * so many preemptions at accesses to shared words. After each schedule nothing is left locked or undone, and the results
 * are those of the requests one after the other in some order, some of them perhaps refused; after each end that no
 * schedule of the pair had before, the audit and an independent oracle look at it all, and all frames come back when the
 * domains end.
 *
 *   interleave                 the short form; XL_LONG=1 the long one
 *   interleave CAST STATE A B  one pair, by their numbers; with a list of choices (as a breach prints it) that schedule alone
 */
#include "tests/assurance/interleave/serial.h"
#include "tests/assurance/step/steps.h"
#include "tests/assurance/step/tlb.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

KEPT static struct {
    const struct cast *cast;
    const struct operation *state;
    bool is_long;
    /* Figures. */
    u64 pairs, conflicting, schedules, steps, longest, restarts, states, refusals;
} it = {0};

/* ---- a breach ------------------------------------------------------------------------------------------------- */

static void print_schedule(void)
{
    fprintf(stderr, "%s\nstate: %s\n", it.cast ? it.cast->name : "-", it.state ? it.state->name : "-");
    for (unsigned c = 0; c < REALM_CPUS; c++)
        if (cpus_run.operation[c])
            fprintf(stderr, "cpu %u: %s\n", c, cpus_run.operation[c]->name);
    cpus_print();
    fprintf(stderr, "%s", fake_console_text());
    if (!it.cast || !it.state)
        return;
    fprintf(stderr, "again: interleave %ld %ld", (long)(it.cast - realm_casts), (long)(it.state - realm_states));
    for (unsigned c = 0; c < it.cast->cpus; c++)
        fprintf(stderr, " %ld", cpus_run.operation[c] ? (long)(cpus_run.operation[c] - realm_operations) : -1L);
    fprintf(stderr, " ");
    for (unsigned i = 0; i < cpus_choice_count; i++)
        fprintf(stderr, "%u", cpus_choices[i].taken);
    fprintf(stderr, "\n");
}

void breach(const char *fmt, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "breach: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n");
    print_schedule();
    _exit(1);
}

static void on_signal(int number)
{
    breach("signal %d (6: BUG or panic, see the console below)", number);
}

/* ---- one end -------------------------------------------------------------------------------------------------- */

/* Which request was refused that no order of the requests refuses. */
static void say_refusal(const struct outcome *saw)
{
    printf("# refused by chance: %s, %s:", it.cast->name, it.state->name);
    for (unsigned c = 0; c < it.cast->cpus; c++) {
        printf(" %s =", cpus_run.operation[c]->name);
        for (unsigned i = 0; i < PARTS_MAX && cpus_run.operation[c]->part[i].run; i++)
            printf(" %ld", saw->rc[c * PARTS_MAX + i]);
    }
    printf("\n");
}

static void check_serial(const struct outcome *saw)
{
    enum explanation found = serial_explains(saw);
    if (found == OUTCOME_SERIAL)
        return;
    if (found == OUTCOME_REFUSED) {
        it.refusals++;
        if (getenv("XL_SAY"))
            say_refusal(saw);
        return;
    }
    fprintf(stderr, "results:");
    for (unsigned c = 0; c < it.cast->cpus; c++)
        for (unsigned i = 0; i < PARTS_MAX && cpus_run.operation[c]->part[i].run; i++)
            fprintf(stderr, " cpu %u: %ld", c, saw->rc[c * PARTS_MAX + i]);
    fprintf(stderr, "\n");
    breach("no order of the requests one after the other comes to this end");
}

static void check_run(void)
{
    struct outcome o = outcome_now();
    if (outcome_check(&o))
        check_serial(&o);
}

/* ---- all schedules -------------------------------------------------------------------------------------------- */

static void all_schedules(unsigned bound)
{
    cpus_run.grain = GRAIN_ACCESS;
    cpus_run.bound = bound;
    outcome_forget();
    unsigned fixed = 0;
    do {
        cpus_go(fixed);
        it.schedules++;
        it.steps += cpus_run.steps;
        it.longest = max_u64(it.longest, cpus_run.steps);
        check_run();
        if (cpus_words_grew()) { /* there are more places to stop at than were tried: from the beginning */
            it.restarts++;
            fixed = 0;
            cpus_choice_count = 0;
            continue;
        }
        fixed = next_choices();
        if (!fixed)
            return;
    } while (true);
}

static void one_pair(const struct operation *a, const struct operation *b, unsigned bound)
{
    memset(cpus_run.operation, 0, sizeof(cpus_run.operation));
    cpus_run.operation[0] = a;
    cpus_run.operation[1] = b;
    cpus_words_reset();
    serial_orders();
    cpus_words_grew();
    all_schedules(bound);
    it.pairs++;
    it.conflicting += cpus_words_shared() > 0;
}

static bool state_begin(const struct cast *cast, const struct operation *state)
{
    it.cast = cast;
    it.state = state;
    memset(cpus_run.operation, 0, sizeof(cpus_run.operation));
    if (!realm_make(cast, state))
        return false;
    memory_save();
    it.states++;
    return true;
}

#define HOTTEST 8 /* the first operations of the list */

/*
 * Preemptions for this pair from this state; -1: not tried. The long form tries all of it; the short form the hottest pairs
 * everywhere, and of the others each where its number says so: over all states every pair comes up.
 */
static int bound_for(unsigned cast, unsigned state, unsigned a, unsigned b)
{
    const bool hot = a < HOTTEST && b < HOTTEST;
    if (it.is_long)
        return hot ? 3 : 2;
    if (hot && realm_casts[cast].domains == 1)
        return state % 2 == cast % 2 ? 2 : 1;
    return (a * 5 + b * 3 + state * 7 + cast) % 13 == 0 ? 1 : -1;
}

static void one_state(unsigned cast, unsigned state)
{
    u64 schedules = it.schedules;
    clock_t begin = clock();

    if (!state_begin(&realm_casts[cast], &realm_states[state]))
        return;
    for (unsigned a = 0; a < realm_operation_count; a++)
        for (unsigned b = 0; b < realm_operation_count; b++) {
            int bound = bound_for(cast, state, a, b);
            if (bound >= 0)
                one_pair(&realm_operations[a], &realm_operations[b], (unsigned)bound);
        }
    if (getenv("XL_SAY"))
        printf("# %s, %s: %lu schedules, %.1f s\n", it.cast->name, it.state->name, it.schedules - schedules,
               (double)(clock() - begin) / CLOCKS_PER_SEC);
}

static void everything(void)
{
    const char *only = getenv("XL_CAST");
    for (unsigned c = only ? (unsigned)strtoul(only, NULL, 0) : 0; c < realm_cast_count; c++)
        for (unsigned s = 0; s < realm_state_count; s++)
            one_state(c, s);
}

static void again(char **argv, const char *choices)
{
    const struct cast *cast = &realm_casts[strtoul(argv[1], NULL, 0) % realm_cast_count];
    if (!state_begin(cast, &realm_states[strtoul(argv[2], NULL, 0) % realm_state_count]))
        fake_fail("this state is none for this cast");
    const struct operation *a = &realm_operations[strtoul(argv[3], NULL, 0) % realm_operation_count];
    const struct operation *b = &realm_operations[strtoul(argv[4], NULL, 0) % realm_operation_count];
    one_pair(a, b, choices ? 0 : it.is_long ? 3 : 2);
    if (!choices)
        return;
    unsigned n = (unsigned)strlen(choices);
    for (unsigned i = 0; i < n && i < CHOICES_MAX; i++)
        cpus_choices[i].taken = (u8)(choices[i] - '0');
    cpus_run.bound = CHOICES_MAX;
    cpus_go(n);
    check_run();
    print_schedule();
}

int main(int argc, char **argv)
{
    it.is_long = steps_form_is_long();
    signal(SIGABRT, on_signal);
    signal(SIGSEGV, on_signal);
    signal(SIGILL, on_signal);
    setvbuf(stdout, NULL, _IOLBF, 0);
    cpus_init();
    if (argc >= 5)
        again(argv, argc > 5 ? argv[5] : NULL);
    else
        everything();
    printf("interleave: %lu pairs (%lu share words) from %lu states, %lu schedules, %lu steps, the longest %lu; "
           "%lu ends looked at, %lu refused by chance\n",
           it.pairs, it.conflicting, it.states, it.schedules, it.steps, it.longest, outcome_ends(), it.refusals);
    printf("figure schedules %lu\nfigure schedule_pairs %lu\n", it.schedules, it.pairs);
    return 0;
}
