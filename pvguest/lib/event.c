/* SPDX-License-Identifier: MIT
 * Event channels of event.h: the two-level bitmap of shared_info, delivered to one handler a port. */
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/trap.h"

#define PORTS 4096u

static event_handler handlers[PORTS];
static const struct trap_regs *interrupted;

static struct vcpu_info *vcpu(void)
{
    return &guest_shared_info->vcpu_info[0];
}

static unsigned long bit_of(evtchn_port_t port)
{
    return 1ul << port % 64;
}

static bool events_upcall(struct trap_regs *regs)
{
    unsigned long words, ports;

    interrupted = regs;
    while (__atomic_exchange_n(&vcpu()->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST) != 0) {
        words = __atomic_exchange_n(&vcpu()->evtchn_pending_sel, 0ul, __ATOMIC_SEQ_CST);
        for (; words != 0; words &= words - 1) {
            unsigned int word = (unsigned int)__builtin_ctzl(words);

            ports = __atomic_load_n(&guest_shared_info->evtchn_pending[word], __ATOMIC_SEQ_CST) &
                    ~__atomic_load_n(&guest_shared_info->evtchn_mask[word], __ATOMIC_SEQ_CST);
            for (; ports != 0; ports &= ports - 1) {
                evtchn_port_t port = word * 64 + (unsigned int)__builtin_ctzl(ports);

                event_clear(port);
                if (handlers[port] != NULL)
                    handlers[port](port);
            }
        }
    }
    return true;
}

const struct trap_regs *events_interrupted(void)
{
    return interrupted;
}

static long event_bound(evtchn_port_t port, event_handler handler)
{
    if (port >= PORTS)
        return -XEN_ERANGE;
    trap_handle(TRAP_EVENT, events_upcall);
    handlers[port] = handler;
    event_unmask(port);
    return port;
}

long event_bind_virq(unsigned int virq, event_handler handler)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = 0};
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);

    return answer != 0 ? answer : event_bound(bind.port, handler);
}

long event_bind_ipi(event_handler handler)
{
    struct evtchn_bind_ipi bind = {.vcpu = 0};
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    return answer != 0 ? answer : event_bound(bind.port, handler);
}

long event_alloc_unbound(domid_t remote)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};
    long answer = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    return answer != 0 ? answer : (long)alloc.port;
}

long event_keep_for(domid_t remote, event_handler handler)
{
    long port = event_alloc_unbound(remote);

    return port < 0 ? port : event_bound((evtchn_port_t)port, handler);
}

long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port, event_handler handler)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = remote, .remote_port = remote_port};
    long answer = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    return answer != 0 ? answer : event_bound(bind.local_port, handler);
}

long event_status(evtchn_port_t port)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = port};
    long answer = hypercall_event_channel_op(EVTCHNOP_status, &status);

    return answer != 0 ? answer : (long)status.status;
}

long event_reset(void)
{
    struct evtchn_reset reset = {.dom = DOMID_SELF};

    return hypercall_event_channel_op(EVTCHNOP_reset, &reset);
}

domid_t event_own_domain(void)
{
    long port = event_alloc_unbound(DOMID_SELF);
    struct evtchn_status status = {.dom = DOMID_SELF, .port = (evtchn_port_t)port};

    if (port < 0)
        return DOMID_INVALID;
    if (hypercall_event_channel_op(EVTCHNOP_status, &status) != 0)
        status.u.unbound.dom = DOMID_INVALID;
    event_close(status.port);
    return status.u.unbound.dom;
}

long event_send(evtchn_port_t port)
{
    struct evtchn_send send = {.port = port};

    return hypercall_event_channel_op(EVTCHNOP_send, &send);
}

long event_close(evtchn_port_t port)
{
    struct evtchn_close close = {.port = port};

    handlers[port] = NULL;
    return hypercall_event_channel_op(EVTCHNOP_close, &close);
}

void event_mask(evtchn_port_t port)
{
    __atomic_fetch_or(&guest_shared_info->evtchn_mask[port / 64], bit_of(port), __ATOMIC_SEQ_CST);
}

long event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask unmask = {.port = port};

    return hypercall_event_channel_op(EVTCHNOP_unmask, &unmask);
}

bool event_pending(evtchn_port_t port)
{
    return (__atomic_load_n(&guest_shared_info->evtchn_pending[port / 64], __ATOMIC_SEQ_CST) &
            bit_of(port)) != 0;
}

void event_clear(evtchn_port_t port)
{
    __atomic_fetch_and(&guest_shared_info->evtchn_pending[port / 64], ~bit_of(port), __ATOMIC_SEQ_CST);
}

void events_disable(void)
{
    __atomic_store_n(&vcpu()->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
}

/* An event that came while masked has set the pending flag and nothing else: any hypercall's return delivers
 * it. */
void events_enable(void)
{
    __atomic_store_n(&vcpu()->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&vcpu()->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0)
        hypercall_xen_version(XENVER_version, NULL);
}

void events_block(void)
{
    hypercall_sched_op(SCHEDOP_block, NULL);
}

void event_sleep_until(uint64_t deadline)
{
    /* Set anew each time: the event may be another one, and a timer may come a little early (Xen's does). */
    events_wait_until(event_system_time() >= deadline || hypercall_set_timer_op(deadline) < 0);
}

uint64_t event_system_time(void)
{
    const volatile struct vcpu_time_info *time = &vcpu()->time;
    uint32_t version;
    uint64_t now, low, high;

    do {
        uint64_t stamp;
        uint32_t tsc_low, tsc_high;

        version = time->version;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        __asm__ volatile("rdtsc" : "=a"(tsc_low), "=d"(tsc_high) : : "memory");
        stamp = ((uint64_t)tsc_high << 32 | tsc_low) - time->tsc_timestamp;
        stamp = time->tsc_shift < 0 ? stamp >> -time->tsc_shift : stamp << time->tsc_shift;
        low = (stamp & 0xffffffff) * time->tsc_to_system_mul >> 32;
        high = (stamp >> 32) * time->tsc_to_system_mul;
        now = time->system_time + high + low;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while ((version & 1) != 0 || version != time->version);
    return now;
}
