/* SPDX-License-Identifier: MIT */
/* See world.h. */
#include "tests/unit/support/world.h"
#include "common/softirq.h"
#include "hypercalls/hypercalls.h"
#include "lib/format.h"
#include <xen/xen.h>

struct domain_config world_config = {.type = DOMAIN_PV, .paging = PAGING_DIRECT, .on_poweroff = ACTION_DESTROY,
                                     .on_reboot = ACTION_RESTART, .on_crash = ACTION_PRESERVE,
                                     .memory = 1 << 20, .maxmem = 1 << 20, .vcpus = 1};
u32 world_restarts;

static struct domain *world_make(const char *name, u32 vcpus, bool privileged)
{
    struct domain_config config = world_config;

    format_text(config.name, sizeof(config.name), "%s", name);
    config.vcpus = vcpus;
    config.privileged = privileged;
    struct domain *d = domain_create(&config);
    if (d == NULL)
        fake_fail("domain %s was not created", name);
    d->vcpu[0]->initialised = true;
    domain_start(d);
    return d;
}

struct domain *world_domain(const char *name, u32 vcpus)
{
    return world_make(name, vcpus, false);
}

struct domain *world_privileged(const char *name)
{
    return world_make(name, 1, true);
}

void world_enter(struct vcpu *v)
{
    this_cpu()->current = v;
    this_cpu()->idle = false;
}

struct vcpu *world_leave(void)
{
    if (this_cpu()->softirq)
        softirq_run();
    return current_vcpu();
}

long world_call(u32 number, u64 a1, u64 a2, u64 a3)
{
    return hypercall_table[number](a1, a2, a3, 0, 0);
}

long world_call_through(u32 number, u64 a1, u64 a2, u64 a3)
{
    struct vcpu *v = current_vcpu();
    long rc = world_call(number, a1, a2, a3);

    world_restarts = 0;
    while (rc == -XEN_ERESTART && v->restart.wanted) {
        v->restart.wanted = false;
        world_restarts++;
        rc = hypercall_table[v->restart.op](v->restart.args[0], v->restart.args[1], v->restart.args[2],
                                            v->restart.args[3], v->restart.args[4]);
    }
    return rc;
}
