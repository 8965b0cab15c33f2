/* SPDX-License-Identifier: MIT
 * The timer's event in the middle of a hypercall (interrupt.h). A call that goes on later stands at its SYSCALL
 * instruction again, in the hypercall page: that is how the handler knows. */
#include "interrupt.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"
#include "guest/trap.h"

#define SYSCALL      0x050fu /* its two bytes */
#define SYSCALL_SIZE 2u

static struct interruption *now;
static uint64_t period;
static evtchn_port_t timer;

static bool inside_a_call(const struct trap_regs *regs)
{
    uintptr_t page = (uintptr_t)hypercall_page;

    return !trap_from_user(regs) && regs->rip >= page && regs->rip < page + sizeof(hypercall_page) - 1 &&
           *(const uint16_t *)regs->rip == SYSCALL;
}

static bool upcall(struct trap_regs *regs)
{
    struct vcpu_info *info = &guest_shared_info->vcpu_info[0];

    __atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    __atomic_exchange_n(&info->evtchn_pending_sel, 0ul, __ATOMIC_SEQ_CST);
    event_clear(timer);
    if (now == NULL || !inside_a_call(regs)) {
        if (now != NULL && now->inside < now->times)
            hypercall_set_timer_op(event_system_time() + period);
        return true;
    }
    if (now->inside++ >= now->times)
        return true;
    if (now->meanwhile != NULL)
        now->meanwhile();
    if (now->inside < now->times) {
        hypercall_set_timer_op(event_system_time() + period);
    } else if (now->abandon) {
        regs->rip += SYSCALL_SIZE;
        regs->rax = (uint64_t)ABANDONED;
    }
    return true;
}

bool interrupt_init(void)
{
    struct evtchn_bind_virq bind = {.virq = VIRQ_TIMER, .vcpu = 0};

    hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    if (!report_quiet("the timer", hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), 0))
        return false;
    timer = bind.port;
    trap_handle(TRAP_EVENT, upcall);
    event_unmask(timer);
    return true;
}

long interrupted(long (*call)(void *), void *argument, uint64_t after, struct interruption *how)
{
    long answer;

    how->inside = 0;
    now = how;
    period = after;
    hypercall_set_timer_op(event_system_time() + after);
    events_enable();
    answer = call(argument);
    events_disable();
    now = NULL;
    hypercall_set_timer_op(0);
    return answer;
}
