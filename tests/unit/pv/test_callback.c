/* SPDX-License-Identifier: MIT */
/* What a guest kernel registers: trap table, callbacks, assists; through the hypercalls, with their error codes. */
#include "guest.h"

#include "arch/x86/cpu/layout.h"
#include "hypercalls/hypercalls.h"
#include <string.h>
#include <xen/callback.h>
#include <xen/errno.h>
#include <xen/xen.h>

static long set_trap_table(struct trap_info *table, size_t entries)
{
    fake_guest_forget();
    return hypercall_set_trap_table(fake_guest_pointer(table, entries * sizeof(*table)), 0, 0, 0, 0);
}

static void test_trap_table(void **state)
{
    struct trap_info table[] = {
        {.vector = 3, .flags = 3, .cs = 0xe033, .address = 0x1000},
        {.vector = 14, .flags = 4, .cs = 0x10, .address = 0xffffffff81000000},
        {.vector = 255, .flags = 7, .cs = 0, .address = 0x00007fffffffffff},
        {0},
        {.vector = 1, .address = 0x9999},
    };
    (void)state;
    assert_int_equal(set_trap_table(table, ARRAY_SIZE(table)), 0);
    assert_int_equal(guest.trap[3].address, 0x1000);
    assert_int_equal(guest.trap[3].dpl, 3);
    assert_false(guest.trap[3].mask_events);
    assert_int_equal(guest.trap[14].cs, 0x13); /* ring 3's, whatever was given */
    assert_int_equal(guest.trap[14].dpl, 0);
    assert_true(guest.trap[14].mask_events);
    assert_int_equal(guest.trap[255].dpl, 3);
    assert_true(guest.trap[255].mask_events);
    assert_int_equal(guest.trap[1].address, 0); /* behind the end */

    assert_int_equal(hypercall_set_trap_table(0, 0, 0, 0, 0), 0); /* no list: clears all */
    for (unsigned i = 0; i < PV_TRAPS; i++)
        assert_int_equal(guest.trap[i].address, 0);
}

static void test_trap_table_refusals(void **state)
{
    static const u64 bad[] = {NOT_CANONICAL, 0xffff7fffffffffff, 0x1000000000000000, 0x8000000000000000};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct trap_info table[] = {{.vector = 1, .address = 0x1000}, {.vector = 2, .address = bad[i]}, {0}};
        assert_int_equal(set_trap_table(table, ARRAY_SIZE(table)), -XEN_EINVAL);
        assert_int_equal(guest.trap[2].address, 0);
    }
    struct trap_info endless[] = {{.vector = 5, .address = 0x5000}, {.vector = 6, .address = 0x6000}};
    assert_int_equal(set_trap_table(endless, ARRAY_SIZE(endless)), -XEN_EFAULT);
    assert_int_equal(guest.trap[6].address, 0x6000); /* those before the end stand, as on Xen */
    assert_int_equal(hypercall_set_trap_table(HYPERVISOR_START, 0, 0, 0, 0), -XEN_EFAULT);
    assert_int_equal(hypercall_set_trap_table(NOT_CANONICAL, 0, 0, 0, 0), -XEN_EFAULT);
}

/* An endless list is carried on where it was left, one entry further each time. */
static void test_trap_table_is_preempted(void **state)
{
    struct trap_info table[] = {{.vector = 1, .address = 0x1000}, {.vector = 2, .address = 0x2000}, {0}};
    u64 address = fake_guest_pointer(table, sizeof(table));
    (void)state;
    softirq_raise(SOFTIRQ_SCHEDULE);
    assert_int_equal(hypercall_set_trap_table(address, 0, 0, 0, 0), -XEN_ERESTART);
    assert_int_equal(guest.vcpu.restart.op, __HYPERVISOR_set_trap_table);
    assert_int_equal(guest.vcpu.restart.args[0], address + sizeof(table[0]));
    assert_int_equal(guest.trap[1].address, 0x1000);
    assert_int_equal(guest.trap[2].address, 0);
    this_cpu()->softirq = 0;
    assert_int_equal(hypercall_set_trap_table(guest.vcpu.restart.args[0], 0, 0, 0, 0), 0);
    assert_int_equal(guest.trap[2].address, 0x2000);
}

static long callback_register(u16 type, u16 flags, u64 address)
{
    struct callback_register op = {.type = type, .flags = flags, .address = address};
    fake_guest_forget();
    return hypercall_callback_op(CALLBACKOP_register, fake_guest_pointer(&op, sizeof(op)), 0, 0, 0);
}
static long callback_unregister(u16 type)
{
    struct callback_unregister op = {.type = type};
    fake_guest_forget();
    return hypercall_callback_op(CALLBACKOP_unregister, fake_guest_pointer(&op, sizeof(op)), 0, 0, 0);
}

static void test_callbacks(void **state)
{
    const struct {
        u16 type;
        struct pv_callback *slot; /* NULL: no such type */
        bool always_masks;
    } table[] = {
        {CALLBACKTYPE_event, &guest.event, true},
        {CALLBACKTYPE_failsafe, &guest.failsafe, false},
        {CALLBACKTYPE_syscall, &guest.syscall, false},
        {CALLBACKTYPE_sysenter_deprecated, NULL, false},
        {CALLBACKTYPE_nmi, &guest.nmi, true},
        {CALLBACKTYPE_sysenter, &guest.sysenter, false},
        {6, NULL, false},
        {CALLBACKTYPE_syscall32, &guest.syscall32, false},
        {8, NULL, false},
        {0xffff, NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        u16 type = table[i].type;
        struct pv_callback *slot = table[i].slot;
        assert_int_equal(callback_register(type, 0, 0x1000 + i), slot ? 0 : -XEN_ENOSYS);
        assert_int_equal(callback_register(type, 0, NOT_CANONICAL), -XEN_EINVAL);
        if (slot) {
            assert_int_equal(slot->address, 0x1000 + i);
            assert_int_equal(slot->mask_events, table[i].always_masks);
            assert_int_equal(callback_register(type, CALLBACKF_mask_events, 0x2000 + i), 0);
            assert_int_equal(slot->address, 0x2000 + i);
            assert_true(slot->mask_events);
        }
        long expected = !slot ? -XEN_ENOSYS : type == CALLBACKTYPE_nmi ? 0 : -XEN_EINVAL;
        assert_int_equal(callback_unregister(type), expected);
    }
    assert_int_equal(guest.nmi.address, 0);
    assert_int_equal(hypercall_callback_op(2, 0, 0, 0, 0), -XEN_ENOSYS);
    assert_int_equal(hypercall_callback_op(CALLBACKOP_register, HYPERVISOR_START, 0, 0, 0), -XEN_EFAULT);
    assert_int_equal(hypercall_callback_op(CALLBACKOP_unregister, HYPERVISOR_START, 0, 0, 0), -XEN_EFAULT);
}

static void test_set_callbacks_takes_all_or_none(void **state)
{
    (void)state;
    guest.syscall.mask_events = true;
    assert_int_equal(hypercall_set_callbacks(0x1000, 0x2000, 0x3000, 0, 0), 0);
    assert_int_equal(guest.event.address, 0x1000);
    assert_int_equal(guest.failsafe.address, 0x2000);
    assert_int_equal(guest.syscall.address, 0x3000);
    assert_true(guest.event.mask_events);
    assert_false(guest.syscall.mask_events);
    for (unsigned bad = 0; bad < 3; bad++) {
        u64 a[3] = {0x10, 0x20, 0x30};
        a[bad] = NOT_CANONICAL;
        assert_int_equal(hypercall_set_callbacks(a[0], a[1], a[2], 0, 0), -XEN_EINVAL);
        assert_int_equal(guest.event.address, 0x1000);
        assert_int_equal(guest.failsafe.address, 0x2000);
        assert_int_equal(guest.syscall.address, 0x3000);
    }
}

static void test_vm_assist(void **state)
{
    (void)state;
    for (u64 type = 0; type < 70; type++) {
        bool offered = type <= VMASST_TYPE_pae_extended_cr3 || type == VMASST_TYPE_runstate_update_flag;
        assert_int_equal(hypercall_vm_assist(VMASST_CMD_enable, type, 0, 0, 0), offered ? 0 : -XEN_EINVAL);
        assert_int_equal(guest_domain.domain.vm_assist, offered ? 1ull << type : 0);
        if (offered) {
            assert_int_equal(hypercall_vm_assist(2, type, 0, 0, 0), -XEN_ENOSYS);
            assert_int_equal(hypercall_vm_assist(VMASST_CMD_disable, type, 0, 0, 0), 0);
        }
        assert_int_equal(guest_domain.domain.vm_assist, 0);
    }
}

static void test_iopl(void **state)
{
    struct {
        u32 iopl;
    } op;
    (void)state;
    u64 address = fake_guest_pointer(&op, sizeof(op));
    for (op.iopl = 0; op.iopl < 6; op.iopl++) {
        assert_int_equal(hypercall_physdev_op(6, address, 0, 0, 0), op.iopl > 3 ? -XEN_EINVAL : 0);
        assert_int_equal(guest.iopl, op.iopl > 3 ? 3 : op.iopl);
    }
    assert_int_equal(hypercall_physdev_op(6, HYPERVISOR_START, 0, 0, 0), -XEN_EFAULT);
    for (u32 other = 0; other < 40; other++) {
        if (other != 6)
            assert_int_equal(hypercall_physdev_op(other, address, 0, 0, 0), -XEN_ENOSYS);
    }
}

static void test_stack_switch(void **state)
{
    (void)state;
    assert_int_equal(hypercall_stack_switch(0x18, 0xffff888000001000, 0, 0, 0), 0);
    assert_int_equal(guest.kernel_ss, 0x1b);
    assert_int_equal(guest.kernel_sp, 0xffff888000001000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_trap_table, guest_setup),
        cmocka_unit_test_setup(test_trap_table_refusals, guest_setup),
        cmocka_unit_test_setup(test_trap_table_is_preempted, guest_setup),
        cmocka_unit_test_setup(test_callbacks, guest_setup),
        cmocka_unit_test_setup(test_set_callbacks_takes_all_or_none, guest_setup),
        cmocka_unit_test_setup(test_vm_assist, guest_setup),
        cmocka_unit_test_setup(test_iopl, guest_setup),
        cmocka_unit_test_setup(test_stack_switch, guest_setup),
    };
    return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
