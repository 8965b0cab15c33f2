/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's command line, as GRUB gives it. Names and values are Xen's where Xen has the option:
 *   console=com1,vga|com1|vga|none   com1=115200,8n1   loglvl=LEVEL   guest_loglvl=LEVEL   noreboot hap=BOOL
 *   maxcpus=N gnttab_max_frames=N gnttab_max_maptrack_frames=N
 * and ours:   idle=poweroff|halt|reboot   debug-exit=0xf4   scatter=SEED
 * LEVEL: none error warning info debug all (of Xen's "a/b" the second counts). BOOL: 1 yes on true enable, 0
 * no off false disable; "no-NAME" is NAME=0. Given twice, the last one wins. What is not understood is named
 * in a warning, kept until cmdline_print_warnings(), and the rest goes on.
 */
#ifndef XL_COMMON_CMDLINE_H
#define XL_COMMON_CMDLINE_H

#include "lib/types.h"

enum idle_action { IDLE_POWEROFF, IDLE_HALT, IDLE_REBOOT };

struct com1_options {
    u32 baud;     /* 50..115200, a divisor of 115200 */
    u8 data_bits; /* 5..8 */
    char parity;  /* 'n', 'e', 'o' */
    u8 stop_bits; /* 1, 2 */
};

struct cmdline_options {
    bool console_com1; /* default: both */
    bool console_vga;
    struct com1_options com1; /* default 115200,8n1 */
    bool noreboot;            /* after a panic: halt, to be read */
    bool hap;                 /* default on */
    u32 maxcpus;              /* 0: all */
    u32 gnttab_max_frames;    /* of a domain's grant table (512 entries each) */
    u32 gnttab_max_maptrack_frames; /* of the records of what a domain has mapped (512 each) */
    enum idle_action idle;    /* when all domains have shut down; default poweroff */
    u16 debug_exit;           /* port of isa-debug-exit; 0: none */
    u64 scatter;              /* seed of the frame allocator's shuffling; 0: off */
};

/* The defaults until cmdline_parse(). log_threshold and guest_log_threshold (printk.h) are set by it too. */
extern struct cmdline_options options;

extern char cmdline_kept[1024]; /* the line as it was given, as far as it fits */

/* Reads the whole line. Needs nothing: no memory, no console, no processor of its own. */
void cmdline_parse(const char *line);
/* Says what was not understood, once there is a console. Returns how many complaints there were. */
u32 cmdline_print_warnings(void);

#endif
