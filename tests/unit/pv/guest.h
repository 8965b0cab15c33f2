/* SPDX-License-Identifier: MIT */
/* One domain with one vcpu, loaded and in its kernel, for the tests of the paravirtual processor. */
#ifndef XL_TESTS_PV_GUEST_H
#define XL_TESTS_PV_GUEST_H

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/fake/fake.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/pv/pv.h"
#include "common/frame.h"

extern struct x86_domain guest_domain;
extern struct x86_vcpu guest; /* the loaded vcpu */
extern struct vcpu_info guest_info;

/*
 * The processor has every feature there could be: its CPUID answers all ones, but for the highest leaves, the sizes of
 * XSAVE areas and the parts in them, which are these.
 */
extern u64 guest_xcr0;         /* 7: x87, SSE, AVX */
extern bool guest_has_xsave;   /* true */
extern const char *guest_vendor; /* "GenuineIntel" */

/* cmocka setup: the machine after power-on and the guest on it, in direct mode. */
int guest_setup(void **state);
/* A second vcpu of the same domain, not loaded. */
void guest_vcpu_init(struct x86_vcpu *v, u32 id);
/* One frame of the domain, zeroed. */
struct frame *guest_frame(void);
u64 *guest_frame_words(const struct frame *f);

/* Code that the guest executes next stands at rip. */
#define GUEST_CODE 0x400000ull
void guest_code(const u8 *bytes, size_t n);
/* Handlers of all vectors at GUEST_HANDLER + vector, a stack, and what lies on it after one was entered. */
#define GUEST_HANDLER 0x500000ull
#define GUEST_STACK   0x600000ull
void guest_handlers(void);
/* -1: the guest is not in a handler. */
int guest_vector(void);

/* A guest address that is not canonical, the hypervisor's first and last, and one that is the guest's. */
#define NOT_CANONICAL 0x0000800000000000ull

#endif
