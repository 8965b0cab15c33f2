/* SPDX-License-Identifier: MIT */
/* From one vcpu to another and to none, and the kernel's way back by iret: what the processor holds is what the vcpu has. */
#include "guest.h"

#include "arch/x86/paging/host_map.h"
#include <arch/domain.h>
#include <arch/pv.h>
#include <string.h>
#include <xen/xen.h>

static struct x86_vcpu other;

/* Nothing of the one remains for the other: registers, tables, FPU. */
static void test_a_switch_takes_all_along(void **state)
{
    (void)state;
    guest_vcpu_init(&other, 1);
    guest.kernel_root = mfn_make(0x111);
    other.kernel_root = mfn_make(0x222);
    other.regs = (struct regs){.rax = 0xbbbb, .rip = 0x2000, .cs = 0xe033, .ss = 0xe02b, .rflags = 0x202};
    guest_regs()->rax = 0xaaaa;
    memset(fake_processor.fpu, 0x11, 512);

    arch_context_switch(&guest.vcpu, &other.vcpu);
    this_cpu()->current = &other.vcpu;
    assert_int_equal(guest_regs()->rax, 0xbbbb);
    assert_int_equal(fake_processor.cr3, 0x222000);
    for (unsigned i = 28; i < 512; i++)
        assert_int_equal(fake_processor.fpu[i], 0);
    memset(fake_processor.fpu, 0x22, 512);

    arch_context_switch(&other.vcpu, &guest.vcpu);
    this_cpu()->current = &guest.vcpu;
    assert_int_equal(guest_regs()->rax, 0xaaaa);
    assert_int_equal(fake_processor.cr3, 0x111000);
    for (unsigned i = 28; i < 512; i++)
        assert_int_equal(fake_processor.fpu[i], 0x11);
}

/* A vcpu that is taken away takes its tables along: the processor stands in the hypervisor's own. */
static void test_with_no_vcpu_the_tables_are_the_hypervisors(void **state)
{
    (void)state;
    guest.kernel_root = mfn_make(0x111);
    host_root = mfn_make(0x333);
    arch_context_switch(&guest.vcpu, NULL);
    assert_int_equal(fake_processor.cr3, 0x333000);
}

/* Whatever stands in the frame: interrupts are on, ring 3, no I/O privilege; what it asked for is the event mask. */
static void test_iret_loads_no_flag_that_a_guest_may_not_have(void **state)
{
    static struct iret_context c;
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (unsigned others = 0; others < 2; others++) {
            u64 flags = others ? ~(1ull << bit) : 1ull << bit;
            c = (struct iret_context){.rip = 0x1000, .rflags = flags, .cs = 0xe030, .ss = 0xe028, .rsp = 0x3000};
            fake_guest_forget();
            guest_regs()->rsp = fake_guest_pointer(&c, sizeof(c));
            arch_iret(&guest.vcpu);
            u64 loaded = guest_regs()->rflags;
            assert_int_equal(loaded & (RFLAGS_IF | 2), RFLAGS_IF | 2);
            assert_int_equal(loaded & ~(0x240dd7ull | RFLAGS_RF | RFLAGS_IF), 0); /* IOPL, NT, VM, VIF, VIP */
            assert_int_equal(guest_info.evtchn_upcall_mask, !(flags & RFLAGS_IF));
            assert_int_equal(guest_regs()->cs & 3, 3);
            assert_int_equal(guest_regs()->ss & 3, 3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_switch_takes_all_along, guest_setup),
        cmocka_unit_test_setup(test_with_no_vcpu_the_tables_are_the_hypervisors, guest_setup),
        cmocka_unit_test_setup(test_iret_loads_no_flag_that_a_guest_may_not_have, guest_setup),
    };
    return cmocka_run_group_tests_name("switch", tests, NULL, NULL);
}
