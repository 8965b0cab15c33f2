/* SPDX-License-Identifier: MIT */
/*
 * What a guest kernel is told of its processor. The processor below has everything: what comes through is the policy.
 */
#include "guest.h"

#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/pv/hypercall_page.h"
#include "common/domain.h"
#include <string.h>

static struct cpuid_leaf leaf(u32 number, u32 subleaf)
{
    struct cpuid_leaf out;
    memset(&out, 0xa5, sizeof(out));
    pv_cpuid(&guest, number, subleaf, &out);
    return out;
}

static void assert_leaf(u32 number, u32 subleaf, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
    struct cpuid_leaf l = leaf(number, subleaf);
    if (l.eax != eax || l.ebx != ebx || l.ecx != ecx || l.edx != edx)
        print_message("leaf %#x.%u: %#x %#x %#x %#x\n", number, subleaf, l.eax, l.ebx, l.ecx, l.edx);
    assert_int_equal(l.eax, eax);
    assert_int_equal(l.ebx, ebx);
    assert_int_equal(l.ecx, ecx);
    assert_int_equal(l.edx, edx);
}

static void test_highest_leaves(void **state)
{
    (void)state;
    assert_leaf(0, 0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69);
    assert_int_equal(leaf(0x80000000, 0).eax, 0x80000008);
}

/* As seen from the side of what must not be there. */
static void test_hidden_features(void **state)
{
    static const struct {
        const char *name;
        u32 leaf;
        char reg; /* a b c d */
        u8 bit;
    } hidden[] = {
        {"MONITOR", 1, 'c', 3},     {"DS-CPL", 1, 'c', 4},      {"VMX", 1, 'c', 5},        {"SMX", 1, 'c', 6},
        {"PCID", 1, 'c', 17},       {"DCA", 1, 'c', 18},        {"x2APIC", 1, 'c', 21},    {"TSC deadline", 1, 'c', 24},
        {"VME", 1, 'd', 1},         {"PSE", 1, 'd', 3},         {"MCE", 1, 'd', 7},        {"SEP", 1, 'd', 11},
        {"MTRR", 1, 'd', 12},       {"PGE", 1, 'd', 13},        {"MCA", 1, 'd', 14},       {"PSE36", 1, 'd', 17},
        {"ACPI", 1, 'd', 22},       {"HTT", 1, 'd', 28},        {"FSGSBASE", 7, 'b', 0},   {"HLE", 7, 'b', 4},
        {"SMEP", 7, 'b', 7},        {"INVPCID", 7, 'b', 10},    {"RTM", 7, 'b', 11},       {"MPX", 7, 'b', 14},
        {"SMAP", 7, 'b', 20},       {"PT", 7, 'b', 25},         {"UMIP", 7, 'c', 2},       {"PKU", 7, 'c', 3},
        {"OSPKE", 7, 'c', 4},       {"CET_SS", 7, 'c', 7},      {"LA57", 7, 'c', 16},      {"RDPID", 7, 'c', 22},
        {"PKS", 7, 'c', 31},        {"CET_IBT", 7, 'd', 20},    {"ARCH_CAPS", 7, 'd', 29}, {"SVM", 0x80000001, 'c', 2},
        {"1 GiB pages", 0x80000001, 'd', 26}, {"RDTSCP", 0x80000001, 'd', 27}, {"PSE36", 0x80000001, 'd', 17},
        {"PGE", 0x80000001, 'd', 13}, {"PSE", 0x80000001, 'd', 3}, {"MTRR", 0x80000001, 'd', 12},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        struct cpuid_leaf l = leaf(hidden[i].leaf, 0);
        u32 r = hidden[i].reg == 'a' ? l.eax : hidden[i].reg == 'b' ? l.ebx : hidden[i].reg == 'c' ? l.ecx : l.edx;
        if (r >> hidden[i].bit & 1)
            fail_msg("%s is shown", hidden[i].name);
    }
}

static void test_features(void **state)
{
    (void)state;
    assert_leaf(1, 0, ~0u, 0x0000ffff, 0xfed83203 | 1u << 31, 0x0f898375);
    assert_leaf(7, 0, 0, 0x218c0328, 0x00000700, 0);
    assert_leaf(7, 1, 0, 0, 0, 0);
    assert_leaf(0x80000001, 0, ~0u, ~0u, 0x002109e1, 0xe1d18b75);
    assert_leaf(0x80000007, 0, 0, 0, 0, 0x100);
    assert_leaf(0x80000008, 0, 0xffff, 5, 0, 0);
    guest.vcpu.id = 3;
    assert_int_equal(leaf(1, 0).ebx >> 24, 6);
    guest.vcpu.id = 0;
}

static void test_unknown_leaves_are_zero(void **state)
{
    static const u32 unknown[] = {3,          5,          6,          9,          0xa,        0xc,       0xe,
                                  0xf,        0x10,       0x14,       0x15,       0x1a,       0x20,      0x21,
                                  0x3fffffff, 0x40000004, 0x40000006, 0x400000ff, 0x40000100, 0x4000ff00, 0x7fffffff,
                                  0x80000009, 0x8000000a, 0x80000019, 0x8000001d, 0x8000001f, 0x80000021, 0xc0000000,
                                  0xffffffff};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        for (u32 subleaf = 0; subleaf < 4; subleaf++)
            assert_leaf(unknown[i], subleaf, 0, 0, 0, 0);
    }
}

static void test_subleaves(void **state)
{
    (void)state;
    assert_leaf(4, 0, 0x3fff, ~0u, ~0u, ~0u);
    assert_leaf(4, 100, 0, 0, 0, 0);
    guest.vcpu.id = 2;
    assert_leaf(0xb, 0, 0, 0, 0, 4);
    assert_leaf(0xb, 0x101, 0, 0, 1, 4);
    guest.vcpu.id = 0;
    /* 0xd: the area's size is that of what the guest has enabled; 2: AVX; the rest is not offered. */
    fake_processor.xcr0 = 1;
    assert_leaf(0xd, 0, 7, 576, 832, 0);
    fake_processor.xcr0 = 7;
    assert_leaf(0xd, 0, 7, 832, 832, 0);
    assert_leaf(0xd, 1, 5, 0, 0, 0);
    assert_leaf(0xd, 2, ~0u, ~0u, ~0u, ~0u);
    for (u32 subleaf = 3; subleaf < 70; subleaf++)
        assert_leaf(0xd, subleaf, 0, 0, 0, 0);
}

static void test_vector_extensions_follow_xsave(void **state)
{
    (void)state;
    guest_xcr0 = 0xe7;
    fpu_cpu_init();
    assert_int_equal(leaf(7, 0).ebx, 0x218c0328 | 0xd0230000);
    assert_int_equal(leaf(7, 0).ecx, 0x700 | 0x5842);
    guest_xcr0 = 0x67; /* a part of AVX-512 is none */
    fpu_cpu_init();
    assert_int_equal(leaf(7, 0).ebx, 0x218c0328);
    assert_leaf(0xd, 5, 0, 0, 0, 0);
    guest_xcr0 = 3;
    fpu_cpu_init();
    assert_false(leaf(1, 0).ecx & (1u << 12 | 1u << 28 | 1u << 29));
    assert_int_equal(leaf(1, 0).ecx >> 26 & 3, 3);
    assert_false(leaf(7, 0).ebx & 1u << 5);
    assert_false(leaf(7, 0).ecx & (1u << 9 | 1u << 10));
    assert_false(leaf(0x80000001, 0).ecx & (1u << 11 | 1u << 16));
    guest_has_xsave = false;
    fpu_cpu_init();
    assert_int_equal(leaf(1, 0).ecx >> 26 & 3, 0); /* neither XSAVE nor OSXSAVE */
    assert_leaf(0xd, 0, 0, 0, 0, 0);
    assert_leaf(0xd, 1, 0, 0, 0, 0);
}

static void test_xen_leaves(void **state)
{
    (void)state;
    assert_leaf(0x40000000, 0, 0x40000005, 0x566e6558, 0x65584d4d, 0x4d4d566e);
    assert_leaf(0x40000001, 0, 0x00040011, 0, 0, 0);
    assert_leaf(0x40000002, 0, 1, 0x40000000, 1, 0);
    assert_leaf(0x40000005, 0, 0, 24, 0, 0); /* 4096 frames are 16 MiB */
    assert_leaf(0x40000005, 1, 0, 0, 0, 0);

    guest_info.time.tsc_to_system_mul = 0x80000000; /* half a nanosecond per tick */
    assert_leaf(0x40000003, 0, 0, 0, 2000000, 0);
    assert_leaf(0x40000003, 2, 2000000, 0, 0, 0);
    guest_info.time.tsc_shift = -1;
    assert_leaf(0x40000003, 0, 0, 0, 4000000, 0);
    guest_info.time.tsc_shift = 1;
    assert_leaf(0x40000003, 0, 0, 0, 1000000, 0);
    /* A guest that writes nonsense there gets nonsense, and nothing worse. */
    for (int shift = -128; shift < 128; shift++) {
        for (u32 mul = 0; mul < 3; mul++) {
            guest_info.time.tsc_shift = (int8_t)shift;
            guest_info.time.tsc_to_system_mul = mul;
            leaf(0x40000003, 0);
        }
    }
}

/* MSRs -------------------------------------------------------------------------------------------------------------*/

static bool read(u32 msr, u64 *value)
{
    *value = 0;
    return pv_read_msr(&guest, msr, value);
}

static void test_bases(void **state)
{
    static const u32 bases[] = {MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE};
    u64 value;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        assert_true(pv_write_msr(&guest, bases[i], 0xffff888000001000 + i));
        assert_true(read(bases[i], &value));
        assert_int_equal(value, 0xffff888000001000 + i);
        assert_int_equal(*fake_msr_find(bases[i]), value);
        assert_false(pv_write_msr(&guest, bases[i], NOT_CANONICAL));
        assert_false(pv_write_msr(&guest, bases[i], 0x8000000000000000));
        assert_int_equal(*fake_msr_find(bases[i]), value);
    }
}

static void test_constant_msrs(void **state)
{
    static const struct {
        u32 msr;
        u64 value;
    } table[] = {
        {MSR_EFER, 0xd01},  {MSR_APIC_BASE, 0xfee00900}, {MSR_PAT, 0x0007040600070406}, {MSR_MCG_CAP, 0},
        {MSR_MCG_STATUS, 0}, {MSR_MISC_ENABLE, 0x1801},
    };
    u64 value;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_true(read(table[i].msr, &value));
        assert_int_equal(value, table[i].value);
        assert_int_equal(pv_write_msr(&guest, table[i].msr, value), table[i].msr != MSR_MCG_CAP);
        for (unsigned bit = 0; bit < 64; bit++)
            assert_false(pv_write_msr(&guest, table[i].msr, value ^ 1ull << bit));
    }
    assert_int_equal(*fake_msr_find(MSR_EFER), 0xd01);
    guest.vcpu.id = 1;
    assert_true(read(MSR_APIC_BASE, &value));
    assert_int_equal(value, 0xfee00800); /* not the boot processor */
    guest.vcpu.id = 0;
    *fake_msr_find(MSR_EFER) = 0xffffffffffffffff;
    assert_true(read(MSR_EFER, &value));
    assert_int_equal(value, 0xd01);
    guest_vendor = "AuthenticAMD";
    assert_false(read(MSR_MISC_ENABLE, &value));
    assert_false(pv_write_msr(&guest, MSR_MISC_ENABLE, 0x1801));
}

/* All others, whether the processor has them or not. */
static void test_other_msrs_fault(void **state)
{
    static const u32 known[] = {MSR_TSC,         MSR_APIC_BASE, MSR_MCG_CAP, MSR_MCG_STATUS, MSR_MISC_ENABLE,   MSR_PAT,
                                0x40000000u,     MSR_EFER,      MSR_FS_BASE, MSR_GS_BASE,    MSR_KERNEL_GS_BASE};
    static const u32 ranges[] = {0, 0x40000000, 0xc0000000, 0xc0010000, 0xc0011000, 0xfffff000};
    u64 value;
    (void)state;
    for (size_t range = 0; range < ARRAY_SIZE(ranges); range++) {
        for (u32 n = 0; n < 0x1000; n++) {
            bool is_known = false;
            for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                is_known |= known[i] == ranges[range] + n;
            if (is_known)
                continue;
            assert_false(read(ranges[range] + n, &value));
            assert_false(pv_write_msr(&guest, ranges[range] + n, 0));
        }
    }
    assert_true(read(MSR_TSC, &value));
    assert_int_not_equal(value, 0);
    assert_false(pv_write_msr(&guest, MSR_TSC, 0));
}

static void test_hypercall_page(void **state)
{
    struct frame *f = guest_frame();
    u64 mfn = frame_mfn(f).n, value;
    const u8 *page = frame_ptr(f);
    (void)state;
    assert_true(read(PV_MSR_HYPERCALL_PAGE, &value));
    assert_int_equal(value, 0);
    assert_false(pv_write_msr(&guest, PV_MSR_HYPERCALL_PAGE, mfn << PAGE_SHIFT | 1));
    assert_false(pv_write_msr(&guest, PV_MSR_HYPERCALL_PAGE, ~0ull << PAGE_SHIFT));
    assert_false(pv_write_msr(&guest, PV_MSR_HYPERCALL_PAGE, 0)); /* not its frame */
    assert_int_equal(page[0], 0);
    assert_true(pv_write_msr(&guest, PV_MSR_HYPERCALL_PAGE, mfn << PAGE_SHIFT));
    for (unsigned n = 0; n < 128; n++) {
        static const u8 call[] = {0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3, 0xcc};
        static const u8 iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 0x05, 0xcc};
        u8 expected[sizeof(call)];
        memcpy(expected, call, sizeof(call));
        expected[4] = (u8)n;
        if (n == 23)
            assert_memory_equal(page + n * 32, iret, sizeof(iret));
        else
            assert_memory_equal(page + n * 32, expected, sizeof(expected));
    }
    assert_int_equal(word_type_count(frame_word(f)), 0); /* it is the guest's to map as it likes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_highest_leaves, guest_setup),
        cmocka_unit_test_setup(test_hidden_features, guest_setup),
        cmocka_unit_test_setup(test_features, guest_setup),
        cmocka_unit_test_setup(test_unknown_leaves_are_zero, guest_setup),
        cmocka_unit_test_setup(test_subleaves, guest_setup),
        cmocka_unit_test_setup(test_vector_extensions_follow_xsave, guest_setup),
        cmocka_unit_test_setup(test_xen_leaves, guest_setup),
        cmocka_unit_test_setup(test_bases, guest_setup),
        cmocka_unit_test_setup(test_constant_msrs, guest_setup),
        cmocka_unit_test_setup(test_other_msrs_fault, guest_setup),
        cmocka_unit_test_setup(test_hypercall_page, guest_setup),
    };
    return cmocka_run_group_tests_name("cpuid_msr", tests, NULL, NULL);
}
