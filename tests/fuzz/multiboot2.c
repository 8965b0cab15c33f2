/* SPDX-License-Identifier: MIT */
/* libFuzzer target: boot information as a loader might hand it over; the input is all of it. */
#include "arch/x86/boot/multiboot2.c"
#include "tests/fuzz/check.h"

static void check_strings(const struct multiboot2 *m)
{
    CHECK(m->text_used <= sizeof(m->text));
    CHECK(m->info.module_count <= BOOT_MODULES_MAX);
    CHECK(strnlen(m->info.cmdline, sizeof(m->text)) < sizeof(m->text));
    CHECK(strnlen(m->info.loader, sizeof(m->text)) < sizeof(m->text));
    for (u32 i = 0; i < m->info.module_count; i++)
        CHECK(strnlen(m->info.modules[i].string, sizeof(m->text)) < sizeof(m->text));
    CHECK(m->rsdp_size == 0 || m->rsdp_size == 20 || m->rsdp_size == 36);
}

static void check_ranges(const struct range_list *list)
{
    CHECK(list->count <= RANGES_MAX);
    for (u32 i = 0; i < list->count; i++) {
        CHECK(list->range[i].start < list->range[i].end);
        CHECK(i == 0 || list->range[i - 1].end < list->range[i].start);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct multiboot2 out;
    const char *error;

    memset(&memory_ram, 0, sizeof(memory_ram));
    memset(&memory_free, 0, sizeof(memory_free));
    bool ok = multiboot2_parse(data, size, &out, &error);
    CHECK(ok == (error == NULL));
    if (!ok)
        return 0;
    check_strings(&out);
    check_ranges(&memory_ram);
    memory_map_close(1ull << 40);
    for (u32 i = 0; i < out.info.module_count; i++)
        memory_map_reserve(out.info.modules[i].start, out.info.modules[i].start + out.info.modules[i].size);
    check_ranges(&memory_free);
    paddr_t taken = memory_map_take(0x5000, 0x1000, 1ull << 32);
    CHECK(taken == ~0ull || (taken % 0x1000 == 0 && taken + 0x5000 <= 1ull << 32));
    check_ranges(&memory_free);
    return 0;
}
