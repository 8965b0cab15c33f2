/* SPDX-License-Identifier: MIT
 * XSA-506: a structure was copied out to a guest with bytes that had never been written.
 * Tried: the structures that go both ways or out (event channels, runstate, time, memory), in buffers of poison, twice with
 * different poison. Right: nothing outside of them is written; inside, a byte is either written the same both times or left. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"

static long status(void *at)
{
    *(struct evtchn_status *)at = (struct evtchn_status){.dom = DOMID_SELF, .port = 1};
    return hypercall_event_channel_op(EVTCHNOP_status, at);
}

static long status_of_none(void *at)
{
    *(struct evtchn_status *)at = (struct evtchn_status){.dom = DOMID_SELF, .port = 2};
    return hypercall_event_channel_op(EVTCHNOP_status, at);
}

static long features(void *at)
{
    ((struct xen_feature_info *)at)->submap_idx = 0;
    return hypercall_xen_version(XENVER_get_features, at);
}

static long m2p_mapping(void *at)
{
    return hypercall_memory_op(XENMEM_machphys_mapping, at);
}

static const struct {
    const char *name;
    long (*call)(void *);
    unsigned int size;
} structures[] = {
    {"status of a port", status, sizeof(struct evtchn_status)},
    {"status of one that is closed", status_of_none, sizeof(struct evtchn_status)},
    {"features", features, sizeof(struct xen_feature_info)},
    {"where the machine-to-physical table is", m2p_mapping, sizeof(struct xen_machphys_mapping)},
};

/* Times and counts: they differ, so only their borders can be compared. */
static void runstate(void)
{
    struct vcpu_runstate_info *info = poisoned(0x5a);

    report_quiet("runstate", hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, info), 0);
    report_quiet("bytes outside of it that were written", (long)bytes_spilt(0x5a, sizeof(*info)), 0);
    report_quiet("its state is one", info->state, RUNSTATE_running);
    report_quiet("the upper half of its time is none of poison", (long)(info->state_entry_time >> 56), 0);
    printf("runstate\n");
}

void guest_main(void)
{
    static uint8_t first[SURROUNDINGS_ROOM];

    attempt_begin("xsa_506", "every byte of a structure is written or left");
    report_answer("a port", event_alloc_unbound(DOMID_SELF), 1);
    for (unsigned int i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
        const unsigned int size = structures[i].size;
        uint8_t *at = poisoned(0x5a);

        printf("%s\n", structures[i].name);
        report_quiet("the call", structures[i].call(at), 0);
        report_quiet("bytes outside of it that were written", (long)bytes_spilt(0x5a, size), 0);
        memcpy(first, at, size);
        at = poisoned(0xa5);
        report_quiet("the call again", structures[i].call(at), 0);
        report_quiet("bytes outside of it that were written", (long)bytes_spilt(0xa5, size), 0);
        for (unsigned int k = 0; k < size; k++)
            report_quiet("a byte is written or left", first[k] == at[k] || (first[k] == 0x5a && at[k] == 0xa5), true);
    }
    runstate();
    report_answer("the port is closed", event_close(1), 0);
    attempt_end();
}
