/* SPDX-License-Identifier: MIT */
/*
 * Domains for unit tests of what is not memory: made by domain_create(), without an image, vcpu 0 up. On the machine
 * of arch/fake; fake_reset() (or fake_setup) comes first.
 */
#ifndef XL_UNIT_SUPPORT_WORLD_H
#define XL_UNIT_SUPPORT_WORLD_H

/* What cmocka.h wants to see before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/fake/fake.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/vcpu.h"
#include <xen/errno.h>

/* The configuration that world_domain() starts from: 1 MiB, one vcpu, destroy on poweroff, preserve on crash. */
extern struct domain_config world_config;

struct domain *world_domain(const char *name, u32 vcpus);
struct domain *world_privileged(const char *name);
/* Hypercalls come from that vcpu from now on. */
void world_enter(struct vcpu *v);
/* The work on the way out to a guest; returns who runs then. */
struct vcpu *world_leave(void);
/* A hypercall of the current vcpu, by its number, with the result that the door sees. */
long world_call(u32 number, u64 a1, u64 a2, u64 a3);
/* The same; a request that is stopped half way is given again, as the entry code does, until it is through. */
long world_call_through(u32 number, u64 a1, u64 a2, u64 a3);
extern u32 world_restarts; /* how often world_call_through() had to give it again */

/* Compares a result with a negated error; prints both as numbers. */
#define assert_answer(saw, expected) assert_int_equal((long long)(saw), (long long)(expected))

#endif
