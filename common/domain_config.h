/* SPDX-License-Identifier: MIT */
/*
 * The description of a domain as it stands on its module's line in GRUB:
 *   domain name=hello type=pv memory=32 maxmem=64 vcpus=1 paging=direct on_crash=preserve privileged=0 -- command line
 * Keys are xl.cfg's where it has them. Sizes take K, M, G; a plain number is MiB.
 */
#ifndef XL_COMMON_DOMAIN_CONFIG_H
#define XL_COMMON_DOMAIN_CONFIG_H

#include "lib/types.h"

enum domain_type { DOMAIN_PV };
enum domain_paging { PAGING_AUTO, PAGING_DIRECT, PAGING_REWRITE };
enum domain_action { ACTION_DESTROY, ACTION_RESTART, ACTION_PRESERVE };

#define DOMAIN_NAME_MAX    32
#define DOMAIN_CMDLINE_MAX 1024 /* MAX_GUEST_CMDLINE */

struct domain_config {
    char name[DOMAIN_NAME_MAX];
    enum domain_type type;
    enum domain_paging paging;
    enum domain_action on_poweroff, on_reboot, on_crash; /* default destroy, restart, preserve */
    u64 memory;    /* bytes, a multiple of the page size */
    u64 maxmem;    /* bytes; at least memory */
    u32 vcpus;
    bool privileged;
    char cmdline[DOMAIN_CMDLINE_MAX];
};

/*
 * Reads a module's string (without or with the leading word "domain"). 0, or -XEN_EINVAL with a sentence in error that
 * names the key, what was found and what is expected.
 */
int domain_config_parse(const char *text, struct domain_config *out, char *error, size_t error_size);
/* A size such as 32M, 1G, 512K, 64 (MiB); decimal only. False: not a size or too large for 64 bits. */
bool parse_size(const char *text, size_t length, u64 *bytes);

#endif
