/* SPDX-License-Identifier: MIT */
/*
 * ACPI's static tables (ACPI 6.4 chapter 5.2): what we need of RSDP, XSDT or RSDT, MADT, FADT and HPET, and
 * the values that switch the machine off. No AML is executed: \_S5_ is found by its bytes. A table with a
 * wrong length or checksum is named in a warning and left out.
 */
#ifndef XL_X86_DEV_ACPI_H
#define XL_X86_DEV_ACPI_H

#include "lib/types.h"

#define ACPI_CPUS_MAX 256

struct acpi_register {
    bool is_port; /* else memory */
    u64 address;  /* 0: there is none */
};

struct acpi_info {
    bool present;
    u32 cpu_count; /* enabled processors */
    u32 cpu_apic_id[ACPI_CPUS_MAX];
    u32 ioapic_count;
    struct acpi_register pm_timer;
    bool pm_timer_32bit; /* else 24 bits */
    struct acpi_register pm1a_control, pm1b_control;
    bool has_s5;
    u8 s5_a, s5_b; /* SLP_TYP of \_S5_ */
    u16 smi_port;  /* 0: always in ACPI mode */
    u8 smi_enable;
    struct acpi_register reset;
    u8 reset_value;
    u8 century_register; /* of the CMOS clock; 0: none */
    u64 hpet;            /* machine address of its registers; 0: none */
};

extern struct acpi_info acpi;

/* Makes firmware memory readable; NULL: such memory cannot exist. */
typedef const void *(*acpi_map_fn)(paddr_t address, u64 size);

/* rsdp: a copy of the root pointer, 20 or 36 bytes; size 0: there is none. */
void acpi_init(const u8 *rsdp, u32 size, acpi_map_fn map);

/* Asks for the soft-off state; returns where the machine does not obey. */
void acpi_power_off(void);
/* Writes the reset register, where there is one at a port; returns where that does nothing. */
void acpi_reset(void);

#endif
