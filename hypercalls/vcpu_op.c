/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_vcpu_op(command, vcpu, argument): one vcpu's life, timers and registered areas (xen/vcpu.h). */
#include "common/cpu.h"
#include "common/domain.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/heap.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/domain.h>
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <arch/time.h>
#include <xen/errno.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

/* Of two vcpus that initialise a third one at once, one is refused. */
static long initialise_alone(struct vcpu *v, const struct vcpu_guest_context *context)
{
    long rc;

    if (__atomic_exchange_n(&v->being_initialised, true, __ATOMIC_ACQUIRE))
        return guest_refuse(v->domain, XEN_EBUSY, "vcpu %u is being initialised by another\n", v->id);
    if (v->initialised)
        rc = guest_refuse(v->domain, XEN_EEXIST, "vcpu %u is initialised already\n", v->id);
    else
        rc = arch_vcpu_initialise(v, context);
    if (rc == 0)
        v->initialised = true;
    __atomic_store_n(&v->being_initialised, false, __ATOMIC_RELEASE);
    return rc;
}

/* The context is larger than a page: it is copied into memory of the heap, checked and used from there. */
static long vcpu_op_initialise(struct vcpu *v, vaddr_t argument)
{
    struct vcpu_guest_context *context = heap_alloc(sizeof(*context));
    long rc;

    if (!context)
        return -XEN_ENOMEM;
    if (copy_from_guest(context, argument, sizeof(*context)))
        rc = -XEN_EFAULT;
    else
        rc = initialise_alone(v, context);
    heap_free(context);
    /* Refused, it may be the end of a request that was interrupted, and keeps tables that it had made valid. */
    arch_paging_finish(current_vcpu(), rc);
    if (rc == -XEN_ERESTART)
        return vcpu_restart(current_vcpu(), __HYPERVISOR_vcpu_op, VCPUOP_initialise, v->id, argument, 0, 0);
    return rc;
}

static long vcpu_op_up(struct vcpu *v)
{
    if (!v->initialised)
        return guest_refuse(v->domain, XEN_EINVAL, "vcpu %u goes up without being initialised\n", v->id);
    vcpu_up(v);
    return 0;
}

/* The last one that goes down takes the domain with it. */
static long vcpu_op_down(struct vcpu *v)
{
    struct domain *d = v->domain;

    for (u32 i = 0; i < d->vcpu_count; i++)
        if (d->vcpu[i] != v && d->vcpu[i]->online) {
            vcpu_down(v);
            return 0;
        }
    domain_shutdown(d, SHUTDOWN_poweroff);
    return 0;
}

static long vcpu_op_get_runstate(const struct vcpu *v, vaddr_t argument)
{
    struct vcpu_runstate_info info;

    sched_runstate(v, &info);
    return copy_to_guest(argument, &info, sizeof(info));
}

/* An area that the guest names by a virtual address; 0 ends it. Written now, if it is the caller's, and at each turn. */
static long vcpu_register_area(struct vcpu *v, vaddr_t argument, vaddr_t *area, size_t size)
{
    u64 address;

    if (copy_from_guest(&address, argument, sizeof(address)))
        return -XEN_EFAULT;
    if (address && !guest_range_ok(address, size))
        return guest_refuse(v->domain, XEN_EFAULT, "area at %#llx is no guest memory\n", (unsigned long long)address);
    *area = address;
    v->areas_stale = true;
    if (v == current_vcpu())
        sched_write_areas(v);
    return 0;
}

static long vcpu_op_set_periodic(struct vcpu *v, vaddr_t argument)
{
    struct vcpu_set_periodic_timer set;

    if (copy_from_guest(&set, argument, sizeof(set)))
        return -XEN_EFAULT;
    if (set.period_ns == 0)
        return guest_refuse(v->domain, XEN_EINVAL, "periodic timer: period 0, expected at least %llu ns\n",
                            VCPU_PERIOD_MIN);
    return vcpu_set_periodic(v, set.period_ns);
}

static long vcpu_op_set_singleshot(struct vcpu *v, vaddr_t argument)
{
    struct vcpu_set_singleshot_timer set;

    if (v != current_vcpu())
        return guest_refuse(v->domain, XEN_EINVAL, "one-shot timer of vcpu %u: only it may set it\n", v->id);
    if (copy_from_guest(&set, argument, sizeof(set)))
        return -XEN_EFAULT;
    if ((set.flags & VCPU_SSHOTTMR_future) && set.timeout_abs_ns < system_time())
        return -XEN_ETIME;
    return vcpu_set_oneshot(v, set.timeout_abs_ns);
}

static long vcpu_op_stop_singleshot(struct vcpu *v)
{
    if (v != current_vcpu())
        return guest_refuse(v->domain, XEN_EINVAL, "one-shot timer of vcpu %u: only it may stop it\n", v->id);
    timer_stop(&v->oneshot);
    return 0;
}

static long vcpu_op_register_info(struct vcpu *v, vaddr_t argument)
{
    struct vcpu_register_vcpu_info info;

    if (copy_from_guest(&info, argument, sizeof(info)))
        return -XEN_EFAULT;
    return vcpu_register_info(v, gfn_make(info.mfn), info.offset);
}

long hypercall_vcpu_op(u64 command, u64 vcpu, u64 argument, u64 a4, u64 a5)
{
    struct domain *d = current_vcpu()->domain;
    u32 id = (u32)vcpu;
    struct vcpu *v;
    (void)a4, (void)a5;

    /* doc errors: -ENOENT no such vcpu, whatever is asked */
    if (id >= d->vcpu_count)
        return -XEN_ENOENT; /* no line in the log: Linux asks for each of 8192 */
    v = d->vcpu[id % DOMAIN_VCPUS_MAX];

    switch ((u32)command) {
    case VCPUOP_initialise: /* doc: -EEXIST done before; -EINVAL the context does not start in the kernel, or cannot be loaded */
        return vcpu_op_initialise(v, argument);
    case VCPUOP_up: /* doc: -EINVAL not initialised */
        return vcpu_op_up(v);
    case VCPUOP_down: /* doc: the last one that goes down ends the domain (poweroff) */
        return vcpu_op_down(v);
    case VCPUOP_is_up: /* doc: 0 or 1 */
        return v->online;
    case VCPUOP_get_runstate_info: /* doc: of any vcpu of the domain */
        return vcpu_op_get_runstate(v, argument);
    case VCPUOP_register_runstate_memory_area: /* doc: written at once and at each turn; -EFAULT no guest address */
        return vcpu_register_area(v, argument, &v->runstate_area, sizeof(struct vcpu_runstate_info));
    case VCPUOP_register_vcpu_time_memory_area: /* doc: as the runstate area */
        return vcpu_register_area(v, argument, &v->time_area, sizeof(struct vcpu_time_info));
    case VCPUOP_set_periodic_timer: /* doc: -EINVAL shorter than 1 ms */
        return vcpu_op_set_periodic(v, argument);
    case VCPUOP_stop_periodic_timer: /* doc: always 0 */
        return vcpu_set_periodic(v, 0);
    case VCPUOP_set_singleshot_timer: /* doc: by the vcpu itself, else -EINVAL; -ETIME past and VCPU_SSHOTTMR_future given */
        return vcpu_op_set_singleshot(v, argument);
    case VCPUOP_stop_singleshot_timer: /* doc: by the vcpu itself, else -EINVAL */
        return vcpu_op_stop_singleshot(v);
    case VCPUOP_register_vcpu_info: /* doc: -EINVAL done before, no writable frame; -ENXIO crosses the page, not aligned */
        return vcpu_op_register_info(v, argument);
    case VCPUOP_get_physid: /* doc: refused, -EINVAL */ /* for vcpus pinned to processors, which there are none of */
        return guest_refuse(d, XEN_EINVAL, "get_physid: vcpu %u is not pinned\n", id);
    default: /* doc: -ENOSYS */
        return guest_refuse(d, XEN_ENOSYS, "vcpu_op %u is not one of ours\n", (u32)command);
    }
}
