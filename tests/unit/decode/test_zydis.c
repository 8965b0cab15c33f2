// SPDX-License-Identifier: MIT
/*
 * The decoder against Zydis, over random instructions: where we say OK, Zydis sees the same instruction, of
 * the same length, operand size and address; where we refuse, Zydis sees nothing that we promise to know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

#include "arch/x86/emulate/decode.h"
#include "random_insn.h"

static const struct {
    ZydisMnemonic mnemonic;
    enum insn_op op;
} names[] = {
    {ZYDIS_MNEMONIC_ADD, INSN_ADD},
    {ZYDIS_MNEMONIC_OR, INSN_OR},
    {ZYDIS_MNEMONIC_ADC, INSN_ADC},
    {ZYDIS_MNEMONIC_SBB, INSN_SBB},
    {ZYDIS_MNEMONIC_AND, INSN_AND},
    {ZYDIS_MNEMONIC_SUB, INSN_SUB},
    {ZYDIS_MNEMONIC_XOR, INSN_XOR},
    {ZYDIS_MNEMONIC_MOV, INSN_MOV},
    {ZYDIS_MNEMONIC_MOVNTI, INSN_MOVNTI},
    {ZYDIS_MNEMONIC_XCHG, INSN_XCHG},
    {ZYDIS_MNEMONIC_CMPXCHG, INSN_CMPXCHG},
    {ZYDIS_MNEMONIC_CMPXCHG8B, INSN_CMPXCHG8B},
    {ZYDIS_MNEMONIC_CMPXCHG16B, INSN_CMPXCHG16B},
    {ZYDIS_MNEMONIC_XADD, INSN_XADD},
    {ZYDIS_MNEMONIC_BTS, INSN_BTS},
    {ZYDIS_MNEMONIC_BTR, INSN_BTR},
    {ZYDIS_MNEMONIC_BTC, INSN_BTC},
    {ZYDIS_MNEMONIC_INC, INSN_INC},
    {ZYDIS_MNEMONIC_DEC, INSN_DEC},
    {ZYDIS_MNEMONIC_NOT, INSN_NOT},
    {ZYDIS_MNEMONIC_NEG, INSN_NEG},
    {ZYDIS_MNEMONIC_STOSB, INSN_STOS},
    {ZYDIS_MNEMONIC_STOSW, INSN_STOS},
    {ZYDIS_MNEMONIC_STOSD, INSN_STOS},
    {ZYDIS_MNEMONIC_STOSQ, INSN_STOS},
    {ZYDIS_MNEMONIC_MOVSB, INSN_MOVS},
    {ZYDIS_MNEMONIC_MOVSW, INSN_MOVS},
    {ZYDIS_MNEMONIC_MOVSD, INSN_MOVS},
    {ZYDIS_MNEMONIC_MOVSQ, INSN_MOVS},
    {ZYDIS_MNEMONIC_CPUID, INSN_CPUID},
    {ZYDIS_MNEMONIC_RDMSR, INSN_RDMSR},
    {ZYDIS_MNEMONIC_WRMSR, INSN_WRMSR},
    {ZYDIS_MNEMONIC_CLTS, INSN_CLTS},
    {ZYDIS_MNEMONIC_LMSW, INSN_LMSW},
    {ZYDIS_MNEMONIC_SMSW, INSN_SMSW},
    {ZYDIS_MNEMONIC_INVLPG, INSN_INVLPG},
    {ZYDIS_MNEMONIC_HLT, INSN_HLT},
    {ZYDIS_MNEMONIC_CLI, INSN_CLI},
    {ZYDIS_MNEMONIC_STI, INSN_STI},
    {ZYDIS_MNEMONIC_IN, INSN_IN},
    {ZYDIS_MNEMONIC_OUT, INSN_OUT},
    {ZYDIS_MNEMONIC_INSB, INSN_INS},
    {ZYDIS_MNEMONIC_INSW, INSN_INS},
    {ZYDIS_MNEMONIC_INSD, INSN_INS},
    {ZYDIS_MNEMONIC_OUTSB, INSN_OUTS},
    {ZYDIS_MNEMONIC_OUTSW, INSN_OUTS},
    {ZYDIS_MNEMONIC_OUTSD, INSN_OUTS},
    {ZYDIS_MNEMONIC_XGETBV, INSN_XGETBV},
    {ZYDIS_MNEMONIC_XSETBV, INSN_XSETBV},
    {ZYDIS_MNEMONIC_INVD, INSN_INVD},
    {ZYDIS_MNEMONIC_WBINVD, INSN_WBINVD},
    {ZYDIS_MNEMONIC_RDTSC, INSN_RDTSC},
    {ZYDIS_MNEMONIC_RDTSCP, INSN_RDTSCP},
    {ZYDIS_MNEMONIC_RDPMC, INSN_RDPMC},
    {ZYDIS_MNEMONIC_SGDT, INSN_SGDT},
    {ZYDIS_MNEMONIC_SIDT, INSN_SIDT},
    {ZYDIS_MNEMONIC_SLDT, INSN_SLDT},
    {ZYDIS_MNEMONIC_STR, INSN_STR},
    {ZYDIS_MNEMONIC_LGDT, INSN_LGDT},
    {ZYDIS_MNEMONIC_LIDT, INSN_LIDT},
    {ZYDIS_MNEMONIC_LLDT, INSN_LLDT},
    {ZYDIS_MNEMONIC_LTR, INSN_LTR},
    {ZYDIS_MNEMONIC_IRET, INSN_IRET},
    {ZYDIS_MNEMONIC_IRETD, INSN_IRET},
    {ZYDIS_MNEMONIC_IRETQ, INSN_IRET},
    {ZYDIS_MNEMONIC_SWAPGS, INSN_SWAPGS},
    {ZYDIS_MNEMONIC_SYSRET, INSN_SYSRET},
    {ZYDIS_MNEMONIC_SYSEXIT, INSN_SYSEXIT},
    {ZYDIS_MNEMONIC_CALL, INSN_FAR_CALL},
    {ZYDIS_MNEMONIC_JMP, INSN_FAR_JMP},
    {ZYDIS_MNEMONIC_RET, INSN_FAR_RET},
    {ZYDIS_MNEMONIC_CLAC, INSN_CLAC},
    {ZYDIS_MNEMONIC_STAC, INSN_STAC},
    {ZYDIS_MNEMONIC_MONITOR, INSN_MONITOR},
    {ZYDIS_MNEMONIC_MWAIT, INSN_MWAIT},
    {ZYDIS_MNEMONIC_VMCALL, INSN_VMCALL},
    {ZYDIS_MNEMONIC_VMMCALL, INSN_VMMCALL},
    {ZYDIS_MNEMONIC_UD2, INSN_UD2},
};

struct seen {
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static bool is_gpr(const ZydisDecodedOperand *operand)
{
    ZydisRegisterClass class = ZydisRegisterGetClass(operand->reg.value);

    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           (class == ZYDIS_REGCLASS_GPR8 || class == ZYDIS_REGCLASS_GPR16 || class == ZYDIS_REGCLASS_GPR32 ||
            class == ZYDIS_REGCLASS_GPR64);
}

static enum insn_op control_op(const struct seen *z)
{
    ZydisRegisterClass to = ZydisRegisterGetClass(z->operands[0].reg.value);
    ZydisRegisterClass from = ZydisRegisterGetClass(z->operands[1].reg.value);

    if (to == ZYDIS_REGCLASS_CONTROL)
        return INSN_MOV_TO_CR;
    if (from == ZYDIS_REGCLASS_CONTROL)
        return INSN_MOV_FROM_CR;
    if (to == ZYDIS_REGCLASS_DEBUG)
        return INSN_MOV_TO_DR;
    if (from == ZYDIS_REGCLASS_DEBUG)
        return INSN_MOV_FROM_DR;
    return INSN_NONE;
}

/* What we should call what Zydis saw; INSN_NONE if it is nothing that we promise to know. */
static enum insn_op promised_op(const struct seen *z)
{
    bool stores = z->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                  (z->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE || is_gpr(&z->operands[1]));
    enum insn_op op = INSN_NONE;

    if (z->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return INSN_NONE;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].mnemonic == z->insn.mnemonic)
            op = names[i].op;
    }
    if (op >= INSN_FAR_CALL && op <= INSN_FAR_RET)
        return z->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? op : INSN_NONE;
    if (op == INSN_MOVS && z->insn.meta.category != ZYDIS_CATEGORY_STRINGOP)
        return INSN_NONE;
    if (op == INSN_MOV && control_op(z) != INSN_NONE)
        return control_op(z);
    if (op >= INSN_ADD && op <= INSN_BTC && op != INSN_CMPXCHG8B && op != INSN_CMPXCHG16B)
        return stores ? op : INSN_NONE;
    if (op >= INSN_INC && op <= INSN_NEG)
        return z->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? op : INSN_NONE;
    return op;
}

/* Ours, whatever the operands: register forms of the stores are decoded, too. */
static bool op_agrees(const struct seen *z, enum insn_op op)
{
    if (z->insn.mnemonic == ZYDIS_MNEMONIC_MOV && control_op(z) != INSN_NONE)
        return op == control_op(z);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].mnemonic == z->insn.mnemonic)
            return op == names[i].op;
    }
    return false;
}

static const ZydisDecodedOperand *memory_operand(const struct seen *z)
{
    for (unsigned int i = 0; i < z->insn.operand_count; i++) {
        if (z->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            return &z->operands[i];
    }
    return NULL;
}

static unsigned int size_seen(const struct seen *z, enum insn_op op)
{
    switch (op) {
    case INSN_FAR_CALL:
    case INSN_FAR_JMP:
        return z->operands[0].size / 8u - 2;
    case INSN_IN:
        return z->operands[0].size / 8u;
    case INSN_OUT:
    case INSN_OUTS:
        return z->operands[1].size / 8u;
    case INSN_FAR_RET:
    case INSN_IRET:
        return z->insn.operand_width / 8u;
    default:
        return z->operands[0].size / 8u;
    }
}

static bool has_size(const struct insn *insn)
{
    return insn->operand_size != 0 && insn->op != INSN_SYSRET && insn->op != INSN_SYSEXIT;
}

/* The address by Zydis, plus the distance of the bit, computed another way than the decoder does. */
static uint64_t address_seen(const struct seen *z, const ZydisDecodedOperand *memory, const struct insn *insn,
                             const uint64_t regs[16], uint64_t rip)
{
    ZydisRegisterContext context;
    uint64_t address = 0;

    memset(&context, 0, sizeof(context));
    for (unsigned int i = 0; i < 16; i++) {
        context.values[ZYDIS_REGISTER_RAX + (int)i] = regs[i];
        context.values[ZYDIS_REGISTER_EAX + (int)i] = (uint32_t)regs[i];
    }
    assert_true(ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(&z->insn, memory, rip, &context, &address)));
    if (insn->op >= INSN_BTS && insn->op <= INSN_BTC && insn->source == INSN_SOURCE_REG) {
        int64_t offset = insn->operand_size == 2   ? (int16_t)regs[insn->reg]
                         : insn->operand_size == 4 ? (int32_t)regs[insn->reg]
                                                   : (int64_t)regs[insn->reg];
        int shift = insn->operand_size == 2 ? 4 : insn->operand_size == 4 ? 5 : 6;

        address += (uint64_t)(offset >> shift) * insn->operand_size;
        if (insn->address_size == 4)
            address = (uint32_t)address;
    }
    return address;
}

/*
 * Zydis 4.0.0 gives r13 for a base of 5 with mod 0 and REX.B, where there is no base (AMD APM vol. 3, table
 * 1-16). test_processor covers that form.
 */
static bool zydis_is_wrong_about_base(const struct seen *z)
{
    return (z->insn.attributes & ZYDIS_ATTRIB_HAS_SIB) && z->insn.raw.modrm.mod == 0 &&
           z->insn.raw.sib.base == 5 && z->insn.raw.rex.B;
}

static void check_memory(const uint8_t *bytes, const struct seen *z, const struct insn *insn,
                         struct random *r)
{
    const ZydisDecodedOperand *memory = memory_operand(z);
    const uint64_t fs = 0x123456789000, gs = 0x777777770000, rip = random_number(r);
    uint64_t regs[16], expected, found;

    for (unsigned int i = 0; i < 16; i++)
        regs[i] = random_value(r);
    if (!memory)
        fail_msg("%s: %s has no memory operand", hex(bytes, insn->length), insn_name((enum insn_op)insn->op));
    expected = address_seen(z, memory, insn, regs, rip);
    if (memory->mem.segment == ZYDIS_REGISTER_FS)
        expected += fs;
    if (memory->mem.segment == ZYDIS_REGISTER_GS)
        expected += gs;
    found = insn_effective_address(insn, regs, rip, fs, gs);
    if (found != expected)
        fail_msg("%s: address %#llx, Zydis %#llx", hex(bytes, insn->length), (unsigned long long)found,
                 (unsigned long long)expected);
    if (insn->op == INSN_MOVS) {
        expected = address_seen(z, &z->operands[1], insn, regs, rip);
        expected += z->operands[1].mem.segment == ZYDIS_REGISTER_FS   ? fs
                    : z->operands[1].mem.segment == ZYDIS_REGISTER_GS ? gs
                                                                      : 0;
        assert_int_equal(insn_source_address(insn, regs, fs, gs), expected);
    }
}

static unsigned int gpr_number(ZydisRegister reg)
{
    return (unsigned int)ZydisRegisterGetId(reg);
}

/* The register or immediate that goes with it. */
static void check_source(const uint8_t *bytes, const struct seen *z, const struct insn *insn)
{
    const ZydisDecodedOperand *other = &z->operands[insn->op == INSN_OUT ? 0 : 1];

    if (insn->op > INSN_BTC && insn->op != INSN_IN && insn->op != INSN_OUT)
        return;
    if (insn->source == INSN_SOURCE_IMM) {
        bool is_bit = insn->op >= INSN_BTS && insn->op <= INSN_BTC;
        uint64_t mask = is_bit                    ? 0xff
                        : insn->operand_size >= 8 ? UINT64_MAX
                                                  : (UINT64_C(1) << 8 * insn->operand_size) - 1;

        assert_int_equal(other->type, ZYDIS_OPERAND_TYPE_IMMEDIATE);
        if ((other->imm.value.u & mask) != (insn->immediate & mask))
            fail_msg("%s: immediate %#llx, Zydis %#llx", hex(bytes, insn->length),
                     (unsigned long long)insn->immediate, (unsigned long long)other->imm.value.u);
    } else if (insn->source == INSN_SOURCE_REG) {
        ZydisRegister reg = other->reg.value;
        bool high = reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
        unsigned int number = high ? (unsigned int)(reg - ZYDIS_REGISTER_AH) : gpr_number(reg);

        if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
            number = (unsigned int)(reg - ZYDIS_REGISTER_SPL) + 4;
        if (number != insn->reg || high != insn->reg_high)
            fail_msg("%s: register %u%s, Zydis %s", hex(bytes, insn->length), insn->reg,
                     insn->reg_high ? "h" : "", ZydisRegisterGetString(reg));
    }
}

static void check_ok(const uint8_t *bytes, bool zydis_ok, const struct seen *z, const struct insn *insn,
                     struct random *r)
{
    const char *name = insn_name((enum insn_op)insn->op);

    if (!zydis_ok)
        fail_msg("%s: %s, but Zydis refuses it", hex(bytes, INSN_MAX_LENGTH), name);
    if (insn->length != z->insn.length)
        fail_msg("%s: length %u, Zydis %u", hex(bytes, INSN_MAX_LENGTH), insn->length, z->insn.length);
    if (!op_agrees(z, (enum insn_op)insn->op))
        fail_msg("%s: %s, Zydis %s", hex(bytes, insn->length), name,
                 ZydisMnemonicGetString(z->insn.mnemonic));
    if (has_size(insn) && insn->operand_size != size_seen(z, (enum insn_op)insn->op))
        fail_msg("%s: %s of size %u, Zydis %u", hex(bytes, insn->length), name, insn->operand_size,
                 size_seen(z, (enum insn_op)insn->op));
    if (insn->address_size * 8 != z->insn.address_width)
        fail_msg("%s: address size %u, Zydis %u", hex(bytes, insn->length), insn->address_size,
                 z->insn.address_width / 8);
    if (insn->has_memory && insn->op != INSN_INVLPG && !zydis_is_wrong_about_base(z))
        check_memory(bytes, z, insn, r);
    check_source(bytes, z, insn);
}

/* With fewer bytes, in a buffer that ends there, it is truncated; with other bytes after it, it is the same.
 */
static void check_edges(const uint8_t *bytes, const struct insn *insn)
{
    uint8_t other[INSN_FETCH_LENGTH];
    struct insn again;

    for (size_t n = 0; n < insn->length; n++) {
        uint8_t *exact = malloc(n ? n : 1);

        memcpy(exact, bytes, n);
        assert_int_equal(insn_decode(exact, n, &again), DECODE_TRUNCATED);
        free(exact);
    }
    memset(other, 0xf0, sizeof(other));
    memcpy(other, bytes, insn->length);
    assert_int_equal(insn_decode(other, sizeof(other), &again), DECODE_OK);
    assert_memory_equal(&again, insn, sizeof(again));
}

static void random_instructions_agree_with_zydis(void **state)
{
    struct random r = {setting("SEED", 0x1234567)};
    uint64_t rounds = setting("ROUNDS", 3000000), accepted = 0, refused = 0, forms[INSN_OP_COUNT] = {0};
    ZydisDecoder decoder;

    (void)state;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (uint64_t i = 0; i < rounds; i++) {
        uint8_t bytes[INSN_FETCH_LENGTH];
        struct insn insn;
        struct seen z;
        enum decode_result result;
        bool zydis_ok;

        random_insn(&r, bytes);
        if (bytes[0] == 0x0f && bytes[1] == 0x0b)
            bytes[2] = 0; /* the forced-emulation prefix is no business of Zydis */
        result = insn_decode(bytes, sizeof(bytes), &insn);
        zydis_ok =
            ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, INSN_MAX_LENGTH, &z.insn, z.operands));
        if (result == DECODE_OK) {
            accepted++;
            forms[insn.op]++;
            check_ok(bytes, zydis_ok, &z, &insn, &r);
            if (i % 16 == 0)
                check_edges(bytes, &insn);
        } else {
            refused++;
            assert_int_not_equal(result, DECODE_TRUNCATED);
            if (zydis_ok && promised_op(&z) != INSN_NONE)
                fail_msg("%s: refused (%d), Zydis has %s", hex(bytes, z.insn.length), result,
                         ZydisMnemonicGetString(z.insn.mnemonic));
            if (zydis_ok && result == DECODE_BAD)
                fail_msg("%s: BAD, Zydis has %s", hex(bytes, z.insn.length),
                         ZydisMnemonicGetString(z.insn.mnemonic));
        }
    }
    for (unsigned int op = INSN_NONE + 1; op < INSN_OP_COUNT; op++) {
        if (forms[op] == 0 && rounds >= 1000000)
            fail_msg("no %s among %llu instructions: the test lost its aim", insn_name((enum insn_op)op),
                     (unsigned long long)rounds);
    }
    print_message("%llu instructions decoded as Zydis does, %llu refused by both or not promised\n",
                  (unsigned long long)accepted, (unsigned long long)refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_instructions_agree_with_zydis),
    };

    return cmocka_run_group_tests_name("zydis", tests, NULL, NULL);
}
