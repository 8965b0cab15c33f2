/* SPDX-License-Identifier: MIT */
/* Domains of the machine: allocation, and giving up all that a domain's vcpus and page tables hold. */
#include "arch/x86/cpu/vcpu.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/roots.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/pv/pv.h"
#include "common/cpu.h"
#include "common/heap.h"
#include "lib/bug.h"
#include <arch/domain.h>
#include <arch/paging.h>

/* Frame records that one step of arch_domain_relinquish looks at, at most. */
#define RELINQUISH_STEP 1024

struct domain *arch_domain_alloc(const struct domain_config *config)
{
    (void)config;
    struct x86_domain *d = heap_alloc(sizeof(*d));
    if (!d)
        return NULL;
    table_work_init(&d->work);
    return &d->domain;
}

void arch_domain_free(struct domain *d)
{
    p2m_destroy(d);
    heap_free(x86_domain(d));
}

static void vcpu_relinquish(struct x86_vcpu *v, struct table_work *work)
{
    arch_mmu_update_end(&v->vcpu);
    pv_release_descriptor_tables(v);
    roots_give_up(v, work);
    v->work.resume = false;
}

/* The guest's pins: some records, up to the first that is one. True: all were looked at. */
static bool unpin_some(struct x86_domain *d)
{
    u64 end = min_u64(d->relinquish_next + RELINQUISH_STEP, frame_count);
    while (d->relinquish_next < end) {
        struct frame *f = &frame_table[d->relinquish_next++];
        if (!(frame_word(f) & FRAME_PINNED) || f->owner != d->domain.id)
            continue;
        atomic_fetch_and_explicit(&f->word, ~FRAME_PINNED, memory_order_acq_rel);
        table_put(f, &d->work);
        break;
    }
    return d->relinquish_next == frame_count;
}

/*
 * One table, or some records: who runs waits for one step and not for all of them, though nothing that he waits for need
 * be pending.
 */
bool arch_domain_relinquish(struct domain *dom)
{
    struct x86_domain *d = x86_domain(dom);

    if (!d->vcpus_relinquished) {
        for (u32 i = 0; i < dom->vcpu_count; i++)
            vcpu_relinquish(x86_vcpu(dom->vcpu[i]), &d->work);
        d->vcpus_relinquished = true;
    }
    for (u32 i = 0; i < dom->vcpu_count; i++)
        if (table_work_pending(&x86_vcpu(dom->vcpu[i])->work)) {
            table_work_one(&x86_vcpu(dom->vcpu[i])->work);
            return false;
        }
    if (table_work_pending(&d->work)) {
        table_work_one(&d->work);
        return false;
    }
    return unpin_some(d) && !table_work_pending(&d->work);
}
