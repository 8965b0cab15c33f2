/* SPDX-License-Identifier: MIT */
/* CPUID read once; see the header. Long mode and no-execute were checked before (arch/x86/boot/head.asm). */
#include "arch/x86/cpu/features.h"
#include "arch/x86/cpu/insn.h"
#include "lib/string.h"

struct cpu_features cpu_features;

struct leaf {
    u32 a, b, c, d;
};

/* Zeros for a leaf above `last`, where the processor would answer with another leaf's values. */
static struct leaf read_leaf(u32 last, u32 number, u32 sub)
{
    struct leaf l = {0, 0, 0, 0};

    if (number <= last)
        insn_cpuid(number, sub, &l.a, &l.b, &l.c, &l.d);
    return l;
}

static bool bit(u32 word, unsigned n)
{
    return word >> n & 1;
}

static void read_names(struct cpu_features *f, u32 last_extended)
{
    struct leaf l = read_leaf(0, 0, 0);

    memcpy(f->vendor, &l.b, 4);
    memcpy(f->vendor + 4, &l.d, 4);
    memcpy(f->vendor + 8, &l.c, 4);
    if (last_extended < 0x80000004)
        return;
    for (u32 i = 0; i < 3; i++) {
        l = read_leaf(last_extended, 0x80000002 + i, 0);
        memcpy(f->brand + i * sizeof(l), &l, sizeof(l));
    }
}

void cpu_features_read(void)
{
    struct cpu_features *f = &cpu_features;
    u32 last, last_extended, b, c, d;

    insn_cpuid(0, 0, &last, &b, &c, &d);
    insn_cpuid(0x80000000, 0, &last_extended, &b, &c, &d);
    read_names(f, last_extended);

    struct leaf l = read_leaf(last, 1, 0);
    f->stepping = l.a & 15;
    f->model = l.a >> 4 & 15;
    f->family = l.a >> 8 & 15;
    if (f->family == 6 || f->family == 15)
        f->model |= l.a >> 12 & 0xf0;
    if (f->family == 15)
        f->family += l.a >> 20 & 0xff;
    f->pge = bit(l.d, 13);
    f->apic = bit(l.d, 9);
    f->x2apic = bit(l.c, 21);
    f->xsave = bit(l.c, 26);

    l = read_leaf(last, 7, 0);
    f->smep = bit(l.b, 7);
    f->smap = bit(l.b, 20);
    f->umip = bit(l.c, 2);

    f->xsave_size = 512;
    if (f->xsave) {
        l = read_leaf(last, 0xd, 0);
        f->xcr0 = (u64)l.d << 32 | l.a;
        f->xsave_size = l.c;
    }
    f->gib_pages = bit(read_leaf(last_extended, 0x80000001, 0).d, 26);
    f->tsc_invariant = bit(read_leaf(last_extended, 0x80000007, 0).d, 8);
    f->physical_bits = read_leaf(last_extended, 0x80000008, 0).a & 0xff;
    if (f->physical_bits < 36 || f->physical_bits > 52)
        f->physical_bits = 36;
}
