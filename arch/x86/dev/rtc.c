/* SPDX-License-Identifier: MIT */
/* MC146818 clock: read until two readings agree. */
#include "arch/x86/dev/rtc.h"
#include "arch/x86/cpu/insn.h"
#include "lib/string.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define NMI_OFF    0x80

enum { SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A = 10, STATUS_B = 11 };
#define A_UPDATING 0x80u
#define B_24_HOURS 0x02u
#define B_BINARY   0x04u
#define HOUR_PM    0x80u

struct reading {
    u8 second, minute, hour, day, month, year, century;
};

static u8 cmos(u8 reg)
{
    insn_out8(CMOS_INDEX, reg | NMI_OFF);
    return insn_in8(CMOS_DATA);
}

static struct reading take_reading(u8 century_register)
{
    struct reading r = {0};

    for (u32 i = 0; i < 100000 && (cmos(STATUS_A) & A_UPDATING); i++)
        insn_pause();
    r.second = cmos(SECOND);
    r.minute = cmos(MINUTE);
    r.hour = cmos(HOUR);
    r.day = cmos(DAY);
    r.month = cmos(MONTH);
    r.year = cmos(YEAR);
    r.century = century_register ? cmos(century_register & 0x7f) : 0;
    return r;
}

static u32 number(u8 v, u32 status_b)
{
    return (status_b & B_BINARY) ? v : (v >> 4) * 10u + (v & 15u);
}

/* Days from 1970-01-01; the year is taken to begin in March, so that the leap day is its last. */
static u64 days_since_1970(u32 year, u32 month, u32 day)
{
    u32 y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

    return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

u64 rtc_read(u8 century_register)
{
    struct reading r = take_reading(century_register), again;

    for (u32 tries = 0; tries < 10; tries++) {
        again = take_reading(century_register);
        if (memcmp(&r, &again, sizeof(r)) == 0)
            break;
        r = again;
    }
    u32 b = cmos(STATUS_B);
    u32 hour = number((u8)(r.hour & ~HOUR_PM), b), century = r.century ? number(r.century, b) : 20;
    if (!(b & B_24_HOURS))
        hour = hour % 12 + ((r.hour & HOUR_PM) ? 12 : 0);
    u32 month = number(r.month, b), day = number(r.day, b), year = century * 100 + number(r.year, b);
    u32 minute = number(r.minute, b), second = number(r.second, b);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 ||
        year < 1970)
        return 0;
    return ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}
