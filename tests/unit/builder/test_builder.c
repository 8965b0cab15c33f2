/* SPDX-License-Identifier: MIT */
/*
 * The builder of domains: what a guest finds when it starts, walked through its own tables, against the layout that the
 * public header describes; and what it says of images that cannot be built.
 */
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/walk.h"
#include "common/domain_builder.h"
#include "common/elf.h"
#include "tests/unit/builder/image.h"
#include "tests/unit/support/tables.h"
#include <arch/domain.h>
#include <string.h>
#include <xen/features.h>
#include <xen/sched.h>

#define LINUX_BASE 0xffffffff80000000ull
#define FRAMES     6144u
#define TABLE_PAGES 1600 /* of one domain, at most */

static struct elf_image image;
static char error[160];
static u8 ramdisk[40000];
static struct domain_config config;

static int setup(void **state)
{
    (void)state;
    tables_reset(FRAMES);
    memset(&config, 0, sizeof(config));
    strcpy(config.name, "guest");
    strcpy(config.cmdline, "console=hvc0 -- one two");
    config.vcpus = 1;
    config.paging = PAGING_DIRECT;
    config.memory = config.maxmem = MIB(6);
    for (size_t i = 0; i < sizeof(ramdisk); i++)
        ramdisk[i] = (u8)(i * 17 + (i >> 8) + 3);
    return 0;
}

static struct domain *create(const struct image_spec *spec)
{
    size_t size;
    const u8 *file = image_make(spec, &size);
    assert_int_equal(elf_parse(file, size, &image, error, sizeof(error)), 0);
    struct domain *d = domain_create(&config);
    assert_non_null(d);
    return d;
}

static int build(struct domain *d, size_t ramdisk_size)
{
    memset(error, 0, sizeof(error));
    return arch_domain_build(d, &image, ramdisk_size ? ramdisk : NULL, ramdisk_size, error, sizeof(error));
}

static struct domain *built(const struct image_spec *spec, size_t ramdisk_size)
{
    struct domain *d = create(spec);
    int rc = build(d, ramdisk_size);
    if (rc)
        fail_msg("not built (%d): %s", rc, error);
    return d;
}

/* ---- what the guest sees -------------------------------------------------------------------------------------- */

static mfn_t root_of(struct domain *d)
{
    return x86_vcpu(d->vcpu[0])->kernel_root;
}

/* The pfn behind an address, which the guest can reach; rights as given. */
static u64 pfn_at(struct domain *d, u64 va, bool writable)
{
    struct pt_walk w;
    pt_walk(&pt_format_x86_64, root_of(d), va, &w);
    if (!w.mapped || !w.user || w.writable != writable || !w.exec)
        fail_msg("%#lx: mapped %d user %d writable %d exec %d", va, w.mapped, w.user, w.writable, w.exec);
    assert_int_equal(w.level, 1);
    assert_int_equal(frame_of(w.frame)->owner, d->id);
    return m2p_table[w.frame.n];
}

static void *page_at(struct domain *d, u64 va)
{
    struct pt_walk w;
    pt_walk(&pt_format_x86_64, root_of(d), va, &w);
    if (!w.mapped)
        fail_msg("%#lx is not mapped", va);
    return (u8 *)mfn_to_ptr(w.frame) + va % PAGE_SIZE;
}

static void assert_not_mapped(struct domain *d, u64 va)
{
    struct pt_walk w;
    pt_walk(&pt_format_x86_64, root_of(d), va, &w);
    assert_false(w.mapped);
}

/* All leaves below the root, so that nothing is mapped beside what is expected. */
static u64 leaves(u64 frame, unsigned level)
{
    const u64 *table = mfn_to_ptr(mfn_make(frame));
    u64 n = 0;
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if ((table[i] & P) && !(level == 4 && i >= 256 && i <= 271))
            n += level == 1 ? 1 : leaves(pte_frame(table[i]), level - 1);
    return n;
}

/* Where the parts must stand, from the sizes alone. */
struct expected {
    u64 base, pages, image_end, ramdisk_size;
    u64 ramdisk, list, start_info, console, tables, stack; /* pfn */
    u64 list_pages, virt_end;
    vaddr_t list_at;
};

static struct expected expect(const struct image_spec *s, size_t ramdisk_size, u64 tables)
{
    struct expected e = {.base = s->virt_base, .pages = config.memory >> PAGE_SHIFT, .ramdisk_size = ramdisk_size};
    e.image_end = s->start + IMAGE_TEXT + IMAGE_DATA + s->zeroes;
    u64 next = (e.image_end + 4095) / 4096;
    e.ramdisk = next;
    next += (ramdisk_size + 4095) / 4096;
    e.list_pages = (e.pages * 8 + 4095) / 4096;
    if (!s->init_p2m) {
        e.list = next;
        next += e.list_pages;
    }
    e.start_info = next++;
    e.console = next++;
    e.tables = next;
    e.stack = next + tables;
    u64 end = e.base + (e.stack + 1) * 4096 + KIB(512);
    e.virt_end = (end + MIB(4) - 1) / MIB(4) * MIB(4);
    u64 mapped = (e.virt_end - e.base) >> PAGE_SHIFT;
    if (s->init_p2m)
        e.list = mapped > e.stack + 1 ? mapped : e.stack + 1;
    e.list_at = s->init_p2m ? s->init_p2m : e.base + e.list * 4096;
    return e;
}

/* What the guest calls each of its frames. */
static void numbers_of(struct domain *d, u64 *numbers, u64 pages)
{
    assert_true(pages <= TABLE_PAGES);
    for (u64 pfn = 0; pfn < pages; pfn++)
        numbers[pfn] = x86_domain(d)->p2m ? pfn : ~0ull;
    for (u64 n = 0; !x86_domain(d)->p2m && n < frame_count; n++)
        if (frame_table[n].owner == d->id && m2p_table[n] < pages)
            numbers[m2p_table[n]] = n;
}

static void check_start_info(struct domain *d, const struct image_spec *s, const struct expected *e,
                             const struct start_info *si)
{
    assert_string_equal(si->magic, "xen-3.0-x86_64");
    assert_int_equal(si->nr_pages, e->pages);
    assert_int_equal(si->shared_info, (x86_domain(d)->p2m ? d->max_pages : d->shared_info_mfn.n) << PAGE_SHIFT);
    assert_int_equal(si->flags, config.privileged ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0);
    assert_int_equal(si->store_mfn, 0);
    assert_int_equal(si->store_evtchn, 0);
    u64 numbers[TABLE_PAGES];
    numbers_of(d, numbers, e->pages);
    if (!config.privileged)
        assert_int_equal(si->console.domU.mfn, numbers[e->console]);
    assert_int_equal(si->console.domU.evtchn, 0);
    assert_int_equal(si->pt_base, e->base + e->tables * 4096);
    assert_int_equal(si->mfn_list, e->list_at);
    assert_int_equal(si->mod_start, e->ramdisk_size ? e->base + e->ramdisk * 4096 : 0);
    assert_int_equal(si->mod_len, e->ramdisk_size);
    assert_string_equal((const char *)si->cmd_line, config.cmdline);
    assert_int_equal(si->first_p2m_pfn, s->init_p2m ? e->list : 0);
    if (s->init_p2m)
        assert_true(si->nr_p2m_frames > e->list_pages);
    else
        assert_int_equal(si->nr_p2m_frames, 0);
}

static void check_mappings(struct domain *d, const struct image_spec *s, const struct expected *e, u64 tables)
{
    u64 mapped = (e->virt_end - e->base) / 4096;
    if (mapped > e->pages)
        mapped = e->pages;
    for (u64 pfn = 0; pfn < mapped; pfn++)
        assert_int_equal(pfn_at(d, e->base + pfn * 4096, pfn < e->tables || pfn >= e->tables + tables), pfn);
    if (e->virt_end && (e->virt_end & 0xfffffffff000))
        assert_not_mapped(d, e->virt_end);
    if (e->base && e->base != HYPERVISOR_END)
        assert_not_mapped(d, e->base - 4096);
    for (u64 i = 0; s->init_p2m && i < e->list_pages; i++)
        assert_int_equal(pfn_at(d, s->init_p2m + i * 4096, true), e->list + i);
    assert_int_equal(leaves(root_of(d).n, 4), mapped + (s->init_p2m ? e->list_pages : 0));
}

static void check_contents(struct domain *d, const struct image_spec *s, const struct expected *e)
{
    for (u64 at = s->start; at < e->image_end; at += 4096) {
        const u8 *page = page_at(d, e->base + at);
        u64 n = at - s->start;
        if (!s->no_hypercall_page && n == IMAGE_HYPERCALL_PAGE)
            continue;
        for (u64 i = 0; i < 4096; i++)
            if (page[i] != (n + i < IMAGE_TEXT + IMAGE_DATA ? image_byte(n + i) : 0))
                fail_msg("byte %#lx of the image is %#x", n + i, page[i]);
    }
    static const u8 zeroes[4096];
    for (u64 pfn = 0; pfn < s->start / 4096; pfn++)
        assert_memory_equal(page_at(d, e->base + pfn * 4096), zeroes, 4096);
    for (u64 i = 0; i < e->ramdisk_size; i += 4096)
        assert_memory_equal(page_at(d, e->base + e->ramdisk * 4096 + i), ramdisk + i, min_u64(4096, e->ramdisk_size - i));
    u64 numbers[TABLE_PAGES];
    numbers_of(d, numbers, e->pages);
    for (u64 pfn = 0; pfn < e->pages; pfn++)
        assert_int_equal(*(u64 *)page_at(d, e->list_at + pfn * 8), numbers[pfn]);
    if (!s->no_hypercall_page) {
        const u8 *page = page_at(d, e->base + s->start + IMAGE_HYPERCALL_PAGE);
        for (unsigned i = 0; i < 128; i++)
            assert_int_equal(page[i * 32], 0x51); /* push %rcx */
        assert_int_equal(page[17 * 32 + 4], 17);  /* mov $17,%eax */
        assert_int_equal(page[23 * 32 + 5], 23);  /* iret: one push more */
    }
}

static void check_registers(struct domain *d, const struct image_spec *s, const struct expected *e)
{
    const struct x86_vcpu *v = x86_vcpu(d->vcpu[0]);
    assert_int_equal(v->regs.rip, s->virt_base + s->start + IMAGE_ENTRY);
    assert_int_equal(v->regs.rsi, e->base + e->start_info * 4096);
    assert_int_equal(v->regs.rsp, e->base + (e->stack + 1) * 4096);
    assert_int_equal(v->regs.cs, SEL_RING3_CS64);
    assert_int_equal(v->regs.ss, SEL_RING3_DS);
    assert_int_equal(v->regs.rflags, RFLAGS_IF | 2);
    for (unsigned i = 0; i < 16; i++)
        if (i != 6)
            assert_int_equal(v->regs.gpr[i], 0);
    assert_true(v->in_kernel && v->vcpu.initialised);
    assert_true(mfn_is_invalid(v->user_root));
}

static void check(struct domain *d, const struct image_spec *s, size_t ramdisk_size)
{
    const struct x86_vcpu *v = x86_vcpu(d->vcpu[0]);
    const struct start_info *si = page_at(d, v->regs.rsi);
    const u64 tables = si->nr_pt_frames;
    struct expected e = expect(s, ramdisk_size, tables);

    check_registers(d, s, &e);
    check_start_info(d, s, &e, si);
    check_mappings(d, s, &e, tables);
    check_contents(d, s, &e);
    /* The root is the first table; it is pinned and loaded. */
    assert_int_equal(m2p_table[root_of(d).n], e.tables);
    u64 w = frame_word(frame_of(root_of(d)));
    assert_int_equal(word_type(w), FRAME_L4);
    assert_int_equal(word_type_count(w), 2);
    assert_true(w & FRAME_PINNED);
    assert_int_equal(d->tot_pages, e.pages);
    assert_int_equal(arch_audit(), 0);
    if (x86_domain(d)->p2m)
        for (u64 pfn = 0; pfn < e.pages; pfn++)
            assert_int_equal(m2p_table[x86_domain(d)->p2m[pfn]], pfn);
}

/* ---- good images ---------------------------------------------------------------------------------------------- */

static const struct image_spec good[] = {
    {.virt_base = 0, .start = 0, .zeroes = 5000},
    {.virt_base = 0, .start = 0x100000},
    {.virt_base = LINUX_BASE, .start = 0x100000, .zeroes = 100},
    {.virt_base = LINUX_BASE, .start = 0x100000, .init_p2m = 0x8000000000ull},
    {.virt_base = LINUX_BASE, .start = 0x1000, .init_p2m = 0xffff880000000000ull, .no_hypercall_page = true},
    {.virt_base = 0x7ffffe000000ull, .start = 0, .zeroes = 0x3000}, /* up to the end of the lower half, nearly */
    {.virt_base = 0x3fe00000, .start = 0x3000},                     /* over a border of L3 entries */
    {.virt_base = 0x7fffffe00000ull - MIB(512), .start = 0, .init_p2m = 0xffff880000200000ull},
    {.virt_base = 0xffff880000000000ull, .start = 0x2000},
    {.virt_base = 0x123456000ull, .start = 0x5000},
};

static void the_guest_finds_what_it_expects(void **state)
{
    (void)state;
    static const size_t ramdisks[] = {0, 1, 4096, 39999};
    for (int mode = 0; mode < 2; mode++)
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
            for (size_t k = 0; k < ARRAY_SIZE(ramdisks); k++) {
                config.paging = mode ? PAGING_REWRITE : PAGING_DIRECT;
                frame_alloc_scatter(k & 1 ? i + 7 : 0);
                u64 free_before = frame_free_count();
                struct domain *d = built(&good[i], ramdisks[k]);
                check(d, &good[i], ramdisks[k]);
                assert_int_equal(d->config.paging == PAGING_REWRITE, x86_domain(d)->p2m != NULL);
                domain_destroy(d);
                frame_alloc_scatter(0);
                assert_int_equal(frame_free_count(), free_before);
            }
}

static void memory_of_every_size_is_enough_or_refused(void **state)
{
    (void)state;
    const struct image_spec *specs[] = {&good[0], &good[3]};
    for (int mode = 0; mode < 2; mode++)
        for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
            u64 last_refused = 0, first_built = 0;
            for (u64 pages = 1; pages < 1100; pages += pages < 300 || pages > 960 ? 1 : 61) {
                config.paging = mode ? PAGING_REWRITE : PAGING_DIRECT;
                config.memory = config.maxmem = pages << PAGE_SHIFT;
                u64 free_before = frame_free_count();
                struct domain *d = create(specs[i]);
                int rc = build(d, 5000);
                if (rc) {
                    assert_int_equal(rc, -XEN_ENOMEM);
                    assert_non_null(strstr(error, "too small"));
                    last_refused = pages;
                } else {
                    first_built = first_built ? first_built : pages;
                    check(d, specs[i], 5000);
                }
                domain_destroy(d);
                assert_int_equal(frame_free_count(), free_before);
                assert_int_equal(arch_audit(), 0);
            }
            if (first_built != last_refused + 1)
                fail_msg("image %zu: %lu pages are enough, %lu are not", i, first_built, last_refused);
        }
}

static void a_domain_may_grow_beyond_what_it_starts_with(void **state)
{
    (void)state;
    config.paging = PAGING_REWRITE;
    config.maxmem = MIB(16);
    struct domain *d = built(&good[2], 0);
    check(d, &good[2], 0);
    assert_int_equal(d->max_pages, 4096);
    assert_int_equal(x86_domain(d)->p2m_count, 4097);
    for (u64 pfn = 1536; pfn < 4096; pfn++)
        assert_true(mfn_is_invalid(arch_gfn_to_mfn(d, gfn_make(pfn))));
    assert_int_equal(arch_gfn_to_mfn(d, gfn_make(4096)).n, d->shared_info_mfn.n);
}

static void a_privileged_domain_is_told(void **state)
{
    (void)state;
    config.privileged = true;
    check(built(&good[2], 0), &good[2], 0);
}

static void a_command_line_is_cut_to_its_field(void **state)
{
    (void)state;
    memset(config.cmdline, 'x', sizeof(config.cmdline) - 1);
    struct domain *d = built(&good[2], 0);
    const struct start_info *si = page_at(d, x86_vcpu(d->vcpu[0])->regs.rsi);
    assert_int_equal(strnlen((const char *)si->cmd_line, MAX_GUEST_CMDLINE), MAX_GUEST_CMDLINE - 1);
}

static void interruptions_change_nothing(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        config.paging = mode ? PAGING_REWRITE : PAGING_DIRECT;
        struct domain *d = create(&good[3]);
        softirq_raise(SOFTIRQ_TIMER);
        assert_int_equal(build(d, 0), 0);
        this_cpu()->softirq = 0;
        check(d, &good[3], 0);
        domain_destroy(d);
    }
}

/* ---- features and modes --------------------------------------------------------------------------------------- */

static void the_mode_follows_the_image_where_it_is_left_open(void **state)
{
    static const struct {
        enum domain_paging asked;
        const char *features;
        u32 supported;
        enum domain_paging expected; /* PAGING_AUTO: refused */
    } rows[] = {
        {PAGING_AUTO, NULL, 0, PAGING_DIRECT},
        {PAGING_AUTO, "auto_translated_physmap", 0, PAGING_REWRITE},
        {PAGING_AUTO, NULL, 1u << XENFEAT_auto_translated_physmap, PAGING_REWRITE},
        {PAGING_AUTO, "!auto_translated_physmap", 0, PAGING_REWRITE},
        {PAGING_DIRECT, "auto_translated_physmap", 0, PAGING_DIRECT},
        {PAGING_DIRECT, "!auto_translated_physmap", 0, PAGING_AUTO},
        {PAGING_REWRITE, NULL, 0, PAGING_REWRITE},
        {PAGING_DIRECT, "!writable_page_tables|pae_pgdir_above_4gb", 0, PAGING_DIRECT},
        {PAGING_DIRECT, "!writable_descriptor_tables", 0, PAGING_AUTO},
        {PAGING_REWRITE, "!writable_descriptor_tables", 0, PAGING_AUTO},
        {PAGING_DIRECT, "writable_descriptor_tables", 0, PAGING_DIRECT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct image_spec spec = good[2];
        spec.features = rows[i].features;
        spec.supported = rows[i].supported;
        config.paging = rows[i].asked;
        struct domain *d = create(&spec);
        int rc = build(d, 0);
        if (rows[i].expected == PAGING_AUTO) {
            assert_int_equal(rc, -XEN_ENOSYS);
            assert_non_null(strstr(error, "FEATURES"));
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(d->config.paging, rows[i].expected);
            assert_int_equal(x86_domain(d)->p2m != NULL, rows[i].expected == PAGING_REWRITE);
        }
        domain_destroy(d);
    }
}

/* ---- images that cannot be built ------------------------------------------------------------------------------ */

static void an_initial_map_outside_the_guests_addresses_is_refused(void **state)
{
    static const struct {
        u64 base, init_p2m;
        const char *word;
    } rows[] = {
        {0xffff800000000000ull, 0, "VIRT_BASE"},
        {0xffff87ffffe00000ull, 0, "VIRT_BASE"}, /* its end would be the guest's again */
        {0xffff830000000000ull, 0, "VIRT_BASE"},
        {0x7fffffff0000ull, 0, "VIRT_BASE"},     /* begins well, ends in the hole */
        {0x800000000000ull, 0, "VIRT_BASE"},
        {0x1000000000000ull, 0, "VIRT_BASE"},
        {0xffff7fffffe00000ull, 0, "VIRT_BASE"},
        {0xffffffffffe00000ull, 0, "VIRT_BASE"}, /* wraps */
        {LINUX_BASE, LINUX_BASE + MIB(32), "INIT_P2M"},
        {LINUX_BASE, LINUX_BASE - GIB(1), "INIT_P2M"},
        {LINUX_BASE, 0xffff800000000000ull, "INIT_P2M"},
        {LINUX_BASE, 0xffff87fffffff000ull, "INIT_P2M"},
        {LINUX_BASE, 0x800000000000ull, "INIT_P2M"},
        {LINUX_BASE, 0x7ffffffff000ull, "INIT_P2M"}, /* three pages, one fits */
        {LINUX_BASE, 0xffff810000000000ull, "INIT_P2M"},
        {0x40000000, 0x7fc0000000ull, "INIT_P2M"},   /* in tables of the initial map */
    };
    (void)state;
    for (int mode = 0; mode < 2; mode++)
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            struct image_spec spec = {.virt_base = rows[i].base, .start = 0x1000, .init_p2m = rows[i].init_p2m};
            size_t size;
            config.paging = mode ? PAGING_REWRITE : PAGING_DIRECT;
            const u8 *file = image_make(&spec, &size);
            if (elf_parse(file, size, &image, error, sizeof(error)))
                continue; /* said there: tests/unit/elf */
            u64 free_before = frame_free_count();
            struct domain *d = domain_create(&config);
            int rc = build(d, 0);
            if (rc != -XEN_EINVAL || !strstr(error, rows[i].word))
                fail_msg("base %#lx list %#lx: %d: %s", rows[i].base, rows[i].init_p2m, rc, error);
            domain_destroy(d);
            assert_int_equal(frame_free_count(), free_before);
        }
}

/* Every allocation fails once: what was built until then is given back, and the reason says that memory ran out. */
static void a_machine_without_enough_memory(void **state)
{
    (void)state;
    config.memory = config.maxmem = 200 << PAGE_SHIFT;
    for (int mode = 0; mode < 2; mode++) {
        unsigned built_at = 0;
        for (u64 left = 0; left < 260 && !built_at; left += left < 6 || left > 190 ? 1 : 13) {
            config.paging = mode ? PAGING_REWRITE : PAGING_DIRECT;
            struct domain *d = create(&good[0]);
            u64 free_before = frame_free_count();
            static mfn_t taken[FRAMES];
            for (u64 i = 0; i < free_before - left; i++)
                taken[i] = frame_alloc_host();
            int rc = build(d, 100);
            if (rc) {
                assert_int_equal(rc, -XEN_ENOMEM);
                assert_non_null(strstr(error, left ? "memory" : "map"));
            } else {
                built_at = (unsigned)left;
            }
            for (u64 i = 0; i < free_before - left; i++)
                frame_free_host(taken[i], 1);
            if (!rc)
                check(d, &good[0], 100);
            u64 records = frame_free_count();
            domain_destroy(d);
            assert_true(frame_free_count() > records);
            assert_int_equal(arch_audit(), 0);
        }
        assert_in_range(built_at, 200, 203);
    }
}

static void an_image_larger_than_any_memory(void **state)
{
    (void)state;
    static const u64 zeroes[] = {MIB(6), GIB(1), GIB(1) << 20, 1ull << 46};
    for (size_t i = 0; i < ARRAY_SIZE(zeroes); i++) {
        struct image_spec spec = {.virt_base = 0, .start = 0, .zeroes = zeroes[i]};
        struct domain *d = create(&spec);
        assert_int_equal(build(d, 0), -XEN_ENOMEM);
        assert_non_null(strstr(error, "too small"));
        domain_destroy(d);
    }
}

/* ---- from modules --------------------------------------------------------------------------------------------- */

static struct boot_info info;

static void module(const void *data, size_t size, const char *string)
{
    u64 pages = align_up(size ? size : 1, PAGE_SIZE) >> PAGE_SHIFT;
    mfn_t at = frame_alloc_host_run(pages);
    assert_false(mfn_is_invalid(at));
    memcpy(mfn_to_ptr(at), data, size);
    info.modules[info.module_count++] = (struct boot_module){at.n << PAGE_SHIFT, size, string};
}

static void module_image(const struct image_spec *spec, const char *string)
{
    size_t size;
    const u8 *file = image_make(spec, &size);
    module(file, size, string);
}

static void domains_are_built_from_their_modules(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    struct image_spec translated = good[0];
    translated.features = "auto_translated_physmap";
    module(ramdisk, 100, "ramdisk of nobody");
    module_image(&good[2], "domain name=one memory=6 -- hello");
    module(ramdisk, 5000, "ramdisk");
    module(ramdisk, 5000, "domain name=two memory=6");           /* no ELF file */
    module_image(&good[2], "domain name=three memory=nonsense");
    module_image(&good[2], "domain name=four memory=1"); /* too small */
    module_image(&good[2], "domain name=five memory=6000"); /* the machine is */
    module(ramdisk, 10, "something else");
    module_image(&translated, "domain name=six memory=6 privileged=1");
    fake_console_clear();
    domains_from_modules(&info);
    assert_true(fake_console_has("no domain stands before this ramdisk"));
    assert_true(fake_console_has("module 4 (two): "));
    assert_true(fake_console_has("module 5: "));
    assert_true(fake_console_has("module 6 (four): memory=1024K is too small"));
    assert_true(fake_console_has("module 7 (five): memory=6144000K is not there"));
    assert_true(fake_console_has("begins neither with"));

    struct domain *one = domain_next(NULL), *six = domain_next(one);
    assert_null(domain_next(six));
    assert_string_equal(one->config.name, "one");
    assert_string_equal(six->config.name, "six");
    assert_int_equal(one->config.paging, PAGING_DIRECT);
    assert_int_equal(six->config.paging, PAGING_REWRITE);
    assert_true(one->vcpu[0]->online && six->vcpu[0]->online);
    const struct start_info *si = page_at(one, x86_vcpu(one->vcpu[0])->regs.rsi);
    assert_int_equal(si->mod_len, 5000);
    assert_memory_equal(page_at(one, si->mod_start), ramdisk, 4096);
    assert_string_equal((const char *)si->cmd_line, "hello");
    si = page_at(six, x86_vcpu(six->vcpu[0])->regs.rsi);
    assert_int_equal(si->mod_len, 0);
    assert_int_equal(si->flags, SIF_PRIVILEGED | SIF_INITDOMAIN);
    assert_int_equal(arch_audit(), 0);
}

static void more_modules_than_domains(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    for (unsigned i = 0; i < 66; i++) /* one for each number that a domain can have, and two */
        info.modules[info.module_count++] = (struct boot_module){PAGE_SIZE, 4, "domain name=nobody memory=nonsense"};
    fake_console_clear();
    domains_from_modules(&info);
    assert_false(fake_console_has("module 64 (domain name=nobody"));
    assert_true(fake_console_has("module 65 (domain name=nobody memory=nonsense): there are 64 domains already"));
    assert_true(fake_console_has("module 66 ("));
}

static void a_machine_without_memory_for_a_record(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    module_image(&good[2], "domain name=one memory=6");
    while (!mfn_is_invalid(frame_alloc_host()))
        ;
    fake_console_clear();
    domains_from_modules(&info);
    assert_true(fake_console_has("domain one: no memory for its records"));
    assert_null(domain_next(NULL));
}

static void a_boot_without_domains_says_so(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    fake_console_clear();
    domains_from_modules(&info);
    assert_true(fake_console_has("no domain:"));
}

static void a_domain_that_reboots_is_built_again(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    module_image(&good[2], "domain name=again memory=6 -- x");
    domains_from_modules(&info);
    struct domain *d = domain_next(NULL);
    u64 free_before = 0;
    for (unsigned round = 0; round < 3; round++) {
        u16 old = d->id;
        fake_clock_advance(10000000000ull);
        domain_shutdown(d, SHUTDOWN_reboot);
        for (unsigned i = 0; i < 1000 && domain_find(old); i++) { /* 1536 frames, 16 in a step at most */
            this_cpu()->softirq = 0;
            domain_work();
        }
        assert_null(domain_find(old));
        d = domain_next(NULL);
        assert_non_null(d);
        assert_string_equal(d->config.name, "again");
        if (round) /* what is allocated once and for all was, in the first */
            assert_int_equal(frame_free_count(), free_before);
        free_before = frame_free_count();
    }
    strcpy(config.cmdline, "x");
    check(d, &good[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_guest_finds_what_it_expects, setup),
        cmocka_unit_test_setup(memory_of_every_size_is_enough_or_refused, setup),
        cmocka_unit_test_setup(a_domain_may_grow_beyond_what_it_starts_with, setup),
        cmocka_unit_test_setup(a_privileged_domain_is_told, setup),
        cmocka_unit_test_setup(a_command_line_is_cut_to_its_field, setup),
        cmocka_unit_test_setup(interruptions_change_nothing, setup),
        cmocka_unit_test_setup(the_mode_follows_the_image_where_it_is_left_open, setup),
        cmocka_unit_test_setup(an_initial_map_outside_the_guests_addresses_is_refused, setup),
        cmocka_unit_test_setup(a_machine_without_enough_memory, setup),
        cmocka_unit_test_setup(an_image_larger_than_any_memory, setup),
        cmocka_unit_test_setup(domains_are_built_from_their_modules, setup),
        cmocka_unit_test_setup(more_modules_than_domains, setup),
        cmocka_unit_test_setup(a_machine_without_memory_for_a_record, setup),
        cmocka_unit_test_setup(a_boot_without_domains_says_so, setup),
        cmocka_unit_test_setup(a_domain_that_reboots_is_built_again, setup),
    };
    return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
