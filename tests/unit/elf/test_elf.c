/* SPDX-License-Identifier: MIT */
/*
 * The ELF reader: what it finds in good files, what it says of bad ones, and that it reads nothing outside whatever
 * bytes it is given: each file is handed over in memory of its exact size, so that the sanitizer sees every step beyond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>
#include "common/elf.h"
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/features.h>

/* A kernel like Linux's: text at 16 MiB, a per-cpu segment with p_vaddr 0, data with a bss, notes. -------------------*/

#define BASE     0xffffffff80000000ull
#define TEXT     0x1000000ull
#define PHDRS    64
#define NOTES    0x200
#define FILE_MAX 0x4000

struct file {
    u8 bytes[FILE_MAX];
    size_t size;
    size_t notes_size;
};

static Elf64_Ehdr *header(struct file *f)
{
    return (Elf64_Ehdr *)f->bytes;
}
static Elf64_Phdr *phdr(struct file *f, unsigned i)
{
    return (Elf64_Phdr *)(f->bytes + PHDRS) + i;
}

static void add_note(struct file *f, const char *owner, u32 type, const void *desc, u32 size)
{
    u32 head[3] = {(u32)strlen(owner) + 1, size, type};
    u8 *p = f->bytes + NOTES + f->notes_size;

    memcpy(p, head, sizeof(head));
    memcpy(p + 12, owner, head[0]);
    memcpy(p + 12 + align_up(head[0], 4), desc, size);
    f->notes_size += 12 + align_up(head[0], 4) + align_up(size, 4);
    assert_true(NOTES + f->notes_size <= 0x1000);
    phdr(f, 3)->p_filesz = phdr(f, 3)->p_memsz = f->notes_size;
}
static void add_number(struct file *f, u32 type, u64 value)
{
    add_note(f, "Xen", type, &value, 8);
}
static void add_text(struct file *f, u32 type, const char *text)
{
    add_note(f, "Xen", type, text, (u32)strlen(text) + 1);
}

static void make_bare(struct file *f)
{
    memset(f, 0, sizeof(*f));
    for (size_t i = 0x1000; i < FILE_MAX; i++)
        f->bytes[i] = (u8)(i * 31 + (i >> 8));
    f->size = FILE_MAX;
    *header(f) = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                              .e_type = ET_EXEC,
                              .e_machine = EM_X86_64,
                              .e_version = EV_CURRENT,
                              .e_entry = TEXT,
                              .e_phoff = PHDRS,
                              .e_ehsize = sizeof(Elf64_Ehdr),
                              .e_phentsize = sizeof(Elf64_Phdr),
                              .e_phnum = 4};
    *phdr(f, 0) = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x1000, BASE + TEXT, TEXT, 0x1800, 0x1800, 0x1000};
    *phdr(f, 1) = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x3000, 0, TEXT + 0x4000, 0x10, 0x20, 0x1000};
    *phdr(f, 2) = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x3800, BASE + TEXT + 0x2000, TEXT + 0x2000, 0x800, 0x1900, 0x1000};
    *phdr(f, 3) = (Elf64_Phdr){PT_NOTE, PF_R, NOTES, 0, 0, 0, 0, 4};
}

static void make_linux(struct file *f)
{
    make_bare(f);
    add_text(f, XEN_ELFNOTE_GUEST_OS, "linux");
    add_text(f, XEN_ELFNOTE_GUEST_VERSION, "2.6");
    add_text(f, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    add_number(f, XEN_ELFNOTE_VIRT_BASE, BASE);
    add_number(f, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    add_number(f, XEN_ELFNOTE_ENTRY, BASE + TEXT + 0x123);
    add_note(f, "GNU", 3, "build id, of no interest", 24);
    add_text(f, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
    u32 supported = 0x8801;
    add_note(f, "Xen", XEN_ELFNOTE_SUPPORTED_FEATURES, &supported, 4);
    add_text(f, XEN_ELFNOTE_LOADER, "generic");
    u64 pair[2] = {1, 1};
    add_note(f, "Xen", XEN_ELFNOTE_L1_MFN_VALID, pair, sizeof(pair));
    add_number(f, XEN_ELFNOTE_SUSPEND_CANCEL, 1);
    add_number(f, XEN_ELFNOTE_MOD_START_PFN, 1);
    add_number(f, XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
    add_number(f, XEN_ELFNOTE_PADDR_OFFSET, 0);
    add_number(f, XEN_ELFNOTE_PHYS32_ENTRY, TEXT + 0x850);
    add_number(f, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + TEXT + 0x1000);
    add_number(f, 99, 1);
}

static struct elf_image image;
static char error[200];

/* In memory of exactly the size given. */
static int parse(const struct file *f, size_t size)
{
    u8 *exact = malloc(size == 0 ? 1 : size);
    u8 *data = size == 0 ? exact + 1 : exact;

    memcpy(data, f->bytes, size);
    memset(error, 0, sizeof(error));
    int rc = elf_parse(data, size, &image, error, sizeof(error));
    if (rc == 0) {
        /* Whoever loads it must stay inside too. */
        static u8 page[PAGE_SIZE];
        for (u64 at = image.paddr_start & PAGE_MASK, n = 0; at < image.paddr_end && n < 64; at += PAGE_SIZE, n++)
            elf_copy(&image, at, page, sizeof(page));
    } else {
        assert_true(strlen(error) > 10);
        assert_true(rc == -XEN_EINVAL || rc == -XEN_ENOEXEC);
    }
    free(exact);
    return rc;
}

static void a_linux_like_kernel_is_read(void **state)
{
    struct file f;

    (void)state;
    make_linux(&f);
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.segment_count, 3);
    assert_int_equal(image.segment[0].paddr, TEXT);
    assert_int_equal(image.segment[1].paddr, TEXT + 0x2000);
    assert_int_equal(image.segment[2].paddr, TEXT + 0x4000);
    assert_int_equal(image.segment[1].file_size, 0x800);
    assert_int_equal(image.segment[1].memory_size, 0x1900);
    assert_int_equal(image.segment[0].flags, PF_R | PF_X);
    assert_int_equal(image.paddr_start, TEXT);
    assert_int_equal(image.paddr_end, TEXT + 0x4020);
    assert_int_equal(image.virt_start, BASE + TEXT);
    assert_int_equal(image.virt_end, BASE + TEXT + 0x4020);
    assert_true(image.has_virt_base && image.has_paddr_offset && image.has_entry && image.has_hypercall_page);
    assert_true(image.has_init_p2m && image.has_phys32_entry && image.has_hv_start_low);
    assert_true(image.mod_start_pfn && image.suspend_cancel);
    assert_false(image.bsd_symtab || image.from_guest_section);
    assert_int_equal(image.virt_base, BASE);
    assert_int_equal(image.entry, BASE + TEXT + 0x123);
    assert_int_equal(image.hypercall_page, BASE + TEXT + 0x1000);
    assert_int_equal(image.init_p2m, 0x8000000000);
    assert_int_equal(image.phys32_entry, TEXT + 0x850);
    assert_int_equal(image.hv_start_low, 0xffff800000000000);
    assert_int_equal(image.features_supported, 0x8801 | 1u << XENFEAT_pae_pgdir_above_4gb);
    assert_int_equal(image.features_required, 1u << XENFEAT_writable_page_tables);
    assert_string_equal(image.guest_os, "linux");
    assert_string_equal(image.guest_version, "2.6");
    assert_string_equal(image.xen_version, "xen-3.0");
    assert_string_equal(image.loader, "generic");
    assert_int_equal(image.l1_valid_mask, 1);
}

static void what_is_not_said_has_its_default(void **state)
{
    struct file f;

    (void)state;
    make_bare(&f);
    add_text(&f, XEN_ELFNOTE_GUEST_OS, "small");
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.virt_base, 0);
    assert_int_equal(image.paddr_offset, 0);
    assert_int_equal(image.virt_start, TEXT);
    assert_int_equal(image.entry, TEXT);
    assert_false(image.has_entry || image.has_virt_base || image.has_hypercall_page || image.has_init_p2m);
    assert_int_equal(image.features_required | image.features_supported, 0);
    assert_int_equal(image.l1_valid_mask & image.l1_valid_value, 1);
    assert_string_equal(image.xen_version, "");
}

static void a_pair_may_be_of_small_numbers(void **state)
{
    static const u32 pair[2] = {5, 4};
    struct file f;

    (void)state;
    make_linux(&f);
    add_note(&f, "Xen", XEN_ELFNOTE_L1_MFN_VALID, pair, sizeof(pair));
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.l1_valid_mask, 5);
    assert_int_equal(image.l1_valid_value, 4);
}

static void paddr_offset_is_subtracted(void **state)
{
    struct file f;

    (void)state;
    make_bare(&f);
    for (unsigned i = 0; i < 3; i++)
        phdr(&f, i)->p_paddr += BASE;
    add_number(&f, XEN_ELFNOTE_VIRT_BASE, BASE);
    add_number(&f, XEN_ELFNOTE_PADDR_OFFSET, BASE);
    add_number(&f, XEN_ELFNOTE_ENTRY, BASE + TEXT);
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.paddr_start, TEXT);
    assert_int_equal(image.virt_start, BASE + TEXT);
}

/* Sections: names, notes or __xen_guest, the table at the end of the file. -------------------------------------------*/

static void add_sections(struct file *f, const char *name, u32 type, const void *content, size_t size)
{
    static const char start[] = "\0.shstrtab\0";
    Elf64_Shdr sh[3] = {{0}};
    char *names = (char *)f->bytes + 0x1000 - 0x200;

    memcpy(names, start, sizeof(start));
    strcpy(names + 11, name);
    memcpy(f->bytes + 0x1000 - 0x400, content, size);
    sh[1] = (Elf64_Shdr){.sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = 0x1000 - 0x200, .sh_size = 12 + strlen(name)};
    sh[2] = (Elf64_Shdr){.sh_name = 11, .sh_type = type, .sh_offset = 0x1000 - 0x400, .sh_size = size, .sh_addralign = 4};
    header(f)->e_shoff = FILE_MAX - sizeof(sh);
    header(f)->e_shentsize = sizeof(Elf64_Shdr);
    header(f)->e_shnum = 3;
    header(f)->e_shstrndx = 1;
    header(f)->e_phnum = 3; /* no PT_NOTE */
    memcpy(f->bytes + FILE_MAX - sizeof(sh), sh, sizeof(sh));
}

static void notes_of_sections_are_read_where_no_segment_has_them(void **state)
{
    struct file f, notes;

    (void)state;
    make_bare(&notes);
    add_number(&notes, XEN_ELFNOTE_VIRT_BASE, BASE);
    add_number(&notes, XEN_ELFNOTE_ENTRY, BASE + TEXT);
    make_bare(&f);
    add_sections(&f, ".note.Xen", SHT_NOTE, notes.bytes + NOTES, notes.notes_size);
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.virt_base, BASE);
    assert_int_equal(image.entry, BASE + TEXT);
    assert_false(image.from_guest_section);
}

static int parse_guest_section(struct file *f, const char *text)
{
    make_bare(f);
    for (unsigned i = 0; i < 3; i++)
        phdr(f, i)->p_paddr += BASE;
    header(f)->e_entry = BASE + TEXT;
    add_sections(f, "__xen_guest", SHT_PROGBITS, text, strlen(text) + 1);
    return parse(f, f->size);
}

/* The alignment of a row of notes is its segment's: 8 for some linkers. The last one's padding may be missing. */
static void notes_may_be_aligned_to_8(void **state)
{
    struct file f;
    u8 row[64] = {4, 0, 0, 0, 8, 0, 0, 0, XEN_ELFNOTE_VIRT_BASE, 0, 0, 0, 'X', 'e', 'n', 0};
    u8 last[] = {4, 0, 0, 0, 3, 0, 0, 0, XEN_ELFNOTE_GUEST_OS, 0, 0, 0, 'X', 'e', 'n', 0, 'a', 'b', 0};
    u64 base = BASE;

    (void)state;
    make_bare(&f);
    memcpy(row + 16, &base, 8);
    memcpy(row + 24, last, sizeof(last));
    memcpy(f.bytes + NOTES, row, sizeof(row));
    phdr(&f, 3)->p_align = 8;
    phdr(&f, 3)->p_filesz = phdr(&f, 3)->p_memsz = 24 + sizeof(last);
    header(&f)->e_entry = BASE + TEXT;
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.virt_base, BASE);
    assert_string_equal(image.guest_os, "ab");
}

static void a_note_that_says_yes_or_something_else(void **state)
{
    static const struct {
        const char *text;
        u32 size;
        bool yes;
    } notes[] = {{"yes", 4, true}, {"yes", 3, true}, {"ye", 2, false}, {"nope", 4, false}};
    struct file f;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
        make_linux(&f);
        add_note(&f, "Xen", XEN_ELFNOTE_BSD_SYMTAB, notes[i].text, notes[i].size);
        assert_int_equal(parse(&f, f.size), 0);
        assert_int_equal(image.bsd_symtab, notes[i].yes);
    }
}

static void the_old_section_is_read_where_there_are_no_notes(void **state)
{
    struct file f;

    (void)state;
    assert_int_equal(parse_guest_section(&f, "GUEST_OS=netbsd,GUEST_VER=4.99,XEN_VER=xen-3.0,LOADER=generic,"
                                             "VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x1001,PAE=yes,"
                                             "FEATURES=writable_descriptor_tables|!dom0,BSD_SYMTAB"),
                     0);
    assert_true(image.from_guest_section && image.bsd_symtab && image.has_hypercall_page);
    assert_string_equal(image.guest_os, "netbsd");
    assert_int_equal(image.paddr_offset, BASE);
    assert_int_equal(image.paddr_start, TEXT);
    assert_int_equal(image.virt_start, BASE + TEXT);
    assert_int_equal(image.hypercall_page, BASE + 0x1001000);
    assert_int_equal(image.entry, BASE + TEXT);
    assert_int_equal(image.features_supported, 1u << XENFEAT_writable_descriptor_tables | 1u << XENFEAT_dom0);
    assert_int_equal(image.features_required, 1u << XENFEAT_dom0);
}

static void the_old_section_says_what_is_wrong_with_it(void **state)
{
    struct file f;
    char text[400];

    (void)state;
    assert_int_equal(parse_guest_section(&f, "VIRT_BASE=here"), -XEN_EINVAL);
    assert_string_equal(error, "__xen_guest VIRT_BASE: found 'here', expected a number");
    assert_int_equal(parse_guest_section(&f, "VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0xffffffffffffffff"),
                     -XEN_EINVAL);
    assert_non_null(strstr(error, "HYPERCALL_PAGE"));
    assert_int_equal(parse_guest_section(&f, "VIRT_BASE=0xffffffff80000000,XEN_VER=xen-2.0"), -XEN_ENOEXEC);
    assert_string_equal(error, "note XEN_VERSION 'xen-2.0', expected 'xen-3.0'");
    memset(text, 'x', sizeof(text));
    text[399] = 0;
    assert_int_equal(parse_guest_section(&f, text), -XEN_EINVAL);
    assert_non_null(strstr(error, "an entry of 399 characters"));
}

/* Errors -------------------------------------------------------------------------------------------------------------*/

/* One change to a good file and the sentence that must come of it. */
struct fault {
    void (*change)(struct file *f);
    int rc;
    const char *sentence;
};

#define CHANGE(name, statement)                                                                                        \
    static void name(struct file *f)                                                                                   \
    {                                                                                                                  \
        statement;                                                                                                     \
    }
CHANGE(no_magic, f->bytes[0] = 'M')
CHANGE(class_32, header(f)->e_ident[EI_CLASS] = ELFCLASS32)
CHANGE(big_endian, header(f)->e_ident[EI_DATA] = ELFDATA2MSB)
CHANGE(machine_i386, header(f)->e_machine = EM_386)
CHANGE(machine_arm, header(f)->e_machine = EM_AARCH64)
CHANGE(type_object, header(f)->e_type = ET_REL)
CHANGE(phentsize, header(f)->e_phentsize = 32)
CHANGE(no_phdrs, header(f)->e_phnum = 0)
CHANGE(many_phdrs, header(f)->e_phnum = 0xffff)
CHANGE(phoff_far, header(f)->e_phoff = FILE_MAX - 1)
CHANGE(phoff_wraps, header(f)->e_phoff = ~0ull)
CHANGE(segment_far, phdr(f, 2)->p_offset = FILE_MAX - 16)
CHANGE(segment_wraps_file, phdr(f, 2)->p_offset = ~0ull - 16)
CHANGE(segment_huge, phdr(f, 2)->p_filesz = phdr(f, 2)->p_memsz = ~0ull)
CHANGE(memory_less_than_file, phdr(f, 2)->p_memsz = 0x7ff)
CHANGE(paddr_wraps, phdr(f, 2)->p_paddr = ~0ull - 0x100)
CHANGE(overlap_before, phdr(f, 2)->p_paddr = TEXT + 0x17ff)
CHANGE(overlap_after, phdr(f, 1)->p_paddr = TEXT + 0x38ff)
CHANGE(overlap_same, phdr(f, 1)->p_paddr = TEXT)
CHANGE(nothing_to_load, phdr(f, 0)->p_type = phdr(f, 1)->p_type = phdr(f, 2)->p_type = PT_NULL)
CHANGE(notes_far, phdr(f, 3)->p_offset = FILE_MAX)
CHANGE(no_notes, phdr(f, 3)->p_type = PT_NULL)
CHANGE(entry_outside, add_number(f, XEN_ELFNOTE_ENTRY, BASE + TEXT + 0x4020))
CHANGE(entry_below, add_number(f, XEN_ELFNOTE_ENTRY, BASE + TEXT - 1))
CHANGE(entry_odd_size, add_note(f, "Xen", XEN_ELFNOTE_ENTRY, "abc", 3))
CHANGE(hypercall_page_outside, add_number(f, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + TEXT + 0x4000))
CHANGE(hypercall_page_odd, add_number(f, XEN_ELFNOTE_HYPERCALL_PAGE, BASE + TEXT + 8))
CHANGE(p2m_inside, add_number(f, XEN_ELFNOTE_INIT_P2M, BASE + TEXT + 0x1000))
CHANGE(p2m_odd, add_number(f, XEN_ELFNOTE_INIT_P2M, 0x8000000001))
CHANGE(base_wraps, add_number(f, XEN_ELFNOTE_VIRT_BASE, ~0ull - TEXT))
CHANGE(offset_above, add_number(f, XEN_ELFNOTE_PADDR_OFFSET, TEXT + 1))
CHANGE(version, add_text(f, XEN_ELFNOTE_XEN_VERSION, "xen-4.0"))
CHANGE(feature, add_text(f, XEN_ELFNOTE_FEATURES, "dom0|!teleportation|x"))
CHANGE(feature_escape, add_text(f, XEN_ELFNOTE_FEATURES, "!\n(xl) \033[2J"))
CHANGE(pair, add_note(f, "Xen", XEN_ELFNOTE_L1_MFN_VALID, "0123456789ab", 12))
CHANGE(note_cut, phdr(f, 3)->p_filesz -= 4)
CHANGE(note_huge, memset(f->bytes + NOTES + 4, 0xff, 4))
CHANGE(no_notes_sections_far, phdr(f, 3)->p_type = PT_NULL; header(f)->e_shoff = FILE_MAX; header(f)->e_shnum = 1;
       header(f)->e_shentsize = 64)
CHANGE(no_notes_sections_odd, phdr(f, 3)->p_type = PT_NULL; header(f)->e_shoff = 64; header(f)->e_shnum = 1;
       header(f)->e_shentsize = 40)
CHANGE(no_notes_sections_many, phdr(f, 3)->p_type = PT_NULL; header(f)->e_shoff = 64; header(f)->e_shnum = 0xff00;
       header(f)->e_shentsize = 64)

static const struct fault faults[] = {
    {no_magic, -XEN_ENOEXEC, "begins with 4d 45 4c 46, expected 7f 45 4c 46 (ELF)"},
    {class_32, -XEN_ENOEXEC, "EI_CLASS 1 (32-bit), expected 2 (64-bit)"},
    {big_endian, -XEN_ENOEXEC, "EI_DATA 2, expected 1 (little-endian)"},
    {machine_i386, -XEN_ENOEXEC, "e_machine 3 (i386), expected 62 (x86-64)"},
    {machine_arm, -XEN_ENOEXEC, "e_machine 183, expected 62 (x86-64)"},
    {type_object, -XEN_ENOEXEC, "e_type 1, expected 2 (executable) or 3 (shared)"},
    {phentsize, -XEN_EINVAL, "e_phentsize 32, expected 56"},
    {no_phdrs, -XEN_EINVAL, "e_phnum 0, expected 1 to 256"},
    {many_phdrs, -XEN_EINVAL, "e_phnum 65535, expected 1 to 256"},
    {phoff_far, -XEN_EINVAL, "e_phoff 0x3fff with 4 entries lies outside the file of 16384 bytes"},
    {phoff_wraps, -XEN_EINVAL, "e_phoff 0xffffffffffffffff with 4 entries lies outside the file of 16384 bytes"},
    {segment_far, -XEN_EINVAL, "segment 2: file range 0x3ff0+0x800 lies outside the file of 16384 bytes"},
    {segment_wraps_file, -XEN_EINVAL, "segment 2: file range 0xffffffffffffffef+0x800 lies outside the file of 16384 bytes"},
    {segment_huge, -XEN_EINVAL, "segment 2: file range 0x3800+0xffffffffffffffff lies outside the file of 16384 bytes"},
    {memory_less_than_file, -XEN_EINVAL, "segment 2: p_memsz 0x7ff is less than p_filesz 0x800"},
    {paddr_wraps, -XEN_EINVAL, "segment 2: p_paddr 0xfffffffffffffeff + p_memsz 0x1900 wraps around"},
    {overlap_before, -XEN_EINVAL, "segment 2: p_paddr 0x10017ff+0x1900 overlaps another segment"},
    {overlap_after, -XEN_EINVAL, "segment 2: p_paddr 0x1002000+0x1900 overlaps another segment"},
    {overlap_same, -XEN_EINVAL, "segment 1: p_paddr 0x1000000+0x20 overlaps another segment"},
    {nothing_to_load, -XEN_EINVAL, "no segment to load among 4 program headers"},
    {notes_far, -XEN_EINVAL, "note segment 3: file range 0x4000+"},
    {no_notes, -XEN_ENOEXEC, "no ELF note of owner \"Xen\" and no section __xen_guest: not a kernel for Xen's interface"},
    {entry_outside, -XEN_EINVAL, "note ENTRY 0xffffffff81004020 lies outside the image 0xffffffff81000000-0xffffffff81004020"},
    {entry_below, -XEN_EINVAL, "note ENTRY 0xffffffff80ffffff lies outside the image"},
    {entry_odd_size, -XEN_EINVAL, "note ENTRY: 3 bytes, expected 4 or 8"},
    {hypercall_page_outside, -XEN_EINVAL, "note HYPERCALL_PAGE 0xffffffff81004000 lies outside the image"},
    {hypercall_page_odd, -XEN_EINVAL, "note HYPERCALL_PAGE 0xffffffff81000008, expected the start of a page"},
    {p2m_inside, -XEN_EINVAL, "note INIT_P2M 0xffffffff81001000 lies inside the image"},
    {p2m_odd, -XEN_EINVAL, "note INIT_P2M 0x8000000001, expected the start of a page"},
    {base_wraps, -XEN_EINVAL, "note VIRT_BASE 0xfffffffffeffffff: the image of 0x1004020 bytes wraps around"},
    {offset_above, -XEN_EINVAL, "note PADDR_OFFSET 0x1000001 lies above the lowest p_paddr 0x1000000"},
    {version, -XEN_ENOEXEC, "note XEN_VERSION 'xen-4.0', expected 'xen-3.0'"},
    {feature, -XEN_ENOEXEC, "note FEATURES: 'teleportation' is required and not known"},
    {feature_escape, -XEN_ENOEXEC, "note FEATURES: '.(xl) .[2J' is required and not known"},
    {pair, -XEN_EINVAL, "note L1_MFN_VALID: 12 bytes, expected pairs of 16"},
    {note_cut, -XEN_EINVAL, "reach beyond the end"},
    {note_huge, -XEN_EINVAL, "note at offset 0 of "},
    {no_notes_sections_far, -XEN_EINVAL, "e_shoff 0x4000 with 1 entries lies outside the file of 16384 bytes"},
    {no_notes_sections_odd, -XEN_EINVAL, "e_shentsize 40, expected 64"},
    {no_notes_sections_many, -XEN_EINVAL, "e_shnum 65280, expected at most 1024"},
};

static void each_fault_is_named(void **state)
{
    struct file f;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        make_linux(&f);
        faults[i].change(&f);
        int rc = parse(&f, f.size);
        if (rc != faults[i].rc || strstr(error, faults[i].sentence) == NULL)
            fail_msg("expected %d '%s', found %d '%s'", faults[i].rc, faults[i].sentence, rc, error);
    }
}

static void too_many_segments_are_refused(void **state)
{
    struct file f;

    (void)state;
    make_bare(&f);
    header(&f)->e_phoff = 0x1000;
    header(&f)->e_phnum = ELF_SEGMENTS_MAX + 1;
    for (u32 i = 0; i <= ELF_SEGMENTS_MAX; i++)
        ((Elf64_Phdr *)(f.bytes + 0x1000))[i] = (Elf64_Phdr){PT_LOAD, PF_R, 0x1000, 0, i * PAGE_SIZE, 1, 1, 1};
    assert_int_equal(parse(&f, f.size), -XEN_EINVAL);
    assert_non_null(strstr(error, "segment 32: more than 32 segments to load"));
}

static void empty_segments_do_not_count(void **state)
{
    struct file f;

    (void)state;
    make_linux(&f);
    phdr(&f, 1)->p_filesz = phdr(&f, 1)->p_memsz = 0;
    phdr(&f, 1)->p_paddr = TEXT;
    assert_int_equal(parse(&f, f.size), 0);
    assert_int_equal(image.segment_count, 2);
}

/* Every prefix of the file, and every byte of header, segments and notes replaced, never reads outside. ---------------*/

static void every_truncation_is_survived(void **state)
{
    struct file f;

    (void)state;
    make_linux(&f);
    for (size_t size = 0; size < f.size; size += size < 0x1000 ? 1 : 61)
        assert_int_not_equal(parse(&f, size), 0);
}

static void mutate_everywhere(void (*make)(struct file *))
{
    static const u8 values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct file good, f;

    make(&good);
    for (size_t at = 0; at < 0x1000; at++)
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            if (at >= NOTES + good.notes_size && at < 0xc00)
                break;
            f = good;
            f.bytes[at] = values[i];
            parse(&f, f.size);
        }
    for (size_t at = FILE_MAX - 3 * sizeof(Elf64_Shdr); at < FILE_MAX; at++)
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            f = good;
            f.bytes[at] = values[i];
            parse(&f, f.size);
        }
}

static void make_old(struct file *f)
{
    parse_guest_section(f, "GUEST_OS=x,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x1001,FEATURES=!dom0|a,BSD_SYMTAB");
}

static void make_sections(struct file *f)
{
    struct file notes;

    make_linux(&notes);
    make_bare(f);
    add_sections(f, ".notes", SHT_NOTE, notes.bytes + NOTES, 0x180);
}

static void every_byte_may_be_wrong(void **state)
{
    (void)state;
    mutate_everywhere(make_linux);
    mutate_everywhere(make_old);
    mutate_everywhere(make_sections);
}

/* Fields of 2, 4 and 8 bytes set to values at which sums wrap. */
static void every_field_may_be_extreme(void **state)
{
    static const u64 values[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
                                 ~0ull, ~0ull - 0xfff, 0x3fff, 0x4000, 0x4001};
    void (*const makers[])(struct file *) = {make_linux, make_old, make_sections};
    struct file good, f;

    (void)state;
    for (size_t m = 0; m < ARRAY_SIZE(makers); m++) {
        makers[m](&good);
        for (size_t at = 0; at < FILE_MAX; at += at < 0x400 ? 2 : 4) {
            if (at == 0xc00 + 0x100)
                at = FILE_MAX - 3 * sizeof(Elf64_Shdr);
            for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                for (size_t width = 2; width <= 8; width *= 2) {
                    if (at + width > FILE_MAX)
                        continue;
                    f = good;
                    memcpy(f.bytes + at, &values[i], width);
                    parse(&f, f.size);
                }
        }
    }
}

static void elf_copy_gives_file_bytes_and_zeroes(void **state)
{
    static u8 out[0x6000], expected[0x6000];
    struct file f;
    char ignored[64];

    (void)state;
    make_linux(&f);
    assert_int_equal(elf_parse(f.bytes, f.size, &image, ignored, sizeof(ignored)), 0);
    memcpy(expected + 0x1000, f.bytes + 0x1000, 0x1800);
    memcpy(expected + 0x3000, f.bytes + 0x3800, 0x800);
    memcpy(expected + 0x5000, f.bytes + 0x3000, 0x10);
    memset(out, 0xcc, sizeof(out));
    assert_int_equal(elf_copy(&image, TEXT - 0x1000, out, sizeof(out)), 0x1800 + 0x1900 + 0x20);
    assert_memory_equal(out, expected, sizeof(out));
    for (size_t at = 0; at < 0x6000; at += 977)
        for (size_t n = 1; at + n <= 0x6000; n += 1231) {
            memset(out, 0xcc, n + 1 <= sizeof(out) ? n + 1 : n);
            elf_copy(&image, TEXT - 0x1000 + at, out, n);
            assert_memory_equal(out, expected + at, n);
            if (n < sizeof(out))
                assert_int_equal(out[n], 0xcc);
        }
    assert_int_equal(elf_copy(&image, 0, out, 4096), 0);
    assert_int_equal(elf_copy(&image, ~0ull - 4095, out, 4096), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linux_like_kernel_is_read),
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(a_pair_may_be_of_small_numbers),
        cmocka_unit_test(paddr_offset_is_subtracted),
        cmocka_unit_test(notes_of_sections_are_read_where_no_segment_has_them),
        cmocka_unit_test(notes_may_be_aligned_to_8),
        cmocka_unit_test(a_note_that_says_yes_or_something_else),
        cmocka_unit_test(the_old_section_is_read_where_there_are_no_notes),
        cmocka_unit_test(the_old_section_says_what_is_wrong_with_it),
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(too_many_segments_are_refused),
        cmocka_unit_test(empty_segments_do_not_count),
        cmocka_unit_test(every_truncation_is_survived),
        cmocka_unit_test(every_byte_may_be_wrong),
        cmocka_unit_test(every_field_may_be_extreme),
        cmocka_unit_test(elf_copy_gives_file_bytes_and_zeroes),
    };
    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
