/* SPDX-License-Identifier: MIT */
/* See image.h. */
#include "tests/unit/builder/image.h"
#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#define NOTES_AT 0x200u
#define TEXT_AT  0x1000u
#define FILE_SIZE (TEXT_AT + IMAGE_TEXT + IMAGE_DATA)

static u8 file[FILE_SIZE];
static size_t notes_size;

u8 image_byte(u64 n)
{
    return (u8)(n * 29 + (n >> 9) + 1);
}

static void note(u32 type, const void *desc, u32 size)
{
    const u32 head[3] = {4, size, type};
    u8 *p = file + NOTES_AT + notes_size;
    memcpy(p, head, sizeof(head));
    memcpy(p + 12, "Xen", 4);
    memcpy(p + 16, desc, size);
    notes_size += 16 + align_up(size, 4);
}
static void note_number(u32 type, u64 value)
{
    note(type, &value, sizeof(value));
}

static void notes_make(const struct image_spec *s)
{
    notes_size = 0;
    note(XEN_ELFNOTE_GUEST_OS, "test", 5);
    note(XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    note(XEN_ELFNOTE_LOADER, "generic", 8);
    note_number(XEN_ELFNOTE_VIRT_BASE, s->virt_base);
    note_number(XEN_ELFNOTE_ENTRY, s->virt_base + s->start + IMAGE_ENTRY);
    if (!s->no_hypercall_page)
        note_number(XEN_ELFNOTE_HYPERCALL_PAGE, s->virt_base + s->start + IMAGE_HYPERCALL_PAGE);
    if (s->init_p2m)
        note_number(XEN_ELFNOTE_INIT_P2M, s->init_p2m);
    if (s->features)
        note(XEN_ELFNOTE_FEATURES, s->features, (u32)strlen(s->features) + 1);
    if (s->supported)
        note(XEN_ELFNOTE_SUPPORTED_FEATURES, &s->supported, 4);
}

const u8 *image_make(const struct image_spec *s, size_t *size)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)file;
    Elf64_Phdr *segment = (Elf64_Phdr *)(file + sizeof(*header));

    memset(file, 0, sizeof(file));
    notes_make(s);
    *header = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_EXEC,
                           .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = s->start + IMAGE_ENTRY,
                           .e_phoff = sizeof(*header), .e_ehsize = sizeof(*header), .e_phentsize = sizeof(*segment),
                           .e_phnum = 3};
    segment[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, TEXT_AT, s->virt_base + s->start, s->start, IMAGE_TEXT, IMAGE_TEXT, 0x1000};
    segment[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, TEXT_AT + IMAGE_TEXT, s->virt_base + s->start + IMAGE_TEXT,
                              s->start + IMAGE_TEXT, IMAGE_DATA, IMAGE_DATA + s->zeroes, 0x1000};
    segment[2] = (Elf64_Phdr){PT_NOTE, PF_R, NOTES_AT, 0, 0, notes_size, notes_size, 4};
    for (u64 i = 0; i < IMAGE_TEXT + IMAGE_DATA; i++)
        file[TEXT_AT + i] = image_byte(i);
    *size = sizeof(file);
    return file;
}
