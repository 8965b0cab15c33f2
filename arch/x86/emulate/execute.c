// SPDX-License-Identifier: MIT
/*
 * The arithmetic of stores: each operation takes values cut to the operand's size and gives one, with its
 * flags.
 */
#include "arch/x86/emulate/execute.h"

#define CF         UINT64_C(0x001)
#define PF         UINT64_C(0x004)
#define AF         UINT64_C(0x010)
#define ZF         UINT64_C(0x040)
#define SF         UINT64_C(0x080)
#define DF         UINT64_C(0x400)
#define OF         UINT64_C(0x800)
#define ARITHMETIC (CF | PF | AF | ZF | SF | OF)

static uint64_t size_mask(unsigned int bytes)
{
    return bytes >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * bytes)) - 1;
}

static uint64_t size_sign(unsigned int bytes)
{
    return UINT64_C(1) << (8 * bytes - 1);
}

static uint64_t register_read(const uint64_t regs[16], uint8_t reg, bool high, unsigned int bytes)
{
    return (high ? regs[reg] >> 8 : regs[reg]) & size_mask(bytes);
}

/* Writing 4 bytes clears the upper half, writing 1 or 2 leaves the rest. */
static void register_write(uint64_t regs[16], uint8_t reg, bool high, unsigned int bytes, uint64_t value)
{
    unsigned int shift = high ? 8 : 0;
    uint64_t mask = bytes == 4 ? ~UINT64_C(0) : size_mask(bytes) << shift;

    regs[reg] = (regs[reg] & ~mask) | (value << shift & mask);
}

/* ZF, SF and PF of a result. PF looks at the low byte only. */
static uint64_t result_flags(uint64_t result, unsigned int bytes)
{
    unsigned int low = (unsigned int)result & 0xff;

    low ^= low >> 4;
    low ^= low >> 2;
    low ^= low >> 1;
    return (result == 0 ? ZF : 0) | (result & size_sign(bytes) ? SF : 0) | (low & 1 ? 0 : PF);
}

static void flags_set(uint64_t *rflags, uint64_t which, uint64_t flags)
{
    *rflags = (*rflags & ~which) | (flags & which);
}

/* a + b + carry */
static uint64_t add(uint64_t a, uint64_t b, uint64_t carry, unsigned int bytes, uint64_t *flags)
{
    uint64_t result = (a + b + carry) & size_mask(bytes);

    *flags = result_flags(result, bytes);
    *flags |= result < a || (carry && result == a) ? CF : 0;
    *flags |= (a ^ b ^ result) & AF;
    *flags |= (a ^ result) & (b ^ result) & size_sign(bytes) ? OF : 0;
    return result;
}

/* a - b - borrow */
static uint64_t subtract(uint64_t a, uint64_t b, uint64_t borrow, unsigned int bytes, uint64_t *flags)
{
    uint64_t result = (a - b - borrow) & size_mask(bytes);

    *flags = result_flags(result, bytes);
    *flags |= a < b || (borrow && a == b) ? CF : 0;
    *flags |= (a ^ b ^ result) & AF;
    *flags |= (a ^ b) & (a ^ result) & size_sign(bytes) ? OF : 0;
    return result;
}

/* The eight of opcodes 00 to 3F that write, and those with one operand. */
static uint64_t arithmetic(enum insn_op op, uint64_t old, uint64_t operand, unsigned int bytes,
                           uint64_t *rflags)
{
    uint64_t carry = *rflags & CF;
    uint64_t which = ARITHMETIC;
    uint64_t flags = 0;
    uint64_t result;

    switch (op) {
    case INSN_ADD:
    case INSN_XADD:
        result = add(old, operand, 0, bytes, &flags);
        break;
    case INSN_ADC:
        result = add(old, operand, carry, bytes, &flags);
        break;
    case INSN_SUB:
        result = subtract(old, operand, 0, bytes, &flags);
        break;
    case INSN_SBB:
        result = subtract(old, operand, carry, bytes, &flags);
        break;
    case INSN_INC:
        result = add(old, 1, 0, bytes, &flags);
        which &= ~CF;
        break;
    case INSN_DEC:
        result = subtract(old, 1, 0, bytes, &flags);
        which &= ~CF;
        break;
    case INSN_NEG:
        result = subtract(0, old, 0, bytes, &flags);
        break;
    case INSN_NOT:
        return ~old & size_mask(bytes);
    default: /* AND, OR, XOR: CF and OF are cleared; AF, undefined, too, as processors do */
        result = op == INSN_AND ? old & operand : op == INSN_OR ? old | operand : old ^ operand;
        flags = result_flags(result, bytes);
        break;
    }
    flags_set(rflags, which, flags);
    return result;
}

/* BTS, BTR, BTC: the bit goes to CF; the other flags stay. */
static uint64_t bit_change(enum insn_op op, uint64_t old, uint64_t operand, unsigned int bytes,
                           uint64_t *rflags)
{
    uint64_t bit = UINT64_C(1) << (operand & (8 * bytes - 1));

    flags_set(rflags, CF, old & bit ? CF : 0);
    return op == INSN_BTS ? old | bit : op == INSN_BTR ? old & ~bit : old ^ bit;
}

static enum execute_result compare_exchange(const struct insn *insn, uint64_t regs[16], uint64_t *rflags,
                                            uint64_t operand, uint64_t *value)
{
    unsigned int bytes = insn->operand_size;
    uint64_t flags;

    subtract(register_read(regs, INSN_RAX, false, bytes), *value, 0, bytes, &flags);
    flags_set(rflags, ARITHMETIC, flags);
    if (!(flags & ZF)) {
        register_write(regs, INSN_RAX, false, bytes, *value);
        return EXECUTE_KEEP;
    }
    *value = operand;
    return EXECUTE_WRITE;
}

/* edx:eax is compared, ecx:ebx stored; ZF alone tells. */
static enum execute_result compare_exchange_8_bytes(uint64_t regs[16], uint64_t *rflags, uint64_t *value)
{
    uint64_t expected = (uint64_t)(uint32_t)regs[INSN_RDX] << 32 | (uint32_t)regs[INSN_RAX];

    flags_set(rflags, ZF, *value == expected ? ZF : 0);
    if (*value != expected) {
        regs[INSN_RAX] = (uint32_t)*value;
        regs[INSN_RDX] = *value >> 32;
        return EXECUTE_KEEP;
    }
    *value = (uint64_t)(uint32_t)regs[INSN_RCX] << 32 | (uint32_t)regs[INSN_RBX];
    return EXECUTE_WRITE;
}

bool insn_is_store(const struct insn *insn)
{
    return insn->has_memory && insn->op >= INSN_ADD && insn->op <= INSN_MOVS && insn->op != INSN_CMPXCHG16B;
}

bool insn_needs_value(const struct insn *insn)
{
    return insn->op != INSN_MOV && insn->op != INSN_MOVNTI && insn->op != INSN_STOS;
}

enum execute_result insn_execute(const struct insn *insn, uint64_t regs[16], uint64_t *rflags,
                                 uint64_t *value)
{
    unsigned int bytes = insn->operand_size;
    uint64_t operand = insn->immediate & size_mask(bytes);
    uint64_t old = *value & size_mask(bytes);

    if (!insn_is_store(insn))
        return EXECUTE_UNSUPPORTED;
    if (insn->source == INSN_SOURCE_REG)
        operand = register_read(regs, insn->reg, insn->reg_high, bytes);
    *value = old;
    switch ((enum insn_op)insn->op) {
    case INSN_MOV:
    case INSN_MOVNTI:
        *value = operand;
        break;
    case INSN_XCHG:
        *value = operand;
        register_write(regs, insn->reg, insn->reg_high, bytes, old);
        break;
    case INSN_XADD:
        *value = arithmetic(INSN_XADD, old, operand, bytes, rflags);
        register_write(regs, insn->reg, insn->reg_high, bytes, old);
        break;
    case INSN_CMPXCHG:
        return compare_exchange(insn, regs, rflags, operand, value);
    case INSN_CMPXCHG8B:
        return compare_exchange_8_bytes(regs, rflags, value);
    case INSN_BTS:
    case INSN_BTR:
    case INSN_BTC:
        *value = bit_change((enum insn_op)insn->op, old, operand, bytes, rflags);
        break;
    case INSN_STOS:
        *value = regs[INSN_RAX] & size_mask(bytes);
        insn_string_step(insn, regs, *rflags);
        break;
    case INSN_MOVS:
        insn_string_step(insn, regs, *rflags);
        break;
    default:
        *value = arithmetic((enum insn_op)insn->op, old, operand, bytes, rflags);
        break;
    }
    return EXECUTE_WRITE;
}

bool insn_rep_done(const struct insn *insn, const uint64_t regs[16])
{
    return insn->rep != INSN_REP_NONE && (regs[INSN_RCX] & size_mask(insn->address_size)) == 0;
}

void insn_string_step(const struct insn *insn, uint64_t regs[16], uint64_t rflags)
{
    uint64_t step = rflags & DF ? UINT64_C(0) - insn->operand_size : insn->operand_size;
    unsigned int bytes = insn->address_size;

    if (insn->op != INSN_OUTS)
        register_write(regs, INSN_RDI, false, bytes, (regs[INSN_RDI] + step) & size_mask(bytes));
    if (insn->op == INSN_OUTS || insn->op == INSN_MOVS)
        register_write(regs, INSN_RSI, false, bytes, (regs[INSN_RSI] + step) & size_mask(bytes));
    if (insn->rep != INSN_REP_NONE)
        register_write(regs, INSN_RCX, false, bytes, (regs[INSN_RCX] - 1) & size_mask(bytes));
}
