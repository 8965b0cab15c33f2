/* SPDX-License-Identifier: MIT
 * The timer of midway.h. A call that gives way stands at its SYSCALL again, with its number in rax. */
#include "midway.h"
#include "guest/event.h"
#include "guest/hypercall.h"
#include "guest/trap.h"

#define SYSCALL_BYTES 0x050fu
#define SLOT          32u
#define DELAY_FIRST   8000u /* nanoseconds */
#define TRIES         24u

static const struct midway *under_way;
static bool interrupted;

static bool stands_at(const struct trap_regs *regs, unsigned int number)
{
    uint64_t offset = regs->rip - HYPERCALL_PTR(hypercall_page) - (uint64_t)number * SLOT;

    return offset < SLOT && *(const uint16_t *)regs->rip == SYSCALL_BYTES && regs->rax == number;
}

static void on_timer(evtchn_port_t port)
{
    (void)port;
    if (under_way == NULL || interrupted || !stands_at(events_interrupted(), under_way->hypercall))
        return;
    interrupted = true;
    if (under_way->during != NULL)
        under_way->during();
}

static long call_with_timer(const struct midway *midway, uint64_t delay)
{
    long answer;

    under_way = midway;
    events_enable();
    hypercall_set_timer_op(event_system_time() + delay);
    answer = midway->call();
    under_way = NULL;
    events_disable();
    hypercall_set_timer_op(0);
    return answer;
}

bool midway_run(const struct midway *midway, long *answer)
{
    uint64_t delay = DELAY_FIRST;

    interrupted = false;
    hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    for (unsigned int i = 0; i < TRIES && !interrupted; i++, delay += delay / 2) {
        long port;

        midway->prepare();
        port = event_bind_virq(VIRQ_TIMER, on_timer);
        if (port < 0)
            return false;
        *answer = call_with_timer(midway, delay);
        event_close((evtchn_port_t)port);
    }
    return interrupted;
}
