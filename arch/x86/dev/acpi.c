/* SPDX-License-Identifier: MIT */
/* Static ACPI tables: see the header. Offsets are those of ACPI 6.4; a field beyond a table's end reads as 0.
 */
#include "arch/x86/dev/acpi.h"
#include "arch/x86/cpu/insn.h"
#include "common/printk.h"
#include "lib/string.h"

#define HEADER_SIZE 36u
#define TABLE_MAX   MIB(8)
#define TABLES_MAX  256u

#define MADT_ENTRIES     44u
#define MADT_LAPIC       0
#define MADT_IOAPIC      1
#define MADT_X2APIC      9
#define MADT_CPU_ENABLED 1u

#define FADT_DSDT          40u
#define FADT_SMI_CMD       48u
#define FADT_ACPI_ENABLE   52u
#define FADT_PM1A_CNT      64u
#define FADT_PM1B_CNT      68u
#define FADT_PM_TMR        76u
#define FADT_CENTURY       108u
#define FADT_FLAGS         112u
#define FADT_RESET_REG     116u
#define FADT_RESET_VALUE   128u
#define FADT_X_DSDT        140u
#define FADT_X_PM1A_CNT    172u
#define FADT_X_PM1B_CNT    184u
#define FADT_X_PM_TMR      208u
#define FLAG_TMR_VAL_EXT   (1u << 8)
#define FLAG_RESET_REG_SUP (1u << 10)

#define GAS_MEMORY 0
#define GAS_PORT   1

#define AML_NAME_OP    0x08
#define AML_PACKAGE_OP 0x12
#define AML_BYTE       0x0a
#define AML_ZERO       0x00
#define AML_ONE        0x01

#define PM1_SCI_EN  1u
#define PM1_SLP_TYP (7u << 10)
#define PM1_SLP_EN  (1u << 13)

struct acpi_info acpi;

struct table {
    const u8 *at;
    u32 length;
};

static u64 field(const struct table *t, u32 offset, u32 size)
{
    u64 v = 0;

    if (offset <= t->length && size <= t->length - offset)
        memcpy(&v, t->at + offset, size);
    return v;
}

static bool sums_to_zero(const u8 *p, u32 n)
{
    u8 sum = 0;

    for (u32 i = 0; i < n; i++)
        sum = (u8)(sum + p[i]);
    return sum == 0;
}

static bool has_signature(const struct table *t, const char *signature)
{
    return memcmp(t->at, signature, 4) == 0;
}

/* Four bytes of a table's name as text. */
static void name_of(const u8 *at, char name[5])
{
    for (unsigned i = 0; i < 4; i++)
        name[i] = at[i] >= ' ' && at[i] < 127 ? (char)at[i] : '?';
    name[4] = 0;
}

static bool open_table(paddr_t address, acpi_map_fn map, struct table *out)
{
    const u8 *head = address ? map(address, HEADER_SIZE) : NULL;
    char name[5];
    u32 length;

    if (!head) {
        log_warning("ACPI: a table at %#llx, which this machine cannot address: left out\n",
                    (unsigned long long)address);
        return false;
    }
    name_of(head, name);
    memcpy(&length, head + 4, 4);
    if (length < HEADER_SIZE || length > TABLE_MAX) {
        log_warning("ACPI: table %s at %#llx is %u bytes long, expected %u to %u: left out\n", name,
                    (unsigned long long)address, length, HEADER_SIZE, (u32)TABLE_MAX);
        return false;
    }
    out->at = map(address, length);
    out->length = length;
    if (!out->at || !sums_to_zero(out->at, length)) {
        log_warning("ACPI: table %s at %#llx has a wrong checksum: left out\n", name,
                    (unsigned long long)address);
        return false;
    }
    return true;
}

static void read_madt(const struct table *t)
{
    for (u32 at = MADT_ENTRIES; at + 2 <= t->length;) {
        u32 type = (u32)field(t, at, 1), length = (u32)field(t, at + 1, 1);
        if (length < 2 || length > t->length - at) {
            log_warning("ACPI: MADT entry of type %u at offset %u has length %u: the rest is left out\n",
                        type, at, length);
            return;
        }
        u32 id = 0, flags = 0;
        if (type == MADT_LAPIC && length >= 8) {
            id = (u32)field(t, at + 3, 1);
            flags = (u32)field(t, at + 4, 4);
        } else if (type == MADT_X2APIC && length >= 16) {
            id = (u32)field(t, at + 4, 4);
            flags = (u32)field(t, at + 8, 4);
        } else if (type == MADT_IOAPIC) {
            acpi.ioapic_count++;
        }
        if ((flags & MADT_CPU_ENABLED) && acpi.cpu_count < ACPI_CPUS_MAX)
            acpi.cpu_apic_id[acpi.cpu_count++] = id;
        at += length;
    }
}

/* A register described twice: as an old 32-bit port and as a newer generic address, which wins where it is
 * set. */
static struct acpi_register read_register(const struct table *t, u32 old, u32 generic)
{
    struct acpi_register r = {true, old ? field(t, old, 4) : 0};
    u64 space = field(t, generic, 1), address = field(t, generic + 4, 8);

    if (address && space <= GAS_PORT)
        r = (struct acpi_register){space == GAS_PORT, address};
    if (r.is_port && r.address > 0xffff)
        r.address = 0;
    return r;
}

/* One small constant of AML at *at; moves behind it. */
static bool read_constant(const struct table *t, u32 *at, u8 *out)
{
    u32 op = (u32)field(t, *at, 1);

    if (*at >= t->length)
        return false;
    *at += 1;
    if (op == AML_ZERO || op == AML_ONE) {
        *out = (u8)op;
        return true;
    }
    if (op != AML_BYTE || *at >= t->length)
        return false;
    *out = (u8)field(t, *at, 1);
    *at += 1;
    return true;
}

/* Name (\_S5_, Package (n) { a, b, ... }) somewhere in a definition block. */
static void find_s5(const struct table *t)
{
    for (u32 at = HEADER_SIZE + 1; at + 4 < t->length && !acpi.has_s5; at++) {
        if (memcmp(t->at + at, "_S5_", 4) != 0)
            continue;
        u8 before = t->at[at - 1], before2 = t->at[at - 2];
        if (before != AML_NAME_OP && !(before == '\\' && before2 == AML_NAME_OP))
            continue;
        u32 p = at + 4;
        if (field(t, p, 1) != AML_PACKAGE_OP)
            continue;
        p += 2 + (u32)(field(t, p + 1, 1) >> 6); /* the package's length: one byte and as many more */
        u64 elements = field(t, p++, 1);
        u8 a, b;
        if (elements < 1 || !read_constant(t, &p, &a))
            continue;
        if (elements < 2 || !read_constant(t, &p, &b))
            b = a;
        acpi.s5_a = a & 7;
        acpi.s5_b = b & 7;
        acpi.has_s5 = true;
    }
}

static void read_fadt(const struct table *t, acpi_map_fn map)
{
    u64 flags = field(t, FADT_FLAGS, 4), dsdt = field(t, FADT_X_DSDT, 8);
    struct table definitions;

    acpi.pm_timer = read_register(t, FADT_PM_TMR, FADT_X_PM_TMR);
    acpi.pm_timer_32bit = (flags & FLAG_TMR_VAL_EXT) != 0;
    acpi.pm1a_control = read_register(t, FADT_PM1A_CNT, FADT_X_PM1A_CNT);
    acpi.pm1b_control = read_register(t, FADT_PM1B_CNT, FADT_X_PM1B_CNT);
    acpi.smi_port = (u16)field(t, FADT_SMI_CMD, 4);
    acpi.smi_enable = (u8)field(t, FADT_ACPI_ENABLE, 1);
    acpi.century_register = (u8)field(t, FADT_CENTURY, 1);
    if (flags & FLAG_RESET_REG_SUP) {
        acpi.reset = read_register(t, 0, FADT_RESET_REG);
        acpi.reset_value = (u8)field(t, FADT_RESET_VALUE, 1);
    }
    if (open_table(dsdt ? dsdt : field(t, FADT_DSDT, 4), map, &definitions))
        find_s5(&definitions);
}

static void read_table(paddr_t address, acpi_map_fn map)
{
    struct table t;

    if (!open_table(address, map, &t))
        return;
    if (has_signature(&t, "APIC"))
        read_madt(&t);
    else if (has_signature(&t, "FACP"))
        read_fadt(&t, map);
    else if (has_signature(&t, "SSDT"))
        find_s5(&t);
    else if (has_signature(&t, "HPET") && field(&t, 40, 1) == GAS_MEMORY)
        acpi.hpet = field(&t, 44, 8);
}

void acpi_init(const u8 *rsdp, u32 size, acpi_map_fn map)
{
    struct table root, lists = {rsdp, size};
    bool wide;

    if (size < 20 || memcmp(rsdp, "RSD PTR ", 8) != 0 || !sums_to_zero(rsdp, 20)) {
        log_warning("ACPI: %s\n",
                    size ? "the root pointer is damaged" : "the boot loader found no root pointer");
        return;
    }
    wide = size >= 36 && rsdp[15] >= 2 && sums_to_zero(rsdp, 36) && field(&lists, 24, 8);
    if (!open_table(field(&lists, wide ? 24 : 16, wide ? 8 : 4), map, &root))
        return;
    if (!has_signature(&root, wide ? "XSDT" : "RSDT")) {
        log_warning("ACPI: the root table is not named %s\n", wide ? "XSDT" : "RSDT");
        return;
    }
    acpi.present = true;
    u32 width = wide ? 8 : 4, count = (root.length - HEADER_SIZE) / width;
    for (u32 i = 0; i < count && i < TABLES_MAX; i++)
        read_table(field(&root, HEADER_SIZE + i * width, width), map);
}

static void write_control(const struct acpi_register *r, u8 type)
{
    if (!r->is_port || !r->address)
        return;
    u32 v = insn_in16((u16)r->address) & ~PM1_SLP_TYP;
    insn_out16((u16)r->address, (u16)(v | (u32)type << 10 | PM1_SLP_EN));
}

void acpi_power_off(void)
{
    if (!acpi.has_s5 || !acpi.pm1a_control.is_port || !acpi.pm1a_control.address)
        return;
    /* The registers listen in ACPI mode only; the firmware may have left it off. */
    if (acpi.smi_port && acpi.smi_enable && !(insn_in16((u16)acpi.pm1a_control.address) & PM1_SCI_EN)) {
        insn_out8(acpi.smi_port, acpi.smi_enable);
        for (u32 i = 0; i < 1000000 && !(insn_in16((u16)acpi.pm1a_control.address) & PM1_SCI_EN); i++)
            insn_pause();
    }
    write_control(&acpi.pm1a_control, acpi.s5_a);
    write_control(&acpi.pm1b_control, acpi.s5_b);
    for (u32 i = 0; i < 1000000; i++)
        insn_pause();
}

void acpi_reset(void)
{
    if (acpi.reset.is_port && acpi.reset.address)
        insn_out8((u16)acpi.reset.address, acpi.reset_value);
}
