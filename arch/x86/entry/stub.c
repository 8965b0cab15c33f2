/* SPDX-License-Identifier: MIT */
/* The few bytes of code in each cpu's area where SYSCALL lands (see syscall.asm). */
#include "arch/x86/entry/stub.h"
#include "lib/bug.h"
#include "lib/string.h"

/* Appends an instruction whose last four bytes are the distance to target from its end. */
static u8 *put_relative(u8 *to, u64 *va, const u8 *opcode, size_t n, u64 target)
{
    s64 distance = (s64)(target - (*va + n + 4));
    s32 d32 = (s32)distance;
    BUG_ON(d32 != distance);
    memcpy(to, opcode, n);
    memcpy(to + n, &d32, 4);
    *va += n + 4;
    return to + n + 4;
}

size_t entry_write_syscall_stub(u8 *to, u64 va, const struct x86_cpu *cpu, void (*entry)(void))
{
    static const u8 mov_mem_rsp[] = {0x48, 0x89, 0x25}, lea_rsp_mem[] = {0x48, 0x8d, 0x25}, jmp[] = {0xe9};
    u64 rsp_slot = (u64)((const struct regs *)cpu - 1) + offsetof(struct regs, rsp);
    u8 *p = to;

    p = put_relative(p, &va, mov_mem_rsp, sizeof(mov_mem_rsp), rsp_slot);
    p = put_relative(p, &va, lea_rsp_mem, sizeof(lea_rsp_mem), rsp_slot);
    p = put_relative(p, &va, jmp, sizeof(jmp), (u64)entry);
    return (size_t)(p - to);
}
