/* SPDX-License-Identifier: MIT */
/* See machine.h. */
#include "tests/fuzz/machine.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/roots.h"
#include "arch/x86/paging/writable.h"
#include "arch/x86/pv/pv.h"
#include "common/cmdline.h"
#include "common/grant_table.h"
#include "common/heap.h"
#include "common/printk_internal.h"
#include "common/sched.h"
#include "common/softirq.h"
#include "hypercalls/hypercalls.h"
#include "tests/unit/mmu_random/oracle.h"
#include <arch/domain.h>
#include <arch/guest_memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/sched.h>

void hypercall_resume(struct x86_vcpu *v, struct regs *r); /* called by the entry code only */

u8 fuzz_room[ROOM_SIZE] __attribute__((aligned(4096)));
u8 fuzz_code[64];
struct realm realms[2];
struct disturbance disturb;
u64 fuzz_operations, fuzz_digest;

static u64 hogged[FUZZ_FRAMES], hog_count;
static unsigned reads, idles, steps;
static u16 watched; /* the domain whose frames must stay as they are while the other runs; 0: nobody's */

/* ---- what is said ----------------------------------------------------------------------------------------------- */

void fuzz_trace(const char *fmt, ...)
{
    static int wanted = -1;
    va_list args;

    if (wanted < 0)
        wanted = getenv("XL_FUZZ_TRACE") != NULL;
    if (!wanted)
        return;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
}

void fuzz_wrong(const char *what)
{
    fprintf(stderr, "breach: %s\n%s", what, fake_console_text());
    abort();
}

static void digest(u64 value)
{
    fuzz_digest = (fuzz_digest ^ value) * 0x100000001b3ull;
}

/* ---- the domains -------------------------------------------------------------------------------------------------- */

u64 realm_number(const struct realm *r, u64 pfn)
{
    return r->paging == PAGING_REWRITE ? pfn : r->frame[pfn].n;
}

static struct realm *realm_of(const struct domain *d)
{
    return d == realms[1].d ? &realms[1] : &realms[0];
}
struct realm *realm_running(void)
{
    return realm_of(current_vcpu()->domain);
}
struct realm *realm_other(void)
{
    return realm_running() == realms ? &realms[1] : &realms[0];
}

static bool fill_frames(struct realm *r, struct domain *d)
{
    if (r->paging == PAGING_REWRITE &&
        (p2m_create(d, FUZZ_PFNS + 4) || arch_p2m_set(d, gfn_make(FUZZ_PFNS), d->shared_info_mfn)))
        return false;
    for (u64 pfn = 0; pfn < FUZZ_PFNS; pfn++) {
        struct frame *f = frame_alloc_domain(d);
        if (!f || (r->paging == PAGING_REWRITE && arch_p2m_set(d, gfn_make(pfn), frame_mfn(f))))
            return false;
        m2p_table[frame_mfn(f).n] = pfn;
        r->frame[pfn] = frame_mfn(f);
    }
    return true;
}

/* A page of each use behind the addresses (slot << 12): data, its own tables read-only, tables to be. */
static void fill_tree(const struct realm *r)
{
    static const u8 mapped[] = {4, 5, 3, 11, 6, 7, 2, 12, 13, 14, 15};
    for (u64 pfn = 0; pfn < 3; pfn++)
        ((u64 *)mfn_to_ptr(r->frame[pfn]))[0] = realm_number(r, pfn + 1) << PAGE_SHIFT | RW_FLAGS;
    for (unsigned i = 0; i < oracle_slot_count; i++)
        ((u64 *)mfn_to_ptr(r->frame[3]))[oracle_slots[i]] =
            realm_number(r, mapped[i]) << PAGE_SHIFT | (mapped[i] % 8 < 4 ? RO_FLAGS : RW_FLAGS);
}

/* What a guest sets up first. */
static bool vcpu_begin(const struct realm *r, struct x86_vcpu *v)
{
    if (arch_new_base(&v->vcpu, gfn_make(realm_number(r, 0))))
        return false;
    v->in_kernel = true;
    v->regs = (struct regs){.rip = CODE_ADDRESS, .cs = SEL_RING3_CS64, .ss = SEL_RING3_DS, .rflags = 0x202, .rsp = 0xff0};
    v->kernel_sp = 0x1ff0;
    for (unsigned i = 0; i < PV_TRAPS; i++)
        v->trap[i].address = HANDLERS_AT + i;
    v->event.address = HANDLERS_AT + PV_TRAPS;
    v->failsafe.address = HANDLERS_AT + PV_TRAPS + 1;
    v->syscall.address = HANDLERS_AT + PV_TRAPS + 2;
    v->vcpu.initialised = true;
    return true;
}

static struct domain *realm_build(const struct domain_config *config, const void *source)
{
    struct realm *r = &realms[(const struct realm *)source - realms];
    struct domain *d = domain_create(config);
    u32 softirq = this_cpu()->softirq;

    r->d = NULL;
    if (!d)
        return NULL;
    this_cpu()->softirq = 0; /* a root is validated in one go */
    bool made = fill_frames(r, d);
    if (made && !r->bare)
        fill_tree(r);
    if (made && r->grants)
        made = grant_grow(d, 1) == 0;
    made = made && vcpu_begin(r, x86_vcpu(d->vcpu[0])) && (!r->second_vcpu || vcpu_begin(r, x86_vcpu(d->vcpu[1])));
    this_cpu()->softirq |= softirq;
    if (!made) {
        domain_destroy(d);
        return NULL;
    }
    d->vm_assist |= 1ull << VMASST_TYPE_writable_pagetables;
    d->rebuild = realm_build;
    d->rebuild_source = source;
    r->d = d;
    domain_start(d);
    return d;
}

static void realm_begin(unsigned i, const struct fuzz_start *start)
{
    struct domain_config config = world_config;
    struct realm *r = &realms[i];

    r->paging = start->modes >> i & 1 ? PAGING_REWRITE : PAGING_DIRECT;
    r->privileged = i == 0 && (start->modes & 4);
    r->bare = start->modes >> (3 + i) & 1;
    r->second_vcpu = start->modes & 0x20;
    r->grants = start->modes & 0x40;
    config.paging = r->paging;
    config.privileged = r->privileged;
    config.vcpus = FUZZ_VCPUS;
    config.memory = FUZZ_PFNS << PAGE_SHIFT;
    config.maxmem = (FUZZ_PFNS + 6) << PAGE_SHIFT;
    config.on_poweroff = ACTION_DESTROY;
    config.on_reboot = config.on_crash = ACTION_RESTART;
    strcpy(config.name, i ? "b" : "a");
    if (!realm_build(&config, r))
        fuzz_wrong("no domain to begin with");
}

/* A frame that was given back or exchanged has no name any more; one that is new takes the first that is free. */
static void realm_learn(struct realm *r)
{
    for (u64 pfn = 0; pfn < FUZZ_PFNS; pfn++) {
        if (frame_table[r->frame[pfn].n].owner == r->d->id)
            continue;
        for (u64 n = 1; n < frame_count; n++) {
            bool named = frame_table[n].owner != r->d->id || (frame_word(&frame_table[n]) & FRAME_SPECIAL);
            for (u64 i = 0; i < FUZZ_PFNS && !named; i++)
                named = r->frame[i].n == n;
            if (!named) {
                r->frame[pfn] = mfn_make(n);
                break;
            }
        }
    }
}

/* Who stands for which guest now: a domain that ended and is not built again is gone. */
static void realms_learn(void)
{
    realms[0].d = realms[1].d = NULL;
    for (struct domain *d = NULL; (d = domain_next(d)) != NULL;)
        if (!d->zombie)
            realms[(const struct realm *)d->rebuild_source - realms].d = d;
    for (unsigned i = 0; i < ARRAY_SIZE(realms); i++)
        if (realms[i].d && realms[i].paging == PAGING_DIRECT)
            realm_learn(&realms[i]);
}

/* ---- disturbances -------------------------------------------------------------------------------------------------- */

static void rights_learn(void);

static void before_read(vaddr_t address, size_t n)
{
    (void)address, (void)n;
    rights_learn(); /* an element of a batch may have changed them */
    if (disturb.scribble && reads++ == (disturb.scribble & 3u))
        memcpy(&fuzz_room[SCRIBBLE_AT + (disturb.scribble >> 2) * 8u], &disturb.value, 8);
}

/* Programs hold no byte 0xa5 (hypercalls.c sees to it), the hypervisor's stack holds little else. */
static void before_write(vaddr_t address, const void *from, size_t n)
{
    const u8 *bytes = from;
    unsigned run = 0;

    (void)address;
    for (size_t i = 0; i < n; i++) {
        run = bytes[i] == 0xa5 ? run + 1 : 0;
        if (run == 4)
            fuzz_wrong("bytes that were never written go to a guest");
    }
}

static void on_interrupt(void)
{
    softirq_raise(SOFTIRQ_TIMER);
    if (disturb.interrupt & 0x80)
        sched_yield();
}

/* Somebody from outside wakes everybody who sleeps, so that no program ends in waiting; twice as many times as needed. */
static void on_idle(void)
{
    if (++idles > 64)
        fake_end(FAKE_HALT);
    for (struct domain *d = NULL; (d = domain_next(d)) != NULL;)
        if (!d->is_shut_down) {
            d->vcpu[0]->online = true;
            sched_unblock(d->vcpu[0]);
            softirq_raise(SOFTIRQ_SCHEDULE);
        }
}

static void arm(void)
{
    fake_interrupt_after = disturb.interrupt & 0x1f;
}

/* What the stack below holds from now on shows where something is copied out that was never written. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static void paint_stack(void)
{
    volatile u64 below[1024];

    for (unsigned i = 0; i < ARRAY_SIZE(below); i++)
        below[i] = 0xa5a5a5a5a5a5a5a5ull;
}

/* ---- the guest's way in and out --------------------------------------------------------------------------------- */

/* What one domain does changes nothing of the other's, unless it is privileged. */
/* What each may have of the other's, by all grants that ever stood in the tables while the frame had its owner. */
static void rights_learn(void)
{
    static u16 owner[FUZZ_FRAMES];

    for (u64 n = 0; n < frame_count; n++)
        if (owner[n] != frame_table[n].owner) {
            owner[n] = frame_table[n].owner;
            oracle_lent[n] = 0;
        }
    for (const struct domain *d = NULL; (d = domain_next(d)) != NULL;)
        for (u32 ref = 0; ref < d->grants.frames * GRANTS_PER_FRAME; ref++) {
            const struct grant_entry_v1 *frame = d->grants.shared[ref / GRANTS_PER_FRAME];
            const struct grant_entry_v1 *e = frame ? &frame[ref % GRANTS_PER_FRAME] : NULL;
            if (!e || (e->flags & GTF_type_mask) != GTF_permit_access || e->domid == d->id)
                continue;
            mfn_t mfn = arch_gfn_to_mfn(d, gfn_make(e->frame));
            if (!mfn_is_invalid(mfn) && frame_table[mfn.n].owner == d->id)
                oracle_lent[mfn.n] |= e->flags & GTF_readonly ? LENT_READ : LENT_READ | LENT_WRITE;
        }
}

static const struct domain *to_watch(void)
{
    const struct domain *other = current_vcpu() ? realm_other()->d : NULL;

    return other && !other->is_shut_down && !realms[0].privileged ? other : NULL;
}

static void watch_compare(void)
{
    const struct domain *other = to_watch();
    const char *wrong = other && other->id == watched ? oracle_kept(other) : NULL;

    if (wrong)
        fuzz_wrong(wrong);
}

static void watch_begin(void)
{
    const struct domain *other = to_watch();

    if (other && other->id != watched)
        oracle_keep(other);
    watched = other ? other->id : 0;
}

/* exit_to_guest of entry/syscall.asm. */
void machine_way_out(void)
{
    fake_interrupt_after = 0;
    idles = 0;
    rights_learn();
    watch_compare();
    for (;;) {
        while (this_cpu()->softirq)
            softirq_run();
        const struct vcpu_info *info = current_vcpu()->info;
        if (!info->evtchn_upcall_pending || info->evtchn_upcall_mask)
            break;
        pv_deliver_event(x86_vcpu(current_vcpu()), guest_regs());
    }
    realms_learn();
    watch_begin();
}

/* entry_syscall of the same. True: the guest is to ask again. */
static bool syscall_once(void)
{
    struct x86_vcpu *v = x86_vcpu(current_vcpu());
    struct regs *r = guest_regs();
    bool again = false;

    r->vector = ENTRY_SYSCALL;
    r->rip = SYSCALL_AT + 2;
    if (!v->in_kernel) {
        pv_user_syscall(v, r);
    } else {
        u64 number = r->rax;
        paint_stack();
        arm();
        long rc = number >= HYPERCALL_COUNT ? hypercall_unknown(number)
                                            : hypercall_table[number](r->rdi, r->rsi, r->rdx, r->r10, r->r8);
        fake_interrupt_after = 0;
        again = rc == -XEN_ERESTART && v->vcpu.restart.wanted;
        if (rc == -XEN_ERESTART)
            hypercall_resume(v, r);
        else
            r->rax = (u64)rc;
        if (rc == -XEN_EAGAIN)
            fuzz_wrong("an answer that no guest may see");
        digest((u64)rc);
        fuzz_trace("    d%u: hypercall %lu = %ld%s\n", v->vcpu.domain->id, number, rc, again ? " (again)" : "");
    }
    machine_way_out();
    return again;
}

void machine_syscall(void)
{
    reads = 0;
    for (unsigned rounds = 0; syscall_once(); rounds++) {
        if (rounds > 20000)
            fuzz_wrong("a request makes no progress");
        if (disturb.interrupt & 0x40)
            return;
        if (!(disturb.interrupt & 0x20))
            disturb.interrupt = 0;
        /* Somebody else's turn: he does not stand at a SYSCALL that was moved back to. */
        if (guest_regs()->rip != SYSCALL_AT)
            return;
    }
}

/* A page fault of the guest that runs, as arch/x86/traps.c answers it. */
static void page_fault(vaddr_t address, bool present)
{
    struct x86_vcpu *v = x86_vcpu(current_vcpu());
    struct regs *r = guest_regs();
    u32 error = PF_WRITE | PF_USER | (present ? PF_PRESENT : 0);

    r->vector = VECTOR_PF;
    r->error = error;
    arm();
    if (!present || !v->in_kernel || !writable_page_fault(v, r, address))
        pv_inject_page_fault(v, r, address, error);
    machine_way_out();
}

void machine_store(vaddr_t address, u64 value, unsigned instruction)
{
    static const u8 insns[][8] = {
        {0x48, 0x89, 0x07},                   /* mov [rdi], rax */
        {0x48, 0x87, 0x07},                   /* xchg [rdi], rax */
        {0xf0, 0x48, 0x0f, 0xba, 0x37, 0x01}, /* lock btr [rdi], 1 */
        {0xf0, 0x48, 0x0f, 0xba, 0x3f, 0x00}, /* lock btc [rdi], 0 */
        {0xf0, 0x48, 0x0f, 0xba, 0x2f, 0x01}, /* lock bts [rdi], 1 */
        {0xf0, 0x48, 0x0f, 0xb1, 0x0f},       /* lock cmpxchg [rdi], rcx */
        {0x48, 0xab},                         /* stosq */
        {0x48, 0xa5},                         /* movsq */
        {0x89, 0x07},                         /* mov [rdi], eax */
        {0xf0, 0x48, 0x21, 0x07},             /* lock and [rdi], rax */
        {0x88, 0x07},                         /* mov [rdi], al */
        {0xf0, 0x48, 0x0f, 0xc7, 0x0f},       /* lock cmpxchg16b [rdi]: not within an entry */
        {0xf0, 0x48, 0x0f, 0xc1, 0x07},       /* lock xadd [rdi], rax */
    };
    struct regs *r = guest_regs();
    u64 there = 0;

    memcpy(fuzz_code, insns[instruction % ARRAY_SIZE(insns)], 8);
    r->rip = CODE_ADDRESS;
    r->cs = SEL_RING3_CS64;
    r->rdi = address;
    r->rax = value;
    r->rcx = ~value;
    r->rsi = ROOM_ADDRESS;
    if (is_guest_range(address, 8) && copy_to_guest(address, &value, sizeof(value)) == 0)
        return; /* it may */
    page_fault(address, is_guest_range(address, 8) && copy_from_guest(&there, address, 8) == 0);
}

/* ---- what else happens ---------------------------------------------------------------------------------------- */

void machine_hog(u64 leave)
{
    while (hog_count && frame_free_count() < leave)
        frame_free_host(mfn_make(hogged[--hog_count]), 1);
    while (frame_free_count() > leave)
        hogged[hog_count++] = frame_alloc_host().n;
}

void machine_restart(struct realm *r)
{
    if (!r->d)
        return;
    domain_shutdown(r->d, SHUTDOWN_reboot);
    machine_way_out();
}

enum fake_end machine_run(void (*fn)(void))
{
    enum fake_end how = fake_end_of((void (*)(void *))(void *)fn, NULL);

    if (panic_under_way)
        fuzz_wrong("panic");
    return how;
}

/* ---- what must hold ----------------------------------------------------------------------------------------------- */

static void check_cpu(void)
{
    const struct cpu *cpu = this_cpu();

    if (cpu->locks_held)
        fuzz_wrong("a lock is held on the way out");
    if (cpu->in_multicall)
        fuzz_wrong("a multicall is under way on the way out");
    if (table_work_pending(&x86_vcpu(cpu->current)->work))
        fuzz_wrong("there is work left on tables, and nobody was told");
    for (const struct domain *d = NULL; (d = domain_next(d)) != NULL;) {
        if (d->tot_pages > d->max_pages)
            fuzz_wrong("a domain has more frames than it may");
        for (u32 i = 0; i < d->vcpu_count; i++)
            if (x86_vcpu(d->vcpu[i])->cursor)
                fuzz_wrong("a table stays locked on the way out");
    }
}

static void audit(void)
{
    u64 kept = hog_count;

    if (hog_count && frame_free_count() == 0) /* the audit itself needs one */
        frame_free_host(mfn_make(hogged[--hog_count]), 1);
    if (arch_audit())
        fuzz_wrong("the audit finds something");
    if (kept != hog_count)
        hogged[hog_count++] = frame_alloc_host().n;
}

void machine_check(void)
{
    const char *wrong;

    fuzz_operations++;
    rights_learn();
    audit();
    check_cpu();
    const struct x86_vcpu *v = x86_vcpu(current_vcpu());
    if (fake_processor.cr3 != (v->in_kernel ? v->kernel_root : v->user_root).n << PAGE_SHIFT)
        fuzz_wrong("another root is loaded than the vcpu's");
    wrong = oracle_reachable(++steps % 16 ? LOOK_USED_SLOTS : LOOK_ALL_SLOTS);
    if (!wrong)
        wrong = oracle_cache_step(v->vcpu.domain, mfn_make(fake_processor.cr3 >> PAGE_SHIFT));
    if (wrong)
        fuzz_wrong(wrong);
    watch_compare();
    digest(frame_free_count());
    digest(v->vcpu.domain->id * 8u + v->vcpu.id);
}

/* ---- beginning and end ---------------------------------------------------------------------------------------- */

void machine_begin(const struct fuzz_start *start)
{
    fake_reset(FUZZ_FRAMES);
    cmdline_parse("guest_loglvl=all loglvl=all gnttab_max_frames=2 gnttab_max_maptrack_frames=1");
    for (unsigned i = 0; i < ARRAY_SIZE(host_l4_slots); i++)
        host_l4_slots[i] = 0x4850000000000000ull + i;
    memset(fuzz_room, 0, sizeof(fuzz_room));
    memset(realms, 0, sizeof(realms));
    memset(oracle_lent, 0, sizeof(oracle_lent));
    fake_guest_range(ROOM_ADDRESS, fuzz_room, sizeof(fuzz_room), true);
    fake_guest_range(CODE_ADDRESS, fuzz_code, sizeof(fuzz_code), false);
    disturb = (struct disturbance){0};
    fake_on_interrupt = on_interrupt;
    fake_on_idle = on_idle;
    hog_count = steps = 0;
    watched = 0;
    fuzz_digest = 0xcbf29ce484222325ull;
    this_cpu()->idle = true;
    realm_begin(0, start);
    realm_begin(1, start);
    frame_alloc_scatter(start->scatter);
    oracle_cache_reset();
    fake_guest_before_read = before_read;
    fake_guest_before_write = before_write;
    softirq_raise(SOFTIRQ_SCHEDULE);
    machine_way_out();
    machine_check();
}

/* Free frames, with what is allocated once and for all: the queue of timers and the empty descriptor page. */
void machine_end(void)
{
    fake_interrupt_after = 0;
    machine_hog(FUZZ_FRAMES);
    frame_alloc_scatter(0);
    this_cpu()->idle = true;
    if (current_vcpu())
        sched_unload();
    for (struct domain *d = domain_next(NULL), *next; d; d = next) {
        next = domain_next(d);
        if (!d->zombie)
            domain_destroy(d);
        audit();
    }
    domain_work(); /* the records of those whose frames others held */
    if (domain_next(NULL))
        fuzz_wrong("a domain remains");
    u64 kept = heap_frames() + (this_x86_cpu()->empty_entry ? 1 : 0);
    if (heap_frames() > 1)
        fuzz_wrong("records remain of domains that are gone");
    if (frame_free_count() + kept != FUZZ_FRAMES - 1)
        fuzz_wrong("frames are missing after the end of both domains");
}
