/* SPDX-License-Identifier: MIT */
/* The battery-backed clock of a PC (Motorola MC146818). */
#ifndef XL_X86_DEV_RTC_H
#define XL_X86_DEV_RTC_H

#include "lib/types.h"

/* Seconds since 1970-01-01; the clock is taken to keep UTC. 0: there is none, or what it says is no date. */
u64 rtc_read(u8 century_register);

#endif
