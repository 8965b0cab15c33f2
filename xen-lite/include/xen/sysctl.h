/* SPDX-License-Identifier: MIT */
/*
 * sysctl: what a privileged domain asks of the machine as a whole. Of Xen's operations those that are offered here: the
 * machine's memory in figures, and the keys of the debug console. The interface has no promise of stability: caller and
 * hypervisor must agree on its version.
 */
#ifndef XL_ABI_SYSCTL_H
#define XL_ABI_SYSCTL_H

#include "xen.h"

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015

#define XEN_SYSCTL_physinfo   3
#define XEN_SYSCTL_debug_keys 7

/* What guests can be made here. */
#define _XEN_SYSCTL_PHYSCAP_pv       1
#define XEN_SYSCTL_PHYSCAP_pv        (1u << _XEN_SYSCTL_PHYSCAP_pv)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1 (1u << 8)

struct xen_sysctl_physinfo {
    uint32_t threads_per_core;
    uint32_t cores_per_socket;
    uint32_t nr_cpus;    /* online */
    uint32_t max_cpu_id; /* the largest that may come */
    uint32_t nr_nodes;
    uint32_t max_node_id;
    uint32_t cpu_khz;
    uint32_t capabilities; /* XEN_SYSCTL_PHYSCAP_* */
    uint32_t arch_capabilities;
    uint32_t pad;
    uint64_t total_pages;
    uint64_t free_pages;
    uint64_t scrub_pages;       /* free, and not clean yet */
    uint64_t outstanding_pages; /* claimed and not taken yet */
    uint64_t max_mfn;
    uint32_t hw_cap[8]; /* CPUID */
};

/* As if they had been typed. */
struct xen_sysctl_debug_keys {
    XEN_GUEST_HANDLE(const_char) keys;
    uint32_t nr_keys;
};

struct xen_sysctl {
    uint32_t cmd;               /* XEN_SYSCTL_* */
    uint32_t interface_version; /* XEN_SYSCTL_INTERFACE_VERSION */
    union {
        struct xen_sysctl_physinfo physinfo;
        struct xen_sysctl_debug_keys debug_keys;
        uint8_t pad[128];
    } u;
};
typedef struct xen_sysctl xen_sysctl_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_t);

#endif
