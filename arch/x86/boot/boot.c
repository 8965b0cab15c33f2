/* SPDX-License-Identifier: MIT */
/*
 * From the first C line to start(): reads what the boot loader left, builds the hypervisor's own map, moves
 * into it, sets the processor up, finds the devices, starts the clock. The order is the point; each step says
 * what it needs.
 */
#include "arch/x86/boot/boot.h"
#include "arch/x86/boot/multiboot2.h"
#include "arch/x86/cpu/features.h"
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/setup.h"
#include "arch/x86/dev/acpi.h"
#include "arch/x86/dev/lapic.h"
#include "arch/x86/dev/pic.h"
#include "arch/x86/dev/vga.h"
#include "arch/x86/entry/stub.h"
#include "arch/x86/machine.h"
#include "arch/x86/paging/host_map.h"
#include "arch/x86/paging/memory_map.h"
#include "arch/x86/time.h"
#include "common/cmdline.h"
#include "common/frame.h"
#include "common/printk.h"
#include <arch/boot.h>

#define STUB32_OFFSET 64 /* of the landing code of 32-bit SYSCALL in the stub page */
#define HPET_SIZE     0x400
#define BOOT_INFO_MAX MIB(1)

static struct multiboot2 multiboot2;
static struct cpu_pages pages;
static void *screen; /* where the text screen will be mapped; NULL: there is none */

static void read_boot_information(u32 address)
{
    u32 size = *(const u32 *)(u64)address;
    const char *error;

    if (size < 16 || size > BOOT_INFO_MAX)
        panic("Multiboot2: the boot information is %u bytes long\n", size);
    if (!multiboot2_parse((const void *)(u64)address, size, &multiboot2, &error))
        panic("Multiboot2: %s\n", error);
}

static bool has_text_screen(void)
{
    return multiboot2.screen == SCREEN_TEXT || (multiboot2.screen == SCREEN_UNKNOWN && !multiboot2.info.uefi);
}

/* What must never be handed out: the first MiB (firmware, later the start of other processors) and the
 * modules. */
static void reserve_memory(void)
{
    memory_map_close(DIRECT_MAP_END - DIRECT_MAP_START);
    memory_map_reserve(0, MIB(1));
    for (u32 i = 0; i < multiboot2.info.module_count; i++) {
        const struct boot_module *m = &multiboot2.info.modules[i];
        memory_map_keep(m->start, m->start + m->size);
    }
}

static void print_banner(void)
{
    const struct boot_info *info = &multiboot2.info;

    log_info("xen-lite, loaded by %s on %s firmware\n", info->loader, info->uefi ? "UEFI" : "BIOS");
    log_info("command line: %s\n", info->cmdline);
    log_info("processor: %s, %s family %u model %u stepping %u\n", cpu_features.brand, cpu_features.vendor,
             cpu_features.family, cpu_features.model, cpu_features.stepping);
    for (u32 i = 0; i < memory_ram.count; i++)
        log_debug("RAM %#012llx to %#012llx\n", (unsigned long long)memory_ram.range[i].start,
                  (unsigned long long)memory_ram.range[i].end);
    if (memory_ram.dropped || memory_free.dropped)
        log_warning("the firmware's memory map has more than %u pieces: some RAM is not used\n", RANGES_MAX);
    log_info("memory: %llu MiB of RAM, %llu MiB free\n",
             (unsigned long long)range_list_total(&memory_ram) >> 20,
             (unsigned long long)frame_free_count() >> (20 - PAGE_SHIFT));
}

static void setup_processor(void)
{
    struct cpu_doors doors = {trap_entry_table, pages.stub_address, pages.stub_address + STUB32_OFFSET};

    entry_write_syscall_stub(pages.stub, doors.syscall64, pages.cpu, entry_syscall);
    entry_write_syscall_stub(pages.stub + STUB32_OFFSET, doors.syscall32, pages.cpu, entry_syscall32);
    cpu_setup(0, &pages, &doors);
    fpu_cpu_init();
    host_map_read_only(idt, sizeof(idt));
    host_map_read_only_alias(pages.stub, PAGE_SIZE);
}

static void setup_devices(void)
{
    void *hpet = NULL;

    if (!cpu_features.apic)
        panic("the processor has no local APIC: nothing could interrupt a guest\n");
    paddr_t lapic = lapic_address();
    pic_mask_all();
    lapic_init(lapic ? host_map_device(lapic, PAGE_SIZE) : NULL);
    pages.cpu->apic_id = lapic_id();
    acpi_init(multiboot2.rsdp, multiboot2.rsdp_size, host_map_firmware);
    if (acpi.hpet && acpi.hpet < 1ull << cpu_features.physical_bits)
        hpet = host_map_device(acpi.hpet, HPET_SIZE);
    time_init(hpet);
    if (acpi.present)
        log_info("ACPI: %u processor%s (1 is used), %s, %s\n", acpi.cpu_count, acpi.cpu_count == 1 ? "" : "s",
                 acpi.hpet ? "HPET" : "no HPET", acpi.has_s5 ? "can power off" : "cannot power off");
}

/* On the cpu's own stack under the final map; the boot loader's memory is gone. */
static void boot_mapped(void)
{
    machine_screen_move(screen);
    host_map_take_over();
    setup_processor();
    print_banner();
    setup_devices();
    start(&multiboot2.info);
}

__noreturn void boot_main(u32 multiboot2_address)
{
    machine_console_init();
    read_boot_information(multiboot2_address);
    cmdline_parse(multiboot2.info.cmdline);
    machine_console_init();
    if (has_text_screen())
        machine_screen_init((void *)VGA_TEXT_ADDRESS);
    cpu_features_read();
    reserve_memory();
    host_map_build();
    host_map_cpu(0, &pages);
    if (has_text_screen())
        screen = host_map_device(VGA_TEXT_ADDRESS, VGA_TEXT_SIZE);
    boot_continue((u64)pages.cpu, host_root.n << PAGE_SHIFT, boot_mapped);
}
