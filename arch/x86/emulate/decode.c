// SPDX-License-Identifier: MIT
/*
 * Instruction decoder: prefixes, then a row of a table by opcode (and by ModRM.reg, for groups), then the
 * operands that the row's encoding says.
 */
#include "arch/x86/emulate/decode.h"

/* How the operands are written. */
enum encoding {
    ENC_NONE,
    ENC_RM,       /* ModRM: r/m alone */
    ENC_RM_REG,   /* ModRM: r/m, reg */
    ENC_RM_IMM,   /* ModRM: r/m; an immediate of the operand's size, 4 bytes at most */
    ENC_RM_IMM8,  /* ModRM: r/m; a byte, sign-extended */
    ENC_REG_REG,  /* ModRM: two registers whatever mod says (control and debug registers) */
    ENC_MOFFS,    /* an address of 8 bytes (4 with the address prefix); rax */
    ENC_STORE_DI, /* memory at rdi */
    ENC_LOAD_SI,  /* memory at rsi */
    ENC_PORT_IMM, /* a byte: the port */
    ENC_PORT_DX,
    ENC_IMM16,
};

/* What is special about a row. */
#define F_BYTE    0x0001 /* operand size 1 */
#define F_LOCK    0x0002 /* LOCK is allowed, with memory */
#define F_MEM     0x0004 /* r/m must be memory */
#define F_NO_REP  0x0010 /* with F2 or F3 it is something else */
#define F_NO_66   0x0020 /* with 66 it is something else */
#define F_SIZE_8  0x0040 /* operand size 8 always */
#define F_SIZE_4  0x0080 /* operand size 4, or 2 with 66 */
#define F_SIZE_2  0x0100 /* operand size 2 always */
#define F_SIZE_M2 0x0200 /* operand size 2 if memory */
#define F_SIZE_10 0x0400 /* a table register: 2 bytes of limit, 8 of base */
#define F_SIZE_0  0x0800 /* no operand of a size */
#define F_NO_16   0x1000 /* operand size 4 or 8; 66 has no effect */
#define F_NP      (F_NO_REP | F_NO_66)

#define GROUP 0x80 /* in op: the rest of op is a row of groups[] */
_Static_assert(INSN_OP_COUNT <= GROUP, "an enum insn_op must leave the bit of GROUP free");

struct opcode {
    uint8_t op; /* enum insn_op, or GROUP | enum group; 0: unknown */
    uint8_t encoding;
    uint16_t flags;
};

enum group {
    GROUP_80,
    GROUP_81,
    GROUP_83,
    GROUP_C6,
    GROUP_C7,
    GROUP_F6,
    GROUP_F7,
    GROUP_FE,
    GROUP_FF,
    GROUP_0F00,
    GROUP_0F01,
    GROUP_0FBA,
    GROUP_0FC7,
    GROUP_COUNT
};

#define ARITHMETIC_GROUP(enc, f)                                                                             \
    {                                                                                                        \
        {INSN_ADD, enc, F_LOCK | (f)}, {INSN_OR, enc, F_LOCK | (f)}, {INSN_ADC, enc, F_LOCK | (f)},          \
            {INSN_SBB, enc, F_LOCK | (f)}, {INSN_AND, enc, F_LOCK | (f)}, {INSN_SUB, enc, F_LOCK | (f)},     \
            {INSN_XOR, enc, F_LOCK | (f)},                                                                   \
    }

/* By ModRM.reg. */
static const struct opcode groups[GROUP_COUNT][8] = {
    [GROUP_80] = ARITHMETIC_GROUP(ENC_RM_IMM, F_BYTE),
    [GROUP_81] = ARITHMETIC_GROUP(ENC_RM_IMM, 0),
    [GROUP_83] = ARITHMETIC_GROUP(ENC_RM_IMM8, 0),
    [GROUP_C6] = {[0] = {INSN_MOV, ENC_RM_IMM, F_BYTE}},
    [GROUP_C7] = {[0] = {INSN_MOV, ENC_RM_IMM, 0}},
    [GROUP_F6] = {[2] = {INSN_NOT, ENC_RM, F_BYTE | F_LOCK}, [3] = {INSN_NEG, ENC_RM, F_BYTE | F_LOCK}},
    [GROUP_F7] = {[2] = {INSN_NOT, ENC_RM, F_LOCK}, [3] = {INSN_NEG, ENC_RM, F_LOCK}},
    [GROUP_FE] = {[0] = {INSN_INC, ENC_RM, F_BYTE | F_LOCK}, [1] = {INSN_DEC, ENC_RM, F_BYTE | F_LOCK}},
    [GROUP_FF] = {[0] = {INSN_INC, ENC_RM, F_LOCK},
                  [1] = {INSN_DEC, ENC_RM, F_LOCK},
                  [3] = {INSN_FAR_CALL, ENC_RM, F_MEM},
                  [5] = {INSN_FAR_JMP, ENC_RM, F_MEM}},
    [GROUP_0F00] = {[0] = {INSN_SLDT, ENC_RM, F_SIZE_M2},
                    [1] = {INSN_STR, ENC_RM, F_SIZE_M2},
                    [2] = {INSN_LLDT, ENC_RM, F_SIZE_2},
                    [3] = {INSN_LTR, ENC_RM, F_SIZE_2}},
    [GROUP_0F01] = {[0] = {INSN_SGDT, ENC_RM, F_MEM | F_SIZE_10},
                    [1] = {INSN_SIDT, ENC_RM, F_MEM | F_SIZE_10},
                    [2] = {INSN_LGDT, ENC_RM, F_MEM | F_SIZE_10},
                    [3] = {INSN_LIDT, ENC_RM, F_MEM | F_SIZE_10},
                    [4] = {INSN_SMSW, ENC_RM, F_SIZE_M2},
                    [6] = {INSN_LMSW, ENC_RM, F_SIZE_2},
                    [7] = {INSN_INVLPG, ENC_RM, F_MEM | F_SIZE_0}},
    [GROUP_0FBA] = {[5] = {INSN_BTS, ENC_RM_IMM8, F_LOCK},
                    [6] = {INSN_BTR, ENC_RM_IMM8, F_LOCK},
                    [7] = {INSN_BTC, ENC_RM_IMM8, F_LOCK}},
    [GROUP_0FC7] = {[1] = {INSN_CMPXCHG8B, ENC_RM, F_LOCK | F_MEM | F_SIZE_8}},
};

#define ARITHMETIC(code, op)                                                                                 \
    [code] = {op, ENC_RM_REG, F_BYTE | F_LOCK}, [(code) + 1] = {op, ENC_RM_REG, F_LOCK}

static const struct opcode one_byte[256] = {
    ARITHMETIC(0x00, INSN_ADD),
    ARITHMETIC(0x08, INSN_OR),
    ARITHMETIC(0x10, INSN_ADC),
    ARITHMETIC(0x18, INSN_SBB),
    ARITHMETIC(0x20, INSN_AND),
    ARITHMETIC(0x28, INSN_SUB),
    ARITHMETIC(0x30, INSN_XOR),
    [0x6c] = {INSN_INS, ENC_STORE_DI, F_BYTE},
    [0x6d] = {INSN_INS, ENC_STORE_DI, F_SIZE_4},
    [0x6e] = {INSN_OUTS, ENC_LOAD_SI, F_BYTE},
    [0x6f] = {INSN_OUTS, ENC_LOAD_SI, F_SIZE_4},
    [0x80] = {GROUP | GROUP_80, 0, 0},
    [0x81] = {GROUP | GROUP_81, 0, 0},
    [0x83] = {GROUP | GROUP_83, 0, 0},
    [0x86] = {INSN_XCHG, ENC_RM_REG, F_BYTE | F_LOCK},
    [0x87] = {INSN_XCHG, ENC_RM_REG, F_LOCK},
    [0x88] = {INSN_MOV, ENC_RM_REG, F_BYTE},
    [0x89] = {INSN_MOV, ENC_RM_REG, 0},
    [0xa2] = {INSN_MOV, ENC_MOFFS, F_BYTE},
    [0xa3] = {INSN_MOV, ENC_MOFFS, 0},
    [0xa4] = {INSN_MOVS, ENC_STORE_DI, F_BYTE},
    [0xa5] = {INSN_MOVS, ENC_STORE_DI, 0},
    [0xaa] = {INSN_STOS, ENC_STORE_DI, F_BYTE},
    [0xab] = {INSN_STOS, ENC_STORE_DI, 0},
    [0xc6] = {GROUP | GROUP_C6, 0, 0},
    [0xc7] = {GROUP | GROUP_C7, 0, 0},
    [0xca] = {INSN_FAR_RET, ENC_IMM16, 0},
    [0xcb] = {INSN_FAR_RET, ENC_NONE, 0},
    [0xcf] = {INSN_IRET, ENC_NONE, 0},
    [0xe4] = {INSN_IN, ENC_PORT_IMM, F_BYTE},
    [0xe5] = {INSN_IN, ENC_PORT_IMM, F_SIZE_4},
    [0xe6] = {INSN_OUT, ENC_PORT_IMM, F_BYTE},
    [0xe7] = {INSN_OUT, ENC_PORT_IMM, F_SIZE_4},
    [0xec] = {INSN_IN, ENC_PORT_DX, F_BYTE},
    [0xed] = {INSN_IN, ENC_PORT_DX, F_SIZE_4},
    [0xee] = {INSN_OUT, ENC_PORT_DX, F_BYTE},
    [0xef] = {INSN_OUT, ENC_PORT_DX, F_SIZE_4},
    [0xf4] = {INSN_HLT, ENC_NONE, F_SIZE_0},
    [0xf6] = {GROUP | GROUP_F6, 0, 0},
    [0xf7] = {GROUP | GROUP_F7, 0, 0},
    [0xfa] = {INSN_CLI, ENC_NONE, F_SIZE_0},
    [0xfb] = {INSN_STI, ENC_NONE, F_SIZE_0},
    [0xfe] = {GROUP | GROUP_FE, 0, 0},
    [0xff] = {GROUP | GROUP_FF, 0, 0},
};

/* After 0F. F3 0F 09 is WBNOINVD: taken as WBINVD, which does what it does and more. */
static const struct opcode two_byte[256] = {
    [0x00] = {GROUP | GROUP_0F00, 0, 0},
    [0x01] = {GROUP | GROUP_0F01, 0, 0},
    [0x06] = {INSN_CLTS, ENC_NONE, F_SIZE_0},
    [0x07] = {INSN_SYSRET, ENC_NONE, F_NO_16},
    [0x08] = {INSN_INVD, ENC_NONE, F_SIZE_0},
    [0x09] = {INSN_WBINVD, ENC_NONE, F_SIZE_0},
    [0x0b] = {INSN_UD2, ENC_NONE, F_SIZE_0},
    [0x20] = {INSN_MOV_FROM_CR, ENC_REG_REG, F_SIZE_8},
    [0x21] = {INSN_MOV_FROM_DR, ENC_REG_REG, F_SIZE_8},
    [0x22] = {INSN_MOV_TO_CR, ENC_REG_REG, F_SIZE_8},
    [0x23] = {INSN_MOV_TO_DR, ENC_REG_REG, F_SIZE_8},
    [0x30] = {INSN_WRMSR, ENC_NONE, F_SIZE_0},
    [0x31] = {INSN_RDTSC, ENC_NONE, F_SIZE_0},
    [0x32] = {INSN_RDMSR, ENC_NONE, F_SIZE_0},
    [0x33] = {INSN_RDPMC, ENC_NONE, F_SIZE_0},
    [0x35] = {INSN_SYSEXIT, ENC_NONE, F_NO_16},
    [0xa2] = {INSN_CPUID, ENC_NONE, F_SIZE_0},
    [0xab] = {INSN_BTS, ENC_RM_REG, F_LOCK},
    [0xb0] = {INSN_CMPXCHG, ENC_RM_REG, F_BYTE | F_LOCK},
    [0xb1] = {INSN_CMPXCHG, ENC_RM_REG, F_LOCK},
    [0xb3] = {INSN_BTR, ENC_RM_REG, F_LOCK},
    [0xba] = {GROUP | GROUP_0FBA, 0, 0},
    [0xbb] = {INSN_BTC, ENC_RM_REG, F_LOCK},
    [0xc0] = {INSN_XADD, ENC_RM_REG, F_BYTE | F_LOCK},
    [0xc1] = {INSN_XADD, ENC_RM_REG, F_LOCK},
    [0xc3] = {INSN_MOVNTI, ENC_RM_REG, F_MEM | F_NP | F_NO_16},
    [0xc7] = {GROUP | GROUP_0FC7, 0, 0},
};

/* 0F 01 with a register form: the whole ModRM byte is the opcode. 66, F2 or F3 makes something else of most.
 */
static const struct {
    uint8_t modrm;
    uint8_t op;
    uint16_t flags;
} system_ops[] = {
    {0xc1, INSN_VMCALL, F_NP}, {0xc8, INSN_MONITOR, F_NP}, {0xc9, INSN_MWAIT, F_NP},  {0xca, INSN_CLAC, F_NP},
    {0xcb, INSN_STAC, F_NP},   {0xd0, INSN_XGETBV, F_NP},  {0xd1, INSN_XSETBV, F_NP}, {0xd9, INSN_VMMCALL, 0},
    {0xf8, INSN_SWAPGS, 0},    {0xf9, INSN_RDTSCP, 0},
};

#define REX_B 1
#define REX_X 2
#define REX_R 4
#define REX_W 8

/* What is being read. A fetch that cannot be done sets result and gives zeros from then on. */
struct cursor {
    const uint8_t *bytes;
    size_t n;     /* bytes there are */
    size_t limit; /* where the processor would give up */
    size_t at;
    enum decode_result result;
    uint8_t rex;
    bool has_rex;
    bool operand_prefix;
};

static void cursor_fail(struct cursor *c, enum decode_result result)
{
    if (c->result == DECODE_OK)
        c->result = result;
}

/* A little-endian number of that many bytes. */
static uint64_t fetch(struct cursor *c, unsigned int bytes)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < bytes; i++) {
        if (c->at >= c->limit)
            cursor_fail(c, DECODE_BAD);
        else if (c->at >= c->n)
            cursor_fail(c, DECODE_TRUNCATED);
        if (c->result != DECODE_OK)
            return 0;
        value |= (uint64_t)c->bytes[c->at++] << (8 * i);
    }
    return value;
}

static int64_t fetch_signed(struct cursor *c, unsigned int bytes)
{
    uint64_t value = fetch(c, bytes);
    uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

    return (int64_t)((value ^ sign) - sign);
}

/* Set what one prefix byte means; false if the byte is none. */
static bool prefix_take(struct cursor *c, struct insn *insn, uint8_t byte)
{
    bool rex = (byte & 0xf0) == 0x40;

    switch (byte) {
    case 0x26: /* overrides of ES, CS, SS, DS: without effect in 64-bit mode */
    case 0x2e:
    case 0x36:
    case 0x3e:
        break;
    case 0x64:
        insn->segment = INSN_SEG_FS;
        break;
    case 0x65:
        insn->segment = INSN_SEG_GS;
        break;
    case 0x66:
        c->operand_prefix = true;
        break;
    case 0x67:
        insn->address_size = 4;
        break;
    case 0xf0:
        insn->lock = true;
        break;
    case 0xf2:
        insn->rep = INSN_REPNE;
        break;
    case 0xf3:
        insn->rep = INSN_REP;
        break;
    default:
        if (!rex)
            return false;
    }
    /* A REX counts only where the opcode follows at once. */
    c->has_rex = rex;
    c->rex = rex ? byte & 0x0f : 0;
    return true;
}

/* The prefixes, then the first opcode byte, which is returned. */
static uint8_t prefixes_decode(struct cursor *c, struct insn *insn)
{
    uint8_t byte;

    do {
        byte = (uint8_t)fetch(c, 1);
    } while (c->result == DECODE_OK && prefix_take(c, insn, byte));
    return byte;
}

/* Base and index from a SIB byte. Returns the bytes of displacement it asks for. */
static unsigned int sib_decode(struct cursor *c, struct insn *insn, unsigned int mod)
{
    uint8_t sib = (uint8_t)fetch(c, 1);
    uint8_t index = (uint8_t)((sib >> 3 & 7) | (c->rex & REX_X ? 8 : 0));
    uint8_t base = (uint8_t)((sib & 7) | (c->rex & REX_B ? 8 : 0));

    insn->scale = (uint8_t)(1u << (sib >> 6));
    insn->index = index == INSN_RSP ? INSN_NO_REG : index;
    if (mod == 0 && (sib & 7) == INSN_RBP)
        return 4;
    insn->base = base;
    return 0;
}

/* The r/m operand when it is memory. */
static void memory_decode(struct cursor *c, struct insn *insn, uint8_t modrm)
{
    unsigned int mod = modrm >> 6;
    unsigned int bytes = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    insn->has_memory = true;
    if ((modrm & 7) == INSN_RSP) {
        unsigned int more = sib_decode(c, insn, mod);

        bytes = more ? more : bytes;
    } else if (mod == 0 && (modrm & 7) == INSN_RBP) {
        insn->base = INSN_RIP;
        bytes = 4;
    } else {
        insn->base = (uint8_t)((modrm & 7) | (c->rex & REX_B ? 8 : 0));
    }
    if (bytes)
        insn->displacement = fetch_signed(c, bytes);
}

/* A byte register: without REX, 4 to 7 are the second bytes of rax to rbx. */
static uint8_t byte_register(const struct cursor *c, uint8_t number, bool *high)
{
    *high = !c->has_rex && number >= 4;
    return *high ? (uint8_t)(number - 4) : number;
}

static void modrm_decode(struct cursor *c, struct insn *insn, const struct opcode *row, uint8_t modrm)
{
    insn->reg = (uint8_t)((modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0));
    if (row->encoding == ENC_RM_REG && row->flags & F_BYTE)
        insn->reg = byte_register(c, insn->reg, &insn->reg_high);
    if (modrm < 0xc0 && row->encoding != ENC_REG_REG) {
        memory_decode(c, insn, modrm);
        return;
    }
    insn->rm = (uint8_t)((modrm & 7) | (c->rex & REX_B ? 8 : 0));
    if (row->flags & F_BYTE)
        insn->rm = byte_register(c, insn->rm, &insn->rm_high);
}

static uint8_t operand_size(const struct cursor *c, const struct insn *insn, uint16_t flags)
{
    if (flags & F_BYTE)
        return 1;
    if (flags & F_SIZE_0)
        return 0;
    if (flags & F_SIZE_2 || (flags & F_SIZE_M2 && insn->has_memory))
        return 2;
    if (flags & F_SIZE_8)
        return 8;
    if (flags & F_SIZE_10)
        return 10;
    if (c->rex & REX_W) /* which overrules 66, even where it does not give 8 */
        return flags & F_SIZE_4 ? 4 : 8;
    return c->operand_prefix && !(flags & F_NO_16) ? 2 : 4;
}

/* What follows ModRM, or stands instead of it. */
static void operands_decode(struct cursor *c, struct insn *insn, const struct opcode *row)
{
    switch ((enum encoding)row->encoding) {
    case ENC_NONE:
    case ENC_RM:
        break;
    case ENC_RM_REG:
    case ENC_REG_REG:
        insn->source = INSN_SOURCE_REG;
        break;
    case ENC_RM_IMM:
        insn->source = INSN_SOURCE_IMM;
        insn->immediate = (uint64_t)fetch_signed(c, insn->operand_size > 4 ? 4 : insn->operand_size);
        break;
    case ENC_RM_IMM8:
        insn->source = INSN_SOURCE_IMM;
        insn->immediate = (uint64_t)fetch_signed(c, 1);
        break;
    case ENC_MOFFS:
        insn->has_memory = true;
        insn->source = INSN_SOURCE_REG;
        insn->displacement = (int64_t)fetch(c, insn->address_size);
        break;
    case ENC_STORE_DI:
        insn->has_memory = true;
        insn->base = INSN_RDI;
        break;
    case ENC_LOAD_SI:
        insn->has_memory = true;
        insn->base = INSN_RSI;
        break;
    case ENC_PORT_IMM:
        insn->source = INSN_SOURCE_IMM;
        insn->immediate = fetch(c, 1);
        break;
    case ENC_PORT_DX:
        insn->source = INSN_SOURCE_REG;
        insn->reg = INSN_RDX;
        break;
    case ENC_IMM16:
        insn->source = INSN_SOURCE_IMM;
        insn->immediate = fetch(c, 2);
        break;
    }
}

/* Forms that exist in the tables but not in the processor. */
static bool form_is_legal(const struct insn *insn, uint16_t flags)
{
    if (insn->lock && !(flags & F_LOCK && insn->has_memory))
        return false;
    if (flags & F_MEM && !insn->has_memory)
        return false;
    if (insn->op == INSN_MOV_FROM_CR || insn->op == INSN_MOV_TO_CR)
        return insn->reg == 0 || (insn->reg >= 2 && insn->reg <= 4) || insn->reg == 8;
    if (insn->op == INSN_MOV_FROM_DR || insn->op == INSN_MOV_TO_DR)
        return insn->reg < 8;
    return true;
}

static bool prefixes_allowed(const struct cursor *c, const struct insn *insn, uint16_t flags)
{
    return !(flags & F_NO_REP && insn->rep != INSN_REP_NONE) && !(flags & F_NO_66 && c->operand_prefix);
}

static void system_op_decode(struct cursor *c, struct insn *insn, uint8_t modrm)
{
    uint16_t flags = 0;

    for (size_t i = 0; i < sizeof(system_ops) / sizeof(system_ops[0]); i++) {
        if (system_ops[i].modrm == modrm) {
            insn->op = system_ops[i].op;
            flags = system_ops[i].flags;
        }
    }
    if (insn->op == INSN_NONE || !prefixes_allowed(c, insn, flags))
        cursor_fail(c, DECODE_UNKNOWN);
    else if (insn->lock)
        cursor_fail(c, DECODE_BAD);
}

/* From the row of a table to the end of the instruction. */
static void row_decode(struct cursor *c, struct insn *insn, struct opcode row)
{
    bool has_modrm = row.op & GROUP || (row.encoding >= ENC_RM && row.encoding <= ENC_REG_REG);
    uint8_t modrm = has_modrm ? (uint8_t)fetch(c, 1) : 0;

    if (c->result != DECODE_OK)
        return;
    if (row.op & GROUP) {
        unsigned int group = row.op & ~(unsigned int)GROUP;

        row = groups[group][modrm >> 3 & 7];
        if (group == GROUP_0F01 && modrm >= 0xc0 && row.flags & F_MEM) {
            system_op_decode(c, insn, modrm);
            return;
        }
    }
    if (row.op == INSN_NONE || !prefixes_allowed(c, insn, row.flags)) {
        cursor_fail(c, DECODE_UNKNOWN);
        return;
    }
    insn->op = row.op;
    if (has_modrm)
        modrm_decode(c, insn, &row, modrm);
    insn->operand_size = operand_size(c, insn, row.flags);
    if (row.op == INSN_CMPXCHG8B && c->rex & REX_W) {
        insn->op = INSN_CMPXCHG16B;
        insn->operand_size = 16;
    }
    operands_decode(c, insn, &row);
    if (!form_is_legal(insn, row.flags))
        cursor_fail(c, DECODE_BAD);
}

static bool forced_prefix_stands(const uint8_t *bytes, size_t n)
{
    static const uint8_t prefix[5] = {0x0f, 0x0b, 'x', 'e', 'n'};

    if (n < sizeof(prefix))
        return false;
    for (size_t i = 0; i < sizeof(prefix); i++) {
        if (bytes[i] != prefix[i])
            return false;
    }
    return true;
}

enum decode_result insn_decode(const uint8_t *bytes, size_t n, struct insn *out)
{
    bool forced = forced_prefix_stands(bytes, n);
    size_t start = forced ? 5 : 0;
    struct cursor c = {
        .bytes = bytes, .n = n, .at = start, .limit = start + INSN_MAX_LENGTH, .result = DECODE_OK};
    struct insn insn = {
        .forced = forced, .address_size = 8, .base = INSN_NO_REG, .index = INSN_NO_REG, .scale = 1};
    uint8_t byte = prefixes_decode(&c, &insn);

    if (c.result == DECODE_OK && byte == 0x0f) {
        byte = (uint8_t)fetch(&c, 1);
        if (c.result == DECODE_OK)
            row_decode(&c, &insn, two_byte[byte]);
    } else if (c.result == DECODE_OK) {
        row_decode(&c, &insn, one_byte[byte]);
    }
    if (c.result == DECODE_OK && forced && insn.op == INSN_UD2)
        c.result = DECODE_UNKNOWN;
    if (!(insn.op == INSN_STOS || insn.op == INSN_MOVS || insn.op == INSN_INS || insn.op == INSN_OUTS))
        insn.rep = INSN_REP_NONE; /* nothing repeats: a hint, or without effect */
    insn.length = (uint8_t)c.at;
    *out = c.result == DECODE_OK ? insn : (struct insn){0};
    return c.result;
}

const char *insn_name(enum insn_op op)
{
    static const char *const names[] = {
#define X(op, name) name,
        INSN_OPS(X)
#undef X
    };

    return (unsigned int)op < INSN_OP_COUNT ? names[op] : "(not an instruction)";
}

static uint64_t segment_base(const struct insn *insn, uint64_t fs_base, uint64_t gs_base)
{
    return insn->segment == INSN_SEG_FS ? fs_base : insn->segment == INSN_SEG_GS ? gs_base : 0;
}

/* BTS and its like with a register: the bit's offset is signed and may lead far away from the operand. */
static uint64_t bit_operand_distance(const struct insn *insn, const uint64_t regs[16])
{
    unsigned int bits = 8u * insn->operand_size;
    uint64_t sign = UINT64_C(1) << (bits - 1);
    uint64_t offset = regs[insn->reg] & (sign | (sign - 1));
    uint64_t word;

    /* An arithmetic shift right by log2(bits), without shifting a negative number. */
    offset = (offset ^ sign) - sign;
    word = offset / bits;
    if (offset >> 63)
        word = ~(~offset / bits);
    return word * insn->operand_size;
}

uint64_t insn_effective_address(const struct insn *insn, const uint64_t regs[16], uint64_t rip,
                                uint64_t fs_base, uint64_t gs_base)
{
    bool is_bit_op = insn->op == INSN_BTS || insn->op == INSN_BTR || insn->op == INSN_BTC;
    bool to_rdi = insn->op == INSN_STOS || insn->op == INSN_MOVS || insn->op == INSN_INS;
    uint64_t address = (uint64_t)insn->displacement;

    if (insn->base == INSN_RIP)
        address += rip + insn->length;
    else if (insn->base != INSN_NO_REG)
        address += regs[insn->base];
    if (insn->index != INSN_NO_REG)
        address += regs[insn->index] * insn->scale;
    if (is_bit_op && insn->source == INSN_SOURCE_REG)
        address += bit_operand_distance(insn, regs);
    if (insn->address_size == 4)
        address = (uint32_t)address;
    return to_rdi ? address
                  : address + segment_base(insn, fs_base, gs_base); /* es:rdi cannot be overridden */
}

uint64_t insn_source_address(const struct insn *insn, const uint64_t regs[16], uint64_t fs_base,
                             uint64_t gs_base)
{
    uint64_t address = insn->address_size == 4 ? (uint32_t)regs[INSN_RSI] : regs[INSN_RSI];

    return address + segment_base(insn, fs_base, gs_base);
}
