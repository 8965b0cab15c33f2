// SPDX-License-Identifier: MIT
/*
 * The decoder against a table: bytes, and what they mean, written out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/emulate/decode.h"

static const char *const reg_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                                        "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "-"};

struct text {
    char line[128];
    int at;
};

static void put(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    t->at += vsnprintf(t->line + t->at, sizeof(t->line) - (size_t)t->at, format, args);
    va_end(args);
}

/* "lock rep forced NAME SIZE [fs:base+index*scale+disp]a4, source": what struct insn says, in one line. */
static void describe(const struct insn *i, struct text *t)
{
    static const char *const segments[] = {"", "fs:", "gs:"};
    static const char *const reps[] = {"", "rep ", "repne "};

    t->at = 0;
    put(t, "%s%s%s%s %d", i->forced ? "forced " : "", i->lock ? "lock " : "", reps[i->rep],
        insn_name((enum insn_op)i->op), i->operand_size);
    if (i->has_memory) {
        put(t, " [%s%s", segments[i->segment], reg_names[i->base]);
        if (i->index != INSN_NO_REG)
            put(t, "+%s*%d", reg_names[i->index], i->scale);
        put(t, "%s%#llx]%s", i->displacement < 0 ? "-" : "+",
            (unsigned long long)(i->displacement < 0 ? -i->displacement : i->displacement),
            i->address_size == 4 ? "a4" : "");
    } else {
        put(t, " %s%s", reg_names[i->rm], i->rm_high ? "h" : "");
    }
    if (i->source == INSN_SOURCE_REG)
        put(t, ", %s%s", reg_names[i->reg], i->reg_high ? "h" : "");
    if (i->source == INSN_SOURCE_IMM)
        put(t, ", %#llx", (unsigned long long)i->immediate);
}

/* Bytes from "0f 0b ..."; returns their number. */
static size_t parse(const char *text, uint8_t bytes[32])
{
    size_t n = 0;

    for (char *end; *text; text = end) {
        bytes[n++] = (uint8_t)strtoul(text, &end, 16);
        if (*end == ' ')
            end++;
    }
    return n;
}

static const struct {
    const char *bytes;
    const char *meaning;
} known[] = {
    /* stores */
    {"89 08", "mov 4 [rax+0], rcx"},
    {"48 89 08", "mov 8 [rax+0], rcx"},
    {"66 89 08", "mov 2 [rax+0], rcx"},
    {"66 48 89 08", "mov 8 [rax+0], rcx"},
    {"48 66 89 08", "mov 2 [rax+0], rcx"}, /* a REX before another prefix does not count */
    {"40 48 89 08", "mov 8 [rax+0], rcx"},
    {"48 40 89 08", "mov 4 [rax+0], rcx"},
    {"f3 48 89 08", "mov 8 [rax+0], rcx"}, /* a hint, no repetition */
    {"f2 f0 48 87 08", "lock xchg 8 [rax+0], rcx"},
    {"f3 0f 09", "wbinvd 0 rax"},
    {"88 20", "mov 1 [rax+0], raxh"},
    {"40 88 20", "mov 1 [rax+0], rsp"},
    {"44 88 20", "mov 1 [rax+0], r12"},
    {"88 d4", "mov 1 raxh, rdx"},
    {"4d 89 0c 24", "mov 8 [r12+0], r9"},
    {"4d 89 4d 00", "mov 8 [r13+0], r9"},
    {"48 89 54 88 10", "mov 8 [rax+rcx*4+0x10], rdx"},
    {"48 89 54 a8 80", "mov 8 [rax+rbp*4-0x80], rdx"},
    {"4a 89 54 e0 10", "mov 8 [rax+r12*8+0x10], rdx"},
    {"48 89 14 25 00 10 00 80", "mov 8 [--0x7ffff000], rdx"},
    {"48 89 14 65 00 10 00 00", "mov 8 [-+0x1000], rdx"}, /* index 4 is none, base 5 with mod 0 is none */
    {"48 89 15 f0 ff ff ff", "mov 8 [rip-0x10], rdx"},
    {"67 48 89 15 f0 ff ff ff", "mov 8 [rip-0x10]a4, rdx"},
    {"67 48 89 10", "mov 8 [rax+0]a4, rdx"},
    {"64 48 89 10", "mov 8 [fs:rax+0], rdx"},
    {"65 48 89 10", "mov 8 [gs:rax+0], rdx"},
    {"64 65 48 89 10", "mov 8 [gs:rax+0], rdx"},
    {"65 2e 48 89 10", "mov 8 [gs:rax+0], rdx"},
    {"48 c7 00 ff ff ff ff", "mov 8 [rax+0], 0xffffffffffffffff"},
    {"c7 00 78 56 34 12", "mov 4 [rax+0], 0x12345678"},
    {"66 c7 00 00 80", "mov 2 [rax+0], 0xffffffffffff8000"},
    {"c6 00 7f", "mov 1 [rax+0], 0x7f"},
    {"48 c7 05 f0 ff ff ff 01 00 00 00", "mov 8 [rip-0x10], 0x1"},
    {"48 a3 88 77 66 55 44 33 22 11", "mov 8 [-+0x1122334455667788], rax"},
    {"67 48 a3 88 77 66 f5", "mov 8 [-+0xf5667788]a4, rax"},
    {"a2 88 77 66 55 44 33 22 11", "mov 1 [-+0x1122334455667788], rax"},
    {"48 0f c3 11", "movnti 8 [rcx+0], rdx"},
    {"48 87 11", "xchg 8 [rcx+0], rdx"},
    {"f0 48 87 11", "lock xchg 8 [rcx+0], rdx"},
    {"48 87 ca", "xchg 8 rdx, rcx"},
    {"f0 48 0f b1 11", "lock cmpxchg 8 [rcx+0], rdx"},
    {"0f b0 11", "cmpxchg 1 [rcx+0], rdx"},
    {"0f c7 09", "cmpxchg8b 8 [rcx+0]"},
    {"f0 48 0f c7 09", "lock cmpxchg16b 16 [rcx+0]"},
    {"f0 48 0f c1 11", "lock xadd 8 [rcx+0], rdx"},
    {"48 01 11", "add 8 [rcx+0], rdx"},
    {"08 31", "or 1 [rcx+0], rdxh"},
    {"66 11 11", "adc 2 [rcx+0], rdx"},
    {"48 81 21 00 f0 ff ff", "and 8 [rcx+0], 0xfffffffffffff000"},
    {"48 83 21 fd", "and 8 [rcx+0], 0xfffffffffffffffd"},
    {"80 09 80", "or 1 [rcx+0], 0xffffffffffffff80"},
    {"66 81 31 34 12", "xor 2 [rcx+0], 0x1234"},
    {"f0 0f ab 11", "lock bts 4 [rcx+0], rdx"},
    {"f0 48 0f ba 69 08 3f", "lock bts 8 [rcx+0x8], 0x3f"},
    {"48 0f ba 31 01", "btr 8 [rcx+0], 0x1"},
    {"0f bb 11", "btc 4 [rcx+0], rdx"},
    {"ff 01", "inc 4 [rcx+0]"},
    {"f0 48 ff 09", "lock dec 8 [rcx+0]"},
    {"fe 01", "inc 1 [rcx+0]"},
    {"48 f7 11", "not 8 [rcx+0]"},
    {"f6 19", "neg 1 [rcx+0]"},
    {"f3 48 ab", "rep stos 8 [rdi+0]"},
    {"f2 aa", "repne stos 1 [rdi+0]"},
    {"f3 48 a5", "rep movs 8 [rdi+0]"},
    {"67 65 a4", "movs 1 [gs:rdi+0]a4"},
    /* privileged instructions */
    {"0f a2", "cpuid 0 rax"},
    {"0f 0b 78 65 6e 0f a2", "forced cpuid 0 rax"},
    {"0f 32", "rdmsr 0 rax"},
    {"0f 30", "wrmsr 0 rax"},
    {"0f 20 d8", "mov from cr 8 rax, rbx"},
    {"0f 22 df", "mov to cr 8 rdi, rbx"},
    {"44 0f 20 c0", "mov from cr 8 rax, r8"},
    {"41 0f 22 18", "mov to cr 8 r8, rbx"}, /* mod is not looked at */
    {"0f 21 f8", "mov from dr 8 rax, rdi"},
    {"0f 23 c1", "mov to dr 8 rcx, rax"},
    {"0f 06", "clts 0 rax"},
    {"0f 01 f1", "lmsw 2 rcx"},
    {"0f 01 31", "lmsw 2 [rcx+0]"},
    {"48 0f 01 e1", "smsw 8 rcx"},
    {"0f 01 21", "smsw 2 [rcx+0]"},
    {"0f 01 38", "invlpg 0 [rax+0]"},
    {"f4", "hlt 0 rax"},
    {"fa", "cli 0 rax"},
    {"fb", "sti 0 rax"},
    {"e4 60", "in 1 rax, 0x60"},
    {"e5 ff", "in 4 rax, 0xff"},
    {"66 ed", "in 2 rax, rdx"},
    {"48 ed", "in 4 rax, rdx"},
    {"66 48 ed", "in 4 rax, rdx"},
    {"e6 80", "out 1 rax, 0x80"},
    {"ee", "out 1 rax, rdx"},
    {"ef", "out 4 rax, rdx"},
    {"f3 6c", "rep ins 1 [rdi+0]"},
    {"f3 66 6d", "rep ins 2 [rdi+0]"},
    {"f3 64 6f", "rep outs 4 [fs:rsi+0]"},
    {"0f 01 d0", "xgetbv 0 rax"},
    {"0f 01 d1", "xsetbv 0 rax"},
    {"0f 08", "invd 0 rax"},
    {"0f 09", "wbinvd 0 rax"},
    {"0f 31", "rdtsc 0 rax"},
    {"0f 01 f9", "rdtscp 0 rax"},
    {"0f 33", "rdpmc 0 rax"},
    {"0f 01 00", "sgdt 10 [rax+0]"},
    {"0f 01 08", "sidt 10 [rax+0]"},
    {"0f 01 10", "lgdt 10 [rax+0]"},
    {"0f 01 18", "lidt 10 [rax+0]"},
    {"0f 00 00", "sldt 2 [rax+0]"},
    {"0f 00 c8", "str 4 rax"},
    {"0f 00 d0", "lldt 2 rax"},
    {"0f 00 18", "ltr 2 [rax+0]"},
    {"48 cf", "iret 8 rax"},
    {"cf", "iret 4 rax"},
    {"0f 01 f8", "swapgs 0 rax"},
    {"48 0f 07", "sysret 8 rax"},
    {"0f 35", "sysexit 4 rax"},
    {"48 ff 18", "far call 8 [rax+0]"},
    {"ff 28", "far jmp 4 [rax+0]"},
    {"48 cb", "far ret 8 rax"},
    {"ca 08 00", "far ret 4 rax, 0x8"},
    {"0f 01 ca", "clac 0 rax"},
    {"0f 01 cb", "stac 0 rax"},
    {"0f 01 c8", "monitor 0 rax"},
    {"0f 01 c9", "mwait 0 rax"},
    {"0f 01 c1", "vmcall 0 rax"},
    {"0f 01 d9", "vmmcall 0 rax"},
    {"0f 0b", "ud2 0 rax"},
    {"0f 0b 78 65", "ud2 0 rax"}, /* not the whole prefix */
    {"66 66 66 66 66 66 66 66 66 66 66 66 66 89 08", "mov 2 [rax+0], rcx"},
    {"0f 0b 78 65 6e 66 66 66 66 66 66 66 66 66 66 66 66 66 0f a2", "forced cpuid 0 rax"},
};

static void known_instructions_mean_what_the_manual_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint8_t bytes[32];
        size_t n = parse(known[i].bytes, bytes);
        struct insn insn;
        struct text text = {0};
        enum decode_result result = insn_decode(bytes, n, &insn);

        describe(&insn, &text);
        if (result != DECODE_OK || strcmp(text.line, known[i].meaning) != 0)
            fail_msg("%s: result %d, '%s', expected '%s'", known[i].bytes, result, text.line,
                     known[i].meaning);
        if (insn.op != INSN_UD2)
            assert_int_equal(insn.length, n);
    }
}

static const struct {
    const char *bytes;
    enum decode_result result;
} refused[] = {
    {"f0 89 08", DECODE_BAD},    /* lock mov */
    {"f0 01 c8", DECODE_BAD},    /* lock with a register */
    {"f0 0f a2", DECODE_BAD},    /* lock cpuid */
    {"f0 48 ab", DECODE_BAD},    /* lock stos */
    {"f0 0f 01 d1", DECODE_BAD}, /* lock xsetbv */
    {"0f 20 c8", DECODE_BAD},    /* cr1 */
    {"0f 22 e8", DECODE_BAD},    /* cr5 */
    {"44 0f 20 c8", DECODE_BAD}, /* cr9 */
    {"44 0f 21 c0", DECODE_BAD}, /* dr8 */
    {"ff d8", DECODE_BAD},       /* far call to a register */
    {"0f c3 c0", DECODE_BAD},    /* movnti to a register */
    {"0f c7 c8", DECODE_BAD},    /* cmpxchg8b of a register */
    {"66 66 66 66 66 66 66 66 66 66 66 66 66 66 89 08", DECODE_BAD},
    {"66 66 66 66 66 66 66 66 66 66 66 66 66 66 66", DECODE_BAD},
    {"8b 08", DECODE_UNKNOWN},       /* a load */
    {"39 08", DECODE_UNKNOWN},       /* cmp */
    {"80 38 00", DECODE_UNKNOWN},    /* cmp */
    {"f6 00 01", DECODE_UNKNOWN},    /* test */
    {"0f ba 20 01", DECODE_UNKNOWN}, /* bt */
    {"8f 00", DECODE_UNKNOWN},       /* pop */
    {"c7 08 00 00 00 00", DECODE_UNKNOWN},
    {"c7 f8 00 00 00 00", DECODE_UNKNOWN}, /* xbegin */
    {"66 0f c3 08", DECODE_UNKNOWN},
    {"f3 0f c3 08", DECODE_UNKNOWN},
    {"f3 0f c7 f0", DECODE_UNKNOWN}, /* senduipi */
    {"f3 0f 01 e8", DECODE_UNKNOWN}, /* setssbsy */
    {"f3 0f 01 d1", DECODE_UNKNOWN},
    {"0f 01 c2", DECODE_UNKNOWN}, /* vmlaunch */
    {"0f 05", DECODE_UNKNOWN},    /* syscall */
    {"90", DECODE_UNKNOWN},
    {"c5 f8 77", DECODE_UNKNOWN}, /* vzeroupper */
    {"62 f1 7c 48 11 00", DECODE_UNKNOWN},
    {"0f 0b 78 65 6e 0f 0b", DECODE_UNKNOWN},
    {"0f 0b 78 65 6e 0f 0b 78 65 6e 0f a2", DECODE_UNKNOWN},
    {"0f 0b 78 65 6e 90", DECODE_UNKNOWN},
    {"", DECODE_TRUNCATED},
    {"66", DECODE_TRUNCATED},
    {"0f", DECODE_TRUNCATED},
    {"48 89", DECODE_TRUNCATED},
    {"48 89 14", DECODE_TRUNCATED},
    {"48 89 14 25 00 00 00", DECODE_TRUNCATED},
    {"0f 0b 78 65 6e", DECODE_TRUNCATED},
    {"0f 0b 78 65 6e 0f", DECODE_TRUNCATED},
};

static void other_bytes_are_refused_with_the_right_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        uint8_t bytes[32];
        size_t n = parse(refused[i].bytes, bytes);
        struct insn insn, zero = {0};
        enum decode_result result = insn_decode(bytes, n, &insn);

        if (result != refused[i].result)
            fail_msg("%s: result %d (%s), expected %d", refused[i].bytes, result,
                     insn_name((enum insn_op)insn.op), refused[i].result);
        assert_memory_equal(&insn, &zero, sizeof(insn));
    }
}

/* Each proper beginning of a known instruction is truncated, in a buffer that ends there. */
static void every_beginning_is_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint8_t bytes[32];
        size_t n = parse(known[i].bytes, bytes);

        for (size_t k = 0; k < n; k++) {
            struct insn insn;
            uint8_t *exact = malloc(k ? k : 1);
            enum decode_result result;

            memcpy(exact, bytes, k);
            result = insn_decode(exact, k, &insn);
            free(exact);
            if (bytes[0] == 0x0f && bytes[1] == 0x0b && k >= 2 && k < 5)
                assert_int_equal(insn.op, INSN_UD2);
            else
                assert_int_equal(result, DECODE_TRUNCATED);
        }
    }
}

static const uint64_t regs[16] = {0x1000,    0x20,       0x300,      0x4000,     0x50000, 0x600000,
                                  0x7000000, 0x80000000, UINT64_MAX, UINT64_MAX, 0xffff,  0x1f,
                                  0x40,      0x3f,       0x8000,     0x7fff};

static const struct {
    const char *bytes;
    uint64_t address;
    uint64_t source;
} addressed[] = {
    {"48 89 54 88 10", 0x1090, 0},
    {"64 48 89 54 88 10", 0xf001090, 0},
    {"65 48 89 54 88 f0", 0xa001070, 0},
    {"3e 48 89 54 88 10", 0x1090, 0},
    {"48 89 15 f0 ff ff ff", 0x400000 + 7 - 0x10, 0},
    {"48 c7 05 f0 ff ff ff 01 00 00 00", 0x400000 + 11 - 0x10, 0},
    {"66 c7 05 f0 ff ff ff 01 00", 0x400000 + 9 - 0x10, 0},
    {"49 89 10", UINT64_MAX, 0},
    {"67 49 89 10", 0xffffffff, 0},
    {"67 65 49 89 50 01", 0xa000000, 0}, /* cut to 32 bits before the base is added */
    {"4b 89 14 48", UINT64_MAX - 2, 0},
    {"f3 48 ab", 0x80000000, 0},
    {"65 48 ab", 0x80000000, 0}, /* es:rdi */
    {"65 48 a5", 0x80000000, 0xa000000 + 0x7000000},
    {"67 48 a5", 0x80000000, 0x7000000},
    {"64 6e", 0xf000000 + 0x7000000, 0},
    {"44 0f ab 18", 0x1000, 0},     /* bit 0x1f of 4 bytes */
    {"44 0f ab 20", 0x1008, 0},     /* bit 0x40 */
    {"4c 0f ab 20", 0x1008, 0},     /* bit 0x40 of 8 bytes */
    {"4c 0f ab 28", 0x1000, 0},     /* bit 0x3f */
    {"44 0f b3 00", 0x1000 - 4, 0}, /* bit -1 */
    {"4c 0f bb 00", 0x1000 - 8, 0},
    {"66 44 0f ab 30", 0, 0},            /* bit -0x8000 of 2 bytes */
    {"44 0f ab 30", 0x1000 + 0x1000, 0}, /* bit 0x8000 of 4 bytes */
    {"66 44 0f ab 38", 0x1000 + 0xffe, 0},
    {"0f ba 28 ff", 0x1000, 0}, /* an immediate bit stays in the operand */
};

static void addresses_are_as_the_processor_forms_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addressed) / sizeof(addressed[0]); i++) {
        uint8_t bytes[32];
        size_t n = parse(addressed[i].bytes, bytes);
        struct insn insn;
        uint64_t address;

        assert_int_equal(insn_decode(bytes, n, &insn), DECODE_OK);
        address = insn_effective_address(&insn, regs, 0x400000, 0xf000000, 0xa000000);
        if (address != addressed[i].address)
            fail_msg("%s: address %#llx, expected %#llx", addressed[i].bytes, (unsigned long long)address,
                     (unsigned long long)addressed[i].address);
        if (addressed[i].source)
            assert_int_equal(insn_source_address(&insn, regs, 0xf000000, 0xa000000), addressed[i].source);
    }
}

static void every_op_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < INSN_OP_COUNT; i++) {
        for (unsigned int k = 0; k < i; k++)
            assert_string_not_equal(insn_name((enum insn_op)i), insn_name((enum insn_op)k));
    }
    assert_string_equal(insn_name(INSN_OP_COUNT), "(not an instruction)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instructions_mean_what_the_manual_says),
        cmocka_unit_test(other_bytes_are_refused_with_the_right_reason),
        cmocka_unit_test(every_beginning_is_truncated),
        cmocka_unit_test(addresses_are_as_the_processor_forms_them),
        cmocka_unit_test(every_op_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
