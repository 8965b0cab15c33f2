/* SPDX-License-Identifier: MIT */
/*
 * How domains begin and end. Ending has two halves: domain_shutdown() stops the vcpus at once, wherever it is called;
 * taking the domain down is done later, a step at a time, from SOFTIRQ_DOMAIN, when no processor holds anything of it.
 */
#include "common/domain.h"
#include "common/cmdline.h"
#include "common/console.h"
#include "common/cpu.h"
#include "common/frame.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include "lib/format.h"
#include "lib/string.h"
#include <arch/domain.h>
#include <arch/machine.h>
#include <arch/paging.h>
#include <arch/time.h>
#include <xen/errno.h>
#include <xen/sched.h>

/* A domain that lived shorter than this before it is to be restarted ... so often in a row is not built again. */
#define QUICK_LIFE_NS      1000000000ull
#define QUICK_RESTARTS_MAX 5

/*
 * Taking down goes on beside those who run, a step after each pause, and a step is no longer than one table or
 * FRAMES_PER_FLUSH frames that are scrubbed: some tens of thousands of instructions.
 */
#define RECORDS_PER_STEP 1024
#define STEP_PAUSE_NS    100000ull

static struct spinlock end_lock = SPINLOCK(LOCK_DOMAIN); /* the fields of struct domain that say how it ends */
static struct timer work_timer;

/* The tally of the last line. A domain that is built again counts once, by its last end. */
static struct {
    u32 started, powered_off, crashed, other, not_started;
} tally;

static void work_again(void *data)
{
    (void)data;
    softirq_raise(SOFTIRQ_DOMAIN);
}

void domains_init(void)
{
    memset(&tally, 0, sizeof(tally));
    domain_table_init();
    timer_init(&work_timer, work_again, NULL);
}

/* Creation ---------------------------------------------------------------------------------------------------------*/

/* The domain's own hold on a frame, and its number for it. */
static void frame_give_back(struct domain *d, struct frame *f)
{
    if (arch_domain_translated(d))
        arch_p2m_set(d, gfn_make(m2p_table[frame_mfn(f).n]), MFN_INVALID);
    BUG_ON(!frame_drop_alloc(f));
}

/* What domain_create() made so far, in the reverse order, but for the record itself. */
static void domain_bury(struct domain *d)
{
    event_destroy(d);
    for (u32 i = 0; i < d->vcpu_count; i++) {
        vcpu_release(d->vcpu[i]);
        arch_vcpu_free(d->vcpu[i]);
        d->vcpu[i] = NULL;
    }
    d->vcpu_count = 0;
    if (d->shared_info)
        frame_give_back(d, frame_of(d->shared_info_mfn));
    d->shared_info = NULL;
}

static void domain_free(struct domain *d)
{
    BUG_ON(domain_owns_frames(d));
    grant_free(d);
    if (d->id)
        domain_table_remove(d);
    arch_domain_free(d);
}

static int domain_fill(struct domain *d)
{
    struct frame *shared;

    if (domain_table_add(d)) {
        log_error("domain %s: there are %d domains already\n", d->config.name, DOMAINS_MAX);
        return -XEN_ENOSPC;
    }
    shared = frame_alloc_shared(d);
    if (!shared)
        return -XEN_ENOMEM;
    d->shared_info_mfn = frame_mfn(shared);
    d->shared_info = frame_ptr(shared);
    if (event_init(d))
        return -XEN_ENOMEM;
    for (u32 i = 0; i < d->config.vcpus; i++) {
        struct vcpu *v = arch_vcpu_alloc(d, i);
        if (!v)
            return -XEN_ENOMEM;
        vcpu_init(v, d, i);
        d->vcpu[i] = v;
        d->vcpu_count = i + 1;
    }
    for (u32 i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    return 0;
}

struct domain *domain_create(const struct domain_config *config)
{
    struct domain *d;
    int rc;

    if (config->vcpus == 0 || config->vcpus > DOMAIN_VCPUS_MAX) {
        log_error("domain %s: vcpus=%u, expected 1 to %d\n", config->name, config->vcpus, DOMAIN_VCPUS_MAX);
        return NULL;
    }
    d = arch_domain_alloc(config);
    if (!d) {
        log_error("domain %s: no memory for its records\n", config->name);
        return NULL;
    }
    d->config = *config;
    d->privileged = config->privileged;
    d->max_pages = max_u64(config->maxmem, config->memory) >> PAGE_SHIFT;
    rc = domain_fill(d);
    if (rc) {
        if (rc == -XEN_ENOMEM)
            log_error("domain %s: no memory for its records (%u vcpus)\n", config->name, config->vcpus);
        domain_bury(d);
        domain_free(d);
        return NULL;
    }
    return d;
}

void domain_start(struct domain *d)
{
    BUG_ON(!d->vcpu[0]->initialised);
    tally.started++;
    d->started_at = system_time();
    arch_update_wall_clock(d);
    vcpu_up(d->vcpu[0]);
}

/* The end ----------------------------------------------------------------------------------------------------------*/

static const char *reason_name(u8 reason)
{
    static const char *const names[] = {
        [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",     [SHUTDOWN_suspend] = "suspend",
        [SHUTDOWN_crash] = "crash",       [SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft reset",
    };

    return reason < ARRAY_SIZE(names) ? names[reason] : "a reason that is none";
}

static enum domain_action domain_action(const struct domain *d, u8 reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        return d->config.on_poweroff;
    case SHUTDOWN_reboot:
    case SHUTDOWN_soft_reset:
        return d->config.on_reboot;
    case SHUTDOWN_suspend: /* it waits to be resumed, which nobody here does: kept for who wants to look */
        return ACTION_PRESERVE;
    default:
        return d->config.on_crash;
    }
}

/* Is it to be built again? Not where that cannot be done, nor where it would go round and round. */
static bool domain_will_restart(struct domain *d, u8 reason)
{
    if (domain_action(d, reason) != ACTION_RESTART)
        return false;
    if (!d->rebuild) {
        log_error("d%u:%s cannot be restarted: it was not built from a module\n", d->id, d->config.name);
        return false;
    }
    d->quick_restarts = system_time() - d->started_at < QUICK_LIFE_NS ? d->quick_restarts + 1 : 0;
    if (d->quick_restarts <= QUICK_RESTARTS_MAX)
        return true;
    log_error("d%u:%s is not restarted: it ended %u times in a row within a second\n", d->id, d->config.name,
              d->quick_restarts);
    return false;
}

static void tally_end(u8 reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        tally.powered_off++;
        break;
    case SHUTDOWN_crash:
    case SHUTDOWN_watchdog:
        tally.crashed++;
        break;
    default:
        tally.other++;
        break;
    }
}

/* Its vcpus run no more and nothing wakes them; what runs now is left on the way out. */
static void domain_stop(struct domain *d)
{
    for (u32 i = 0; i < d->vcpu_count; i++) {
        struct vcpu *v = d->vcpu[i];
        v->pause_count++;
        v->period = 0;
        timer_stop(&v->oneshot);
        timer_stop(&v->periodic);
        timer_stop(&v->poll_timer);
        sched_changed(v);
    }
}

/* The first to end the domain decides how. False: it has ended already. */
static bool domain_end_first(struct domain *d, u8 *reason)
{
    bool first;

    spinlock_lock(&end_lock);
    first = !d->is_shut_down;
    if (first) {
        d->is_shut_down = true;
        if (d->reason_given)
            *reason = d->shutdown_reason;
        d->shutdown_reason = *reason;
    }
    spinlock_unlock(&end_lock);
    return first;
}

void domain_shutdown(struct domain *d, u8 reason)
{
    if (!domain_end_first(d, &reason))
        return;
    domain_stop(d);
    console_guest_flush(d);
    log_info("d%u:%s has shut down: %s\n", d->id, d->config.name, reason_name(reason));
    d->to_restart = domain_will_restart(d, reason);
    d->to_destroy = d->to_restart || domain_action(d, reason) != ACTION_PRESERVE;
    if (!d->to_restart)
        tally_end(reason);
    if (d->to_destroy)
        softirq_raise(SOFTIRQ_DOMAIN);
}

void domain_set_reason(struct domain *d, u8 reason)
{
    spinlock_lock(&end_lock);
    if (!d->is_shut_down && !d->reason_given) {
        d->reason_given = true;
        d->shutdown_reason = reason;
    }
    spinlock_unlock(&end_lock);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    struct vcpu *v = current_vcpu();
    va_list args;

    if (d->is_shut_down)
        return;
    va_start(args, fmt);
    format_text_v(d->crash_reason, sizeof(d->crash_reason), fmt, args);
    va_end(args);
    console_guest_flush(d);
    log_error("d%u:%s crashed: %s\n", d->id, d->config.name, d->crash_reason);
    if (v && v->domain == d)
        arch_vcpu_dump(v);
    d->reason_given = false; /* what it said it would end of is not what happened */
    domain_shutdown(d, SHUTDOWN_crash);
}

/* Taking down ------------------------------------------------------------------------------------------------------*/

/* The domain's own hold on its frames, a bounded number of them at a time. True: all records were looked at. */
static bool domain_give_frames_back(struct domain *d)
{
    u64 end = min_u64(d->next_frame + RECORDS_PER_STEP, frame_count);

    frame_batch_begin();
    while (d->next_frame < end && frame_batch_count(this_cpu()) < FRAMES_PER_FLUSH) {
        struct frame *f = &frame_table[d->next_frame++];
        u64 word = frame_word(f);
        if ((word & FRAME_ALLOC) && !(word & FRAME_SPECIAL) && f->owner == d->id)
            frame_give_back(d, f);
        if (preempt_pending())
            break;
    }
    frame_batch_end(FRAMES_SCRUB);
    return d->next_frame >= frame_count;
}

/* Extents that others, privileged ones, have begun to take for it. */
static void domain_give_extents_up(const struct domain *d)
{
    for (struct domain *other = domain_next(NULL); other; other = domain_next(other))
        for (u32 i = 0; i < other->vcpu_count; i++)
            if (other->vcpu[i]->extent.of.d == d)
                vcpu_extent_drop(other->vcpu[i]);
}

/* One bounded step; true: nothing is left but the records. Interfaces to others go first, then tables, then frames. */
static bool domain_take_down(struct domain *d)
{
    if (!d->dying) {
        d->dying = true;
        for (u32 i = 0; i < d->vcpu_count; i++)
            vcpu_release(d->vcpu[i]);
        domain_give_extents_up(d);
        frame_claim(d, 0);
        return false;
    }
    if (d->ports) {
        if (event_reset(d) == -XEN_ERESTART)
            return false;
        event_destroy(d);
    }
    return arch_domain_relinquish(d) && grant_take_down(d) && domain_give_frames_back(d);
}

void domain_destroy(struct domain *d)
{
    for (u32 i = 0; i < d->vcpu_count; i++)
        BUG_ON(d->vcpu[i] == current_vcpu());
    if (!d->is_shut_down) {
        d->is_shut_down = true;
        domain_stop(d);
    }
    while (!domain_take_down(d))
        ;
    domain_bury(d);
    d->to_destroy = false;
    d->zombie = true; /* before the look at what is left: whoever gives the last one back then sees it */
    if (!domain_owns_frames(d)) {
        domain_free(d);
        return;
    }
    log_info("d%u:%s is gone, but %llu of its frames are in use by others\n", d->id, d->config.name,
             (unsigned long long)(atomic_load_explicit(&d->tot_pages, memory_order_relaxed) +
                                  atomic_load_explicit(&d->shared_pages, memory_order_relaxed)));
}

static void domain_free_zombies(void)
{
    struct domain *next, *d = domain_next(NULL);

    for (; d; d = next) {
        next = domain_next(d);
        if (d->zombie && !domain_owns_frames(d))
            domain_free(d);
    }
}

static void domain_rebuild(struct domain *(*rebuild)(const struct domain_config *, const void *),
                           const struct domain_config *config, const void *source, u32 quick_restarts)
{
    struct domain *d = rebuild(config, source);

    tally.started--; /* the same one again: counted when it was first started */
    if (d)
        d->quick_restarts = quick_restarts;
    else
        domain_note_failed_start();
}

static void domain_finish_one(struct domain *d)
{
    static struct domain_config config; /* domain_work() runs on one processor at a time; too large for the stack */
    __typeof__(d->rebuild) rebuild = d->to_restart ? d->rebuild : NULL;
    const void *source = d->rebuild_source;
    u32 quick_restarts = d->quick_restarts;

    config = d->config;
    domain_destroy(d);
    if (rebuild)
        domain_rebuild(rebuild, &config, source, quick_restarts);
}

static struct domain *domain_to_take_down(void)
{
    struct domain *d = domain_next(NULL);

    while (d && !d->to_destroy)
        d = domain_next(d);
    return d;
}

/* While others run the next step waits a little; with nobody to wait for it, or no room for the timer, it comes now. */
static void work_later(void)
{
    if (this_cpu()->idle || timer_set(&work_timer, system_time() + STEP_PAUSE_NS))
        softirq_raise(SOFTIRQ_DOMAIN);
}

void domain_work(void)
{
    struct domain *d = domain_to_take_down();
    struct vcpu *loaded = current_vcpu();

    domain_free_zombies();
    if (!d)
        return;
    if (loaded && loaded->domain == d) {
        if (!this_cpu()->idle) { /* the scheduler has not come by yet */
            softirq_raise(SOFTIRQ_SCHEDULE | SOFTIRQ_DOMAIN);
            return;
        }
        sched_unload();
    }
    if (domain_take_down(d))
        domain_finish_one(d);
    if (domain_to_take_down())
        work_later();
}

/* The last line ----------------------------------------------------------------------------------------------------*/

bool domain_all_shut_down(void)
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        if (!d->is_shut_down || d->to_destroy)
            return false;
    return true;
}

void domain_note_failed_start(void)
{
    tally.not_started++;
}

void domain_finish(void)
{
    bool all_well = tally.started > 0 && tally.powered_off == tally.started && tally.not_started == 0;

    printk(LOG_ERROR, "all domains have shut down: %u powered off, %u crashed, %u ended otherwise, %u not started\n",
           tally.powered_off, tally.crashed, tally.other, tally.not_started);
    arch_debug_exit(all_well ? 0x10 : 0x11);
    switch (options.idle) {
    case IDLE_HALT:
        arch_halt();
    case IDLE_REBOOT:
        arch_reboot();
    case IDLE_POWEROFF:
        break;
    }
    arch_power_off();
}
