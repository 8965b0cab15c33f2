/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_xen_version(command, buffer): what the hypervisor is and can do.
 */
#ifndef XL_ABI_VERSION_H
#define XL_ABI_VERSION_H

#include "features.h"
#include "xen.h"

/* No buffer; the result is major << 16 | minor. */
#define XENVER_version 0

#define XENVER_extraversion 1
typedef char xen_extraversion_t[16];
#define XEN_EXTRAVERSION_LEN (sizeof(xen_extraversion_t))

#define XENVER_compile_info 2
struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
typedef struct xen_compile_info xen_compile_info_t;

/* Names of the kinds of guest that can run, separated by spaces. */
#define XENVER_capabilities 3
typedef char xen_capabilities_info_t[1024];
#define XEN_CAPABILITIES_INFO_LEN (sizeof(xen_capabilities_info_t))

#define XENVER_changeset 4
typedef char xen_changeset_info_t[64];
#define XEN_CHANGESET_INFO_LEN (sizeof(xen_changeset_info_t))

#define XENVER_platform_parameters 5
struct xen_platform_parameters {
    xen_ulong_t virt_start; /* first address of the hypervisor's range */
};
typedef struct xen_platform_parameters xen_platform_parameters_t;

#define XENVER_get_features 6
struct xen_feature_info {
    unsigned int submap_idx; /* in: which word of feature bits */
    uint32_t submap;         /* out */
};
typedef struct xen_feature_info xen_feature_info_t;

/* No buffer; the result is the page size. */
#define XENVER_pagesize 7

/* xen_domain_handle_t of the caller. */
#define XENVER_guest_handle 8

#define XENVER_commandline 9
typedef char xen_commandline_t[1024];

/* The result is the length; with a buffer, len must hold the room in buf. */
#define XENVER_build_id 10
struct xen_build_id {
    uint32_t len;
    unsigned char buf[XEN_FLEX_ARRAY_DIM];
};
typedef struct xen_build_id xen_build_id_t;

#endif
