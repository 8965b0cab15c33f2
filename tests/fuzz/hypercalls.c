/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: programs of two guests against the hypervisor (machine.h). A program is two bytes of start and then
 * steps of 16 bytes:
 *   kind  interrupt  scribble  extra  bytes that choose (12)
 * Most kinds are typed hypercalls (calls.h); the others are hypercalls with any number and arguments, batches, what a
 * guest does without asking, time, and what others do. After each step everything is recounted; at the end nothing may
 * be left. XL_FUZZ_TRACE=1 prints the steps, XL_FUZZ_TWICE=1 runs each program twice and compares.
 */
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/pv/pv.h"
#include "common/grant_table.h"
#include "common/sched.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/machine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_SIZE 16u
#define STEPS_MAX 64u
#define MULTI_MAX 6u

struct step {
    u8 kind, interrupt, scribble, extra;
    u8 bytes[12];
};
_Static_assert(sizeof(struct step) == STEP_SIZE, "steps follow one another");

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);

/* Steps that are no typed hypercalls, behind those; the rest of the byte is typed ones again. */
enum {
    STEP_RAW,        /* any number, any arguments */
    STEP_MULTI,      /* the typed hypercalls that follow are one multicall */
    STEP_LITERAL,    /* a value in full, to be used later */
    STEP_POKE,       /* a value into the room */
    STEP_STORE,      /* by the guest, through its tables */
    STEP_FILL,       /* entries into a page that is no table yet */
    STEP_PRIVILEGED, /* an instruction of ring 0 */
    STEP_TRAP,       /* an exception */
    STEP_IRET,
    STEP_INITIALISE, /* vcpu_op with a whole context */
    STEP_TURN,       /* the next vcpu's */
    STEP_TIME,
    STEP_RESTART,    /* one of the domains ends and is built again */
    STEP_HOG,        /* few frames are left */
    STEP_PORTS,      /* the guest sets and clears bits of shared_info */
    STEP_GRANT,      /* the guest writes an entry of its grant table */
    STEP_KINDS
};

static struct step steps[STEPS_MAX];
static unsigned step_count, step_next;
static struct fuzz_start start;

/* ---- hypercalls --------------------------------------------------------------------------------------------------- */

static void ask(u64 number, const u64 args[5])
{
    struct regs *r = guest_regs();

    fuzz_trace("  d%u.%u asks %lu(%#lx, %#lx, %#lx, %#lx, %#lx)\n", current_vcpu()->domain->id, current_vcpu()->id, number,
               args[0], args[1], args[2], args[3], args[4]);
    r->rax = number;
    r->rdi = args[0];
    r->rsi = args[1];
    r->rdx = args[2];
    r->r10 = args[3];
    r->r8 = args[4];
    machine_syscall();
}

static const struct call *typed(u8 kind)
{
    unsigned row = kind - 5u * FUZZ_MEMORY_CALLS;

    if (kind >= 256 - STEP_KINDS)
        return NULL;
    return kind >= 5 * FUZZ_MEMORY_CALLS && row < call_count ? &calls[row] : &calls[kind % FUZZ_MEMORY_CALLS];
}

static void step_call(const struct call *call, const struct step *s, struct choices *c)
{
    u32 at = SCRIBBLE_AT;
    u64 args[5];

    call_make(call, s->extra, c, &at, args);
    ask(call->number, args);
}

static void step_raw(const struct step *s, struct choices *c)
{
    u64 number = s->extra < 0xf0 ? s->extra % 64u : choose_value(c), args[5];

    for (unsigned i = 0; i < 5; i++)
        args[i] = choose_value(c);
    ask(number, args);
}

/* Its own list, or elements made of the steps that follow. */
static void step_multi(const struct step *s)
{
    struct multicall_entry list[MULTI_MAX];
    u32 at = SCRIBBLE_AT, n = 0, wanted = 1 + s->extra % MULTI_MAX;
    u64 args[5] = {0};

    memset(list, 0, sizeof(list));
    for (; n < wanted && step_next < step_count; step_next++) {
        const struct step *element = &steps[step_next];
        struct choices c = {element->bytes, sizeof(element->bytes)};
        if (!typed(element->kind))
            break;
        list[n].op = typed(element->kind)->number;
        call_make(typed(element->kind), element->extra, &c, &at, args);
        memcpy(list[n++].args, args, sizeof(args));
    }
    memset(args, 0, sizeof(args));
    args[0] = ROOM_ADDRESS + 0x800;
    args[1] = s->extra < 0xf0 ? n : n + (s->extra & 15u);
    memcpy(&fuzz_room[0x800], list, sizeof(list));
    ask(__HYPERVISOR_multicall, args);
}

static void step_iret(struct choices *c)
{
    u64 frame[9];

    for (unsigned i = 0; i < ARRAY_SIZE(frame); i++)
        frame[i] = i == 6 ? (choose(c) & 1) * 0x200u + 2 : 0;
    frame[0] = choose(c);
    frame[3] = choose(c) & 1 ? 0x100 : 0; /* VGCF_in_syscall */
    frame[4] = choose_address(c);
    frame[5] = choose(c) & 1 ? SEL_RING3_CS64 : 0xe030;
    frame[7] = choose_address(c);
    frame[8] = SEL_RING3_DS;
    memcpy(&fuzz_room[SCRIBBLE_AT], frame, sizeof(frame));
    u64 stack = choose(c);
    guest_regs()->rsp = stack < 0xe0 ? ROOM_ADDRESS + SCRIBBLE_AT : choose_address(c);
    ask(__HYPERVISOR_iret, (const u64[5]){0});
}

#define CONTEXT_AT 0x2000u
static void step_initialise(const struct step *s, struct choices *c)
{
    static struct vcpu_guest_context context;
    u64 args[5] = {0 /* VCPUOP_initialise */, s->extra % (FUZZ_VCPUS + 1), ROOM_ADDRESS + CONTEXT_AT};

    memset(&context, 0, sizeof(context));
    context.flags = choose(c) < 0xf0 ? VGCF_in_kernel : 0;
    context.ctrlreg[3] = choose_number(c) << PAGE_SHIFT;
    context.ctrlreg[1] = (choose(c) & 1 ? choose_number(c) : 0) << PAGE_SHIFT;
    context.user_regs.cs = SEL_RING3_CS64;
    context.user_regs.rip = CODE_ADDRESS;
    context.user_regs.rsp = choose_address(c);
    context.kernel_sp = context.user_regs.rsp;
    context.kernel_ss = SEL_RING3_DS;
    context.gdt_ents = choose(c) & 1 ? 512 : 0;
    context.gdt_frames[0] = choose_number(c);
    context.ldt_ents = choose(c) & 1 ? 8 : 0;
    context.ldt_base = choose_address(c);
    context.event_callback_eip = context.syscall_callback_eip = HANDLERS_AT + 256;
    context.trap_ctxt[14].address = HANDLERS_AT + 14;
    _Static_assert(CONTEXT_AT + sizeof(context) <= ROOM_SIZE, "a context fits the room");
    memcpy(&fuzz_room[CONTEXT_AT], &context, sizeof(context));
    ask(__HYPERVISOR_vcpu_op, args);
}

/* ---- what a guest does without asking --------------------------------------------------------------------------- */

/* Entries into a page of its own that is no table: by a mapping that it could have. */
static void step_fill(const struct step *s, struct choices *c)
{
    const struct realm *me = realm_running();
    u64 *page = mfn_to_ptr(me->frame[s->extra % FUZZ_PFNS]);
    u64 word = frame_word(frame_of(me->frame[s->extra % FUZZ_PFNS]));

    if (frame_of(me->frame[s->extra % FUZZ_PFNS])->owner != me->d->id || word_type_count(word) ||
        (word & FRAME_SPECIAL) || word_type(word) != FRAME_NONE)
        return; /* it would take a flush before the page is used again, which the oracle of caches asks for */
    for (unsigned i = 0; i < 4; i++) {
        u64 at = choose_slot_address(c) & 0xff8;
        page[at / 8] = choose_entry(c);
    }
}

static void step_privileged(const struct step *s)
{
    struct x86_vcpu *v = x86_vcpu(current_vcpu());
    struct regs *r = guest_regs();

    memset(fuzz_code, 0x90, sizeof(fuzz_code));
    memcpy(fuzz_code, s->bytes, sizeof(s->bytes));
    r->rip = CODE_ADDRESS;
    r->cs = SEL_RING3_CS64;
    r->vector = VECTOR_GP;
    r->rax = fuzz_literal[s->extra % FUZZ_LITERALS];
    r->rcx = s->extra & 0x80 ? fuzz_literal[(s->extra + 1) % FUZZ_LITERALS] : 0xc0000080u + s->extra % 8;
    r->rdx = fuzz_literal[(s->extra + 2) % FUZZ_LITERALS];
    if (s->extra & 0x40 ? !pv_emulate_invalid_op(v, r) : !pv_emulate_privileged(v, r))
        pv_inject_trap(v, r, s->extra & 0x40 ? VECTOR_UD : VECTOR_GP, 0);
    machine_way_out();
}

static void step_trap(const struct step *s, struct choices *c)
{
    struct x86_vcpu *v = x86_vcpu(current_vcpu());
    struct regs *r = guest_regs();

    if (s->extra & 0x80)
        r->rsp = choose_address(c);
    if (s->extra == 14)
        pv_inject_page_fault(v, r, choose_address(c), choose(c) & 31u);
    else if (s->extra == 7)
        pv_fpu_device_not_available(v, r);
    else
        pv_inject_trap(v, r, s->extra & 31, choose(c));
    machine_way_out();
}

static void step_grant(const struct step *s, struct choices *c)
{
    static const u16 flags[] = {GTF_permit_access, GTF_permit_access | GTF_readonly, GTF_permit_access, GTF_invalid,
                                GTF_permit_access | GTF_sub_page, GTF_accept_transfer, GTF_permit_access | GTF_reading};
    const struct grant_table *t = &current_vcpu()->domain->grants;
    u32 ref = s->extra % 32;
    struct grant_entry_v1 entry = {.flags = flags[choose(c) % ARRAY_SIZE(flags)]};

    entry.domid = realm_other()->d ? realm_other()->d->id : 7;
    entry.frame = (u32)choose_number(c);
    if (choose(c) >= 0xc0)
        entry.domid = (u16)choose_value(c);
    if (t->frames)
        t->shared[0][ref] = entry;
}

static void step_ports(const struct step *s, struct choices *c)
{
    struct shared_info *shared = current_vcpu()->domain->shared_info;
    u64 bits = choose_value(c);

    switch (s->extra % 4) {
    case 0:
        shared->evtchn_mask[0] = bits;
        break;
    case 1:
        shared->evtchn_pending[0] = bits;
        break;
    case 2:
        current_vcpu()->info->evtchn_upcall_mask = (u8)bits;
        break;
    default:
        current_vcpu()->info->evtchn_upcall_pending = (u8)bits;
        break;
    }
    machine_way_out();
}

/* ---- programs ------------------------------------------------------------------------------------------------------- */

static void step_literal(const struct step *s, struct choices *c)
{
    u64 value = 0;

    for (unsigned i = 0; i < 8; i++)
        value |= (u64)choose(c) << 8 * i;
    fuzz_literal[s->extra % FUZZ_LITERALS] = value;
}

static void step_poke(const struct step *s, struct choices *c)
{
    u64 value = choose_value(c);

    memcpy(&fuzz_room[s->extra * 8u], &value, sizeof(value));
}

static void step_other(unsigned kind, const struct step *s, struct choices *c)
{
    switch (kind) {
    case STEP_RAW:
        step_raw(s, c);
        break;
    case STEP_MULTI:
        step_multi(s);
        break;
    case STEP_LITERAL:
        step_literal(s, c);
        break;
    case STEP_POKE:
        step_poke(s, c);
        break;
    case STEP_STORE: {
        vaddr_t address = choose_address(c);
        machine_store(address, choose_entry(c), s->extra);
        break;
    }
    case STEP_FILL:
        step_fill(s, c);
        break;
    case STEP_PRIVILEGED:
        step_privileged(s);
        break;
    case STEP_TRAP:
        step_trap(s, c);
        break;
    case STEP_IRET:
        step_iret(c);
        break;
    case STEP_INITIALISE:
        step_initialise(s, c);
        break;
    case STEP_TURN:
        sched_yield();
        machine_way_out();
        break;
    case STEP_TIME:
        fake_clock_advance((s->extra & 15ull) << (s->extra >> 4) * 3);
        machine_way_out();
        break;
    case STEP_RESTART:
        machine_restart(&realms[s->extra & 1]);
        break;
    case STEP_HOG:
        machine_hog(s->extra & 0x80 ? FUZZ_FRAMES : s->extra % 32);
        break;
    case STEP_GRANT:
        step_grant(s, c);
        break;
    default:
        step_ports(s, c);
        break;
    }
}

static void program_run(void)
{
    machine_begin(&start);
    while (step_next < step_count) {
        const struct step *s = &steps[step_next++];
        struct choices c = {s->bytes, sizeof(s->bytes)}, last = {&s->bytes[10], 2};

        disturb = (struct disturbance){s->interrupt, s->scribble, choose_value(&last)};
        fuzz_trace("step %u: kind %u extra %#x interrupt %#x\n", step_next - 1, s->kind, s->extra, s->interrupt);
        if (typed(s->kind))
            step_call(typed(s->kind), s, &c);
        else
            step_other(s->kind - (256u - STEP_KINDS), s, &c);
        machine_check();
    }
}

static void say_operations(void)
{
    fprintf(stderr, "operations %lu\n", fuzz_operations);
}

/* 0xa5 stands for what was never written, and so must not be written by a program. */
static void take(u8 *to, const u8 *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] == 0xa5 ? 0xa4 : from[i];
}

static u64 program(const u8 *data, size_t size)
{
    u8 head[2] = {0};

    take(head, data, size < 2 ? size : 2);
    start = (struct fuzz_start){head[0], head[1]};
    step_next = 0;
    step_count = size < 2 ? 0 : (unsigned)((size - 2) / STEP_SIZE);
    if (step_count > STEPS_MAX)
        step_count = STEPS_MAX;
    take((u8 *)steps, data + 2, step_count * STEP_SIZE);
    memset(fuzz_literal, 0, sizeof(fuzz_literal));
    machine_run(program_run);
    machine_run(machine_end);
    return fuzz_digest;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static int twice = -1;

    if (twice < 0) {
        twice = getenv("XL_FUZZ_TWICE") != NULL;
        atexit(say_operations);
    }
    u64 first = program(data, size);
    if (twice && program(data, size) != first)
        fuzz_wrong("the same program gives another result");
    return 0;
}

/* ---- mutations, by steps ------------------------------------------------------------------------------------------ */

static u64 random_state;

static unsigned below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % n);
}

static void random_step(u8 *at)
{
    for (unsigned i = 0; i < STEP_SIZE; i++)
        at[i] = (u8)below(256);
    if (below(3)) /* undisturbed */
        at[1] = 0;
    if (below(4))
        at[2] = 0;
    if (below(2)) /* own frames first */
        for (unsigned i = 4; i < STEP_SIZE; i++)
            at[i] = (u8)below(32);
}

static size_t mutate_step(u8 *s)
{
    switch (below(5)) {
    case 0:
        s[0] = (u8)below(256);
        break;
    case 1:
        s[1 + below(3)] = (u8)(below(2) ? below(256) : below(8));
        break;
    case 2:
        s[4 + below(12)] = (u8)below(256);
        break;
    case 3:
        s[4 + below(12)] = (u8)below(32);
        break;
    default:
        LLVMFuzzerMutate(s, STEP_SIZE, STEP_SIZE);
        break;
    }
    return STEP_SIZE;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned seed)
{
    unsigned n = size < 2 ? 0 : (unsigned)((size - 2) / STEP_SIZE), at, room = max < 2 ? 0 : (unsigned)((max - 2) / STEP_SIZE);

    random_state = seed * 0x9e3779b97f4a7c15ull + 1;
    if (size < 2)
        memset(data, 0, 2);
    at = below(n + 1);
    u8 *place = data + 2 + at * STEP_SIZE;
    size_t behind = (n - at) * STEP_SIZE;
    switch (below(10)) {
    case 0:
        data[below(2)] = (u8)(below(2) ? 0 : below(256));
        break;
    case 1: /* a new step */
    case 2:
        if (n < room && n < STEPS_MAX) {
            memmove(place + STEP_SIZE, place, behind);
            random_step(place);
            n++;
        }
        break;
    case 3: /* one once more, here */
        if (n > 0 && n < room && n < STEPS_MAX) {
            u8 copy[STEP_SIZE];
            memcpy(copy, data + 2 + below(n) * STEP_SIZE, STEP_SIZE);
            memmove(place + STEP_SIZE, place, behind);
            memcpy(place, copy, STEP_SIZE);
            n++;
        }
        break;
    case 4: /* one less */
        if (at < n) {
            memmove(place, place + STEP_SIZE, behind - STEP_SIZE);
            n--;
        }
        break;
    case 5: /* two change places */
        if (at < n) {
            u8 copy[STEP_SIZE], *with = data + 2 + below(n) * STEP_SIZE;
            memcpy(copy, place, STEP_SIZE);
            memmove(place, with, STEP_SIZE);
            memcpy(with, copy, STEP_SIZE);
        }
        break;
    case 6: /* two speak of the same: a byte of another step, at the same place or at any */
        if (at < n) {
            const u8 *from = data + 2 + below(n) * STEP_SIZE;
            unsigned i = 4 + below(12);
            place[i] = from[below(2) ? i : 4 + below(12)];
        }
        break;
    default:
        if (at < n)
            mutate_step(place);
        break;
    }
    return 2 + n * STEP_SIZE;
}

size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t max, unsigned seed)
{
    size_t head, tail;

    if (a_size < 2 || b_size < 2)
        return 0;
    random_state = seed * 0x9e3779b97f4a7c15ull + 1;
    head = 2 + below((unsigned)((a_size - 2) / STEP_SIZE) + 1) * STEP_SIZE;
    tail = below((unsigned)((b_size - 2) / STEP_SIZE) + 1) * STEP_SIZE;
    if (head > max)
        head = 2;
    if (tail > max - head)
        tail = (max - head) / STEP_SIZE * STEP_SIZE;
    memcpy(out, a, head);
    memcpy(out + head, b + 2 + (b_size - 2) / STEP_SIZE * STEP_SIZE - tail, tail);
    return head + tail;
}
