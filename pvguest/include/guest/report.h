/* SPDX-License-Identifier: MIT
 * How a guest says what came out. Four outcomes; the worst one reported is the guest's result:
 *   success  it works      skip     it cannot be tried here
 *   error    the test itself is wrong      failure  the hypervisor is wrong
 * The last line is "Test result: SUCCESS" (SKIP, ERROR, FAILURE); success and skip shut down with reason
 * poweroff, error and failure with reason crash. */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include <stdbool.h>

enum report_outcome {
    REPORT_SUCCESS,
    REPORT_SKIP,
    REPORT_ERROR,
    REPORT_FAILURE,
};

/* First line of a test: its name and what it shows. */
void report_title(const char *name, const char *story);

void report_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints "what: ok", or a failure that shows both numbers. Returns whether they were equal. */
bool report_equal(const char *what, unsigned long saw, unsigned long expected);

/* The same for a condition. */
bool report_true(const char *what, bool holds);

/* A hypercall's answer: prints "what: 0" or "what: -16 EBUSY", and a failure if it is not the expected one
 * (0, or a negated XEN_E...). */
bool report_answer(const char *what, long saw, long expected);

/* The same without a line when it is as expected: for the steps between. */
bool report_quiet(const char *what, long saw, long expected);

/* "EBUSY" for -16 and for 16; "E?" for a number that has no name. */
const char *error_name(long code);

/* Prints the result line and shuts the domain down. */
_Noreturn void report_finish(void);

#endif
