/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: ACPI's tables. The input: a byte (bit 0: checksums are mended), the root pointer (36 bytes), and what
 * stands in memory from address 0x1000 on. Each piece that is read is given in a buffer of exactly its size.
 */
#include "arch/fake/fake.h"
#include "arch/x86/dev/acpi.c"
#include "tests/fuzz/check.h"

#define MEMORY_AT 0x1000u

static const u8 *memory;
static size_t memory_size;
static bool mended;
static void *shown[4096];
static u32 shown_count;

static void mend(u8 *at, size_t length, size_t checksum)
{
    u8 sum = 0;

    if (checksum >= length)
        return;
    at[checksum] = 0;
    for (size_t i = 0; i < length; i++)
        sum = (u8)(sum + at[i]);
    at[checksum] = (u8)-sum;
}

/* Beyond the input memory is empty, up to the end of what can be addressed. */
static const void *show(paddr_t address, u64 size)
{
    CHECK(size > 0 && size <= TABLE_MAX);
    if (address < MEMORY_AT || size > MEMORY_AT + 0x10000u || address > 0x10000u || shown_count == ARRAY_SIZE(shown))
        return NULL;
    u8 *copy = calloc(1, size);
    CHECK(copy != NULL);
    if (address - MEMORY_AT < memory_size) {
        u64 room = memory_size - (address - MEMORY_AT);
        memcpy(copy, memory + (address - MEMORY_AT), size < room ? size : room);
    }
    if (mended)
        mend(copy, size, 9);
    return shown[shown_count++] = copy;
}

/* The machine does not obey: the waits for it are cut short. */
static u32 port_in(u16 port, unsigned bytes)
{
    (void)port, (void)bytes;
    return PM1_SCI_EN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    u8 rsdp[36] = {0};

    if (!ready)
        fake_reset(64);
    ready = true;
    if (size < 1 + sizeof(rsdp))
        return 0;
    fake_console_clear();
    fake_processor.port_in = port_in;
    memset(&acpi, 0, sizeof(acpi));
    mended = data[0] & 1;
    memcpy(rsdp, data + 1, sizeof(rsdp));
    memory = data + 1 + sizeof(rsdp);
    memory_size = size - 1 - sizeof(rsdp);
    if (mended) {
        mend(rsdp, 20, 8);
        mend(rsdp, 36, 32);
    }
    acpi_init(rsdp, data[0] & 2 ? 20 : data[0] & 4 ? 0 : 36, show);
    CHECK(acpi.cpu_count <= ACPI_CPUS_MAX);
    CHECK(!acpi.has_s5 || (acpi.s5_a < 8 && acpi.s5_b < 8));
    CHECK(!acpi.reset.is_port || acpi.reset.address <= 0xffff);
    CHECK(!acpi.pm_timer.is_port || acpi.pm_timer.address <= 0xffff);
    CHECK(acpi.present || (!acpi.cpu_count && !acpi.has_s5 && !acpi.hpet));
    if (!acpi.pm1a_control.address || !acpi.has_s5) /* the others wait for the end of power */
        acpi_power_off();
    acpi_reset();
    while (shown_count)
        free(shown[--shown_count]);
    return 0;
}
