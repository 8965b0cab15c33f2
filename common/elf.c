/* SPDX-License-Identifier: MIT */
/*
 * Reads a guest kernel, see elf.h. Nothing is read but through file_at(), which checks the range; structures
 * are copied out, so alignment in the file does not matter. What names an address is checked last, when all
 * is known.
 */
#include "common/elf.h"
#include "common/elf_notes.h"
#include "lib/string.h"
#include <xen/errno.h>

struct elf_header {
    u8 e_ident[16];
    u16 e_type, e_machine;
    u32 e_version;
    u64 e_entry, e_phoff, e_shoff;
    u32 e_flags;
    u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
struct elf_program_header {
    u32 p_type, p_flags;
    u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
struct elf_section_header {
    u32 sh_name, sh_type;
    u64 sh_flags, sh_addr, sh_offset, sh_size;
    u32 sh_link, sh_info;
    u64 sh_addralign, sh_entsize;
};
_Static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");
_Static_assert(sizeof(struct elf_program_header) == 56, "Elf64_Phdr");
_Static_assert(sizeof(struct elf_section_header) == 64, "Elf64_Shdr");

#define ET_EXEC    2
#define ET_DYN     3
#define EM_X86_64  62
#define PT_LOAD    1
#define PT_NOTE    4
#define SHT_NOTE   7
#define SHT_NOBITS 8

#define SECTIONS_MAX 1024

/* n bytes of the file at offset; NULL: not all of them are in it. */
static const u8 *file_at(const struct elf_reader *r, u64 offset, u64 n)
{
    if (offset > r->size || n > r->size - offset)
        return NULL;
    return r->data + offset;
}

/* The header
 * ---------------------------------------------------------------------------------------------------------*/

static int read_header(struct elf_reader *r, struct elf_header *h)
{
    const u8 *p = file_at(r, 0, sizeof(*h));

    if (p == NULL)
        return elf_fail(r, -XEN_ENOEXEC, "%zu bytes, an ELF header alone has %zu", r->size, sizeof(*h));
    memcpy(h, p, sizeof(*h));
    if (memcmp(h->e_ident, "\177ELF", 4) != 0)
        return elf_fail(r, -XEN_ENOEXEC, "begins with %02x %02x %02x %02x, expected 7f 45 4c 46 (ELF)",
                        h->e_ident[0], h->e_ident[1], h->e_ident[2], h->e_ident[3]);
    if (h->e_ident[4] != 2)
        return elf_fail(r, -XEN_ENOEXEC, "EI_CLASS %u%s, expected 2 (64-bit)", h->e_ident[4],
                        h->e_ident[4] == 1 ? " (32-bit)" : "");
    if (h->e_ident[5] != 1)
        return elf_fail(r, -XEN_ENOEXEC, "EI_DATA %u, expected 1 (little-endian)", h->e_ident[5]);
    if (h->e_machine != EM_X86_64)
        return elf_fail(r, -XEN_ENOEXEC, "e_machine %u%s, expected 62 (x86-64)", h->e_machine,
                        h->e_machine == 3 ? " (i386)" : "");
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return elf_fail(r, -XEN_ENOEXEC, "e_type %u, expected 2 (executable) or 3 (shared)", h->e_type);
    if (h->e_phentsize != sizeof(struct elf_program_header))
        return elf_fail(r, -XEN_EINVAL, "e_phentsize %u, expected 56", h->e_phentsize);
    if (h->e_phnum == 0 || h->e_phnum > ELF_HEADERS_MAX)
        return elf_fail(r, -XEN_EINVAL, "e_phnum %u, expected 1 to %u", h->e_phnum, ELF_HEADERS_MAX);
    if (file_at(r, h->e_phoff, (u64)h->e_phnum * sizeof(struct elf_program_header)) == NULL)
        return elf_fail(r, -XEN_EINVAL, "e_phoff %#lx with %u entries lies outside the file of %zu bytes",
                        h->e_phoff, h->e_phnum, r->size);
    return 0;
}

static struct elf_program_header program_header(const struct elf_reader *r, const struct elf_header *h, u32 i)
{
    struct elf_program_header ph;

    memcpy(&ph, r->data + h->e_phoff + (u64)i * sizeof(ph), sizeof(ph));
    return ph;
}

/* Segments
 * -----------------------------------------------------------------------------------------------------------*/

/* Puts it in its place by address. False: it overlaps another. */
static bool segment_insert(struct elf_image *image, const struct elf_segment *s)
{
    u32 i = image->segment_count;

    for (; i > 0 && image->segment[i - 1].paddr > s->paddr; i--)
        image->segment[i] = image->segment[i - 1];
    image->segment[i] = *s;
    image->segment_count++;
    if (i > 0 && s->paddr - image->segment[i - 1].paddr < image->segment[i - 1].memory_size)
        return false;
    return i + 1 == image->segment_count || image->segment[i + 1].paddr - s->paddr >= s->memory_size;
}

static int read_segment(struct elf_reader *r, u32 i, const struct elf_program_header *ph)
{
    struct elf_segment s = {
        .file_size = ph->p_filesz, .paddr = ph->p_paddr, .memory_size = ph->p_memsz, .flags = ph->p_flags};
    u64 end;

    if (ph->p_memsz < ph->p_filesz)
        return elf_fail(r, -XEN_EINVAL, "segment %u: p_memsz %#lx is less than p_filesz %#lx", i, ph->p_memsz,
                        ph->p_filesz);
    if (ph->p_memsz == 0)
        return 0;
    s.file = file_at(r, ph->p_offset, ph->p_filesz);
    if (s.file == NULL)
        return elf_fail(r, -XEN_EINVAL, "segment %u: file range %#lx+%#lx lies outside the file of %zu bytes",
                        i, ph->p_offset, ph->p_filesz, r->size);
    if (__builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end))
        return elf_fail(r, -XEN_EINVAL, "segment %u: p_paddr %#lx + p_memsz %#lx wraps around", i,
                        ph->p_paddr, ph->p_memsz);
    if (r->image->segment_count == ELF_SEGMENTS_MAX)
        return elf_fail(r, -XEN_EINVAL, "segment %u: more than %u segments to load", i, ELF_SEGMENTS_MAX);
    if (!segment_insert(r->image, &s))
        return elf_fail(r, -XEN_EINVAL, "segment %u: p_paddr %#lx+%#lx overlaps another segment", i,
                        ph->p_paddr, ph->p_memsz);
    return 0;
}

static int read_segments(struct elf_reader *r, const struct elf_header *h)
{
    for (u32 i = 0; i < h->e_phnum; i++) {
        struct elf_program_header ph = program_header(r, h, i);
        int rc = ph.p_type == PT_LOAD ? read_segment(r, i, &ph) : 0;
        if (rc != 0)
            return rc;
    }
    if (r->image->segment_count == 0)
        return elf_fail(r, -XEN_EINVAL, "no segment to load among %u program headers", h->e_phnum);
    return 0;
}

/* Where the description stands
 * ---------------------------------------------------------------------------------------*/

static int read_note_segments(struct elf_reader *r, const struct elf_header *h)
{
    for (u32 i = 0; i < h->e_phnum; i++) {
        struct elf_program_header ph = program_header(r, h, i);
        if (ph.p_type != PT_NOTE)
            continue;
        const u8 *notes = file_at(r, ph.p_offset, ph.p_filesz);
        if (notes == NULL)
            return elf_fail(r, -XEN_EINVAL,
                            "note segment %u: file range %#lx+%#lx lies outside the file of %zu bytes", i,
                            ph.p_offset, ph.p_filesz, r->size);
        int rc = elf_read_notes(r, notes, ph.p_filesz, ph.p_align);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The table of sections; count 0 where there is none. */
static int check_sections(struct elf_reader *r, const struct elf_header *h, u32 *count)
{
    *count = 0;
    if (h->e_shoff == 0 || h->e_shnum == 0)
        return 0;
    if (h->e_shentsize != sizeof(struct elf_section_header))
        return elf_fail(r, -XEN_EINVAL, "e_shentsize %u, expected 64", h->e_shentsize);
    if (h->e_shnum > SECTIONS_MAX)
        return elf_fail(r, -XEN_EINVAL, "e_shnum %u, expected at most %u", h->e_shnum, SECTIONS_MAX);
    if (file_at(r, h->e_shoff, (u64)h->e_shnum * sizeof(struct elf_section_header)) == NULL)
        return elf_fail(r, -XEN_EINVAL, "e_shoff %#lx with %u entries lies outside the file of %zu bytes",
                        h->e_shoff, h->e_shnum, r->size);
    *count = h->e_shnum;
    return 0;
}

static struct elf_section_header section_header(const struct elf_reader *r, const struct elf_header *h, u32 i)
{
    struct elf_section_header sh;

    memcpy(&sh, r->data + h->e_shoff + (u64)i * sizeof(sh), sizeof(sh));
    return sh;
}

static bool section_named(const struct elf_reader *r, const struct elf_section_header *names,
                          const struct elf_section_header *sh, const char *name)
{
    size_t n = strlen(name) + 1;

    if (names->sh_type == SHT_NOBITS || sh->sh_name > names->sh_size || names->sh_size - sh->sh_name < n)
        return false;
    if (file_at(r, names->sh_offset, names->sh_size) == NULL)
        return false;
    return memcmp(r->data + names->sh_offset + sh->sh_name, name, n) == 0;
}

static int read_note_sections(struct elf_reader *r, const struct elf_header *h, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct elf_section_header sh = section_header(r, h, i);
        if (sh.sh_type != SHT_NOTE)
            continue;
        const u8 *notes = file_at(r, sh.sh_offset, sh.sh_size);
        if (notes == NULL)
            return elf_fail(r, -XEN_EINVAL, "note section %u: %#lx+%#lx lies outside the file of %zu bytes",
                            i, sh.sh_offset, sh.sh_size, r->size);
        int rc = elf_read_notes(r, notes, sh.sh_size, sh.sh_addralign);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_guest_section(struct elf_reader *r, const struct elf_header *h, u32 count)
{
    if (h->e_shstrndx >= count)
        return 0;
    struct elf_section_header names = section_header(r, h, h->e_shstrndx);
    for (u32 i = 0; i < count; i++) {
        struct elf_section_header sh = section_header(r, h, i);
        if (!section_named(r, &names, &sh, "__xen_guest"))
            continue;
        const u8 *text = sh.sh_type == SHT_NOBITS ? NULL : file_at(r, sh.sh_offset, sh.sh_size);
        if (text == NULL)
            return elf_fail(r, -XEN_EINVAL,
                            "section __xen_guest: %#lx+%#lx lies outside the file of %zu bytes", sh.sh_offset,
                            sh.sh_size, r->size);
        return elf_read_guest_section(r, (const char *)text, sh.sh_size);
    }
    return 0;
}

/* Notes of segments, else of sections, else the old section. */
static int read_description(struct elf_reader *r, const struct elf_header *h)
{
    u32 count;
    int rc = read_note_segments(r, h);

    if (rc != 0 || r->described)
        return rc;
    rc = check_sections(r, h, &count);
    if (rc == 0)
        rc = read_note_sections(r, h, count);
    if (rc == 0 && !r->described)
        rc = read_guest_section(r, h, count);
    if (rc == 0 && !r->described)
        rc = elf_fail(
            r, -XEN_ENOEXEC,
            "no ELF note of owner \"Xen\" and no section __xen_guest: not a kernel for Xen's interface");
    return rc;
}

/* Addresses
 * ----------------------------------------------------------------------------------------------------------*/

/*
 * From p_paddr to pseudo-physical, and the span in both kinds of address. Old kernels that say VIRT_BASE in
 * __xen_guest and no ELF_PADDR_OFFSET have virtual addresses in p_paddr.
 */
static int place_segments(struct elf_reader *r)
{
    struct elf_image *image = r->image;
    struct elf_segment *last = &image->segment[image->segment_count - 1];

    if (image->xen_version[0] != 0 && strcmp(image->xen_version, "xen-3.0") != 0)
        return elf_fail(r, -XEN_ENOEXEC, "note XEN_VERSION '%s', expected 'xen-3.0'", image->xen_version);
    if (!image->has_paddr_offset && image->from_guest_section)
        image->paddr_offset = image->virt_base;
    if (image->segment[0].paddr < image->paddr_offset)
        return elf_fail(r, -XEN_EINVAL, "note PADDR_OFFSET %#lx lies above the lowest p_paddr %#lx",
                        image->paddr_offset, image->segment[0].paddr);
    for (u32 i = 0; i < image->segment_count; i++)
        image->segment[i].paddr -= image->paddr_offset;
    image->paddr_start = image->segment[0].paddr;
    image->paddr_end = last->paddr + last->memory_size;
    if (__builtin_add_overflow(image->virt_base, image->paddr_end, &image->virt_end))
        return elf_fail(r, -XEN_EINVAL, "note VIRT_BASE %#lx: the image of %#lx bytes wraps around",
                        image->virt_base, image->paddr_end);
    image->virt_start = image->virt_base + image->paddr_start;
    return 0;
}

static bool inside(const struct elf_image *image, vaddr_t address, u64 n)
{
    return address >= image->virt_start && address < image->virt_end && n <= image->virt_end - address;
}

static int check_hypercall_page(struct elf_reader *r)
{
    struct elf_image *image = r->image;
    u64 *page = &image->hypercall_page;

    if (r->hypercall_pfn_given && (__builtin_mul_overflow(*page, PAGE_SIZE, page) ||
                                   __builtin_add_overflow(*page, image->virt_base, page)))
        return elf_fail(r, -XEN_EINVAL, "__xen_guest HYPERCALL_PAGE: no page has this number");
    if (*page % PAGE_SIZE != 0)
        return elf_fail(r, -XEN_EINVAL, "note HYPERCALL_PAGE %#lx, expected the start of a page", *page);
    if (!inside(image, *page, PAGE_SIZE))
        return elf_fail(r, -XEN_EINVAL, "note HYPERCALL_PAGE %#lx lies outside the image %#lx-%#lx", *page,
                        image->virt_start, image->virt_end);
    return 0;
}

static int check_addresses(struct elf_reader *r)
{
    struct elf_image *image = r->image;

    if (!inside(image, image->entry, 1))
        return elf_fail(r, -XEN_EINVAL, "%s %#lx lies outside the image %#lx-%#lx%s",
                        image->has_entry ? "note ENTRY" : "e_entry", image->entry, image->virt_start,
                        image->virt_end,
                        image->has_phys32_entry ? " (has PHYS32_ENTRY: a kernel for PVH?)" : "");
    int rc = image->has_hypercall_page ? check_hypercall_page(r) : 0;
    if (rc != 0)
        return rc;
    if (image->has_init_p2m) {
        if (image->init_p2m % PAGE_SIZE != 0)
            return elf_fail(r, -XEN_EINVAL, "note INIT_P2M %#lx, expected the start of a page",
                            image->init_p2m);
        if (image->init_p2m >= align_down(image->virt_start, PAGE_SIZE) && image->init_p2m < image->virt_end)
            return elf_fail(r, -XEN_EINVAL, "note INIT_P2M %#lx lies inside the image %#lx-%#lx",
                            image->init_p2m, image->virt_start, image->virt_end);
    }
    return 0;
}

int elf_parse(const void *data, size_t size, struct elf_image *out, char *error, size_t error_size)
{
    struct elf_reader r = {
        .data = data, .size = size, .image = out, .error = error, .error_size = error_size};
    struct elf_header h;

    memset(out, 0, sizeof(*out));
    out->file = data;
    out->file_size = size;
    out->l1_valid_mask = out->l1_valid_value = 1;
    int rc = read_header(&r, &h);
    if (rc == 0)
        rc = read_segments(&r, &h);
    if (rc == 0)
        rc = read_description(&r, &h);
    if (rc == 0 && !out->has_entry)
        out->entry = h.e_entry;
    if (rc == 0)
        rc = place_segments(&r);
    if (rc == 0)
        rc = check_addresses(&r);
    return rc;
}

size_t elf_copy(const struct elf_image *image, u64 paddr, void *to, size_t n)
{
    size_t covered = 0;

    memset(to, 0, n);
    for (u32 i = 0; i < image->segment_count; i++) {
        const struct elf_segment *s = &image->segment[i];
        /* The common part of [paddr, paddr + n) and the segment, as offsets from paddr and in the segment. */
        u64 skip = s->paddr > paddr ? s->paddr - paddr : 0;
        u64 within = s->paddr > paddr ? 0 : paddr - s->paddr;
        if (skip >= n || within >= s->memory_size)
            continue;
        covered += min_u64(n - skip, s->memory_size - within);
        if (within < s->file_size)
            memcpy((u8 *)to + skip, s->file + within, min_u64(n - skip, s->file_size - within));
    }
    return covered;
}
