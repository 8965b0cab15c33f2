/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a paravirtualized kernel sees it, by the forced-emulation prefix (its user mode executes the instruction
 * itself). A leaf that is not in the table below answers zeros, and of those that are only the bits listed pass: what
 * the kernel may not or cannot use in ring 3 on tables that it shares with the hypervisor is not shown to it. Bits:
 * AMD APM vol. 3 app. E, Intel SDM vol. 2 "CPUID". Leaves 0x40000000 and up: xen/arch-x86/cpuid.h.
 */
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/pv/hypercall_page.h"
#include "arch/x86/pv/pv.h"
#include "common/frame.h"
#include <xen/arch-x86/cpuid.h>

#define LEAF_BASIC_MAX    0xdu
#define LEAF_EXTENDED     0x80000000u
#define LEAF_EXTENDED_MAX 0x80000008u
#define LEAF_XEN_MAX      XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES)

#define BIT(n) (1u << (n))
#define ALL    0xffffffffu

/* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES F16C RDRAND; XSAVE, OSXSAVE, AVX: see leaf_1(). */
#define LEAF_1_ECX                                                                                                   \
    (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(26) |      \
     BIT(28) | BIT(29) | BIT(30))
#define LEAF_1_ECX_XSAVE      BIT(26)
#define LEAF_1_ECX_OSXSAVE    BIT(27)
#define LEAF_1_ECX_AVX_FAMILY (BIT(12) | BIT(28) | BIT(29))
#define LEAF_1_ECX_HYPERVISOR BIT(31)
/*
 * FPU DE TSC MSR PAE CX8 APIC CMOV PAT CLFLUSH MMX FXSR SSE SSE2 SS. Not: VME, PSE and PSE36, PGE (no large and no
 * global pages), MCE and MCA, SEP (no SYSENTER), MTRR, ACPI, HTT.
 */
#define LEAF_1_EDX                                                                                                   \
    (BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(15) | BIT(16) | BIT(19) | BIT(23) |          \
     BIT(24) | BIT(25) | BIT(26) | BIT(27))

/*
 * BMI1 AVX2 BMI2 ERMS RDSEED ADX CLFLUSHOPT CLWB SHA. Not: FSGSBASE (off in CR4), HLE, SMEP, INVPCID, RTM, MPX, SMAP,
 * processor trace.
 */
#define LEAF_7_EBX (BIT(3) | BIT(5) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | BIT(23) | BIT(24) | BIT(29))
#define LEAF_7_EBX_AVX2   BIT(5)
#define LEAF_7_EBX_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31)) /* F DQ IFMA CD BW VL */
/* GFNI VAES VPCLMULQDQ. Not: UMIP, PKU, CET, LA57, RDPID (TSC_AUX is not the guest's). */
#define LEAF_7_ECX            (BIT(8) | BIT(9) | BIT(10))
#define LEAF_7_ECX_AVX_FAMILY (BIT(9) | BIT(10))
#define LEAF_7_ECX_AVX512     (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14)) /* VBMI VBMI2 VNNI BITALG VPOPCNTDQ */

/* LAHF ABM SSE4A misaligned-SSE PREFETCHW XOP FMA4 TBM. Not: SVM, IBS, extended APIC space, topology. */
#define LEAF_EXT_1_ECX            (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(11) | BIT(16) | BIT(21))
#define LEAF_EXT_1_ECX_AVX_FAMILY (BIT(11) | BIT(16))
/* As leaf 1, and SYSCALL NX MMXEXT LM 3DNOWEXT 3DNOW. Not: 1 GiB pages, RDTSCP, FFXSR. */
#define LEAF_EXT_1_EDX                                                                                               \
    (BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(11) | BIT(15) | BIT(16) | BIT(20) |          \
     BIT(22) | BIT(23) | BIT(24) | BIT(29) | BIT(30) | BIT(31))

#define XSAVEOPT_AND_XGETBV_1 (BIT(0) | BIT(2)) /* not XSAVEC, XSAVES: they write another format */
#define INVARIANT_TSC         BIT(8)

/* What passes of a leaf of the processor. Subleaves below `subleaves` pass, 0: the leaf has none (ecx is ignored). */
struct leaf_policy {
    u32 leaf;
    u32 subleaves;
    struct cpuid_leaf pass;
};

static const struct leaf_policy policy[] = {
    {0x00000000, 0, {ALL, ALL, ALL, ALL}},                   /* highest leaf, vendor */
    {0x00000001, 0, {ALL, 0x0000ffff, LEAF_1_ECX, LEAF_1_EDX}}, /* ebx: brand, CLFLUSH size */
    {0x00000002, 0, {ALL, ALL, ALL, ALL}},                   /* caches */
    {0x00000004, 8, {0x00003fff, ALL, ALL, ALL}},            /* caches; not how they are shared */
    {0x00000007, 1, {0, LEAF_7_EBX | LEAF_7_EBX_AVX512, LEAF_7_ECX | LEAF_7_ECX_AVX512, 0}},
    {0x0000000d, 63, {ALL, ALL, ALL, ALL}},                  /* XSAVE areas: see leaf_xsave() */
    {0x80000000, 0, {ALL, ALL, ALL, ALL}},
    {0x80000001, 0, {ALL, ALL, LEAF_EXT_1_ECX, LEAF_EXT_1_EDX}},
    {0x80000002, 0, {ALL, ALL, ALL, ALL}},                   /* name */
    {0x80000003, 0, {ALL, ALL, ALL, ALL}},
    {0x80000004, 0, {ALL, ALL, ALL, ALL}},
    {0x80000005, 0, {ALL, ALL, ALL, ALL}},                   /* caches */
    {0x80000006, 0, {ALL, ALL, ALL, ALL}},
    {0x80000007, 0, {0, 0, 0, INVARIANT_TSC}},
    {0x80000008, 0, {0x0000ffff, BIT(0) | BIT(2), 0, 0}},    /* widths of addresses; CLZERO, pointers of FXRSTOR */
};

static bool avx512_offered(void)
{
    return (fpu_xcr0_offered() & XCR0_AVX512) != 0;
}
static bool avx_offered(void)
{
    return (fpu_xcr0_offered() & XCR0_AVX) != 0;
}

/* Twice the vcpu's number, as on Xen, where the odd ones stand for sibling threads. */
static u32 apic_id(const struct x86_vcpu *v)
{
    return v->vcpu.id * 2;
}

static void leaf_1(const struct x86_vcpu *v, struct cpuid_leaf *out)
{
    out->ebx |= apic_id(v) << 24;
    if (!fpu_xcr0_offered())
        out->ecx &= ~LEAF_1_ECX_XSAVE;
    if (!avx_offered())
        out->ecx &= ~LEAF_1_ECX_AVX_FAMILY;
    if (out->ecx & LEAF_1_ECX_XSAVE)
        out->ecx |= LEAF_1_ECX_OSXSAVE; /* on in CR4 for good, and what user mode sees */
    out->ecx |= LEAF_1_ECX_HYPERVISOR;
}

static void leaf_7(struct cpuid_leaf *out)
{
    if (!avx_offered()) {
        out->ebx &= ~LEAF_7_EBX_AVX2;
        out->ecx &= ~LEAF_7_ECX_AVX_FAMILY;
    }
    if (!avx512_offered()) {
        out->ebx &= ~LEAF_7_EBX_AVX512;
        out->ecx &= ~LEAF_7_ECX_AVX512;
    }
}

/* Bytes that an area with all offered parts takes. */
static void leaf_xsave(u32 subleaf, struct cpuid_leaf *out)
{
    u64 offered = fpu_xcr0_offered();
    struct cpuid_leaf none = {0};

    if (!offered || (subleaf >= 2 && !(offered >> subleaf & 1))) {
        *out = none;
    } else if (subleaf == 0) { /* ebx: for what the guest's XCR0, which is loaded, enables now */
        out->eax = (u32)offered;
        out->ecx = (u32)fpu_area_size();
        out->edx = (u32)(offered >> 32);
    } else if (subleaf == 1) {
        *out = (struct cpuid_leaf){.eax = out->eax & XSAVEOPT_AND_XGETBV_1};
    }
}

static void leaf_fix(const struct x86_vcpu *v, u32 leaf, u32 subleaf, struct cpuid_leaf *out)
{
    switch (leaf) {
    case 0:
        out->eax = out->eax < LEAF_BASIC_MAX ? out->eax : LEAF_BASIC_MAX;
        break;
    case 1:
        leaf_1(v, out);
        break;
    case 7:
        leaf_7(out);
        break;
    case 0xd:
        leaf_xsave(subleaf, out);
        break;
    case LEAF_EXTENDED:
        out->eax = out->eax < LEAF_EXTENDED_MAX ? out->eax : LEAF_EXTENDED_MAX;
        break;
    case LEAF_EXTENDED + 1:
        if (!avx_offered())
            out->ecx &= ~LEAF_EXT_1_ECX_AVX_FAMILY;
        break;
    }
}

/* kHz of the time-stamp counter from the rate that the guest is given in its time record (xen/xen.h). 0: none yet. */
static u32 tsc_khz(const struct vcpu_time_info *time)
{
    u64 mul = read_once(time->tsc_to_system_mul); /* the guest can write here, to its own confusion */
    int shift = read_once(time->tsc_shift);
    if (!mul || shift < -31 || shift > 31)
        return 0;
    u64 khz = (1000000ull << 32) / mul;
    return (u32)(shift < 0 ? khz << -shift : khz >> shift);
}

/* Bits needed to write the highest machine address. */
static u32 machine_address_width(void)
{
    u64 highest = (frame_count << PAGE_SHIFT) - 1;
    return 64 - (u32)__builtin_clzll(highest | 1);
}

static void xen_leaf(const struct x86_vcpu *v, u32 leaf, u32 subleaf, struct cpuid_leaf *out)
{
    switch (leaf) {
    case XEN_CPUID_LEAF(0):
        *out = (struct cpuid_leaf){LEAF_XEN_MAX, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
                                   XEN_CPUID_SIGNATURE_EDX};
        break;
    case XEN_CPUID_LEAF(1):
        out->eax = 4 << 16 | 17;
        break;
    case XEN_CPUID_LEAF(2): /* one hypercall page, filled by a write to this register */
        out->eax = 1;
        out->ebx = PV_MSR_HYPERCALL_PAGE;
        out->ecx = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case XEN_CPUID_LEAF(3): /* the counter is read natively, without offset or scale */
        if (subleaf == 0)
            out->ecx = tsc_khz(&v->vcpu.info->time);
        else if (subleaf == 2)
            out->eax = tsc_khz(&v->vcpu.info->time);
        break;
    case XEN_CPUID_LEAF(5):
        if (subleaf == 0)
            out->ebx = machine_address_width();
        break;
    }
}

/* The last leaf of the range that begins at `first` (0, LEAF_EXTENDED). CPUID is slow where it is trapped: asked once. */
static u32 last_leaf(u32 first)
{
    static u32 last[2];
    u32 *known = &last[first >> 31], ebx, ecx, edx;
    if (unlikely(!*known))
        insn_cpuid(first, 0, known, &ebx, &ecx, &edx);
    return *known;
}

void pv_cpuid(struct x86_vcpu *v, u32 leaf, u32 subleaf, struct cpuid_leaf *out)
{
    *out = (struct cpuid_leaf){0};
    if (leaf >= XEN_CPUID_FIRST_LEAF && leaf <= LEAF_XEN_MAX) {
        xen_leaf(v, leaf, subleaf, out);
        return;
    }
    if (leaf == 0xb) { /* no topology: only what must stand there for the numbers to be consistent */
        out->ecx = subleaf & 0xff;
        out->edx = apic_id(v);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(policy); i++) {
        const struct leaf_policy *p = &policy[i];
        if (p->leaf != leaf)
            continue;
        if (leaf > last_leaf(leaf & LEAF_EXTENDED) || (p->subleaves && subleaf >= p->subleaves))
            return;
        insn_cpuid(leaf, p->subleaves ? subleaf : 0, &out->eax, &out->ebx, &out->ecx, &out->edx);
        out->eax &= p->pass.eax;
        out->ebx &= p->pass.ebx;
        out->ecx &= p->pass.ecx;
        out->edx &= p->pass.edx;
        leaf_fix(v, leaf, subleaf, out);
        return;
    }
}
