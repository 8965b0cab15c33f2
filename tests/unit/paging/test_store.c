/* SPDX-License-Identifier: MIT */
/*
 * Plain stores to registered L1 tables, by the bytes of real instructions, in both modes. In rewrite mode a whole new
 * entry is given with a pseudo-physical frame, a change of a part leaves the frame alone, and what an instruction reads
 * is what any load would show: the machine frame.
 */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/msr.h"
#include "arch/x86/paging/entry.h"
#include "arch/x86/paging/update.h"
#include "arch/x86/paging/writable.h"
#include "tests/unit/support/tables.h"
#include <string.h>

#define CODE  0x7000000000ull
#define TABLE 0x204000ull /* where the guest sees its table L1, read-only */
#define FLAGS (RFLAGS_IF | 2)
#define ZF    (1ull << 6)

static struct tables a, b;
static enum domain_paging paging;
static struct regs r;
static u8 code[64];

/* L2[0] -> L1, which maps DATA + i at [i]; L2[1] -> 20, which maps every frame read-only at [pfn]. */
static int world(enum domain_paging mode)
{
    paging = mode;
    tables_reset(320);
    tables_make(&b, "b", paging, 4);
    tables_make(&a, "a", paging, 40);
    tables_tree(&a);
    tables_page(&a, L2)[1] = tables_entry(&a, 20, RW_FLAGS);
    for (u64 pfn = 0; pfn < a.count; pfn++)
        tables_page(&a, 20)[pfn] = tables_entry(&a, pfn, RO_FLAGS);
    a.d->vm_assist |= 1ull << VMASST_TYPE_writable_pagetables;
    fake_guest_range(CODE, code, sizeof(code), false);
    memset(&r, 0, sizeof(r));
    r.cs = SEL_RING3_CS64;
    r.rflags = FLAGS;
    r.rsp = 0x7fff0000;
    return mmuext(MMUEXT_NEW_BASEPTR, tables_number(&a, L4)) != 0;
}
static int setup(void **state)
{
    (void)state;
    return world(PAGING_DIRECT);
}
static int setup_rewrite(void **state)
{
    (void)state;
    return world(PAGING_REWRITE);
}
static int audit(void **state)
{
    (void)state;
    return arch_audit() != 0;
}

static u64 entry_now(unsigned slot)
{
    return tables_page(&a, L1)[slot];
}
static u64 stored(u64 pfn, u64 flags)
{
    return tables_stored(&a, pfn, flags);
}
static u64 guests(u64 pfn, u64 flags)
{
    return tables_entry(&a, pfn, flags);
}
static u64 count_of(u64 pfn)
{
    return word_type_count(tables_word(&a, pfn));
}

static bool fault(const void *bytes, size_t n, vaddr_t address)
{
    memset(code, 0xf4, sizeof(code));
    memcpy(code, bytes, n);
    r.rip = CODE;
    bool ok = writable_page_fault(a.v, &r, address);
    assert_null(a.v->cursor);
    this_cpu()->softirq = 0;
    return ok;
}

/* An instruction whose operand is (%rdi), at that entry of L1. */
#define INSN(...) (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__})
static bool store(const u8 *bytes, size_t n, unsigned slot)
{
    r.rdi = TABLE + slot * 8;
    return fault(bytes, n, r.rdi);
}
#define CARRIED_OUT(slot, ...)                                                                                        \
    do {                                                                                                              \
        assert_true(store(INSN(__VA_ARGS__), slot));                                                                  \
        assert_int_equal(r.rip - CODE, sizeof((const u8[]){__VA_ARGS__}));                                            \
    } while (0)

/* Refused: the guest gets its page fault with all registers as they were, and no byte has changed. */
static void refused(const u8 *bytes, size_t n, vaddr_t address)
{
    struct snapshot *s = snapshot_take();
    struct regs before = r;
    before.rip = CODE;
    before.rsp_slot = 0;
    assert_false(fault(bytes, n, address));
    r.rsp_slot = 0;
    assert_memory_equal(&r, &before, sizeof(r));
    assert_true(same_since(s));
}
#define REFUSED(address, ...) refused(INSN(__VA_ARGS__), address)

#define MOV_RAX      0x48, 0x89, 0x07             /* mov %rax,(%rdi) */
#define XCHG_RAX     0x48, 0x87, 0x07             /* xchg %rax,(%rdi) */
#define CMPXCHG_RBX  0xf0, 0x48, 0x0f, 0xb1, 0x1f /* lock cmpxchg %rbx,(%rdi) */
#define BTR(bit)     0xf0, 0x48, 0x0f, 0xba, 0x37, bit
#define BTS(bit)     0xf0, 0x48, 0x0f, 0xba, 0x2f, bit
#define BTC(bit)     0xf0, 0x48, 0x0f, 0xba, 0x3f, bit

/* ---- whole entries -------------------------------------------------------------------------------------------- */

static void mov_stores_an_entry(void **state)
{
    (void)state;
    r.rax = guests(16, RW_FLAGS);
    CARRIED_OUT(0, MOV_RAX);
    assert_int_equal(entry_now(0), stored(16, RW_FLAGS));
    assert_int_equal(r.rax, guests(16, RW_FLAGS));
    assert_int_equal(count_of(DATA), 0);
    assert_int_equal(count_of(16), 1);
    r.rflags |= RFLAGS_RF | RFLAGS_CF;
    CARRIED_OUT(1, 0x48, 0xc7, 0x07, 0, 0, 0, 0); /* movq $0,(%rdi) */
    assert_int_equal(entry_now(1), 0);
    assert_int_equal(r.rflags, FLAGS | RFLAGS_CF);
    r.rax = guests(17, P | RW);
    CARRIED_OUT(2, 0x48, 0x0f, 0xc3, 0x07); /* movnti */
    assert_int_equal(entry_now(2), stored(17, RW_FLAGS | PTE_TAG_KERNEL));
    r.rax = 0xdeadbeef000; /* not present: as it is */
    CARRIED_OUT(2, MOV_RAX);
    assert_int_equal(entry_now(2), 0xdeadbeef000);
    r.rsp = guests(18, RO_FLAGS); /* the register that is kept elsewhere */
    CARRIED_OUT(3, 0x48, 0x89, 0x27);
    assert_int_equal(entry_now(3), stored(18, RO_FLAGS));
    assert_int_equal(r.rsp, guests(18, RO_FLAGS));
}

static void xchg_gives_what_a_load_would(void **state)
{
    (void)state;
    r.rax = guests(16, RW_FLAGS);
    CARRIED_OUT(0, XCHG_RAX);
    assert_int_equal(entry_now(0), stored(16, RW_FLAGS));
    assert_int_equal(r.rax, stored(DATA, RW_FLAGS));
    r.rax = 0;
    CARRIED_OUT(0, XCHG_RAX);
    assert_int_equal(r.rax, stored(16, RW_FLAGS));
    assert_int_equal(entry_now(0), 0);
    r.rsp = guests(16, RO_FLAGS);
    CARRIED_OUT(0, 0x48, 0x87, 0x27); /* xchg %rsp,(%rdi) */
    assert_int_equal(r.rsp, 0);
    assert_int_equal(entry_now(0), stored(16, RO_FLAGS));
}

static void cmpxchg_compares_with_what_a_load_would_show(void **state)
{
    (void)state;
    r.rax = stored(DATA, RW_FLAGS);
    r.rbx = guests(16, RO_FLAGS);
    CARRIED_OUT(0, CMPXCHG_RBX);
    assert_true(r.rflags & ZF);
    assert_int_equal(entry_now(0), stored(16, RO_FLAGS));
    assert_int_equal(count_of(DATA), 0);
    r.rax = 0x1234;
    CARRIED_OUT(0, CMPXCHG_RBX); /* something else stands there */
    assert_false(r.rflags & ZF);
    assert_int_equal(r.rax, stored(16, RO_FLAGS));
    assert_int_equal(entry_now(0), stored(16, RO_FLAGS));
}

static void string_stores_go_entry_by_entry(void **state)
{
    static u64 source[4];
    (void)state;
    r.rax = 0;
    r.rcx = 3;
    r.rdi = TABLE;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(fault(INSN(0xf3, 0x48, 0xab), TABLE + i * 8)); /* rep stosq */
        assert_int_equal(entry_now(i), 0);
        assert_int_equal(entry_now(i + 1) == 0, 0);
        assert_int_equal(r.rcx, 2 - i);
        assert_int_equal(r.rdi, TABLE + 8 + i * 8);
        assert_int_equal(r.rip - CODE, i < 2 ? 0 : 3);
    }
    for (unsigned i = 0; i < 4; i++)
        source[i] = guests(24 + i, RW_FLAGS);
    r.rsi = fake_guest_pointer(source, sizeof(source));
    r.rdi = TABLE;
    assert_true(fault(INSN(0x48, 0xa5), TABLE)); /* movsq */
    assert_int_equal(entry_now(0), stored(24, RW_FLAGS));
    assert_int_equal(r.rsi, (u64)&source[1]);
    r.rcx = 2;
    r.rflags |= RFLAGS_DF;
    r.rdi = TABLE + 8;
    assert_true(fault(INSN(0xf3, 0x48, 0xa5), TABLE + 8));
    assert_int_equal(entry_now(1), stored(25, RW_FLAGS));
    assert_int_equal(r.rsi, (u64)&source[0]);
    assert_int_equal(r.rcx, 1);
    r.rsi = 0x6000000000; /* no memory: the guest's own fault, not ours */
    r.rdi = TABLE + 8;
    REFUSED(TABLE + 8, 0x48, 0xa5);
}

/* ---- parts of entries ----------------------------------------------------------------------------------------- */

static void bits_are_changed_and_the_frame_stays(void **state)
{
    (void)state;
    CARRIED_OUT(0, BTR(1));
    assert_int_equal(entry_now(0), stored(DATA, RO_FLAGS));
    assert_true(r.rflags & RFLAGS_CF);
    assert_int_equal(count_of(DATA), 0);
    CARRIED_OUT(0, BTR(1));
    assert_false(r.rflags & RFLAGS_CF);
    CARRIED_OUT(0, BTS(1));
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS));
    assert_int_equal(count_of(DATA), 1);
    CARRIED_OUT(0, 0x48, 0x83, 0x27, 0xfd); /* andq $~2 */
    assert_int_equal(entry_now(0), stored(DATA, RO_FLAGS));
    CARRIED_OUT(0, 0x48, 0x83, 0x0f, 0x02); /* orq $2 */
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS));
    CARRIED_OUT(0, 0x83, 0x27, 0xfd); /* andl $~2 */
    assert_int_equal(entry_now(0), stored(DATA, RO_FLAGS));
    CARRIED_OUT(0, 0x80, 0x0f, 0x22); /* orb $0x22 */
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS | PTE_ACCESSED));
    CARRIED_OUT(0, 0xf0, 0x80, 0x27, 0xfd); /* lock andb */
    assert_int_equal(entry_now(0), stored(DATA, RO_FLAGS | PTE_ACCESSED));
    r.rax = 0x67;
    CARRIED_OUT(0, 0x88, 0x07); /* mov %al,(%rdi) */
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS | PTE_ACCESSED | PTE_DIRTY));
    r.rdi = TABLE + 7;
    assert_true(fault(INSN(0x80, 0x0f, 0x80), TABLE + 7)); /* the top byte: NX */
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS | PTE_ACCESSED | PTE_DIRTY | PTE_NX));
    r.rdi = TABLE + 4;
    assert_true(fault(INSN(0x81, 0x27, 0xff, 0xff, 0xff, 0x7f), TABLE + 4)); /* andl on the upper half */
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS | PTE_ACCESSED | PTE_DIRTY));
    assert_int_equal(count_of(DATA), 1);
}

/* The tag of an entry without a user bit is kept by such a change. */
static void a_kernel_entry_stays_one(void **state)
{
    (void)state;
    r.rax = guests(16, P | RW);
    CARRIED_OUT(0, MOV_RAX);
    assert_int_equal(entry_now(0), stored(16, RW_FLAGS | PTE_TAG_KERNEL));
    CARRIED_OUT(0, BTR(1));
    assert_int_equal(entry_now(0), stored(16, RO_FLAGS | PTE_TAG_KERNEL));
    CARRIED_OUT(0, 0x80, 0x0f, 0x20);
    assert_int_equal(entry_now(0), stored(16, RO_FLAGS | PTE_ACCESSED | PTE_TAG_KERNEL));
    assert_answer(mmu_update(tables_slot(&a, L2, 0), 0), 0);
    assert_int_equal(entry_now(0), paging == PAGING_REWRITE ? guests(16, P | PTE_ACCESSED)
                                                           : stored(16, RO_FLAGS | PTE_ACCESSED | PTE_TAG_KERNEL));
}

/*
 * In rewrite mode what is not present is the guest's own number, what is present the machine's. So the number goes back
 * when the present bit is cleared, and is translated when it is set.
 */
static void the_present_bit_alone(void **state)
{
    (void)state;
    CARRIED_OUT(0, BTR(0));
    assert_int_equal(entry_now(0), guests(DATA, RW | US));
    assert_int_equal(count_of(DATA), 0);
    CARRIED_OUT(0, BTS(0));
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS));
    assert_int_equal(count_of(DATA), 1);
    r.rax = guests(16, RW | US); /* a new frame, and then present */
    CARRIED_OUT(0, MOV_RAX);
    assert_int_equal(entry_now(0), guests(16, RW | US));
    CARRIED_OUT(0, 0x80, 0x0f, 0x01); /* orb $1 */
    assert_int_equal(entry_now(0), stored(16, RW_FLAGS));
    CARRIED_OUT(0, 0x83, 0x27, 0xfe); /* andl $~1 */
    assert_int_equal(entry_now(0), guests(16, RW | US));
    assert_int_equal(count_of(16), 0);
    r.rax = PTE_ADDR | RW | US;
    CARRIED_OUT(0, MOV_RAX);
    r.rdi = TABLE;
    REFUSED(TABLE, BTS(0)); /* there is no such frame */
}

static void parts_of_a_frame_number_in_rewrite_mode(void **state)
{
    (void)state;
    r.rdi = TABLE;
    REFUSED(TABLE, BTC(13));
    REFUSED(TABLE, 0x48, 0x81, 0x37, 0x00, 0x00, 0x01, 0x00); /* xorq $0x10000 */
    r.rax = 0xff;
    r.rdi = TABLE + 3;
    REFUSED(TABLE + 3, 0x88, 0x07);
    /* Of an entry that is not present it may be changed: it is the guest's own. */
    CARRIED_OUT(0, BTR(0));
    CARRIED_OUT(0, BTC(13));
    assert_int_equal(entry_now(0), guests(DATA, RW | US) ^ 1ull << 13);
    /* Zeroes may go over any part of it, as memset does. */
    r.rax = 0;
    CARRIED_OUT(1, 0x89, 0x07);
    assert_int_equal(entry_now(1), 0);
    for (unsigned i = 0; i < 8; i++) {
        r.rdi = TABLE + 2 * 8 + i;
        assert_true(fault(INSN(0x88, 0x07), r.rdi));
    }
    assert_int_equal(entry_now(2), 0);
}

/* An entry that names another domain's frame holds a number that is nobody's here: no part of it is changed alone. */
static void parts_of_an_entry_with_another_domains_frame(void **state)
{
    (void)state;
    a.d->privileged = true;
    tables_room[0] = tables_slot(&a, L1, 0);
    tables_room[1] = tables_entry(&b, 0, RO_FLAGS);
    assert_answer(tables_call(__HYPERVISOR_mmu_update, (u64)tables_room, 1, 0, b.d->id), 0);
    r.rdi = TABLE;
    u64 before = entry_now(0);
    if (paging == PAGING_REWRITE) {
        REFUSED(TABLE, BTS(9));
    } else {
        CARRIED_OUT(0, BTS(9));
        assert_int_equal(entry_now(0), before | 1u << 9);
        CARRIED_OUT(0, BTC(9));
    }
    assert_int_equal(word_refs(tables_word(&b, 0)), 2);
    CARRIED_OUT(0, BTR(0)); /* ... and what is not present is in the guest's form: nothing there */
    assert_int_equal(entry_now(0), paging == PAGING_REWRITE ? 0 : before & ~(u64)P);
    assert_int_equal(word_refs(tables_word(&b, 0)), 1);
}

static void parts_of_a_frame_number_in_direct_mode(void **state)
{
    (void)state;
    u64 other = a.frame[DATA].n ^ 1;
    bool own = frame_of(mfn_make(other))->owner == a.d->id;
    r.rdi = TABLE;
    if (!own) {
        REFUSED(TABLE, 0x48, 0x81, 0x37, 0x00, 0x10, 0x00, 0x00); /* xorq $0x1000 */
        return;
    }
    CARRIED_OUT(0, 0x48, 0x81, 0x37, 0x00, 0x10, 0x00, 0x00);
    assert_int_equal(entry_now(0), other << PAGE_SHIFT | RW_FLAGS);
    assert_int_equal(word_type(frame_word(frame_of(mfn_make(other)))), FRAME_WRITABLE);
}

/* ---- what is refused ------------------------------------------------------------------------------------------ */

static void an_entry_that_may_not_be_is_refused(void **state)
{
    (void)state;
    for (u64 table = L4; table <= L1; table++) {
        r.rdi = TABLE;
        r.rax = guests(table, RW_FLAGS);
        r.rbx = r.rax;
        REFUSED(TABLE, MOV_RAX);
        REFUSED(TABLE, XCHG_RAX);
        r.rax = stored(DATA, RW_FLAGS);
        REFUSED(TABLE, CMPXCHG_RBX);
        r.rsi = 0;
    }
    r.rax = PTE_ADDR | RW_FLAGS;
    REFUSED(TABLE, MOV_RAX);
    r.rax = guests(16, RW_FLAGS | PTE_PCD);
    REFUSED(TABLE, MOV_RAX);
    REFUSED(TABLE, BTS(7)); /* PAT */
    REFUSED(TABLE, BTS(3));
    CARRIED_OUT(0, BTR(1));
    r.rax = guests(L1, RO_FLAGS);
    CARRIED_OUT(0, MOV_RAX);
    r.rdi = TABLE;
    REFUSED(TABLE, BTS(1)); /* read-only to writable: of a table never */
    r.rax = r.rcx = 5;
    r.rax = guests(L1, RW_FLAGS);
    REFUSED(TABLE, 0xf3, 0x48, 0xab);
}

static void a_store_that_is_not_within_one_entry_is_refused(void **state)
{
    (void)state;
    r.rax = 0;
    for (unsigned at = 1; at < 8; at++) {
        r.rdi = TABLE + at;
        REFUSED(TABLE + at, MOV_RAX);
    }
    r.rdi = TABLE + 5;
    REFUSED(TABLE + 5, 0x89, 0x07);
    r.rdi = TABLE;
    REFUSED(TABLE, 0x48, 0x0f, 0xc7, 0x0f); /* cmpxchg16b */
    REFUSED(TABLE, 0x0f, 0x29, 0x07);       /* movaps */
}

/* The processor's fault names the first byte that it could not write: of a store that began on the page before. */
static void a_store_that_begins_elsewhere_is_refused(void **state)
{
    (void)state;
    r.rax = 0;
    r.rdi = TABLE - 4;
    REFUSED(TABLE, MOV_RAX);
    r.rdi = TABLE - 1;
    REFUSED(TABLE, 0x89, 0x07);
    r.rdi = 0x10000;
    REFUSED(TABLE, MOV_RAX);
    REFUSED(TABLE, 0x48, 0xab);
}

static void addresses_with_a_segment_base(void **state)
{
    (void)state;
    fake_msr_set(MSR_GS_BASE, TABLE);
    fake_msr_set(MSR_FS_BASE, TABLE + 8);
    r.rax = guests(16, RW_FLAGS);
    r.rdi = 0;
    assert_true(fault(INSN(0x65, MOV_RAX), TABLE)); /* %gs:(%rdi) */
    assert_int_equal(entry_now(0), stored(16, RW_FLAGS));
    assert_true(fault(INSN(0x64, MOV_RAX), TABLE + 8));
    assert_int_equal(entry_now(1), stored(16, RW_FLAGS));
    fake_msr_set(MSR_GS_BASE, (u64)tables_room);
    tables_room[1] = guests(17, RO_FLAGS);
    r.rsi = 8;
    r.rdi = TABLE + 24;
    assert_true(fault(INSN(0x65, 0x48, 0xa5), TABLE + 24)); /* movsq %gs:(%rsi),(%rdi) */
    assert_int_equal(entry_now(3), stored(17, RO_FLAGS));
    assert_int_equal(r.rsi, 16);
    /* A store that begins a page is looked at once more: its address must be the one that faulted. */
    fake_msr_set(MSR_FS_BASE, TABLE - 0x10000);
    r.rax = guests(19, RO_FLAGS);
    r.rdi = 0x10000;
    assert_true(fault(INSN(0x64, MOV_RAX), TABLE));
    assert_int_equal(entry_now(0), stored(19, RO_FLAGS));
    r.rsp = TABLE; /* by the register that is kept elsewhere */
    r.rax = guests(18, RO_FLAGS);
    assert_true(fault(INSN(0x48, 0x89, 0x04, 0x24), TABLE));
    assert_int_equal(entry_now(0), stored(18, RO_FLAGS));
}

static void only_its_l1_tables_are_written_so(void **state)
{
    (void)state;
    r.rax = 0;
    static const u64 others[] = {L4, L3, L2, 16, DATA}; /* higher tables, a plain page, one that is writable elsewhere */
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        r.rdi = 0x200000 + others[i] * PAGE_SIZE;
        REFUSED(r.rdi, MOV_RAX);
    }
    static const vaddr_t nowhere[] = {0x1000 * DATA, 0x400000, 0x8000000000, 0x800000000000, 0xffff800000000000,
                                      0xffff830000000000, ~0ull - 7};
    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
        r.rdi = nowhere[i];
        REFUSED(r.rdi, MOV_RAX);
    }
    r.rdi = 0; /* mapped writable: not for us, whatever it is */
    REFUSED(0, MOV_RAX);
}

/* The way there must be one that a load could go: an entry that is not present leads nowhere, whatever it names. */
static void a_table_behind_no_mapping_is_not_written(void **state)
{
    (void)state;
    assert_answer(mmu_update(tables_slot(&a, 20, L1), tables_stored(&a, L1, US)), 0);
    refused(INSN(0x48, 0x89, 0x07), TABLE);
}

static void another_domains_table_is_not_written(void **state)
{
    (void)state;
    /* No guest can map it; should it ever be, nothing is written. */
    world_enter(&b.v->vcpu);
    assert_answer(pin(&b, 1, 1), 0);
    world_enter(&a.v->vcpu);
    u64 *entry = &tables_page(&a, 20)[100], was = *entry;
    *entry = tables_stored(&b, 1, RO_FLAGS);
    r.rdi = 0x200000 + 100 * PAGE_SIZE;
    r.rax = 5;
    REFUSED(r.rdi, MOV_RAX);
    *entry = was;
}

static void only_where_the_guest_asked_for_it_and_from_64_bit_code(void **state)
{
    (void)state;
    r.rax = 0;
    r.rdi = TABLE;
    a.d->vm_assist = 0;
    REFUSED(TABLE, MOV_RAX);
    a.d->vm_assist = ~0ull & ~(1ull << VMASST_TYPE_writable_pagetables);
    REFUSED(TABLE, MOV_RAX);
    a.d->vm_assist = 1ull << VMASST_TYPE_writable_pagetables;
    r.cs = SEL_RING3_CS32;
    REFUSED(TABLE, MOV_RAX);
    r.cs = SEL_RING3_CS64;
    r.rip = 0x6000000000; /* code that cannot be read */
    assert_false(writable_page_fault(a.v, &r, TABLE));
    REFUSED(TABLE, 0x50);             /* push */
    REFUSED(TABLE, 0x48, 0x8b, 0x07); /* a load */
    REFUSED(TABLE, 0xf0, MOV_RAX);    /* lock mov: #UD on the processor */
    REFUSED(TABLE, 0x06);             /* no instruction */
    REFUSED(TABLE, 0xc4, 0xe2, 0x79); /* AVX */
    CARRIED_OUT(0, MOV_RAX);
}

/* The processor sets a bit of the entry while the store is carried out: nothing is lost, the store comes again. */
static void set_accessed(vaddr_t address, size_t n)
{
    (void)n;
    if (address == (vaddr_t)&tables_room[1])
        tables_page(&a, L1)[0] |= PTE_ACCESSED;
}
static void a_store_that_was_overtaken_comes_again(void **state)
{
    (void)state;
    tables_room[1] = guests(16, RW_FLAGS);
    fake_guest_before_read = set_accessed;
    r.rdi = TABLE;
    r.rsi = (u64)&tables_room[1];
    assert_true(fault(INSN(0x48, 0xa5), TABLE));
    assert_int_equal(r.rip, CODE);
    assert_int_equal(r.rdi, TABLE);
    assert_int_equal(r.rsi, (u64)&tables_room[1]);
    assert_int_equal(entry_now(0), stored(DATA, RW_FLAGS | PTE_ACCESSED));
    assert_int_equal(count_of(16), 0);
    assert_true(fault(INSN(0x48, 0xa5), TABLE));
    assert_int_equal(r.rip, CODE + 2);
    assert_int_equal(entry_now(0), stored(16, RW_FLAGS));
}

static void a_store_that_expects_something_else_changes_nothing(void **state)
{
    (void)state;
    const u64 values[] = {0, guests(16, RW_FLAGS), guests(DATA, RW_FLAGS | PTE_NX), guests(L1, RO_FLAGS)};
    struct snapshot *s = snapshot_take();
    for (u64 table = L4; table <= L1; table++)
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            u64 *entry = &tables_page(&a, table)[0];
            u64 val = table == L1 || !values[i] ? values[i] : guests(table + 1, RO_FLAGS);
            assert_answer(update_entry(a.v, a.d, a.d, tables_frame(&a, table), 0, val, STORE_IF_EQUAL, *entry ^ PTE_NX),
                          -XEN_EAGAIN);
            arch_mmu_update_end(&a.v->vcpu);
            arch_paging_finish(&a.v->vcpu, 0);
        }
    assert_true(same_since(s));
}

#define BOTH(test) {#test " (direct)", test, setup, audit, NULL}, {#test " (rewrite)", test, setup_rewrite, audit, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(mov_stores_an_entry),
        BOTH(xchg_gives_what_a_load_would),
        BOTH(cmpxchg_compares_with_what_a_load_would_show),
        BOTH(string_stores_go_entry_by_entry),
        BOTH(bits_are_changed_and_the_frame_stays),
        BOTH(a_kernel_entry_stays_one),
        BOTH(the_present_bit_alone),
        cmocka_unit_test_setup_teardown(parts_of_a_frame_number_in_rewrite_mode, setup_rewrite, audit),
        cmocka_unit_test_setup_teardown(parts_of_a_frame_number_in_direct_mode, setup, audit),
        BOTH(parts_of_an_entry_with_another_domains_frame),
        BOTH(an_entry_that_may_not_be_is_refused),
        BOTH(a_store_that_is_not_within_one_entry_is_refused),
        BOTH(a_store_that_begins_elsewhere_is_refused),
        BOTH(addresses_with_a_segment_base),
        BOTH(only_its_l1_tables_are_written_so),
        BOTH(a_table_behind_no_mapping_is_not_written),
        BOTH(another_domains_table_is_not_written),
        BOTH(only_where_the_guest_asked_for_it_and_from_64_bit_code),
        BOTH(a_store_that_was_overtaken_comes_again),
        BOTH(a_store_that_expects_something_else_changes_nothing),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
