/* SPDX-License-Identifier: MIT */
/* The fake machine itself, where other tests lean on it: guest memory, the clock, the ways in which it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "arch/x86/cpu/layout.h"
#include "common/cpu.h"
#include "common/frame.h"
#include "lib/bug.h"
#include <arch/guest_memory.h>
#include <arch/machine.h>
#include <arch/time.h>
#include <xen/errno.h>

static void registered_memory_is_read_and_written(void **state)
{
    u8 memory[100], buffer[100];

    (void)state;
    memset(memory, 7, sizeof(memory));
    fake_guest_range(0x5000, memory, 100, true);
    assert_int_equal(copy_from_guest(buffer, 0x5000, 100), 0);
    assert_memory_equal(buffer, memory, 100);
    assert_int_equal(copy_from_guest(buffer, 0x5001, 100), -XEN_EFAULT);
    assert_int_equal(copy_from_guest(buffer, 0x4fff, 1), -XEN_EFAULT);
    assert_int_equal(copy_from_guest_partial(buffer, 0x5000 + 90, 100), 10);
    assert_int_equal(copy_to_guest(0x5000 + 99, "x", 1), 0);
    assert_int_equal(memory[99], 'x');
    fake_guest_range(0x5000, memory, 10, false);
    assert_int_equal(copy_to_guest(0x5000, "x", 1), -XEN_EFAULT);
    assert_int_equal(memory[0], 7);
}

/* A guest's four tables, by hand: one page writable, one read-only, one for the kernel alone, and a gap. */
static void tables_are_walked_with_ring_3s_rights(void **state)
{
    u64 *table[5];
    mfn_t page[3];
    u8 buffer[16];

    (void)state;
    for (int level = 4; level >= 1; level--) {
        mfn_t m = frame_alloc_host();
        table[level] = mfn_to_ptr(m);
        if (level < 4)
            table[level + 1][0] = m.n << PAGE_SHIFT | 7;
        else
            fake_processor.cr3 = m.n << PAGE_SHIFT;
    }
    for (int i = 0; i < 3; i++)
        page[i] = frame_alloc_host();
    table[1][0] = page[0].n << PAGE_SHIFT | 7;
    table[1][1] = page[1].n << PAGE_SHIFT | 5;
    table[1][2] = page[2].n << PAGE_SHIFT | 3;
    memcpy((u8 *)mfn_to_ptr(page[0]) + 4090, "abcdef", 6);
    memcpy(mfn_to_ptr(page[1]), "ghi", 3);
    assert_int_equal(copy_from_guest(buffer, 4090, 9), 0);
    assert_memory_equal(buffer, "abcdefghi", 9);
    assert_int_equal(table[1][0] & 0x60, 0x20);
    assert_int_equal(copy_to_guest(8, "x", 1), 0);
    assert_int_equal(table[1][0] & 0x60, 0x60);
    assert_int_equal(table[4][0] & 0x60, 0x20);
    assert_int_equal(copy_to_guest(4096, "x", 1), -XEN_EFAULT);
    assert_int_equal(copy_from_guest(buffer, 8192, 1), -XEN_EFAULT);
    assert_int_equal(copy_from_guest(buffer, 3 * 4096, 1), -XEN_EFAULT);
    assert_int_equal(copy_from_guest_partial(buffer, 8190, 8), 2);
}

static void the_hypervisors_addresses_are_not_the_guests(void **state)
{
    u8 memory[16];
    vaddr_t out;

    (void)state;
    fake_guest_range(HYPERVISOR_END - 8, memory, 16, true);
    assert_int_equal(copy_from_guest(memory, HYPERVISOR_END, 8), 0);
    assert_int_equal(copy_from_guest(memory, HYPERVISOR_END - 1, 1), -XEN_EFAULT);
    assert_int_equal(copy_to_guest(HYPERVISOR_END - 8, memory, 16), -XEN_EFAULT);
    assert_false(guest_range_ok(HYPERVISOR_START, 1));
    assert_false(guest_range_ok(0x7fffffffffff, 2));
    assert_false(guest_range_ok(0x800000000000, 1));
    assert_true(guest_range_ok(0x7fffffffffff, 1));
    assert_true(guest_element(0x1000, 3, 8, &out));
    assert_int_equal(out, 0x1018);
    assert_false(guest_element(0x1000, ~0ull / 8 + 1, 8, &out));
    assert_false(guest_element(0x1000, ~0ull, 8, &out));
    assert_false(guest_element(0x1000, (HYPERVISOR_START - 0x1000) / 8, 8, &out));
    assert_false(guest_element(0x1000, (0x800000000000 - 0x1000) / 8, 8, &out));
    assert_false(guest_element(HYPERVISOR_START, 0, 8, &out));
}

static u64 word;
static void change_it(vaddr_t address, size_t n)
{
    (void)address;
    (void)n;
    word++;
}

static void memory_may_change_between_two_reads(void **state)
{
    u64 first, second;

    (void)state;
    vaddr_t at = fake_guest_pointer(&word, sizeof(word));
    fake_guest_before_read = change_it;
    assert_int_equal(copy_from_guest(&first, at, 8), 0);
    assert_int_equal(copy_from_guest(&second, at, 8), 0);
    assert_int_equal(second, first + 1);
    assert_int_equal(fake_guest_reads, 2);
}

static void the_clock_is_turned_by_hand(void **state)
{
    (void)state;
    assert_int_equal(system_time(), 0);
    arch_timer_program(1000);
    fake_clock_advance(999);
    assert_int_equal(this_cpu()->softirq, 0);
    fake_clock_advance(1);
    assert_int_equal(this_cpu()->softirq, SOFTIRQ_TIMER);
    assert_int_equal(fake_timer_programmed(), ~0ull);
    this_cpu()->softirq = 0;
    arch_timer_program(5);
    assert_int_equal(this_cpu()->softirq, SOFTIRQ_TIMER);
}

static void end(void *how)
{
    if (how == (void *)1)
        arch_power_off();
    if (how == (void *)2)
        arch_reboot();
    if (how == (void *)3)
        arch_halt();
}
static void bug_here(void *data)
{
    (void)data;
    BUG();
}
static void crash(void *data)
{
    (void)data;
    abort();
}

static void ends_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(fake_end_of(end, (void *)0), FAKE_RETURNED);
    assert_int_equal(fake_end_of(end, (void *)1), FAKE_POWER_OFF);
    assert_int_equal(fake_end_of(end, (void *)2), FAKE_REBOOT);
    assert_int_equal(fake_end_of(end, (void *)3), FAKE_HALT);
    assert_true(fake_panics(bug_here, NULL));
    assert_false(fake_panics(end, (void *)0));
    assert_false(fake_panics(end, (void *)1));
    assert_false(fake_panics(crash, NULL));
}

static void typed_text_is_read_once(void **state)
{
    (void)state;
    fake_console_type("ab");
    assert_int_equal(arch_console_read(), 'a');
    assert_int_equal(arch_console_read(), 'b');
    assert_int_equal(arch_console_read(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(registered_memory_is_read_and_written, fake_setup),
        cmocka_unit_test_setup(tables_are_walked_with_ring_3s_rights, fake_setup),
        cmocka_unit_test_setup(the_hypervisors_addresses_are_not_the_guests, fake_setup),
        cmocka_unit_test_setup(memory_may_change_between_two_reads, fake_setup),
        cmocka_unit_test_setup(the_clock_is_turned_by_hand, fake_setup),
        cmocka_unit_test_setup(ends_are_told_apart, fake_setup),
        cmocka_unit_test_setup(typed_text_is_read_once, fake_setup),
    };
    return cmocka_run_group_tests_name("fake", tests, NULL, NULL);
}
