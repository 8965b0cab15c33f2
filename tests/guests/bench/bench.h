/* SPDX-License-Identifier: MIT
 * How a row is measured: under QEMU's -icount a difference of two time stamps is a count of executed
 * instructions. Each row runs BENCH_RUNS times and gives its median, less what the measuring itself costs. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_RUNS 15u

struct bench_row {
    const char *name;     /* as in Xen's table */
    unsigned int per;     /* operations in one run */
    long (*run)(void);    /* what is counted; a negative answer skips the row and names the code */
    long (*before)(void); /* before each run, not counted; NULL: nothing */
    long (*after)(void);  /* likewise behind it */
};

/* Measures and prints: "bench: NAME<TAB>VALUE", or "bench skipped: NAME (why)". */
void bench_rows(const struct bench_row *rows, size_t count);

/* Prints the median of samples that were taken elsewhere, less overhead. */
void bench_samples(const char *name, const uint32_t *samples, unsigned int count, uint32_t overhead);

#define BENCH_ROWS(rows) bench_rows(rows, sizeof(rows) / sizeof((rows)[0]))

void bench_calls(void);
void bench_tables(void);
void bench_traps(void);
void bench_user(void);
void bench_privileged(void);
void bench_events(void);
void bench_memory(void);
void bench_grants(void);

#endif
