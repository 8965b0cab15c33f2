/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's page tables. One walker makes what is missing on the way, splits what is too large, and
 * serves all parts. Page tables are reached through direct_map: until the new root is loaded that is 0, the
 * boot loader's identity map of the low 4 GiB, where the tables therefore come from.
 */
#include "arch/x86/paging/host_map.h"
#include "arch/x86/cpu/features.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/format.h"
#include "arch/x86/paging/memory_map.h"
#include "common/frame.h"
#include "common/printk.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/paging.h>

/* The linker's (xen-lite.lds). */
extern u8 image_start[], text_end[], rodata_end[], image_end[];

u64 host_l4_slots[HYPERVISOR_SLOTS];
mfn_t host_root;

#define TABLE_FLAGS      (PTE_PRESENT | PTE_RW | PTE_ACCESSED)
#define TABLE_FLAGS_M2P  (PTE_PRESENT | PTE_USER | PTE_ACCESSED) /* slot 256 can be written by nobody */
#define PAGE_DATA        (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NX)
#define PAGE_CONSTANT    (PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL | PTE_NX)
#define PAGE_TEXT        (PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL)
#define PAGE_M2P         (PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_GLOBAL | PTE_NX)
#define PAGE_DEVICE      (PAGE_DATA | PTE_PCD | PTE_PWT)
#define PAGE_DESCRIPTORS (PAGE_DATA & ~PTE_GLOBAL)

#define BELOW_IDENTITY  GIB(4) /* what the boot loader's map reaches */
#define ANYWHERE        (~0ull)
#define CPU_TABLE_PAGES (CPU_TABLES_SIZE / PAGE_SIZE)

static bool taken_over; /* memory comes from the frame allocator */
static u64 device_next = DEVICE_MAP_START;
static struct {
    paddr_t frame_table, m2p, bitmap;
    u64 frame_table_size, m2p_size, bitmap_size;
} tables;

/* Between IMAGE_PHYS and image_start lies the boot part (head.asm), which is not mapped any more. */
static paddr_t image_to_machine(const void *p)
{
    return (u64)p - IMAGE_START + IMAGE_PHYS;
}

/* One zeroed page that the present map reaches. */
static mfn_t new_page(void)
{
    if (taken_over) {
        mfn_t m = frame_alloc_host();
        if (mfn_is_invalid(m))
            panic("no memory left for the hypervisor's own page tables\n");
        return m;
    }
    paddr_t at = memory_map_take(PAGE_SIZE, PAGE_SIZE, BELOW_IDENTITY);
    if (at == ~0ull)
        panic("not enough memory below 4 GiB for the hypervisor's own page tables\n");
    memset(mfn_to_ptr(mfn_make(at >> PAGE_SHIFT)), 0, PAGE_SIZE);
    return mfn_make(at >> PAGE_SHIFT);
}

/* A leaf of that level becomes a table of leaves one level below, with the same rights. */
static void split(u64 *entry, unsigned level)
{
    mfn_t table = new_page();
    u64 *to = mfn_to_ptr(table), leaf = *entry & ~(level == 2 ? PTE_PSE : 0);

    for (unsigned i = 0; i < PT_ENTRIES; i++)
        to[i] = leaf + i * pt_span(level - 1);
    *entry = table.n << PAGE_SHIFT | TABLE_FLAGS;
}

/* The entry of that level which maps the address; tables above it are made where they are missing. */
static u64 *entry_at(u64 address, unsigned level)
{
    u64 *table = mfn_to_ptr(host_root);

    for (unsigned l = PT_LEVELS; l > level; l--) {
        u64 *entry = &table[pt_index(address, l)];
        if (!(*entry & PTE_PRESENT)) {
            BUG_ON(l == PT_LEVELS && taken_over); /* guests hold copies of the L4 entries */
            u64 flags = pt_index(address, 4) == HYPERVISOR_FIRST_SLOT ? TABLE_FLAGS_M2P : TABLE_FLAGS;
            *entry = new_page().n << PAGE_SHIFT | flags;
        } else if (*entry & PTE_PSE) {
            split(entry, l);
        }
        table = mfn_to_ptr(mfn_make(pte_frame(*entry)));
    }
    return &table[pt_index(address, level)];
}

/* Maps pages that were not mapped, by the largest that fit. All three numbers are whole pages. */
static void map(u64 address, paddr_t to, u64 size, u64 flags)
{
    while (size) {
        unsigned level = cpu_features.gib_pages ? 3 : 2;
        while (level > 1 && (((address | to) & (pt_span(level) - 1)) || size < pt_span(level)))
            level--;
        u64 *entry = entry_at(address, level);
        BUG_ON(*entry & PTE_PRESENT);
        *entry = to | flags | (level > 1 ? PTE_PSE : 0);
        address += pt_span(level);
        to += pt_span(level);
        size -= pt_span(level);
    }
}

/* Takes rights from pages, mapped or not. */
static void forbid(u64 address, u64 size, u64 rights)
{
    for (u64 end = address + size; address < end; address += PAGE_SIZE) {
        u64 *entry = entry_at(address, 1);
        *entry &= ~rights;
        insn_invlpg(address);
    }
}

static void forbid_alias(paddr_t at, u64 size)
{
    for (u32 i = 0; i < memory_ram.count; i++) {
        u64 start = max_u64(at, memory_ram.range[i].start), end = min_u64(at + size, memory_ram.range[i].end);
        if (start < end)
            forbid(DIRECT_MAP_START + start, end - start, PTE_RW);
    }
}

void host_map_read_only(void *start, u64 size)
{
    forbid((u64)start, size, PTE_RW);
    forbid_alias(image_to_machine(start), size);
}

void host_map_read_only_alias(void *start, u64 size)
{
    forbid((u64)start, size, PTE_RW);
}

static void map_image(void)
{
    u64 text = (u64)(text_end - image_start), rodata = (u64)(rodata_end - text_end);
    u64 data = (u64)(image_end - rodata_end);

    /* By 4 KiB: the parts are congruent to their machine addresses only in that. */
    map((u64)image_start, image_to_machine(image_start), text, PAGE_TEXT);
    map((u64)text_end, image_to_machine(text_end), rodata, PAGE_CONSTANT);
    map((u64)rodata_end, image_to_machine(rodata_end), data, PAGE_DATA);
    forbid_alias(image_to_machine(image_start), text + rodata);
}

/* Room for a table of the whole machine; its content comes when it is mapped. */
static paddr_t take_table(const char *what, u64 *size)
{
    *size = align_up(*size, PAGE_SIZE);
    paddr_t at = *size >= MIB(2) ? memory_map_take(*size, MIB(2), ANYWHERE) : ~0ull;
    if (at == ~0ull)
        at = memory_map_take(*size, PAGE_SIZE, ANYWHERE);
    if (at == ~0ull)
        panic("no %llu KiB of memory in a row for the %s\n", (unsigned long long)(*size >> 10), what);
    return at;
}

static void map_frame_tables(void)
{
    tables.frame_table_size = frame_count * sizeof(struct frame);
    tables.frame_table = take_table("frame table", &tables.frame_table_size);
    map(FRAME_TABLE_START, tables.frame_table, tables.frame_table_size, PAGE_DATA);

    tables.m2p_size = frame_count * sizeof(u64);
    tables.m2p = take_table("machine-to-physical table", &tables.m2p_size);
    map(M2P_WRITABLE, tables.m2p, tables.m2p_size, PAGE_DATA);
    map(M2P_READ_ONLY, tables.m2p, tables.m2p_size, PAGE_M2P);

    tables.bitmap_size = frame_alloc_bitmap_bytes(frame_count);
    tables.bitmap = take_table("frame allocator", &tables.bitmap_size);
}

static mfn_t map_new_page(u64 address, u64 flags)
{
    mfn_t m = new_page();

    map(address, m.n << PAGE_SHIFT, PAGE_SIZE, flags);
    return m;
}

void host_map_cpu(u32 id, struct cpu_pages *out)
{
    u64 area = CPU_AREAS_START + id * CPU_AREA_SIZE, descriptors = CPU_TABLES_START + id * CPU_TABLES_SIZE;
    static const u8 stacks[] = {CPU_PAGE_STACK_DF, CPU_PAGE_STACK_NMI, CPU_PAGE_STACK_DB, CPU_PAGE_STACK_MC};

    BUG_ON(area >= CPU_TABLES_START);
    mfn_t stub = map_new_page(area + CPU_PAGE_STUB * PAGE_SIZE, PAGE_TEXT);
    for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
        map_new_page(area + stacks[i] * PAGE_SIZE, PAGE_DATA);
    for (u64 at = area + CPU_PAGE_STACK * PAGE_SIZE; at < area + CPU_AREA_SIZE; at += PAGE_SIZE)
        map_new_page(at, PAGE_DATA);
    map_new_page(descriptors + GDT_GUEST_PAGES * PAGE_SIZE, PAGE_DESCRIPTORS);
    map_new_page(descriptors + (GDT_GUEST_PAGES + 1) * PAGE_SIZE, PAGE_DESCRIPTORS);

    /* Addresses as they are once this map is in use. */
    u64 l1 = (u64)entry_at(descriptors, 1) - (u64)direct_map;
    out->cpu = (struct x86_cpu *)(area + CPU_AREA_SIZE - CPU_STRUCT_SIZE);
    out->stub = (u8 *)(DIRECT_MAP_START + (stub.n << PAGE_SHIFT));
    out->stub_address = area + CPU_PAGE_STUB * PAGE_SIZE;
    out->gdt_l1 = (u64 *)(DIRECT_MAP_START + l1);
    out->tables = descriptors;
}

void host_map_build(void)
{
    BUG_ON(memory_ram.count == 0);
    memory_map_reserve(IMAGE_PHYS, image_to_machine(image_end));
    frame_count = memory_ram.range[memory_ram.count - 1].end >> PAGE_SHIFT;
    host_root = new_page();
    for (u32 i = 0; i < memory_ram.count; i++) {
        const struct range *r = &memory_ram.range[i];
        map(DIRECT_MAP_START + r->start, r->start, r->end - r->start, PAGE_DATA);
    }
    map_image();
    map_frame_tables();
    entry_at(CPU_AREAS_START, 1);
    entry_at(DEVICE_MAP_START, 1);
    memcpy(host_l4_slots, (u64 *)mfn_to_ptr(host_root) + HYPERVISOR_FIRST_SLOT, sizeof(host_l4_slots));
}

void host_map_take_over(void)
{
    direct_map = (u8 *)DIRECT_MAP_START;
    frame_table = (struct frame *)FRAME_TABLE_START;
    m2p_table = (u64 *)M2P_WRITABLE;
    memset(m2p_table, 0xff, tables.m2p_size);
    memset(frame_table, 0, tables.frame_table_size);
    for (u64 i = 0; i < frame_count; i++) {
        frame_table[i].owner = OWNER_NONE;
        frame_table[i].link = FRAME_LIST_END;
    }
    frame_alloc_init((u64 *)(direct_map + tables.bitmap), frame_count);
    for (u32 i = 0; i < memory_free.count; i++) {
        const struct range *r = &memory_free.range[i];
        frame_alloc_give(mfn_make(r->start >> PAGE_SHIFT), (r->end - r->start) >> PAGE_SHIFT);
    }
    /* The boot part is over; in a gap between its segments the loader may have put a module. */
    static struct range_list boot; /* too large for the stack */
    range_list_add(&boot, IMAGE_PHYS, image_to_machine(image_start));
    memory_map_without_kept(&boot);
    for (u32 i = 0; i < boot.count; i++)
        frame_alloc_give(mfn_make(boot.range[i].start >> PAGE_SHIFT),
                         (boot.range[i].end - boot.range[i].start) >> PAGE_SHIFT);
    taken_over = true;
}

mfn_t arch_m2p_mfn(u64 offset)
{
    return mfn_make((tables.m2p + offset) >> PAGE_SHIFT);
}

static void *map_next(paddr_t address, u64 size, u64 flags)
{
    u64 first = align_down(address, PAGE_SIZE), bytes = align_up(address + size, PAGE_SIZE) - first;
    u64 at = device_next;

    map(at, first, bytes, flags);
    device_next += bytes + PAGE_SIZE; /* a hole between neighbours */
    return (void *)(at + (address - first));
}

void *host_map_device(paddr_t address, u64 size)
{
    return map_next(address, size, PAGE_DEVICE);
}

const void *host_map_firmware(paddr_t address, u64 size)
{
    u64 limit = 1ull << cpu_features.physical_bits;

    if (size == 0 || size > MIB(16) || address >= limit || size > limit - address)
        return NULL;
    return map_next(address, size, PAGE_CONSTANT);
}
