// SPDX-License-Identifier: MIT
/*
 * libFuzzer target: any bytes into the decoder, and what it accepts into the executor. What must hold for
 * every input is asserted; the sanitizers watch the rest. The input: 8 bytes of state, then the instruction.
 * make fuzz TARGET=decode runs it.
 */
#include <string.h>

#include "arch/x86/emulate/execute.h"
#include "tests/fuzz/check.h"

static void check_shape(const struct insn *insn, size_t n)
{
    CHECK(insn->op > INSN_NONE && insn->op < INSN_OP_COUNT);
    CHECK(insn->length > 0 && insn->length <= n);
    CHECK(insn->length <= (insn->forced ? INSN_FETCH_LENGTH : INSN_MAX_LENGTH));
    CHECK(insn->address_size == 4 || insn->address_size == 8);
    CHECK(insn->rm < 16 && insn->reg < 16);
    CHECK(insn->base < 16 || insn->base == INSN_RIP || insn->base == INSN_NO_REG);
    CHECK(insn->index < 16 || insn->index == INSN_NO_REG);
    CHECK(!insn->lock || (insn->has_memory && insn->rep == INSN_REP_NONE));
}

static void check_execution(const struct insn *insn, uint64_t seed)
{
    uint64_t regs[16], before[16], rflags = seed & 0xcd5, value = seed * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t limit = insn->operand_size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * insn->operand_size) - 1;
    enum execute_result result;

    for (unsigned int i = 0; i < 16; i++)
        regs[i] = seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    memcpy(before, regs, sizeof(regs));
    if (insn->has_memory) {
        (void)insn_effective_address(insn, regs, seed, seed, ~seed);
        (void)insn_source_address(insn, regs, seed, ~seed);
    }
    (void)insn_rep_done(insn, regs);
    result = insn_execute(insn, regs, &rflags, &value);
    CHECK((result != EXECUTE_UNSUPPORTED) == insn_is_store(insn));
    if (result == EXECUTE_UNSUPPORTED)
        CHECK(memcmp(before, regs, sizeof(regs)) == 0);
    else
        CHECK(value <= limit && !(rflags & ~UINT64_C(0xcd5)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct insn insn, again, zero;
    uint64_t seed;
    size_t n;

    if (size < sizeof(seed))
        return 0;
    memcpy(&seed, data, sizeof(seed));
    n = size - sizeof(seed);
    data += sizeof(seed);
    if (insn_decode(data, n, &insn) != DECODE_OK) {
        memset(&zero, 0, sizeof(zero));
        CHECK(memcmp(&insn, &zero, sizeof(zero)) == 0);
        return 0;
    }
    check_shape(&insn, n);
    /* What follows the instruction does not matter. */
    CHECK(insn_decode(data, insn.length, &again) == DECODE_OK && memcmp(&insn, &again, sizeof(insn)) == 0);
    CHECK(insn_name((enum insn_op)insn.op) != NULL);
    check_execution(&insn, seed);
    return 0;
}
