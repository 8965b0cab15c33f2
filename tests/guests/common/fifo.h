/* SPDX-License-Identifier: MIT
 * The calls of FIFO event channels, for those who try that they are refused. */
#ifndef FIFO_H
#define FIFO_H

#include <stdint.h>
#include "guest/hypercall.h"
#include "guest/paging.h"

static inline long fifo_init_control(const void *page, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control op = {.control_gfn = virt_to_frame(page), .offset = offset, .vcpu = vcpu};

    return hypercall_event_channel_op(EVTCHNOP_init_control, &op);
}

static inline long fifo_expand_array(uint64_t frame)
{
    struct evtchn_expand_array op = {.array_gfn = frame};

    return hypercall_event_channel_op(EVTCHNOP_expand_array, &op);
}

static inline long fifo_set_priority(evtchn_port_t port, uint32_t priority)
{
    struct evtchn_set_priority op = {.port = port, .priority = priority};

    return hypercall_event_channel_op(EVTCHNOP_set_priority, &op);
}

/* Words of a page that are not zero any more. */
static inline unsigned long fifo_changed(const uint64_t *page)
{
    unsigned long changed = 0;

    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*page); i++)
        changed += page[i] != 0;
    return changed;
}

#endif
