/* SPDX-License-Identifier: MIT */
/*
 * A PV domain's memory at its start, as the public header describes it (xen/xen.h, "Start-of-day memory layout"), each
 * part on its own pages, one behind the other from virt_base on:
 *
 *   image | ramdisk | P2M list | start_info | console ring | page tables (L4 first) | boot stack | slack to 4 MiB
 *
 * all mapped with 4 KiB entries, writable but for the page tables. With an INIT_P2M note the list lies behind the rest,
 * unmapped there, and is mapped at that address, with tables of its own (first_p2m_pfn, nr_p2m_frames).
 *
 * The tables are written in the guest's form and then registered like any table of the guest: pinned and loaded
 * through the type engine. A domain's frames need not be neighbours, and nothing here assumes it.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/pv/hypercall_page.h"
#include "common/elf.h"
#include "lib/bug.h"
#include "lib/format.h"
#include "lib/string.h"
#include <arch/domain.h>
#include <arch/paging.h>
#include <xen/features.h>

#define BOOT_SLACK   KIB(512) /* room behind the boot stack, at least */
#define BOOT_ALIGN   MIB(4)
#define TABLE_FLAGS  (PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define START_MAGIC  "xen-3.0-x86_64"

struct build {
    struct domain *d;
    struct x86_vcpu *v;
    const struct elf_image *image;
    const void *ramdisk;
    u64 ramdisk_size;
    u64 pages;      /* of the domain */
    u32 *map;       /* [pages]: mfn of each pfn */
    u64 map_pages;  /* host frames that hold map */
    /* The layout, in pseudo-physical frame numbers. */
    u64 ramdisk_pfn, list_pfn, start_info_pfn, console_pfn, table_pfn, stack_pfn;
    u64 tables, list_pages;
    u64 list_table_pfn, list_tables; /* with INIT_P2M */
    vaddr_t virt_end;                /* of the initial map */
    u64 next_table, last_table;      /* frames for tables: next to be used, one past the last */
    char *error;
    size_t error_size;
};

#define fail(b, err, ...) (format_text((b)->error, (b)->error_size, __VA_ARGS__), -(err))

/* ---- layout --------------------------------------------------------------------------------------------------- */

static u64 pages_for(u64 bytes)
{
    return align_up(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

/* Tables of that level that map [start, end). */
static u64 tables_of_level(vaddr_t start, vaddr_t end, unsigned level)
{
    unsigned shift = PAGE_SHIFT + 9 * level;
    return ((end - 1) >> shift) - (start >> shift) + 1;
}

static u64 tables_below_root(vaddr_t start, vaddr_t end)
{
    return tables_of_level(start, end, 1) + tables_of_level(start, end, 2) + tables_of_level(start, end, 3);
}

static vaddr_t virt_of(const struct build *b, u64 pfn)
{
    return b->image->virt_base + (pfn << PAGE_SHIFT);
}

/* The tables map themselves, so their number is found by trying. */
static void layout_tables(struct build *b)
{
    for (b->tables = 4;; b->tables++) {
        b->stack_pfn = b->table_pfn + b->tables;
        b->virt_end = align_up(virt_of(b, b->stack_pfn + 1) + BOOT_SLACK, BOOT_ALIGN);
        if (1 + tables_below_root(b->image->virt_base, b->virt_end) <= b->tables)
            return;
    }
}

static int layout_check(struct build *b, u64 last_pfn)
{
    const struct elf_image *image = b->image;
    if (last_pfn > b->pages)
        return fail(b, XEN_ENOMEM,
                    "memory=%lluK is too small: image, ramdisk and what goes with them need %llu KiB from pfn 0 on",
                    (unsigned long long)(b->pages << 2), (unsigned long long)(last_pfn << 2));
    u64 span = b->virt_end - image->virt_base;
    if (b->virt_end <= image->virt_base || !is_guest_range(image->virt_base, span) || !is_canonical(image->virt_base))
        return fail(b, XEN_EINVAL, "note VIRT_BASE %#llx: the initial map up to %#llx is not the guest's address space",
                    (unsigned long long)image->virt_base, (unsigned long long)b->virt_end);
    if (!image->has_init_p2m)
        return 0;
    /* In L4 entries of its own, so that its tables and those of the initial map have nothing in common. */
    const unsigned shift = PAGE_SHIFT + 9 * (PT_LEVELS - 1);
    vaddr_t list = image->init_p2m, last = list + (b->list_pages << PAGE_SHIFT) - 1;
    bool apart = last >> shift < image->virt_base >> shift || list >> shift > (b->virt_end - 1) >> shift;
    if (last < list || !is_guest_range(list, last - list + 1) || !is_canonical(list) || !apart)
        return fail(b, XEN_EINVAL, "note INIT_P2M %#llx: the list of %llu pages does not fit there",
                    (unsigned long long)list, (unsigned long long)b->list_pages);
    return 0;
}

static int layout(struct build *b)
{
    u64 next = pages_for(b->image->paddr_end);
    b->ramdisk_pfn = next;
    next += pages_for(b->ramdisk_size);
    b->list_pages = pages_for(b->pages * sizeof(u64));
    if (!b->image->has_init_p2m) {
        b->list_pfn = next;
        next += b->list_pages;
    }
    b->start_info_pfn = next++;
    b->console_pfn = next++;
    b->table_pfn = next;
    /* Before anything is computed from sizes that the image chose. */
    if (next > b->pages)
        return layout_check(b, next);
    layout_tables(b);
    next = b->stack_pfn + 1;
    if (b->image->has_init_p2m) {
        vaddr_t list = b->image->init_p2m;
        b->list_pfn = max_u64(next, (b->virt_end - b->image->virt_base) >> PAGE_SHIFT);
        b->list_table_pfn = b->list_pfn + b->list_pages;
        b->list_tables = tables_below_root(list, list + (b->list_pages << PAGE_SHIFT));
        next = b->list_table_pfn + b->list_tables;
    }
    return layout_check(b, next);
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

static u8 *page_of(const struct build *b, u64 pfn)
{
    BUG_ON(pfn >= b->pages);
    return mfn_to_ptr(mfn_make(b->map[pfn]));
}

/* The number by which the guest knows a frame of its own. */
static u64 guest_frame(const struct build *b, u64 pfn)
{
    return arch_domain_translated(b->d) ? pfn : b->map[pfn];
}

/* In rewrite mode the frame shared with the hypervisor stands behind all that the domain may ever have. */
static u64 shared_info_pfn(const struct domain *d)
{
    return d->max_pages;
}

static int memory_allocate(struct build *b)
{
    b->map_pages = pages_for(b->pages * sizeof(u32));
    mfn_t map = frame_alloc_host_run(b->map_pages);
    if (mfn_is_invalid(map))
        return fail(b, XEN_ENOMEM, "no memory for the map of %llu pages", (unsigned long long)b->pages);
    b->map = mfn_to_ptr(map);
    if (b->d->config.paging == PAGING_REWRITE) {
        if (p2m_create(b->d, shared_info_pfn(b->d) + 1))
            return fail(b, XEN_ENOMEM, "no memory for the pseudo-physical map of %llu pages",
                        (unsigned long long)b->d->max_pages);
        BUG_ON(arch_p2m_set(b->d, gfn_make(shared_info_pfn(b->d)), b->d->shared_info_mfn));
    }
    for (u64 pfn = 0; pfn < b->pages; pfn++) {
        struct frame *f = frame_alloc_domain(b->d);
        if (!f)
            return fail(b, XEN_ENOMEM, "memory=%lluK is not there: the machine ran out after %llu KiB (%llu KiB are free)",
                        (unsigned long long)(b->pages << 2), (unsigned long long)(pfn << 2),
                        (unsigned long long)(frame_free_count() << 2));
        b->map[pfn] = (u32)frame_mfn(f).n;
        if (arch_domain_translated(b->d))
            BUG_ON(arch_p2m_set(b->d, gfn_make(pfn), frame_mfn(f)));
        else
            m2p_table[frame_mfn(f).n] = pfn;
    }
    return 0;
}

/* ---- contents ------------------------------------------------------------------------------------------------- */

static void write_image(struct build *b)
{
    const struct elf_image *image = b->image;
    for (u64 pfn = image->paddr_start >> PAGE_SHIFT; pfn < pages_for(image->paddr_end); pfn++)
        elf_copy(image, pfn << PAGE_SHIFT, page_of(b, pfn), PAGE_SIZE);
    for (u64 done = 0; done < b->ramdisk_size; done += PAGE_SIZE)
        memcpy(page_of(b, b->ramdisk_pfn + (done >> PAGE_SHIFT)), (const u8 *)b->ramdisk + done,
               min_u64(PAGE_SIZE, b->ramdisk_size - done));
    if (image->has_hypercall_page)
        hypercall_page_fill(page_of(b, (image->hypercall_page - image->virt_base) >> PAGE_SHIFT));
}

static void write_list(struct build *b)
{
    for (u64 pfn = 0; pfn < b->pages; pfn++) {
        u64 *page = (u64 *)page_of(b, b->list_pfn + pfn / PT_ENTRIES);
        page[pfn % PT_ENTRIES] = guest_frame(b, pfn);
    }
}

/* The pseudo-physical frame behind an entry that was written in the guest's form. */
static u64 entry_pfn(const struct build *b, u64 entry)
{
    return arch_domain_translated(b->d) ? pte_frame(entry) : m2p_table[pte_frame(entry)];
}

static bool is_table(const struct build *b, u64 pfn)
{
    return (pfn >= b->table_pfn && pfn < b->table_pfn + b->tables) ||
           (b->list_tables && pfn >= b->list_table_pfn && pfn < b->list_table_pfn + b->list_tables);
}

static void map_page(struct build *b, vaddr_t va, u64 pfn)
{
    u64 table = b->table_pfn;
    for (unsigned level = PT_LEVELS; level > 1; level--) {
        u64 *entry = &((u64 *)page_of(b, table))[pt_index(va, level)];
        if (!*entry) {
            BUG_ON(b->next_table == b->last_table);
            *entry = (guest_frame(b, b->next_table++) << PAGE_SHIFT) | TABLE_FLAGS;
        }
        table = entry_pfn(b, *entry);
    }
    u64 flags = is_table(b, pfn) ? TABLE_FLAGS & ~PTE_RW : TABLE_FLAGS;
    ((u64 *)page_of(b, table))[pt_index(va, 1)] = (guest_frame(b, pfn) << PAGE_SHIFT) | flags;
}

static void write_tables(struct build *b)
{
    u64 mapped = min_u64(b->pages, (b->virt_end - b->image->virt_base) >> PAGE_SHIFT);
    b->next_table = b->table_pfn + 1;
    b->last_table = b->table_pfn + b->tables;
    for (u64 pfn = 0; pfn < mapped; pfn++)
        map_page(b, virt_of(b, pfn), pfn);
    if (!b->image->has_init_p2m)
        return;
    b->next_table = b->list_table_pfn;
    b->last_table = b->list_table_pfn + b->list_tables;
    for (u64 i = 0; i < b->list_pages; i++)
        map_page(b, b->image->init_p2m + (i << PAGE_SHIFT), b->list_pfn + i);
}

static void write_start_info(struct build *b)
{
    struct start_info *s = (struct start_info *)page_of(b, b->start_info_pfn);
    memcpy(s->magic, START_MAGIC, sizeof(START_MAGIC));
    s->nr_pages = b->pages;
    s->shared_info = (arch_domain_translated(b->d) ? shared_info_pfn(b->d) : b->d->shared_info_mfn.n) << PAGE_SHIFT;
    s->flags = b->d->privileged ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0;
    /* No event channel stands behind the ring yet: a guest prints by console_io, and takes port 0 for "no ring". */
    if (!b->d->privileged)
        s->console.domU.mfn = guest_frame(b, b->console_pfn);
    s->pt_base = virt_of(b, b->table_pfn);
    s->nr_pt_frames = b->tables;
    s->mfn_list = b->image->has_init_p2m ? b->image->init_p2m : virt_of(b, b->list_pfn);
    if (b->ramdisk_size) {
        s->mod_start = virt_of(b, b->ramdisk_pfn);
        s->mod_len = b->ramdisk_size;
    }
    memcpy(s->cmd_line, b->d->config.cmdline, strnlen(b->d->config.cmdline, sizeof(s->cmd_line) - 1));
    if (b->image->has_init_p2m) {
        s->first_p2m_pfn = b->list_pfn;
        s->nr_p2m_frames = b->list_pages + b->list_tables;
    }
}

/* ---- start ---------------------------------------------------------------------------------------------------- */

static int register_tables(struct build *b)
{
    struct vcpu *v = &b->v->vcpu;
    gfn_t root = gfn_make(guest_frame(b, b->table_pfn));
    long rc;

    do
        rc = arch_paging_finish(v, arch_pin_table(v, b->d, PT_LEVELS, root));
    while (rc == -XEN_ERESTART);
    if (rc == 0)
        rc = arch_paging_finish(v, arch_new_base(v, root));
    return rc == 0 ? 0 : fail(b, XEN_EINVAL, "its first page tables were refused (error %ld)", rc);
}

static void set_registers(struct build *b)
{
    struct x86_vcpu *v = b->v;
    v->regs = (struct regs){
        .rip = b->image->entry,
        .rsi = virt_of(b, b->start_info_pfn),
        .rsp = virt_of(b, b->stack_pfn + 1),
        .cs = SEL_RING3_CS64,
        .ss = SEL_RING3_DS,
        .rflags = RFLAGS_IF | 2,
    };
    v->ds = v->es = v->fs = v->gs = SEL_RING3_DS;
    v->kernel_ss = SEL_RING3_DS;
    v->in_kernel = true;
    v->vcpu.initialised = true;
}

/* paging=auto: rewrite for a guest that says it can live without machine frames, direct for all others. */
static int decide_paging(struct build *b)
{
    const u32 translated = 1u << XENFEAT_auto_translated_physmap;
    /* writable_page_tables stands in the note of Linux and others as required; Xen lets them run without, as trapped
     * stores are what they mean. */
    const u32 offered = translated | (1u << XENFEAT_pae_pgdir_above_4gb) | (1u << XENFEAT_mmu_pt_update_preserve_ad) |
                        (1u << XENFEAT_highmem_assist) | (1u << XENFEAT_gnttab_map_avail_bits) |
                        (1u << XENFEAT_writable_page_tables);
    struct domain_config *c = &b->d->config;

    if (c->paging == PAGING_AUTO)
        c->paging = (b->image->features_supported & translated) ? PAGING_REWRITE : PAGING_DIRECT;
    u32 missing = b->image->features_required & ~offered;
    if (c->paging == PAGING_DIRECT)
        missing |= b->image->features_required & translated;
    if (missing)
        return fail(b, XEN_ENOSYS, "note FEATURES: it requires features %#x, which are not offered%s", missing,
                    missing & translated ? " with paging=direct" : "");
    return 0;
}

int arch_domain_build(struct domain *d, const struct elf_image *image, const void *ramdisk, size_t ramdisk_size,
                      char *error, size_t error_size)
{
    struct build b = {.d = d, .v = x86_vcpu(d->vcpu[0]), .image = image, .ramdisk = ramdisk,
                      .ramdisk_size = ramdisk_size, .pages = d->config.memory >> PAGE_SHIFT, .error = error,
                      .error_size = error_size};
    int rc = decide_paging(&b);
    if (rc == 0)
        rc = layout(&b);
    if (rc == 0)
        rc = memory_allocate(&b);
    if (rc == 0) {
        write_image(&b);
        write_list(&b);
        write_tables(&b);
        write_start_info(&b);
        rc = register_tables(&b);
    }
    if (rc == 0)
        set_registers(&b);
    if (b.map)
        frame_free_host(ptr_to_mfn(b.map), b.map_pages);
    return rc;
}
