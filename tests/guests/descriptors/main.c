/* SPDX-License-Identifier: MIT
 * descriptors: a guest brings its own GDT and LDT, loads selectors out of them, changes one descriptor by
 * hypercall, sets segment bases; and everything that would give it more than ring 3 is refused. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/trap.h"

#define DATA_RING3          0x00cff3000000fffful /* flat, writable, DPL 3 */
#define DATA_RING0          0x00cf93000000fffful
#define CODE_RING0          0x00af9b000000fffful
#define INTERRUPT_GATE      0x00008e0000100000ul
#define TSS                 0x00008b0000000067ul
#define NOT_PRESENT         0x00cf73000000fffful
#define LDT_SELECTOR(index) ((uint16_t)((index) << 3 | 7))
#define GDT_SELECTOR(index) ((uint16_t)((index) << 3 | 3))

static uint64_t *gdt, *ldt;

static void loads_fs(void *selector)
{
    __asm__ volatile("mov %w0, %%fs" : : "r"(selector) : "memory");
}

static struct fault load_fs(uint16_t selector)
{
    return fault_caught(loads_fs, (void *)(uintptr_t)selector);
}

static uint64_t read_fs_word(uint64_t offset)
{
    uint64_t value;

    __asm__ volatile("mov %%fs:(%1), %0" : "=r"(value) : "r"(offset));
    return value;
}

/* lar says what the processor thinks of a selector: its access rights, or 0 if it is of no use. */
static uint32_t rights_of(uint16_t selector)
{
    uint64_t rights = 0;

    __asm__("lar %1, %0" : "+r"(rights) : "r"((uint64_t)selector) : "cc");
    return (uint32_t)rights;
}

static void own_gdt(void)
{
    unsigned long frame = virt_to_frame(gdt);

    gdt[10] = DATA_RING3;
    report_answer("refused: set_gdt with a page that has a writable mapping", hypercall_set_gdt(&frame, 512),
                  -XEN_EINVAL);
    report_quiet("read-only", page_readonly(gdt), 0);
    report_answer("set_gdt", hypercall_set_gdt(&frame, 512), 0);
    report_true("a selector of its own loads", !load_fs(GDT_SELECTOR(10)).happened);
    report_equal("one that is empty does not: vector", load_fs(GDT_SELECTOR(11)).vector, TRAP_GP);
    report_equal("one that is empty does not: error code", load_fs(GDT_SELECTOR(11)).error, 11 << 3);
    load_fs(0);
    report_true("the page cannot be made writable", page_writable(gdt) != 0);
}

static void updates(void)
{
    uint64_t address = entry_address(&gdt[12]);
    uint64_t before = gdt[13];

    report_answer("update_descriptor", hypercall_update_descriptor(address, DATA_RING3), 0);
    report_equal("it stands in the table", gdt[12], DATA_RING3);
    report_true("and loads", !load_fs(GDT_SELECTOR(12)).happened);
    load_fs(0);
    report_answer("refused: update_descriptor not at a multiple of 8",
                  hypercall_update_descriptor(address + 4, 0), -XEN_EINVAL);
    report_answer("refused: an interrupt gate", hypercall_update_descriptor(address + 8, INTERRUPT_GATE),
                  -XEN_EINVAL);
    report_answer("refused: a TSS", hypercall_update_descriptor(address + 8, TSS), -XEN_EINVAL);
    report_equal("the table is as it was", gdt[13], before);
    report_answer("refused: in a frame that is not there",
                  hypercall_update_descriptor(0xfffffffff0ul << 12, 0), -XEN_EINVAL);
    report_answer("a descriptor that is not present, any type",
                  hypercall_update_descriptor(address + 8, NOT_PRESENT), 0);
    report_answer("clear it", hypercall_update_descriptor(address + 8, 0), 0);
}

/* Whatever the guest asks for, what stands in the table is never ring 0's. */
static void no_ring_zero(const char *what, uint64_t descriptor)
{
    long answer = hypercall_update_descriptor(entry_address(&gdt[14]), descriptor);

    report_true(what, answer != 0 || (rights_of(GDT_SELECTOR(14)) >> 13 & 3) == 3);
}

static void tables_refused(void)
{
    uint64_t *bad = page_alloc();
    unsigned long frame = virt_to_frame(bad), none = 0xfffffffff0ul;

    bad[5] = TSS;
    report_quiet("read-only", page_readonly(bad), 0);
    report_answer("refused: set_gdt with a TSS in it", hypercall_set_gdt(&frame, 512), -XEN_EINVAL);
    report_answer("refused: set_gdt with a frame that is not there", hypercall_set_gdt(&none, 512),
                  -XEN_EINVAL);
    report_answer("refused: set_gdt with more entries than there are", hypercall_set_gdt(&frame, 8192),
                  -XEN_EINVAL);
    report_quiet("writable again", page_writable(bad), 0);
    report_true("the table before is still in force", !load_fs(GDT_SELECTOR(10)).happened);
    load_fs(0);
    page_free(bad);
}

static void own_ldt(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (uintptr_t)ldt, .arg2.nr_ents = 16};

    ldt[3] = DATA_RING3;
    report_quiet("read-only", page_readonly(ldt), 0);
    report_answer("set an LDT of 16 entries", hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    report_true("a selector of the LDT loads", !load_fs(LDT_SELECTOR(3)).happened);
    report_equal("one behind its end does not: vector", load_fs(LDT_SELECTOR(16)).vector, TRAP_GP);
    load_fs(0);
    op.arg1.linear_addr += 4;
    report_answer("refused: an LDT that does not begin a page", hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF),
                  -XEN_EINVAL);
    op.arg1.linear_addr = 0;
    op.arg2.nr_ents = 0;
    report_answer("no LDT again", hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    report_true("its selectors are gone", load_fs(LDT_SELECTOR(3)).happened);
    report_answer("its page is ordinary memory again", page_writable(ldt), 0);
}

static void segment_bases(void)
{
    static uint64_t words[2] = {0x1111, 0x2222};

    report_answer("set_segment_base FS", hypercall_set_segment_base(SEGBASE_FS, (uintptr_t)words), 0);
    report_equal("FS begins there", read_fs_word(8), 0x2222);
    report_answer("set_segment_base user GS", hypercall_set_segment_base(SEGBASE_GS_USER, 0x4000), 0);
    report_answer("set_segment_base kernel GS", hypercall_set_segment_base(SEGBASE_GS_KERNEL, 0x5000), 0);
    report_answer("refused: a base that is not canonical",
                  hypercall_set_segment_base(SEGBASE_FS, 0x8000000000000000), -XEN_EINVAL);
    report_answer("refused: no such segment", hypercall_set_segment_base(9, 0), -XEN_EINVAL);
    report_answer("FS again", hypercall_set_segment_base(SEGBASE_FS, 0), 0);
}

static void stacks(void)
{
    report_answer("stack_switch", hypercall_stack_switch(0xe02b, (uintptr_t)gdt), 0);
    trap_set_user_stack();
}

void guest_main(void)
{
    unsigned long nothing = 0;

    report_title("descriptors", "the guest's own GDT and LDT, and what may not stand in them");
    gdt = page_alloc();
    ldt = page_alloc();
    own_gdt();
    updates();
    no_ring_zero("a data segment of ring 0 is refused, or becomes ring 3's", DATA_RING0);
    no_ring_zero("a code segment of ring 0 is refused, or becomes ring 3's", CODE_RING0);
    tables_refused();
    own_ldt();
    segment_bases();
    stacks();
    report_answer("no GDT of its own again", hypercall_set_gdt(&nothing, 0), 0);
    report_answer("its page is ordinary memory again", page_writable(gdt), 0);
}
