/* SPDX-License-Identifier: MIT
 * bad_pointers: each hypercall that reads or writes the guest's memory is given addresses where it must not:
 * nothing, the hypervisor's own memory, the read-only M2P, an address that is not canonical, a structure that
 * runs over the end of its page into nothing. Each answers -EFAULT, and the hypervisor is none the worse. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"

#define NOTHING      0x1000ul
#define HYPERVISOR   0xffff830000000000ul
#define NONCANONICAL 0x8000000000000000ul
#define LAST_BYTES   0xfffffffffffffff8ul /* a structure from here wraps round to 0 */

struct place {
    const char *name;
    uint64_t address;
};

static struct place places[] = {
    {"nothing", NOTHING},           {"the hypervisor", HYPERVISOR}, {"not canonical", NONCANONICAL},
    {"the last bytes", LAST_BYTES}, {"over the end of a page", 0},
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static void *at(const struct place *place)
{
    return (void *)place->address;
}

static long trap_table(const struct place *place)
{
    return hypercall_set_trap_table(at(place));
}

static long mmu_update(const struct place *place)
{
    return hypercall_mmu_update(at(place), 1, NULL, DOMID_SELF);
}

static long mmuext(const struct place *place)
{
    return hypercall_mmuext_op(at(place), 1, NULL, DOMID_SELF);
}

static long multicall(const struct place *place)
{
    return hypercall_multicall(at(place), 1);
}

static long extraversion(const struct place *place)
{
    return hypercall_xen_version(XENVER_extraversion, at(place));
}

static long features(const struct place *place)
{
    return hypercall_xen_version(XENVER_get_features, at(place));
}

static long console(const struct place *place)
{
    return hypercall_console_io(CONSOLEIO_write, 16, at(place));
}

static long bind_virq(const struct place *place)
{
    return hypercall_event_channel_op(EVTCHNOP_bind_virq, at(place));
}

static long shutdown(const struct place *place)
{
    return hypercall_sched_op(SCHEDOP_shutdown, at(place));
}

static long poll(const struct place *place)
{
    return hypercall_sched_op(SCHEDOP_poll, at(place));
}

static long callback(const struct place *place)
{
    return hypercall_callback_op(CALLBACKOP_register, at(place));
}

static long runstate(const struct place *place)
{
    return hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, at(place));
}

static long single_shot(const struct place *place)
{
    return hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, at(place));
}

static long gdt(const struct place *place)
{
    return hypercall_set_gdt(at(place), 512);
}

static long reservation(const struct place *place)
{
    return hypercall_memory_op(XENMEM_current_reservation, at(place));
}

static const struct {
    const char *name;
    long (*call)(const struct place *place);
} calls[] = {
    {"set_trap_table", trap_table},
    {"mmu_update", mmu_update},
    {"mmuext_op", mmuext},
    {"multicall", multicall},
    {"xen_version extraversion", extraversion},
    {"xen_version get_features", features},
    {"console_io write", console},
    {"event_channel_op bind_virq", bind_virq},
    {"sched_op shutdown", shutdown},
    {"sched_op poll", poll},
    {"callback_op register", callback},
    {"vcpu_op get_runstate_info", runstate},
    {"vcpu_op set_singleshot_timer", single_shot},
    {"set_gdt", gdt},
    {"memory_op current_reservation", reservation},
};

/* Writes to places that can be read but not written: the M2P, and a page without write permission. */
static void readonly_places(void)
{
    const uint64_t *m2p = machine_to_phys_mapping;
    uint64_t before = m2p[virt_to_frame(calls)];
    char *page = page_alloc();

    memcpy(page, "mark", 5);
    report_answer("xen_version extraversion, the M2P",
                  hypercall_xen_version(XENVER_extraversion, (void *)m2p), -XEN_EFAULT);
    report_quiet("read-only", page_readonly(page), 0);
    report_answer("xen_version extraversion, a read-only page",
                  hypercall_xen_version(XENVER_extraversion, page), -XEN_EFAULT);
    report_equal("the M2P is as it was", m2p[virt_to_frame(calls)], before);
    report_equal("the page is as it was", (unsigned long)strcmp(page, "mark"), 0);
    report_quiet("writable", page_writable(page), 0);
}

void guest_main(void)
{
    uint8_t *edge = page_alloc(), *behind = page_alloc();

    report_title("bad_pointers", "hypercalls that are given addresses where they must not look");
    if (behind != edge + PAGE_SIZE) {
        report_error("the two pages do not lie side by side");
        return;
    }
    report_quiet("unmap", hypercall_update_va_mapping((uintptr_t)behind, 0, UVMF_INVLPG), 0);
    places[PLACES - 1].address = (uintptr_t)behind - 1;
    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (unsigned int j = 0; j < PLACES; j++) {
            char what[80];

            snprintf(what, sizeof(what), "%s, %s", calls[i].name, places[j].name);
            report_answer(what, calls[i].call(&places[j]), -XEN_EFAULT);
        }
    readonly_places();
}
