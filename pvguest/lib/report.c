/* SPDX-License-Identifier: MIT
 * The four outcomes of report.h: each is printed where it happens, the worst is kept for the last line. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

static enum report_outcome worst = REPORT_SUCCESS;

static const char *const outcome_names[] = {
    [REPORT_SUCCESS] = "SUCCESS",
    [REPORT_SKIP] = "SKIP",
    [REPORT_ERROR] = "ERROR",
    [REPORT_FAILURE] = "FAILURE",
};

static void report_line(enum report_outcome outcome, const char *format, va_list arguments)
{
    if (outcome > worst)
        worst = outcome;
    console_flush();
    printf("%s: ", outcome_names[outcome]);
    vprintf(format, arguments);
    printf("\n");
}

#define REPORT_FUNCTION(name, outcome)                                                                       \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        va_list arguments;                                                                                   \
                                                                                                             \
        va_start(arguments, format);                                                                         \
        report_line(outcome, format, arguments);                                                             \
        va_end(arguments);                                                                                   \
    }

REPORT_FUNCTION(report_skip, REPORT_SKIP)
REPORT_FUNCTION(report_error, REPORT_ERROR)
REPORT_FUNCTION(report_failure, REPORT_FAILURE)

void report_title(const char *name, const char *story)
{
    printf("--- %s: %s ---\n", name, story);
}

bool report_equal(const char *what, unsigned long saw, unsigned long expected)
{
    if (saw == expected)
        printf("%s: ok\n", what);
    else
        report_failure("%s: saw 0x%lx, expected 0x%lx", what, saw, expected);
    return saw == expected;
}

bool report_true(const char *what, bool holds)
{
    if (holds)
        printf("%s: ok\n", what);
    else
        report_failure("%s: does not hold", what);
    return holds;
}

bool report_quiet(const char *what, long saw, long expected)
{
    if (saw != expected)
        report_failure("%s: saw %ld %s, expected %ld %s", what, saw, error_name(saw), expected,
                       error_name(expected));
    return saw == expected;
}

bool report_answer(const char *what, long saw, long expected)
{
    if (!report_quiet(what, saw, expected))
        return false;
    if (saw < 0)
        printf("%s: %ld %s\n", what, saw, error_name(saw));
    else
        printf("%s: %ld\n", what, saw);
    return true;
}

const char *error_name(long code)
{
    switch (code < 0 ? -code : code) {
    case 0:
        return "ok";
    case XEN_EPERM:
        return "EPERM";
    case XEN_ENOENT:
        return "ENOENT";
    case XEN_ESRCH:
        return "ESRCH";
    case XEN_ENXIO:
        return "ENXIO";
    case XEN_E2BIG:
        return "E2BIG";
    case XEN_EAGAIN:
        return "EAGAIN";
    case XEN_ENOMEM:
        return "ENOMEM";
    case XEN_EACCES:
        return "EACCES";
    case XEN_EFAULT:
        return "EFAULT";
    case XEN_EBUSY:
        return "EBUSY";
    case XEN_EEXIST:
        return "EEXIST";
    case XEN_EXDEV:
        return "EXDEV";
    case XEN_ENODEV:
        return "ENODEV";
    case XEN_EINVAL:
        return "EINVAL";
    case XEN_ENOSPC:
        return "ENOSPC";
    case XEN_ERANGE:
        return "ERANGE";
    case XEN_ENOSYS:
        return "ENOSYS";
    case XEN_ETIME:
        return "ETIME";
    case XEN_EOVERFLOW:
        return "EOVERFLOW";
    case XEN_EOPNOTSUPP:
        return "EOPNOTSUPP";
    default:
        return "E?";
    }
}

_Noreturn void report_finish(void)
{
    console_flush();
    printf("Test result: %s\n", outcome_names[worst]);
    guest_shutdown(worst <= REPORT_SKIP ? SHUTDOWN_poweroff : SHUTDOWN_crash);
}
