/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_multicall(entries, count): several hypercalls for one entry into the hypervisor. Each entry is copied in,
 * carried out as the door would, and its result written back. The batch gives way to other work between entries: then
 * the guest asks again with what is left. Where an entry itself stops half way, its arguments in the guest's list
 * become those to go on with.
 */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>
#include <xen/xen.h>

static long multicall_refuse_nested(const struct vcpu *v)
{
    return guest_refuse(v->domain, XEN_EINVAL, "multicall: an element is a multicall itself\n");
}

/* Carries out one entry. -XEN_ERESTART: v->restart holds the arguments that the entry is to be given again with. */
static long multicall_one(const struct vcpu *v, const struct multicall_entry *e)
{
    if (e->op >= HYPERCALL_COUNT)
        return hypercall_unknown(e->op);
    if (hypercall_batch[e->op % HYPERCALL_COUNT] == NO_BATCH)
        return multicall_refuse_nested(v);
    return hypercall_table[e->op % HYPERCALL_COUNT](e->args[0], e->args[1], e->args[2], e->args[3], e->args[4]);
}

/* The arguments of an interrupted entry go where the guest will hand them in again. */
static int multicall_keep(const struct vcpu *v, vaddr_t entry)
{
    struct {
        u64 args[5];
    } again;
    u64 op = v->restart.op;

    for (size_t i = 0; i < ARRAY_SIZE(again.args); i++)
        again.args[i] = v->restart.args[i];
    if (copy_to_guest(entry + offsetof(struct multicall_entry, op), &op, sizeof(op)))
        return -XEN_EFAULT;
    return copy_to_guest(entry + offsetof(struct multicall_entry, args), &again, sizeof(again));
}

static long multicall_run(struct vcpu *v, vaddr_t list, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        vaddr_t at = list + i * sizeof(struct multicall_entry);
        struct multicall_entry e;
        long result;

        if (i > 0 && preempt_pending())
            return vcpu_restart(v, __HYPERVISOR_multicall, at, count - i, 0, 0, 0);
        if (copy_from_guest(&e, at, sizeof(e)))
            return -XEN_EFAULT;
        result = multicall_one(v, &e);
        /* After it other tables may be in use: nothing more of the list is read or written (XSA-213). */
        if (e.op < HYPERCALL_COUNT && hypercall_batch[e.op % HYPERCALL_COUNT] == ENDS_BATCH)
            return result;
        if (result == -XEN_ERESTART && v->restart.wanted) {
            v->restart.wanted = false;
            if (multicall_keep(v, at))
                return -XEN_EFAULT;
            return vcpu_restart(v, __HYPERVISOR_multicall, at, count - i, 0, 0, 0);
        }
        if (copy_to_guest(at + offsetof(struct multicall_entry, result), &result, sizeof(result)))
            return -XEN_EFAULT;
    }
    return 0;
}

/* doc errors: -EFAULT the list is not readable or writable; an element that is a multicall: -EINVAL is its result */
long hypercall_multicall(u64 list, u64 entries, u64 a3, u64 a4, u64 a5)
{
    struct cpu *cpu = this_cpu();
    u32 count = (u32)entries; /* the ABI's unsigned int */
    vaddr_t last;
    long rc;
    (void)a3, (void)a4, (void)a5;

    if (cpu->in_multicall)
        return multicall_refuse_nested(cpu->current);
    if (!guest_element(list, count ? count - 1 : 0, sizeof(struct multicall_entry), &last))
        return guest_refuse(cpu->current->domain, XEN_EFAULT, "multicall: %u entries at %#llx are no guest memory\n",
                            count, (unsigned long long)list);
    cpu->in_multicall = true;
    rc = multicall_run(cpu->current, list, count);
    cpu->in_multicall = false;
    return rc;
}
