/* SPDX-License-Identifier: MIT */
/*
 * Segments of a paravirtualized guest: its GDT and LDT, selectors and bases. Which descriptors it may have: descriptor.c.
 *
 * A descriptor page is the guest's own memory, held as FRAME_DESCRIPTOR (never writable to it) and mapped read-only
 * into the tables of the cpu that runs the vcpu: GDT pages 0..13, LDT pages 16..31 of the 32 that each cpu has. Pages
 * that the guest does not give are mapped to an empty one, so that any selector names a descriptor, if only an empty
 * one, and a bad selector is always #GP.
 *
 * GS has two bases: the one in use is in MSR_GS_BASE, the other in MSR_KERNEL_GS_BASE. While the guest's kernel runs
 * the first is the kernel's, while its user mode runs the user's; pv_toggle_mode() swaps. In struct x86_vcpu,
 * gs_base is the kernel's and gs_base_user the user's, in either mode.
 */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/paging/p2m.h"
#include "arch/x86/paging/types.h"
#include "arch/x86/paging/walk.h"
#include "arch/x86/pv/descriptor.h"
#include "arch/x86/pv/pv.h"
#include "common/printk.h"
#include "lib/bug.h"
#include <arch/paging.h>
#include <arch/pv.h>
#include <xen/errno.h>
#include <xen/xen.h>

#define DESCRIPTOR_LDT (0x82ull << 40) /* present, DPL 0, system type 2 */

/* The tables of this cpu -------------------------------------------------------------------------------------------*/

#define LDT_FIRST_PAGE 16
#define SELECTOR_LOCAL 4 /* in the LDT */
#define OUR_GDT_PAGE   (SEL_LDT >> PAGE_SHIFT)

#define ENTRY_READ_ONLY (1ull << 63 | 1ull << 5 | 1) /* present, accessed, no-execute; not writable, not user */

static u64 table_address(unsigned page)
{
    return CPU_TABLES_START + this_cpu()->id * CPU_TABLES_SIZE + page * PAGE_SIZE;
}

static u32 pages_of(u32 entries)
{
    return (entries + DESCRIPTORS_PER_PAGE - 1) / DESCRIPTORS_PER_PAGE;
}

/* Stands where the guest gives no page; 0, not mapped, only where there is no memory for one. */
static u64 empty_entry(void)
{
    u64 *entry = &this_x86_cpu()->empty_entry;
    if (unlikely(!*entry)) {
        mfn_t page = frame_alloc_host();
        if (!mfn_is_invalid(page))
            *entry = page.n << PAGE_SHIFT | ENTRY_READ_ONLY;
    }
    return *entry;
}

static void entry_write(unsigned page, u64 entry)
{
    u64 *slot = &this_x86_cpu()->gdt_l1[page];
    u64 old = *slot;
    if (old == entry)
        return;
    write_once(*slot, entry);
    if (old & 1)
        insn_invlpg(table_address(page));
}

static void gdt_map(const struct x86_vcpu *v)
{
    u32 pages = pages_of(v->gdt_entries);
    for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
        entry_write(i, i < pages ? v->gdt_frame[i].n << PAGE_SHIFT | ENTRY_READ_ONLY : empty_entry());
}

/* Our own page of the GDT, by the map of all RAM: its mapping in the table may be read-only. */
static void ldt_descriptor_write(u64 base, u32 limit)
{
    u64 *page = mfn_to_ptr(mfn_make(pte_frame(this_x86_cpu()->gdt_l1[OUR_GDT_PAGE])));
    u64 *slot = &page[(SEL_LDT & (PAGE_SIZE - 1)) / sizeof(u64)];
    slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | DESCRIPTOR_LDT | (base >> 24 & 0xff) << 56;
    slot[1] = base >> 32;
}

static void ldt_map(const struct x86_vcpu *v)
{
    u32 pages = pages_of(v->ldt_entries);
    for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
        entry_write(LDT_FIRST_PAGE + i, i < pages ? v->ldt_frame[i].n << PAGE_SHIFT | ENTRY_READ_ONLY : 0);
    if (!pages) {
        insn_lldt(0);
        return;
    }
    ldt_descriptor_write(table_address(LDT_FIRST_PAGE), v->ldt_entries * 8 - 1);
    insn_lldt(SEL_LDT);
}

static bool is_loaded(const struct x86_vcpu *v)
{
    return this_x86_cpu()->loaded_tables == v;
}

void pv_load_descriptor_tables(struct x86_vcpu *v)
{
    if (is_loaded(v))
        return;
    gdt_map(v);
    ldt_map(v);
    this_x86_cpu()->loaded_tables = v;
}

static void frames_put(const mfn_t *frames, u32 count)
{
    for (u32 i = 0; i < count; i++)
        descriptor_put(frame_of(frames[i]));
}

/*
 * To check a page takes some 9000 instructions, so between two of them a request may be interrupted. What it took is
 * kept, and found valid when it comes again; it is let go when any such request is through.
 */
static void kept_drop(struct x86_vcpu *v)
{
    u32 count = v->descriptor_kept_count;

    v->descriptor_kept_count = 0;
    frames_put(v->descriptor_kept, count);
}

/* After page `count - 1`: is it time to stop? Not before one was checked that had not been kept. */
static bool must_stop(const struct x86_vcpu *v, u32 count, u32 pages)
{
    return count < pages && count > v->descriptor_kept_count && &v->vcpu == current_vcpu() && preempt_pending();
}

static long keep(struct x86_vcpu *v, const mfn_t *taken, u32 count)
{
    kept_drop(v);
    for (u32 i = 0; i < count; i++)
        v->descriptor_kept[i] = taken[i];
    v->descriptor_kept_count = count;
    return -XEN_ERESTART;
}

/* The vcpu must not run on another cpu. */
void pv_release_descriptor_tables(struct x86_vcpu *v)
{
    u32 gdt_pages = pages_of(v->gdt_entries), ldt_pages = pages_of(v->ldt_entries);
    v->gdt_entries = v->ldt_entries = 0;
    v->ldt_base = 0;
    if (is_loaded(v)) {
        gdt_map(v);
        ldt_map(v);
        this_x86_cpu()->loaded_tables = NULL;
    }
    frames_put(v->gdt_frame, gdt_pages);
    frames_put(v->ldt_frame, ldt_pages);
    kept_drop(v);
}

/* GDT and LDT ------------------------------------------------------------------------------------------------------*/

/* Puts the taken frames in the place of those held; the caller unmaps those of before, then gives them back. */
static void frames_replace(mfn_t *held, mfn_t *before, const mfn_t *taken, u32 pages, u32 size)
{
    for (u32 i = 0; i < size; i++) {
        before[i] = held[i];
        held[i] = i < pages ? taken[i] : MFN_INVALID;
    }
}

long arch_set_gdt(struct vcpu *v, const u64 *gfns, u32 entries)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    mfn_t taken[PV_GDT_FRAMES], old[PV_GDT_FRAMES];
    u32 pages = pages_of(entries), old_pages = pages_of(xv->gdt_entries);

    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return -XEN_EINVAL;
    for (u32 i = 0; i < pages; i++) {
        struct frame *f = descriptor_get(v->domain, gfn_make(gfns[i]));
        if (!f) {
            frames_put(taken, i);
            kept_drop(xv);
            return guest_refuse(v->domain, XEN_EINVAL, "set_gdt: frame %#llx cannot be page %u of the table\n",
                                (unsigned long long)gfns[i], i);
        }
        taken[i] = frame_mfn(f);
        if (must_stop(xv, i + 1, pages))
            return keep(xv, taken, i + 1);
    }
    frames_replace(xv->gdt_frame, old, taken, pages, PV_GDT_FRAMES);
    xv->gdt_entries = entries;
    if (is_loaded(xv))
        gdt_map(xv);
    frames_put(old, old_pages);
    kept_drop(xv);
    return 0;
}

/* The guest's frame behind an address of its kernel's tables, as a descriptor page. NULL: refused. */
static struct frame *ldt_page_get(struct x86_vcpu *v, vaddr_t address)
{
    struct domain *d = v->vcpu.domain;
    struct pt_walk walk;
    if (mfn_is_invalid(v->kernel_root))
        return NULL;
    pt_walk(&pt_format_x86_64, v->kernel_root, address, &walk);
    if (!walk.mapped || !mfn_valid(walk.frame))
        return NULL;
    struct frame *f = descriptor_get(d, gfn_make(mfn_to_guest(d, walk.frame)));
    if (f && frame_mfn(f).n != walk.frame.n) { /* another's frame, mapped here: the number means something else */
        descriptor_put(f);
        return NULL;
    }
    return f;
}

/*
 * All pages are taken at once; Xen takes each when it is first used, so that one which is not mapped yet is refused
 * only here. What they are at the moment of the call counts: changes of the mapping do not change the LDT.
 */
long arch_set_ldt(struct vcpu *v, vaddr_t base, u32 entries)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    mfn_t taken[PV_LDT_FRAMES], old[PV_LDT_FRAMES];
    u32 pages = pages_of(entries), old_pages = pages_of(xv->ldt_entries);

    if (entries > PV_LDT_FRAMES * DESCRIPTORS_PER_PAGE || base % PAGE_SIZE)
        return guest_refuse(v->domain, XEN_EINVAL, "set_ldt: %u entries at %#llx\n", entries,
                            (unsigned long long)base);
    if (entries && !is_guest_range(base, entries * 8ull))
        return guest_refuse(v->domain, XEN_EINVAL, "set_ldt: %#llx: not an address of the guest\n",
                            (unsigned long long)base);
    for (u32 i = 0; i < pages; i++) {
        struct frame *f = ldt_page_get(xv, base + i * PAGE_SIZE);
        if (!f) {
            frames_put(taken, i);
            kept_drop(xv);
            return guest_refuse(v->domain, XEN_EINVAL, "set_ldt: the page at %#llx cannot be part of the table\n",
                                (unsigned long long)(base + i * PAGE_SIZE));
        }
        taken[i] = frame_mfn(f);
        if (must_stop(xv, i + 1, pages))
            return keep(xv, taken, i + 1);
    }
    frames_replace(xv->ldt_frame, old, taken, pages, PV_LDT_FRAMES);
    xv->ldt_base = base;
    xv->ldt_entries = entries;
    if (is_loaded(xv))
        ldt_map(xv);
    frames_put(old, old_pages);
    kept_drop(xv);
    return 0;
}

/* The guest's descriptor behind a selector; 0, which is not present, where its tables have none. */
static u64 descriptor_read(const struct x86_vcpu *v, u16 selector)
{
    bool local = selector & SELECTOR_LOCAL;
    u32 index = selector >> 3, page = index / DESCRIPTORS_PER_PAGE;
    if (index >= (local ? v->ldt_entries : v->gdt_entries))
        return 0;
    const u64 *descriptors = mfn_to_ptr(local ? v->ldt_frame[page] : v->gdt_frame[page]);
    return read_once(descriptors[index % DESCRIPTORS_PER_PAGE]);
}

bool pv_selector_is_code64(const struct x86_vcpu *v, u16 selector)
{
    const u64 wanted = DESCRIPTOR_PRESENT | DESCRIPTOR_USER | DESCRIPTOR_CODE | DESCRIPTOR_LONG;
    if ((selector | 3) == SEL_RING3_CS64)
        return true;
    return selector > 3 && (descriptor_read(v, selector) & wanted) == wanted;
}

/* A page that is in use as a table of another kind (or is not the domain's) gives neither of the two types. */
long arch_update_descriptor(struct vcpu *v, paddr_t address, u64 descriptor)
{
    struct domain *d = v->domain;
    gfn_t gfn = gfn_make(address >> PAGE_SHIFT);
    u64 index = (address & (PAGE_SIZE - 1)) / sizeof(u64);

    if (address % sizeof(u64))
        return guest_refuse(d, XEN_EINVAL, "update_descriptor: %#llx is not a multiple of 8\n",
                            (unsigned long long)address);
    if (!pv_fix_descriptor(&descriptor))
        return guest_refuse(d, XEN_EINVAL, "update_descriptor: %#llx: neither code nor data\n",
                            (unsigned long long)descriptor);
    struct frame *f = arch_get_writable_gfn(d, gfn);
    if (f) {
        write_once(((u64 *)frame_ptr(f))[index], descriptor);
        arch_put_writable(f);
        return 0;
    }
    f = descriptor_get(d, gfn);
    if (!f)
        return guest_refuse(d, XEN_EINVAL, "update_descriptor: frame %#llx can hold no descriptor\n",
                            (unsigned long long)gfn.n);
    write_once(((u64 *)frame_ptr(f))[index], descriptor);
    descriptor_put(f);
    return 0;
}

/* Selectors and bases ----------------------------------------------------------------------------------------------*/

long arch_stack_switch(struct vcpu *v, u64 ss, u64 sp)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    xv->kernel_ss = (u16)(ss | 3);
    xv->kernel_sp = sp;
    return 0;
}

/*
 * The user's GS, while the kernel's is in use. A selector that names nothing becomes 0 and the call still succeeds, as
 * on Xen: Linux takes an answer other than 0 for its own bug. Some processors keep the base when a null selector is
 * loaded, so 0 is written then.
 */
static void gs_user_selector_load(u16 selector)
{
    if (selector > 3)
        selector |= 3;
    insn_swapgs();
    if (!insn_load_gs(selector)) {
        selector = 0;
        BUG_ON(!insn_load_gs(0));
    }
    if (selector <= 3)
        insn_wrmsr(MSR_GS_BASE, 0);
    insn_swapgs();
}

/* Of the current vcpu, whose kernel runs: all of it lives in the processor. */
long arch_set_segment_base(struct vcpu *v, u32 which, u64 base)
{
    /* doc SEGBASE_GS_USER_SEL: a selector; one that names nothing becomes 0, and the answer is 0 */
    if (which == SEGBASE_GS_USER_SEL) {
        gs_user_selector_load((u16)base);
        return 0;
    }
    if (!is_canonical(base))
        return guest_refuse(v->domain, XEN_EINVAL, "set_segment_base: %#llx: not canonical\n",
                            (unsigned long long)base);
    switch (which) {
    case SEGBASE_FS: /* doc: the FS base in use */
        insn_wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER: /* doc: the GS base of its user mode */
        insn_wrmsr(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL: /* doc: the GS base of its kernel */
        insn_wrmsr(MSR_GS_BASE, base);
        return 0;
    default: /* doc SEGBASE_: -EINVAL */
        return guest_refuse(v->domain, XEN_EINVAL, "set_segment_base: %u: not known\n", which);
    }
}

void pv_save_segments(struct x86_vcpu *v)
{
    u64 in_use = insn_rdmsr(MSR_GS_BASE), other = insn_rdmsr(MSR_KERNEL_GS_BASE);
    v->ds = insn_read_ds();
    v->es = insn_read_es();
    v->fs = insn_read_fs();
    v->gs = insn_read_gs();
    v->fs_base = insn_rdmsr(MSR_FS_BASE);
    v->gs_base = v->in_kernel ? in_use : other;
    v->gs_base_user = v->in_kernel ? other : in_use;
}

/* Selectors first: loading one sets the base, which the saved one then replaces. */
bool pv_load_segments(struct x86_vcpu *v)
{
    bool ds = insn_load_ds(v->ds), es = insn_load_es(v->es);
    bool fs = insn_load_fs(v->fs), gs = insn_load_gs(v->gs);
    if (!ds)
        insn_load_ds(0);
    if (!es)
        insn_load_es(0);
    if (!fs)
        insn_load_fs(0);
    if (!gs)
        insn_load_gs(0);
    insn_wrmsr(MSR_FS_BASE, v->fs_base);
    insn_wrmsr(MSR_GS_BASE, v->in_kernel ? v->gs_base : v->gs_base_user);
    insn_wrmsr(MSR_KERNEL_GS_BASE, v->in_kernel ? v->gs_base_user : v->gs_base);
    return ds && es && fs && gs;
}
