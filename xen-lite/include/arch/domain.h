/* SPDX-License-Identifier: MIT */
/* Contract: the machine's part of domains and vcpus. */
#ifndef XL_ARCH_DOMAIN_H
#define XL_ARCH_DOMAIN_H

#include "lib/types.h"

struct domain;
struct domain_config;
struct elf_image;
struct vcpu;
struct vcpu_guest_context;

/* A zeroed struct domain inside the machine's own (common/domain.c gives it its number and shared_info); NULL: no memory. */
struct domain *arch_domain_alloc(const struct domain_config *config);
void arch_domain_free(struct domain *d);
/* A zeroed vcpu of d; NULL: no memory. */
struct vcpu *arch_vcpu_alloc(struct domain *d, u32 id);
void arch_vcpu_free(struct vcpu *v);

/* Gives up all references that the domain's vcpus and tables hold; step by step, true: done. */
bool arch_domain_relinquish(struct domain *d);

/*
 * Puts the image, ramdisk, P2M list, start_info, first page tables and boot stack in place as Xen's public header
 * documents (xen/xen.h, "Start-of-day memory layout") and makes vcpu 0 ready. `domain->config.paging` is resolved.
 * 0 or -XEN_Exxx with a sentence in error.
 */
int arch_domain_build(struct domain *d, const struct elf_image *image, const void *ramdisk, size_t ramdisk_size,
                      char *error, size_t error_size);

/* vcpu_op initialise: registers and tables from what the guest gave; checked; -XEN_Exxx. */
long arch_vcpu_initialise(struct vcpu *v, const struct vcpu_guest_context *ctxt);

/*
 * Saves what `from` has in the processor and loads `to`; this cpu's `current` is `to` already. Runs on the way out to a
 * guest, interrupts off. from NULL: nobody was loaded. to NULL: nothing of `from` may stay in the processor (root table,
 * descriptor tables, FPU), because its domain is about to be destroyed; the cpu idles on tables of the hypervisor's own.
 */
void arch_context_switch(struct vcpu *from, struct vcpu *to);
/* SOFTIRQ_TABLES: goes on with the tables that the vcpu (may be NULL) has left to be invalidated. */
void arch_tables_softirq(struct vcpu *v);
/* Is the vcpu in its kernel, so that its kernel's addresses are those of the loaded tables? */
bool arch_vcpu_in_kernel(const struct vcpu *v);
/* Prints registers, and a walk of the faulting address, of a vcpu. */
void arch_vcpu_dump(const struct vcpu *v);
void arch_idle(void); /* interrupts on, halt until the next one, interrupts off */
/* The way out to the guest from the end of start(): does what is pending first (softirq_run), then enters the vcpu. */
__noreturn void arch_return_to_guest(void);

#endif
