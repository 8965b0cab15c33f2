/* SPDX-License-Identifier: MIT */
/*
 * See search.h. Each depth is done by processes of its own (the engine keeps its state in variables of the program), which
 * share the states of that depth, the fingerprints of all that were seen (64 bits each, open addressing, entered by
 * compare-and-swap), and for each state which operation of which state led to it: so the first way to a breach is known, and
 * is a shortest one.
 */
#include "tests/assurance/explore/search.h"
#include "arch/fake/fake.h"
#include "arch/x86/paging/types.h"
#include "common/cpu.h"
#include "tests/assurance/explore/oracle.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xen/errno.h>

#define WORKERS_MAX 4
#define DEPTH_MAX   256
#define HANG_SECONDS 5

struct link {
    u32 parent, op;
};

/* What the processes share. */
static struct {
    _Atomic u64 found;       /* states so far, in all */
    _Atomic u64 next;        /* of them, at the next depth */
    _Atomic u64 taken;       /* of this depth, begun by some process */
    _Atomic u64 transitions;
    _Atomic bool stop;
    _Atomic bool breach;
    u64 breach_state;
    u32 breach_op;
    char breach_text[200];
    struct {
        u64 state; /* what it is at */
        u32 op;
    } at[WORKERS_MAX];
} *shared;

static _Atomic u64 *seen;
static u64 seen_mask;
static struct link *links;
static u8 *level_now, *level_next; /* images, image_size bytes each */
static u64 first_of_level;         /* number of the first state of this depth */
static u64 states_of_level;
static u64 states_max;

static void *room_for(u64 bytes)
{
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        fake_fail("no room for %lu bytes", bytes);
    return room;
}

/* ---- states seen ----------------------------------------------------------------------------------------------- */

static u64 fingerprint(const struct image *image)
{
    const u64 *word = (const u64 *)image;
    u64 a = 0x243f6a8885a308d3ull, b = 0x13198a2e03707344ull;
    for (size_t i = 0; i < image_size / 8; i++) {
        __extension__ unsigned __int128 m = (unsigned __int128)(word[i] ^ a) * (0x9e3779b97f4a7c15ull ^ b);
        a = (u64)m ^ (b << 1 | b >> 63);
        b += (u64)(m >> 64) ^ word[i];
    }
    a = (a ^ b) * 0xd6e8feb86659fd93ull;
    a ^= a >> 32;
    return a ? a : 1;
}

/* True: it was not there. */
static bool seen_add(u64 print)
{
    for (u64 i = print & seen_mask;; i = (i + 1) & seen_mask) {
        u64 there = atomic_load_explicit(&seen[i], memory_order_relaxed);
        if (there == 0 && atomic_compare_exchange_strong(&seen[i], &there, print))
            return true;
        if (there == print)
            return false;
    }
}

static void state_add(const struct image *canonical, u64 parent, u32 op)
{
    if (!seen_add(fingerprint(canonical)))
        return;
    u64 number = atomic_fetch_add(&shared->found, 1), place = atomic_fetch_add(&shared->next, 1);
    (void)number;
    u64 id = first_of_level + states_of_level + place;
    if (id + WORKERS_MAX >= states_max) {
        shared->stop = true;
        return;
    }
    memcpy(level_next + place * image_size, canonical, image_size);
    links[id] = (struct link){(u32)parent, op};
}

/* ---- one state ------------------------------------------------------------------------------------------------- */

static struct {
    unsigned worker;
    u64 state;
    struct image image;
    bool dirty;
    u32 op;
    u64 transitions;
} here;

static void breach(const char *what)
{
    if (!atomic_exchange(&shared->breach, true)) {
        shared->breach_state = here.state;
        shared->breach_op = here.op;
        snprintf(shared->breach_text, sizeof(shared->breach_text), "%s", what);
    }
    shared->stop = true;
}

/* Carries an operation out from that world, and checks the step and what came out. */
static const char *step_check(const struct image *before, const struct op *op, struct image *after, long *answer)
{
    long rc = *answer = op_carry_out(before, op);
    const char *wrong = world_capture(after);
    after->batch = op->kind == OP_UPDATE_MORE && rc == 0;
    if (!wrong)
        wrong = oracle_world(after);
    if (!wrong)
        wrong = oracle_step(before, op, rc, after);
    if (!wrong && !after->batch && op->kind < OP_SWITCH && table_work_pending(&realm_vcpu[after->current]->work) &&
        !(this_cpu()->softirq & SOFTIRQ_TABLES))
        wrong = "there is work left on tables, and nobody was told";
    return wrong;
}

static bool visit(const struct op *op)
{
    struct image after, canonical;
    u8 order[FRAMES_MAX];
    long rc;
    shared->at[here.worker].op = here.op;
    world_restore(&here.image);
    const char *wrong = step_check(&here.image, op, &after, &rc);
    here.transitions++;
    if (wrong) {
        breach(wrong);
        return false;
    }
    if (memcmp(&after, &here.image, image_size) != 0) {
        world_canonical(&after, &canonical, order);
        state_add(&canonical, here.state, here.op);
    }
    here.op++;
    return true;
}

#define CHUNK 64

static void work(unsigned worker)
{
    here.worker = worker;
    while (!shared->stop) {
        u64 from = atomic_fetch_add(&shared->taken, CHUNK), to = from + CHUNK;
        for (u64 i = from; i < to && i < states_of_level && !shared->stop; i++) {
            memcpy(&here.image, level_now + i * image_size, image_size);
            here.op = 0;
            here.state = shared->at[worker].state = first_of_level + i;
            ops_each(&here.image, visit);
        }
        atomic_fetch_add(&shared->transitions, here.transitions);
        here.transitions = 0;
        if (to >= states_of_level)
            break;
    }
}

/* ---- the way to a breach ---------------------------------------------------------------------------------------- */

static struct {
    u32 wanted, at;
    struct op op;
    bool found;
} pick;

static bool pick_visit(const struct op *op)
{
    if (pick.at++ != pick.wanted)
        return true;
    pick.op = *op;
    pick.found = true;
    return false;
}

static bool op_of_number(const struct image *image, u32 number)
{
    pick.wanted = number;
    pick.at = 0;
    pick.found = false;
    ops_each(image, pick_visit);
    return pick.found;
}

static struct image way_image;
static u8 way_name[FRAMES_MAX]; /* what was called so at the start */

static void way_begin(void)
{
    struct image start;
    world_make(&start);
    ops_init();
    world_canonical(&start, &way_image, way_name);
}

/* Says one step and carries it out; false: it is wrong, which is said. */
static bool way_step(u32 number)
{
    struct image after;
    u8 order[FRAMES_MAX], names[FRAMES_MAX];
    long rc;
    if (!op_of_number(&way_image, number)) {
        printf("  there is no operation %u here\n", number);
        return false;
    }
    op_print(&way_image, &pick.op, way_name);
    fflush(stdout);
    world_restore(&way_image);
    const char *wrong = step_check(&way_image, &pick.op, &after, &rc);
    printf(" = %ld\n", rc);
    if (wrong) {
        printf("  %s\n", wrong);
        image_print(&after, way_name);
        return false;
    }
    world_canonical(&after, &way_image, order);
    for (unsigned i = 0; i < shape.frames; i++)
        names[i] = way_name[order[i]];
    memcpy(way_name, names, sizeof(names));
    return true;
}

static void breach_print(void)
{
    u32 way[DEPTH_MAX];
    unsigned length = 0;
    way[length++] = shared->breach_op;
    for (u64 state = shared->breach_state; state != 0 && length < DEPTH_MAX; state = links[state].parent)
        way[length++] = links[state].op;
    printf("BREACH: %s\n  after %u operations; again with --replay=", shared->breach_text, length);
    for (unsigned i = length; i-- > 0;)
        printf("%u%s", way[i], i ? "," : "\n");
    fflush(stdout);
    pid_t child = fork(); /* the last one may end the program */
    if (child == 0) {
        way_begin();
        while (length-- > 0 && way_step(way[length]))
            ;
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int replay(const char *numbers)
{
    way_begin();
    image_print(&way_image, way_name);
    while (*numbers) {
        char *end;
        if (!way_step((u32)strtoul(numbers, &end, 10)))
            return 1;
        numbers = *end == ',' ? end + 1 : end;
    }
    image_print(&way_image, way_name);
    return 0;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A worker that is at one operation for so long does not come back from it. */
static void watch(int signal_number)
{
    static u64 state;
    static u32 op;
    (void)signal_number;
    if (state == here.state && op == here.op) {
        breach("an operation does not come to an end");
        _exit(2);
    }
    state = here.state;
    op = here.op;
    alarm(HANG_SECONDS);
}

static void worker_run(unsigned worker)
{
    signal(SIGALRM, watch);
    alarm(HANG_SECONDS);
    work(worker);
    _exit(0);
}

static void workers_wait(pid_t *children, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        here.state = shared->at[i].state;
        here.op = shared->at[i].op;
        breach("the program ends in this operation (see above)");
    }
}

/* All states of this depth; those that are new are the next. */
static void level_run(const struct limits *limits)
{
    pid_t children[WORKERS_MAX];
    shared->next = shared->taken = 0;
    unsigned count = states_of_level > 4 * CHUNK ? limits->workers : 1;
    fflush(NULL);
    for (unsigned i = 0; i < count; i++) {
        children[i] = fork();
        if (children[i] == 0)
            worker_run(i);
    }
    workers_wait(children, count);
}

static void memory_make(const struct limits *limits)
{
    u64 slots = 1024;
    while (slots < limits->states * 3 / 2)
        slots *= 2;
    states_max = limits->states + WORKERS_MAX * 2;
    seen = room_for(slots * sizeof(u64));
    seen_mask = slots - 1;
    links = room_for(states_max * sizeof(struct link));
    level_now = room_for(states_max * image_size);
    level_next = room_for(states_max * image_size);
    shared = room_for(sizeof(*shared));
}

/* Gives the memory of a depth that is done back to the host. */
static void level_swap(void)
{
    u8 *done = level_now;
    madvise(done, states_of_level * image_size, MADV_REMOVE);
    level_now = level_next;
    level_next = done;
    first_of_level += states_of_level;
    states_of_level = shared->next;
}

int search(const struct limits *limits, struct figures *figures)
{
    const double start_time = now();
    struct image start, canonical;
    u8 order[FRAMES_MAX];
    world_make(&start);
    ops_init();
    memory_make(limits);
    world_canonical(&start, &canonical, order);
    memcpy(level_now, &canonical, image_size);
    seen_add(fingerprint(&canonical));
    shared->found = 1;
    states_of_level = 1;

    unsigned depth = 0;
    while (states_of_level && !shared->stop && depth < limits->depth) {
        level_run(limits);
        depth += shared->next != 0;
        if (limits->verbose)
            printf("  depth %u: %lu states, %lu transitions, %.1f s\n", depth, (u64)shared->found, (u64)shared->transitions,
                   now() - start_time);
        if (limits->seconds && now() - start_time > limits->seconds)
            shared->stop = true;
        level_swap();
    }
    *figures = (struct figures){shared->found, shared->transitions, depth, !states_of_level && !shared->breach,
                                now() - start_time};
    if (shared->breach)
        breach_print();
    return shared->breach;
}
