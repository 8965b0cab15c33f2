// SPDX-License-Identifier: MIT
/*
 * The executor against this processor: each random store is performed twice, by insn_execute on a copy and by
 * the processor itself on the original; memory, registers and defined flags must be the same afterwards.
 *
 * One page below 4 GiB holds code, one the registers, one the memory that is stored to. The code loads all 16
 * registers and the flags, has a hole for the instruction, and saves them again; everything by RIP-relative
 * addresses, since even rsp belongs to the instruction.
 */
#include <asm/prctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/x86/emulate/execute.h"
#include "random_insn.h"

#define PAGE       4096
#define ARENA_SIZE 1024
#define GS_BASE    UINT64_C(0x10000)

#define CF         UINT64_C(0x001)
#define PF         UINT64_C(0x004)
#define AF         UINT64_C(0x010)
#define ZF         UINT64_C(0x040)
#define SF         UINT64_C(0x080)
#define DF         UINT64_C(0x400)
#define OF         UINT64_C(0x800)
#define ARITHMETIC (CF | PF | AF | ZF | SF | OF)

struct registers {
    uint64_t regs[16];
    uint64_t rflags;
    uint64_t host_rsp;
};

struct stage {
    uint8_t *code;
    uint8_t *hole; /* where the instruction goes */
    struct registers *registers;
    uint8_t *arena;
    size_t emitted;
};

static void emit(struct stage *s, const void *bytes, size_t n)
{
    memcpy(s->code + s->emitted, bytes, n);
    s->emitted += n;
}

/* opcode, ModRM (reg, RIP-relative), displacement to the field. */
static void emit_field(struct stage *s, uint8_t opcode, unsigned int reg, const void *field)
{
    uint8_t head[3] = {(uint8_t)(0x48 | (reg & 8 ? 4 : 0)), opcode, (uint8_t)(0x05 | (reg & 7) << 3)};
    int32_t distance;

    emit(s, head, sizeof(head));
    distance = (int32_t)((const uint8_t *)field - (s->code + s->emitted + sizeof(distance)));
    emit(s, &distance, sizeof(distance));
}

#define LOAD  0x8b
#define STORE 0x89

static void stage_build(struct stage *s)
{
    static const uint8_t save[] = {0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57};
    static const uint8_t restore[] = {0xfc, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3};
    static const uint8_t popfq = 0x9d, pushfq = 0x9c, nop = 0x90;
    uint8_t *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    assert_ptr_not_equal(pages, MAP_FAILED);
    s->code = pages;
    s->registers = (struct registers *)(void *)(pages + PAGE);
    s->arena = pages + 2 * PAGE;
    s->emitted = 0;
    emit(s, save, sizeof(save));
    emit_field(s, STORE, INSN_RSP, &s->registers->host_rsp);
    emit_field(s, 0xff, 6, &s->registers->rflags); /* push */
    emit(s, &popfq, 1);
    for (unsigned int i = 0; i < 16; i++)
        emit_field(s, LOAD, i, &s->registers->regs[i]);
    s->hole = s->code + s->emitted;
    for (unsigned int i = 0; i < INSN_MAX_LENGTH; i++)
        emit(s, &nop, 1);
    for (unsigned int i = 0; i < 16; i++)
        emit_field(s, STORE, i, &s->registers->regs[i]);
    emit_field(s, LOAD, INSN_RSP, &s->registers->host_rsp);
    emit(s, &pushfq, 1);
    emit_field(s, 0x8f, 0, &s->registers->rflags); /* pop */
    emit(s, restore, sizeof(restore));
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE), 0);
}

static void stage_run(const struct stage *s, const uint8_t *bytes, size_t n)
{
    void (*run)(void);

    memset(s->hole, 0x90, INSN_MAX_LENGTH);
    memcpy(s->hole, bytes, n);
    memcpy(&run, &s->code, sizeof(run));
    run();
}

static uint64_t address_of(const struct insn *insn, const uint64_t regs[16], const struct stage *s)
{
    return insn_effective_address(insn, regs, (uint64_t)(uintptr_t)s->hole, 0, GS_BASE);
}

/* Overwrite the displacement of 4 or 8 bytes, wherever it stands; false if there is none. */
static bool displacement_set(uint8_t *bytes, struct insn *insn, int64_t wanted)
{
    for (unsigned int width = 4; width <= 8; width += 4) {
        for (unsigned int behind = 0; behind <= 4; behind++) {
            uint8_t changed[INSN_FETCH_LENGTH];
            struct insn again, expected = *insn;

            if (insn->length < width + behind)
                continue;
            memcpy(changed, bytes, sizeof(changed));
            memcpy(changed + insn->length - behind - width, &wanted, width);
            expected.displacement = wanted;
            if (insn_decode(changed, sizeof(changed), &again) == DECODE_OK &&
                memcmp(&again, &expected, sizeof(again)) == 0) {
                memcpy(bytes, changed, sizeof(changed));
                *insn = again;
                return true;
            }
        }
    }
    return false;
}

/* Change registers or the displacement so that the store goes to target; false if this form cannot. */
static bool aim(struct random *r, uint8_t *bytes, struct insn *insn, uint64_t regs[16], uint64_t target,
                const struct stage *s)
{
    uint64_t off;

    if (insn->op >= INSN_BTS && insn->op <= INSN_BTC && insn->source == INSN_SOURCE_REG) {
        uint64_t low = insn->operand_size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * insn->operand_size) - 1;

        if (insn->reg == insn->base || insn->reg == insn->index)
            return false;
        regs[insn->reg] = (regs[insn->reg] & ~low) | ((random_below(r, 2048) - 1024) & low);
    }
    off = target - address_of(insn, regs, s);
    if (insn->base <= INSN_R15 && insn->base != insn->index) {
        regs[insn->base] += off;
        if (insn->address_size == 4)
            regs[insn->base] = (uint32_t)regs[insn->base] | random_number(r) << 32;
    } else if (insn->base == INSN_RIP || (insn->base == INSN_NO_REG && insn->index == INSN_NO_REG)) {
        uint64_t wanted = (uint64_t)insn->displacement + off;

        if (!displacement_set(bytes, insn, (int64_t)wanted))
            return false;
    } else if (insn->base == INSN_NO_REG && insn->index <= INSN_R15) {
        regs[insn->index] += off / insn->scale; /* may fall short of target by less than scale */
        if (insn->address_size == 4)
            regs[insn->index] &= UINT32_MAX;
    }
    off = address_of(insn, regs, s) - (uint64_t)(uintptr_t)s->arena;
    return off >= 64 && off + 64 <= ARENA_SIZE;
}

/* Values for which something happens. */
static void prepare(struct random *r, const struct insn *insn, struct registers *regs, const struct stage *s)
{
    uint64_t middle = (uint64_t)(uintptr_t)s->arena + ARENA_SIZE / 2, upper = 0;

    for (unsigned int i = 0; i < 16; i++)
        regs->regs[i] = random_value(r);
    regs->rflags = 0x202 | (random_number(r) & ARITHMETIC);
    if (insn->op != INSN_STOS && insn->op != INSN_MOVS)
        return;
    if (insn->address_size == 4)
        upper = random_number(r) << 32;
    regs->rflags |= random_number(r) & DF;
    regs->regs[INSN_RSI] = (middle + random_below(r, 128) - 64) | upper;
    if (insn->segment == INSN_SEG_GS)
        regs->regs[INSN_RSI] -= GS_BASE;
    regs->regs[INSN_RCX] = random_below(r, 12) | upper;
}

/* So that CMPXCHG finds what it compares with, half of the time. */
static void make_equal(const struct insn *insn, uint64_t regs[16], uint64_t in_memory)
{
    if (insn->base == INSN_RAX || insn->index == INSN_RAX || insn->base == INSN_RDX ||
        insn->index == INSN_RDX)
        return;
    if (insn->op == INSN_CMPXCHG)
        regs[INSN_RAX] = in_memory;
    if (insn->op == INSN_CMPXCHG8B) {
        regs[INSN_RAX] = (regs[INSN_RAX] & ~UINT64_C(0xffffffff)) | (uint32_t)in_memory;
        regs[INSN_RDX] = (regs[INSN_RDX] & ~UINT64_C(0xffffffff)) | in_memory >> 32;
    }
}

static uint64_t load(const uint8_t *from, unsigned int bytes)
{
    uint64_t value = 0;

    memcpy(&value, from, bytes);
    return value;
}

/* The instruction by insn_execute, as a caller uses it, on copy instead of the arena. */
static void emulate(const struct insn *insn, struct registers *regs, uint8_t *copy, const struct stage *s)
{
    unsigned int bytes = insn->operand_size;

    do {
        uint64_t to = address_of(insn, regs->regs, s) - (uint64_t)(uintptr_t)s->arena, from = to, value = 0;

        if (insn_rep_done(insn, regs->regs))
            return;
        if (insn->op == INSN_MOVS)
            from = insn_source_address(insn, regs->regs, 0, GS_BASE) - (uint64_t)(uintptr_t)s->arena;
        assert_true(to + bytes <= ARENA_SIZE && from + bytes <= ARENA_SIZE);
        if (insn_needs_value(insn))
            value = load(copy + from, bytes);
        if (insn_execute(insn, regs->regs, &regs->rflags, &value) == EXECUTE_WRITE)
            memcpy(copy + to, &value, bytes);
    } while (insn->rep != INSN_REP_NONE);
}

/* Flags that the manuals leave undefined. */
static uint64_t undefined_flags(const struct insn *insn)
{
    if (insn->op == INSN_AND || insn->op == INSN_OR || insn->op == INSN_XOR)
        return AF;
    if (insn->op >= INSN_BTS && insn->op <= INSN_BTC)
        return PF | AF | SF | OF;
    return 0;
}

static void check_same(const uint8_t *bytes, const struct insn *insn, const struct registers *ours,
                       const uint8_t *copy, const struct stage *s)
{
    const char *name = insn_name((enum insn_op)insn->op);
    uint64_t wrong = (ours->rflags ^ s->registers->rflags) & (ARITHMETIC | DF) & ~undefined_flags(insn);

    for (unsigned int i = 0; i < 16; i++) {
        if (ours->regs[i] != s->registers->regs[i])
            fail_msg("%s: %s: register %u is %#llx, the processor's %#llx", hex(bytes, insn->length), name, i,
                     (unsigned long long)ours->regs[i], (unsigned long long)s->registers->regs[i]);
    }
    if (wrong)
        fail_msg("%s: %s: flags %#llx, the processor's %#llx", hex(bytes, insn->length), name,
                 (unsigned long long)ours->rflags, (unsigned long long)s->registers->rflags);
    for (unsigned int i = 0; i < ARENA_SIZE; i++) {
        if (copy[i] != s->arena[i])
            fail_msg("%s: %s: byte %u of memory is %#x, the processor's %#x", hex(bytes, insn->length), name,
                     i, copy[i], s->arena[i]);
    }
}

/* One instruction, both ways; false if it could not be aimed at the arena. */
static bool compare_once(struct random *r, uint8_t *bytes, struct insn *insn, const struct stage *s)
{
    uint8_t copy[ARENA_SIZE];
    struct registers ours;
    uint64_t target = ARENA_SIZE / 2 + 8 * random_below(r, 8), at;

    prepare(r, insn, &ours, s);
    /* A locked operation across cache lines is slow, and forbidden on some machines. */
    if (!insn->lock && insn->op != INSN_XCHG)
        target += random_below(r, 8);
    if (!aim(r, bytes, insn, ours.regs, (uint64_t)(uintptr_t)s->arena + target, s))
        return false;
    at = address_of(insn, ours.regs, s) - (uint64_t)(uintptr_t)s->arena;
    if ((insn->lock || insn->op == INSN_XCHG) && at % insn->operand_size)
        return false;
    for (unsigned int i = 0; i < ARENA_SIZE; i += 8) {
        uint64_t value = random_value(r);

        memcpy(s->arena + i, &value, 8);
    }
    if (random_below(r, 2))
        make_equal(insn, ours.regs, load(s->arena + at, insn->operand_size));
    memcpy(copy, s->arena, sizeof(copy));
    *s->registers = ours;
    emulate(insn, &ours, copy, s);
    stage_run(s, bytes, insn->length);
    ours.host_rsp = s->registers->host_rsp;
    check_same(bytes, insn, &ours, copy, s);
    return true;
}

static void stores_do_what_this_processor_does(void **state)
{
    struct random r = {setting("SEED", 0x7654321)};
    uint64_t rounds = setting("ROUNDS", 1500000), done = 0, forms[INSN_OP_COUNT][9] = {0};
    struct stage s;

    (void)state;
    stage_build(&s);
    for (uint64_t i = 0; i < rounds; i++) {
        uint8_t bytes[INSN_FETCH_LENGTH];
        struct insn insn;

        random_insn(&r, bytes);
        if (insn_decode(bytes, sizeof(bytes), &insn) != DECODE_OK || !insn_is_store(&insn) || insn.forced ||
            insn.segment == INSN_SEG_FS) /* this process has its own use for FS */
            continue;
        if (compare_once(&r, bytes, &insn, &s)) {
            done++;
            forms[insn.op][insn.operand_size]++;
        }
    }
    for (unsigned int op = INSN_ADD; op <= INSN_MOVS && rounds >= 1000000; op++) {
        for (unsigned int size = 1; size <= 8; size *= 2) {
            bool exists = op == INSN_CMPXCHG16B  ? false
                          : op == INSN_CMPXCHG8B ? size == 8
                          : op == INSN_MOVNTI    ? size >= 4
                                                 : !(op >= INSN_BTS && op <= INSN_BTC) || size > 1;

            if (exists && forms[op][size] == 0)
                fail_msg("no %s of size %u was run: the test lost its aim", insn_name((enum insn_op)op),
                         size);
        }
    }
    print_message("%llu stores done as this processor does them\n", (unsigned long long)done);
}

/* What is no store is refused, and changes nothing. */
static void what_is_no_store_is_left_alone(void **state)
{
    struct random r = {setting("SEED", 0x55555)};
    uint64_t refused = 0;

    (void)state;
    for (unsigned int i = 0; i < 200000; i++) {
        uint8_t bytes[INSN_FETCH_LENGTH];
        uint64_t regs[16], before[16], rflags = 0xad7, value = 0x1122334455667788;
        struct insn insn;

        random_insn(&r, bytes);
        if (insn_decode(bytes, sizeof(bytes), &insn) != DECODE_OK || insn_is_store(&insn))
            continue;
        for (unsigned int k = 0; k < 16; k++)
            regs[k] = before[k] = random_value(&r);
        assert_int_equal(insn_execute(&insn, regs, &rflags, &value), EXECUTE_UNSUPPORTED);
        assert_memory_equal(regs, before, sizeof(regs));
        assert_int_equal(rflags, 0xad7);
        assert_int_equal(value, 0x1122334455667788);
        refused++;
    }
    assert_true(refused > 1000);
}

/* A refused store must be possible without a trace: the caller's copies are all that changed. */
static void string_steps_count_down_and_wrap(void **state)
{
    static const uint8_t rep_stosq[] = {0xf3, 0x48, 0xab}, rep_insb_a4[] = {0x67, 0xf3, 0x6c},
                         outsd[] = {0x6f};
    uint64_t regs[16] = {[INSN_RCX] = 2, [INSN_RDI] = UINT64_MAX - 7, [INSN_RSI] = 4};
    struct insn insn;

    (void)state;
    assert_int_equal(insn_decode(rep_stosq, sizeof(rep_stosq), &insn), DECODE_OK);
    insn_string_step(&insn, regs, 0);
    assert_int_equal(regs[INSN_RDI], 0);
    assert_int_equal(regs[INSN_RCX], 1);
    assert_false(insn_rep_done(&insn, regs));
    insn_string_step(&insn, regs, DF);
    assert_int_equal(regs[INSN_RDI], UINT64_MAX - 7);
    assert_true(insn_rep_done(&insn, regs));
    assert_int_equal(regs[INSN_RSI], 4);

    assert_int_equal(insn_decode(rep_insb_a4, sizeof(rep_insb_a4), &insn), DECODE_OK);
    regs[INSN_RCX] = 0x100000000;
    assert_true(insn_rep_done(&insn, regs)); /* ecx counts */
    regs[INSN_RCX] = 0x100000002;
    regs[INSN_RDI] = 0xaaaaaaaaffffffff;
    insn_string_step(&insn, regs, 0);
    assert_int_equal(regs[INSN_RDI], 0);
    assert_int_equal(regs[INSN_RCX], 1);

    assert_int_equal(insn_decode(outsd, sizeof(outsd), &insn), DECODE_OK);
    insn_string_step(&insn, regs, DF);
    assert_int_equal(regs[INSN_RSI], 0);
    assert_int_equal(regs[INSN_RDI], 0);
    assert_int_equal(regs[INSN_RCX], 1);
    assert_false(insn_rep_done(&insn, regs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_do_what_this_processor_does),
        cmocka_unit_test(what_is_no_store_is_left_alone),
        cmocka_unit_test(string_steps_count_down_and_wrap),
    };

    return cmocka_run_group_tests_name("processor", tests, NULL, NULL);
}
