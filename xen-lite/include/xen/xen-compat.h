/* SPDX-License-Identifier: MIT */
/*
 * What every header of the guest ABI stands on: the interface version, suffixes for constants, handles.
 * One version only: the newest interface of Xen 4.17, 64-bit x86. Older dialects are left out on purpose.
 */
#ifndef XL_ABI_XEN_COMPAT_H
#define XL_ABI_XEN_COMPAT_H

#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#elif __XEN_INTERFACE_VERSION__ > __XEN_LATEST_INTERFACE_VERSION__
#error "__XEN_INTERFACE_VERSION__ is newer than these headers"
#endif

/* Constants shared with assembly: a suffix in C, the bare number elsewhere. */
#ifdef __ASSEMBLY__
#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x
#else
#include <stdint.h>

#define __xen_mk_uint(x)   x##U
#define __xen_mk_ulong(x)  x##UL
#define __xen_mk_ullong(x) x##ULL
#define xen_mk_uint(x)     __xen_mk_uint(x)
#define xen_mk_ulong(x)    __xen_mk_ulong(x)
#define xen_mk_ullong(x)   __xen_mk_ullong(x)

/* A flexible array member. */
#define XEN_FLEX_ARRAY_DIM

/*
 * A handle is a guest pointer wrapped in a struct, so that the hypervisor cannot follow it by accident. It
 * has the size of the pointer. Each definition makes two types: for T and for const T.
 */
#define ___DEFINE_XEN_GUEST_HANDLE(name, type)                                                               \
    typedef struct {                                                                                         \
        type *p;                                                                                             \
    } __guest_handle_##name
#define __DEFINE_XEN_GUEST_HANDLE(name, type)                                                                \
    ___DEFINE_XEN_GUEST_HANDLE(name, type);                                                                  \
    ___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name) __DEFINE_XEN_GUEST_HANDLE(name, name)

#define __XEN_GUEST_HANDLE(name)     __guest_handle_##name
#define XEN_GUEST_HANDLE(name)       __XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_PARAM(name) XEN_GUEST_HANDLE(name)

#define set_xen_guest_handle_raw(hnd, val)                                                                   \
    do {                                                                                                     \
        (hnd).p = val;                                                                                       \
    } while (0)
#define set_xen_guest_handle(hnd, val) set_xen_guest_handle_raw(hnd, val)
#endif /* __ASSEMBLY__ */

#endif
