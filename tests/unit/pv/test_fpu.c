/* SPDX-License-Identifier: MIT */
/* FPU state: each vcpu finds its own, nobody another's; the guest's TS. */
#include "guest.h"

#include "arch/x86/cpu/fpu.h"
#include "hypercalls/hypercalls.h"
#include <string.h>

static struct x86_vcpu other;

static void registers_fill(u8 byte)
{
    memset(fake_processor.fpu, byte, 512);
}
static void assert_registers(u8 byte)
{
    for (unsigned i = 0; i < 512; i++) {
        if (i < 6 || i >= 24) /* the last instruction's address and opcode: see below */
            assert_int_equal(fake_processor.fpu[i], byte);
    }
}

static void assert_fresh(void)
{
    u16 fcw;
    u32 mxcsr;
    memcpy(&fcw, fake_processor.fpu, 2);
    memcpy(&mxcsr, fake_processor.fpu + 24, 4);
    assert_int_equal(fcw, 0x37f);
    assert_int_equal(mxcsr, 0x1f80);
    for (unsigned i = 2; i < 24; i++)
        assert_int_equal(fake_processor.fpu[i], 0);
    for (unsigned i = 28; i < 512; i++)
        assert_int_equal(fake_processor.fpu[i], 0);
}

static void check_switches(void)
{
    guest_vcpu_init(&other, 1);
    assert_fresh();
    registers_fill(0x11);
    pv_fpu_save(&guest);
    pv_fpu_load(&other);
    assert_fresh(); /* first use: nothing of the other's */
    registers_fill(0x22);
    pv_fpu_save(&other);
    pv_fpu_load(&guest);
    assert_registers(0x11);
    pv_fpu_save(&guest);
    pv_fpu_load(&other);
    assert_registers(0x22);
    /* Back on a processor that holds its state: it is not loaded again. */
    registers_fill(0x33);
    pv_fpu_load(&other);
    assert_registers(0x33);
    pv_fpu_save(&other);
    pv_fpu_load(&other);
    assert_registers(0x33);
    pv_fpu_free(&other);
    assert_null(this_x86_cpu()->loaded_fpu);
    pv_fpu_load(&guest);
    assert_registers(0x11);
}

static void test_switch_with_xsave(void **state)
{
    (void)state;
    assert_int_equal(fpu_area_size(), 832);
    assert_int_equal(fpu_xcr0_offered(), 7);
    check_switches();
}

static void test_switch_with_fxsave(void **state)
{
    (void)state;
    guest_has_xsave = false;
    fpu_cpu_init();
    assert_int_equal(fpu_area_size(), 512);
    pv_fpu_free(&guest);
    assert_int_equal(pv_fpu_init(&guest), 0);
    u64 xcr0 = fake_processor.xcr0;
    pv_fpu_load(&guest);
    check_switches();
    assert_int_equal(fake_processor.xcr0, xcr0); /* never touched */
}

/* All parts are saved and loaded whatever XCR0 the guest has, which is back in force after it. */
static void test_xcr0_follows_the_vcpu(void **state)
{
    (void)state;
    guest_vcpu_init(&other, 1);
    assert_int_equal(fake_processor.xcr0, 1);
    assert_true(pv_fpu_set_xcr0(&guest, 7));
    pv_fpu_save(&guest);
    u64 saved;
    memcpy(&saved, (u8 *)guest.fpu + 512, sizeof(saved));
    assert_int_equal(saved, 7);
    pv_fpu_load(&other);
    assert_int_equal(fake_processor.xcr0, 1);
    pv_fpu_save(&other);
    memcpy(&saved, (u8 *)other.fpu + 512, sizeof(saved));
    assert_int_equal(saved, 7);
    pv_fpu_load(&guest);
    assert_int_equal(fake_processor.xcr0, 7);
    pv_fpu_save(&guest);
    pv_fpu_load(&other);
    pv_fpu_save(&other);
    pv_fpu_load(&other); /* nobody else came in between */
    assert_int_equal(fake_processor.xcr0, 1);
}

static bool hardware_ts(void)
{
    return fake_processor.cr0 & 8;
}

static void test_task_switched(void **state)
{
    struct regs *r = guest_regs();
    (void)state;
    guest_vcpu_init(&other, 1);
    guest_code((const u8 *)"\x90", 1);
    guest_handlers();
    assert_int_equal(hypercall_fpu_taskswitch(1, 0, 0, 0, 0), 0);
    assert_true(hardware_ts());
    assert_int_equal(hypercall_fpu_taskswitch(1, 0, 0, 0, 0), 0);
    registers_fill(0x44);
    pv_fpu_save(&guest);
    pv_fpu_load(&other); /* its own TS is off */
    assert_false(hardware_ts());
    pv_fpu_save(&other);
    pv_fpu_load(&guest);
    assert_true(hardware_ts());
    assert_registers(0x44);
    pv_fpu_save(&guest);
    pv_fpu_load(&guest);
    assert_true(hardware_ts());
    pv_fpu_device_not_available(&guest, r); /* #NM reaches the guest, and TS is off */
    assert_int_equal(guest_vector(), VECTOR_NM);
    assert_false(hardware_ts());
    assert_false(guest.task_switched);
    assert_int_equal(hypercall_fpu_taskswitch(1, 0, 0, 0, 0), 0);
    assert_int_equal(hypercall_fpu_taskswitch(0, 0, 0, 0, 0), 0);
    assert_false(hardware_ts());
}

/* An area that the processor refuses becomes the initial state, not a fault of ours and not another's registers. */
static unsigned refusals;
static bool refuse(const void *area)
{
    (void)area;
    return refusals-- == 0;
}
static void test_refused_area(void **state)
{
    (void)state;
    guest_vcpu_init(&other, 1);
    memset(other.fpu, 0xee, fpu_area_size());
    registers_fill(0x11);
    pv_fpu_save(&guest);
    refusals = 1;
    fake_processor.fpu_ok = refuse;
    pv_fpu_load(&other);
    assert_fresh();
}

static void test_import(void **state)
{
    u8 image[512];
    u32 mxcsr;
    (void)state;
    memset(image, 0xff, sizeof(image));
    guest_vcpu_init(&other, 1);
    pv_fpu_import(&other, image);
    pv_fpu_save(&guest);
    pv_fpu_load(&other);
    memcpy(&mxcsr, fake_processor.fpu + 24, 4);
    assert_int_equal(mxcsr, 0xffff);
    assert_int_equal(fake_processor.fpu[100], 0xff);
    u64 header[8];
    memcpy(header, (u8 *)other.fpu + 512, sizeof(header));
    assert_int_equal(header[0], 3);
    for (unsigned i = 1; i < 8; i++)
        assert_int_equal(header[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_switch_with_xsave, guest_setup),
        cmocka_unit_test_setup(test_switch_with_fxsave, guest_setup),
        cmocka_unit_test_setup(test_xcr0_follows_the_vcpu, guest_setup),
        cmocka_unit_test_setup(test_task_switched, guest_setup),
        cmocka_unit_test_setup(test_refused_area, guest_setup),
        cmocka_unit_test_setup(test_import, guest_setup),
    };
    return cmocka_run_group_tests_name("fpu", tests, NULL, NULL);
}
