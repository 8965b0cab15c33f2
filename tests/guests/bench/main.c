/* SPDX-License-Identifier: MIT
 * bench: counts the instructions of each thing a paravirtualized guest asks for. The rows and their names are
 * those of a table measured on Xen 4.17 in the same machine (tools/xen-4.17.tsv), so that the two can stand
 * side by side. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/trap.h"
#include "bench.h"

static const struct bench_row *current;
static long last_answer;

static long nothing(void)
{
    return 0;
}

/* The two time stamps with the call between them; the call's own cost is in every row alike. */
static __attribute__((noinline)) uint32_t count_once(long (*run)(void))
{
    uint64_t start = cpu_rdtsc();

    last_answer = run();
    return (uint32_t)(cpu_rdtsc() - start);
}

static void sort(uint32_t *samples, unsigned int count)
{
    for (unsigned int i = 1; i < count; i++)
        for (unsigned int j = i; j > 0 && samples[j - 1] > samples[j]; j--) {
            uint32_t swapped = samples[j];

            samples[j] = samples[j - 1];
            samples[j - 1] = swapped;
        }
}

static uint32_t overhead(void)
{
    uint32_t samples[BENCH_RUNS];

    for (unsigned int i = 0; i < BENCH_RUNS; i++)
        samples[i] = count_once(nothing);
    sort(samples, BENCH_RUNS);
    return samples[BENCH_RUNS / 2];
}

static void print_row(const char *name, uint32_t total, unsigned int per)
{
    if (per == 1)
        printf("bench: %s\t%u\n", name, total);
    else
        printf("bench: %s\t%u.%02u\n", name, total / per, total % per * 100 / per);
}

void bench_samples(const char *name, const uint32_t *samples, unsigned int count, uint32_t less)
{
    uint32_t sorted[64];

    if (count > 64)
        count = 64;
    for (unsigned int i = 0; i < count; i++)
        sorted[i] = samples[i];
    sort(sorted, count);
    print_row(name, sorted[count / 2] - less, 1);
}

static long step(long (*function)(void))
{
    return function == NULL ? 0 : function();
}

/* One round outside the count: warms up, and finds out whether the operation is there at all. */
static void first_round(void *argument)
{
    (void)argument;
    last_answer = step(current->before);
    if (last_answer < 0)
        return;
    last_answer = current->run();
    if (last_answer >= 0)
        last_answer = step(current->after);
}

static void bench_row(const struct bench_row *row)
{
    uint32_t samples[BENCH_RUNS];
    struct fault fault;

    current = row;
    fault = fault_caught(first_round, NULL);
    if (fault.happened) {
        printf("bench skipped: %s (vector %u, error code 0x%lx)\n", row->name, fault.vector, fault.error);
        return;
    }
    for (unsigned int i = 0; i < BENCH_RUNS && last_answer >= 0; i++) {
        if (step(row->before) < 0)
            break;
        samples[i] = count_once(row->run);
        if (last_answer < 0 || step(row->after) < 0)
            break;
    }
    if (last_answer < 0) {
        printf("bench skipped: %s (%ld %s)\n", row->name, last_answer, error_name(last_answer));
        return;
    }
    sort(samples, BENCH_RUNS);
    print_row(row->name, samples[BENCH_RUNS / 2] - overhead(), row->per);
}

void bench_rows(const struct bench_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bench_row(&rows[i]);
}

void guest_main(void)
{
    report_title("bench", "instructions per operation, counted");
    bench_calls();
    bench_tables();
    bench_traps();
    bench_user();
    bench_privileged();
    bench_events();
    bench_memory();
    bench_grants();
}
