/* SPDX-License-Identifier: MIT */
/* Debug registers: what a guest may put in, what the processor then holds, what the guest reads back. */
#include "guest.h"

#include "arch/x86/cpu/layout.h"
#include "hypercalls/hypercalls.h"
#include <xen/errno.h>

static long set(unsigned reg, u64 value)
{
    return hypercall_set_debugreg(reg, value, 0, 0, 0);
}
static long get(unsigned reg)
{
    return hypercall_get_debugreg(reg, 0, 0, 0, 0);
}

static void test_addresses(void **state)
{
    static const struct {
        u64 address;
        long result;
    } table[] = {
        {0, 0},
        {0x400000, 0},
        {0x00007fffffffffffull, 0},
        {0x00007ffffffffff8ull, 0},
        {NOT_CANONICAL, -XEN_EPERM},
        {0xffff7fffffffffffull, -XEN_EPERM},
        {HYPERVISOR_START - 1, -XEN_EPERM},
        {HYPERVISOR_START, -XEN_EPERM},
        {IMAGE_START, -XEN_EPERM},
        {CPU_AREAS_START, -XEN_EPERM},
        {HYPERVISOR_END - 8, -XEN_EPERM},
        {HYPERVISOR_END - 1, -XEN_EPERM},
        {HYPERVISOR_END, 0},
        {0xffffffffffffffffull, 0},
    };
    (void)state;
    for (unsigned reg = 0; reg < 4; reg++) {
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            assert_int_equal(set(reg, 0x1000 + reg), 0);
            assert_int_equal(set(reg, table[i].address), table[i].result);
            assert_int_equal(guest.dr[reg], table[i].result ? 0x1000 + reg : table[i].address);
        }
    }
}

static void test_numbers(void **state)
{
    (void)state;
    for (unsigned reg = 8; reg < 300; reg++) {
        assert_int_equal(set(reg, 0), -XEN_ENODEV);
        assert_int_equal(get(reg), -XEN_ENODEV);
    }
    assert_int_equal(set(~0u, 0), -XEN_ENODEV);
    assert_int_equal(set(4, 0xffff4ff0), 0); /* another name of DR6, ... */
    assert_int_equal(get(6), 0xffff4ff0);
    assert_int_equal(set(5, 0x401), 0); /* ... of DR7 */
    assert_int_equal(get(7), 0x401);
    guest.cr4 = 1 << 3; /* ... unless CR4.DE is set */
    assert_int_equal(set(4, 0), -XEN_ENODEV);
    assert_int_equal(get(5), -XEN_ENODEV);
}

static void test_control(void **state)
{
    static const struct {
        u64 value;
        long result;
        u64 stored;
    } table[] = {
        {0, 0, 0x400},
        {0x400, 0, 0x400},
        {0x1, 0, 0x401},
        {0x3ff, 0, 0x7ff},                      /* all enabled, LE and GE */
        {0x000d0001, 0, 0x000d0401},            /* write, 4 bytes */
        {0x000b0002, 0, 0x000b0402},            /* read and write, 8 bytes */
        {0xd801, 0, 0x401},                     /* reserved: cleared */
        {0x2000, -XEN_EPERM, 0},                /* GD */
        {0x2001, -XEN_EPERM, 0},
        {0x00020001, -XEN_EPERM, 0},            /* I/O, in each of the four */
        {0x00200001, -XEN_EPERM, 0},
        {0x02000080, -XEN_EPERM, 0},
        {0x20000001, -XEN_EPERM, 0},
        {0x20000000, 0, 0x20000400},            /* ... harmless while nothing is enabled */
        {1ull << 32, -XEN_EINVAL, 0},
        {0x8000000000000400ull, -XEN_EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(set(7, 0x404), 0);
        assert_int_equal(set(7, table[i].value), table[i].result);
        u64 expected = table[i].result ? 0x404 : table[i].stored;
        assert_int_equal(get(7), expected);
        assert_int_equal(guest.dr7, expected);
        /* In the processor: the same where something is enabled. */
        assert_int_equal(fake_processor.dr[7], expected & 0xff ? expected : 0x400);
    }
}

static void test_status(void **state)
{
    (void)state;
    assert_int_equal(set(6, 0), 0);
    assert_int_equal(get(6), 0xffff0ff0);
    assert_int_equal(set(6, 0xffffffff), 0);
    assert_int_equal(get(6), 0xffffefff);
    assert_int_equal(set(6, 1ull << 32), -XEN_EINVAL);
    assert_int_equal(get(6), 0xffffefff);
}

static void test_loaded_only_while_enabled(void **state)
{
    (void)state;
    assert_int_equal(set(0, 0x1234), 0);
    assert_int_equal(fake_processor.dr[0], 0);
    assert_int_equal(set(7, 0x401), 0);
    assert_int_equal(fake_processor.dr[0], 0x1234);
    assert_int_equal(set(0, 0x5678), 0);
    assert_int_equal(fake_processor.dr[0], 0x5678);
}

/* Another vcpu's breakpoints never fire for this one. */
static void test_switch(void **state)
{
    static struct x86_vcpu other;
    (void)state;
    assert_int_equal(set(1, 0x1111), 0);
    assert_int_equal(set(7, 0x404), 0);
    guest_vcpu_init(&other, 1);
    pv_debug_load(&other);
    assert_int_equal(fake_processor.dr[7], 0x400);
    other.dr[2] = 0x2222;
    other.dr7 = 0x410;
    pv_debug_load(&other);
    assert_int_equal(fake_processor.dr[7], 0x410);
    assert_int_equal(fake_processor.dr[1], 0);
    assert_int_equal(fake_processor.dr[2], 0x2222);
    pv_debug_load(&guest);
    assert_int_equal(fake_processor.dr[7], 0x404);
    assert_int_equal(fake_processor.dr[1], 0x1111);
    assert_int_equal(this_x86_cpu()->dr7, 0x404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_addresses, guest_setup),
        cmocka_unit_test_setup(test_numbers, guest_setup),
        cmocka_unit_test_setup(test_control, guest_setup),
        cmocka_unit_test_setup(test_status, guest_setup),
        cmocka_unit_test_setup(test_loaded_only_while_enabled, guest_setup),
        cmocka_unit_test_setup(test_switch, guest_setup),
    };
    return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
