/* SPDX-License-Identifier: MIT */
/* ACPI tables, good and damaged. Each is shown in a buffer of exactly its size, so that no byte too far goes
 * unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "arch/fake/fake.h"
#include "arch/x86/dev/acpi.c"

#define ROUNDS 5000

static u64 random_state = 0xd1342543de82ef95ull;

static u64 next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

enum { XSDT, MADT, FADT, HPET_TABLE, DSDT, TABLES };
#define ADDRESS(t)   (0x10000ull * ((t) + 1))
#define MEMORY_LIMIT 0x100000ull
static u8 memory[MEMORY_LIMIT];
static u8 rsdp[36];
static void *shown[1024];
static u32 shown_count;

static const void *show(paddr_t address, u64 size)
{
    if (address >= MEMORY_LIMIT || size > MEMORY_LIMIT - address || shown_count == ARRAY_SIZE(shown))
        return NULL;
    void *copy = malloc(size);
    memcpy(copy, memory + address, size);
    return shown[shown_count++] = copy;
}

static void put(u32 table, u32 offset, u64 value, u32 size)
{
    memcpy(memory + ADDRESS(table) + offset, &value, size);
}

static void mend(u8 *at, u32 length, u32 checksum)
{
    u8 sum = 0;

    at[checksum] = 0;
    for (u32 i = 0; i < length; i++)
        sum = (u8)(sum + at[i]);
    at[checksum] = (u8)-sum;
}

static void finish(u32 table, const char *name, u32 length)
{
    memcpy(memory + ADDRESS(table), name, 4);
    put(table, 4, length, 4);
    mend(memory + ADDRESS(table), length, 9);
}

static const u32 lengths[TABLES] = {36 + 3 * 8, 44 + 8 + 12 + 16, 244, 56, 36 + 20};

static void make_tables(void)
{
    static const u8 lapic[] = {0, 8, 0, 7, 1, 0, 0, 0}, ioapic[12] = {1, 12};
    static const u8 x2apic[16] = {9, 16, 0, 0, 0x2c, 1, 0, 0, 1};
    static const u8 s5[] = {0x08, '_', 'S', '5', '_', 0x12, 0x0a, 4, 0x0a, 5, 1, 0, 0};

    memset(memory, 0, sizeof(memory));
    for (u32 i = 0; i < 3; i++)
        put(XSDT, 36 + i * 8, ADDRESS(MADT + i), 8);
    memcpy(memory + ADDRESS(MADT) + 44, lapic, 8);
    memcpy(memory + ADDRESS(MADT) + 52, ioapic, 12);
    memcpy(memory + ADDRESS(MADT) + 64, x2apic, 16);
    put(FADT, FADT_DSDT, ADDRESS(DSDT), 4);
    put(FADT, FADT_SMI_CMD, 0xb2, 4);
    put(FADT, FADT_ACPI_ENABLE, 0xf1, 1);
    put(FADT, FADT_PM1A_CNT, 0x604, 4);
    put(FADT, FADT_PM_TMR, 0x608, 4);
    put(FADT, FADT_X_PM_TMR, 1, 1);
    put(FADT, FADT_X_PM_TMR + 4, 0x708, 8);
    put(FADT, FADT_FLAGS, FLAG_RESET_REG_SUP | FLAG_TMR_VAL_EXT, 4);
    put(FADT, FADT_RESET_REG, 1, 1);
    put(FADT, FADT_RESET_REG + 4, 0xcf9, 8);
    put(FADT, FADT_RESET_VALUE, 0x0f, 1);
    put(HPET_TABLE, 44, 0xfed00000, 8);
    memcpy(memory + ADDRESS(DSDT) + 40, s5, sizeof(s5));
    finish(XSDT, "XSDT", lengths[XSDT]);
    finish(MADT, "APIC", lengths[MADT]);
    finish(FADT, "FACP", lengths[FADT]);
    finish(HPET_TABLE, "HPET", lengths[HPET_TABLE]);
    finish(DSDT, "DSDT", lengths[DSDT]);
    memset(rsdp, 0, sizeof(rsdp));
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    rsdp[20] = 36;
    u64 xsdt = ADDRESS(XSDT);
    memcpy(rsdp + 24, &xsdt, 8);
    mend(rsdp, 20, 8);
    mend(rsdp, 36, 32);
}

static void forget(void)
{
    while (shown_count)
        free(shown[--shown_count]);
}

static int begin(void **state)
{
    memset(&acpi, 0, sizeof(acpi));
    make_tables();
    return fake_setup(state);
}

static int end(void **state)
{
    (void)state;
    forget();
    return 0;
}

static void good_tables_are_understood(void **state)
{
    (void)state;
    acpi_init(rsdp, 36, show);
    assert_true(acpi.present);
    assert_int_equal(acpi.cpu_count, 2);
    assert_int_equal(acpi.cpu_apic_id[0], 7);
    assert_int_equal(acpi.cpu_apic_id[1], 300);
    assert_int_equal(acpi.ioapic_count, 1);
    assert_true(acpi.has_s5);
    assert_int_equal(acpi.s5_a, 5);
    assert_int_equal(acpi.s5_b, 1);
    assert_int_equal(acpi.pm1a_control.address, 0x604);
    assert_int_equal(acpi.pm1b_control.address, 0);
    assert_int_equal(acpi.pm_timer.address, 0x708); /* the newer description wins */
    assert_true(acpi.pm_timer_32bit);
    assert_int_equal(acpi.smi_port, 0xb2);
    assert_int_equal(acpi.smi_enable, 0xf1);
    assert_int_equal(acpi.reset.address, 0xcf9);
    assert_int_equal(acpi.reset_value, 0x0f);
    assert_int_equal(acpi.hpet, 0xfed00000);
}

static void a_table_with_a_wrong_checksum_is_left_out(void **state)
{
    (void)state;
    memory[ADDRESS(HPET_TABLE) + 50] ^= 1;
    acpi_init(rsdp, 36, show);
    assert_int_equal(acpi.hpet, 0);
    assert_int_equal(acpi.cpu_count, 2);
    assert_true(fake_console_has("table HPET at 0x40000 has a wrong checksum"));
}

static void a_table_of_impossible_length_is_left_out(void **state)
{
    (void)state;
    put(MADT, 4, 35, 4);
    put(HPET_TABLE, 4, 0xffffffff, 4);
    acpi_init(rsdp, 36, show);
    assert_int_equal(acpi.cpu_count, 0);
    assert_int_equal(acpi.hpet, 0);
    assert_true(acpi.has_s5);
}

static void a_short_fadt_has_only_the_fields_that_it_holds(void **state)
{
    (void)state;
    finish(FADT, "FACP", 116);
    acpi_init(rsdp, 36, show);
    assert_int_equal(acpi.pm_timer.address, 0x608);
    assert_int_equal(acpi.reset.address, 0);
    assert_true(acpi.has_s5);
}

static void an_entry_of_length_zero_ends_the_madt(void **state)
{
    (void)state;
    memory[ADDRESS(MADT) + 53] = 0;
    finish(MADT, "APIC", lengths[MADT]);
    acpi_init(rsdp, 36, show);
    assert_int_equal(acpi.cpu_count, 1);
    assert_true(fake_console_has("MADT entry of type 1 at offset 52 has length 0"));
}

static void a_damaged_root_pointer_is_not_followed(void **state)
{
    (void)state;
    rsdp[9] ^= 1;
    acpi_init(rsdp, 36, show);
    assert_false(acpi.present);
    acpi_init(NULL, 0, show);
    assert_false(acpi.present);
}

static void damaged_tables_are_read_within_their_bounds(void **state)
{
    (void)state;
    u32 found = 0;

    for (u32 i = 0; i < ROUNDS; i++) {
        make_tables();
        memset(&acpi, 0, sizeof(acpi));
        for (u64 n = 1 + next_random() % 6; n-- > 0;) {
            u32 t = (u32)(next_random() % TABLES);
            memory[ADDRESS(t) + next_random() % lengths[t]] = (u8)next_random();
        }
        for (u32 t = 0; t < TABLES; t++) {
            u32 length;
            memcpy(&length, memory + ADDRESS(t) + 4, 4);
            if (length >= 36 && length <= 0x10000)
                mend(memory + ADDRESS(t), length, 9);
        }
        acpi_init(rsdp, 36, show);
        assert_true(acpi.cpu_count <= ACPI_CPUS_MAX);
        assert_true(!acpi.reset.is_port || acpi.reset.address <= 0xffff);
        found += acpi.has_s5;
        forget();
        fake_console_clear();
    }
    assert_true(found > 0 && found < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_tables_are_understood, begin, end),
        cmocka_unit_test_setup_teardown(a_table_with_a_wrong_checksum_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(a_table_of_impossible_length_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(a_short_fadt_has_only_the_fields_that_it_holds, begin, end),
        cmocka_unit_test_setup_teardown(an_entry_of_length_zero_ends_the_madt, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_root_pointer_is_not_followed, begin, end),
        cmocka_unit_test_setup_teardown(damaged_tables_are_read_within_their_bounds, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
