/* SPDX-License-Identifier: MIT */
/*
 * What a guest kernel says of itself: Xen's ELF notes (one row of `notes` each), and the older __xen_guest
 * section, a text with the same things under names. Both fill the same fields of struct elf_image.
 */
#include "common/elf_notes.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/words.h"
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/features.h>

int elf_fail(struct elf_reader *r, int rc, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_text_v(r->error, r->error_size, fmt, args);
    va_end(args);
    if (r->error_size != 0)
        text_make_printable(r->error);
    return rc;
}

/* Features by name
 * -----------------------------------------------------------------------------------------------------*/

static const struct {
    const char *name;
    u32 bit;
} features[] = {
    {"writable_page_tables", XENFEAT_writable_page_tables},
    {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables},
    {"auto_translated_physmap", XENFEAT_auto_translated_physmap},
    {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel},
    {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb},
    {"hvm_callback_vector", XENFEAT_hvm_callback_vector},
    {"dom0", XENFEAT_dom0},
};

/* "a|!b|c": what the guest can do, with '!' what it cannot do without. An unknown name matters only if
 * required. */
static int read_features(struct elf_reader *r, const char *text, u64 size)
{
    u64 at = 0;

    while (at < size && text[at] != 0) {
        bool required = text[at] == '!';
        if (required)
            at++;
        u64 n = 0;
        while (at + n < size && text[at + n] != 0 && text[at + n] != '|')
            n++;
        size_t i = 0;
        while (i < ARRAY_SIZE(features) &&
               (strlen(features[i].name) != n || memcmp(features[i].name, text + at, n) != 0))
            i++;
        if (i < ARRAY_SIZE(features)) {
            r->image->features_supported |= 1u << features[i].bit;
            r->image->features_required |= required ? 1u << features[i].bit : 0;
        } else if (required) {
            return elf_fail(r, -XEN_ENOEXEC, "note FEATURES: '%.*s' is required and not known",
                            (int)min_u64(n, 40), text + at);
        }
        at += n;
        if (at < size && text[at] == '|')
            at++;
    }
    return 0;
}

/* Notes
 * ---------------------------------------------------------------------------------------------------------------*/

enum kind {
    NOTE_IGNORED,
    NOTE_NUMBER,
    NOTE_FLAG,
    NOTE_STRING,
    NOTE_YES,
    NOTE_FEATURES,
    NOTE_PAIR,
    NOTE_SUPPORTED
};

struct note {
    const char *name;
    enum kind kind;
    size_t value; /* offset in struct elf_image: u64, bool or char[ELF_STRING_MAX] */
    size_t has;   /* NOTE_NUMBER: offset of the bool that says it was there; 0: none */
};

#define AT(field) offsetof(struct elf_image, field)

static const struct note notes_table[] = {
    [XEN_ELFNOTE_ENTRY] = {"ENTRY", NOTE_NUMBER, AT(entry), AT(has_entry)},
    [XEN_ELFNOTE_HYPERCALL_PAGE] = {"HYPERCALL_PAGE", NOTE_NUMBER, AT(hypercall_page),
                                    AT(has_hypercall_page)},
    [XEN_ELFNOTE_VIRT_BASE] = {"VIRT_BASE", NOTE_NUMBER, AT(virt_base), AT(has_virt_base)},
    [XEN_ELFNOTE_PADDR_OFFSET] = {"PADDR_OFFSET", NOTE_NUMBER, AT(paddr_offset), AT(has_paddr_offset)},
    [XEN_ELFNOTE_XEN_VERSION] = {"XEN_VERSION", NOTE_STRING, AT(xen_version), 0},
    [XEN_ELFNOTE_GUEST_OS] = {"GUEST_OS", NOTE_STRING, AT(guest_os), 0},
    [XEN_ELFNOTE_GUEST_VERSION] = {"GUEST_VERSION", NOTE_STRING, AT(guest_version), 0},
    [XEN_ELFNOTE_LOADER] = {"LOADER", NOTE_STRING, AT(loader), 0},
    [XEN_ELFNOTE_FEATURES] = {"FEATURES", NOTE_FEATURES, 0, 0},
    [XEN_ELFNOTE_BSD_SYMTAB] = {"BSD_SYMTAB", NOTE_YES, AT(bsd_symtab), 0},
    [XEN_ELFNOTE_HV_START_LOW] = {"HV_START_LOW", NOTE_NUMBER, AT(hv_start_low), AT(has_hv_start_low)},
    [XEN_ELFNOTE_L1_MFN_VALID] = {"L1_MFN_VALID", NOTE_PAIR, 0, 0},
    [XEN_ELFNOTE_SUSPEND_CANCEL] = {"SUSPEND_CANCEL", NOTE_FLAG, AT(suspend_cancel), 0},
    [XEN_ELFNOTE_INIT_P2M] = {"INIT_P2M", NOTE_NUMBER, AT(init_p2m), AT(has_init_p2m)},
    [XEN_ELFNOTE_MOD_START_PFN] = {"MOD_START_PFN", NOTE_FLAG, AT(mod_start_pfn), 0},
    [XEN_ELFNOTE_SUPPORTED_FEATURES] = {"SUPPORTED_FEATURES", NOTE_SUPPORTED, 0, 0},
    [XEN_ELFNOTE_PHYS32_ENTRY] = {"PHYS32_ENTRY", NOTE_NUMBER, AT(phys32_entry), AT(has_phys32_entry)},
};

static void *field(struct elf_reader *r, size_t offset)
{
    return (u8 *)r->image + offset;
}

/* A number of 4 or 8 bytes. */
static bool note_number(const u8 *desc, u64 size, u64 *value)
{
    *value = 0;
    if (size != 4 && size != 8)
        return false;
    memcpy(value, desc, size);
    return true;
}

static void copy_string(char *to, const char *from, u64 size)
{
    size_t n = strnlen(from, size < ELF_STRING_MAX - 1 ? size : ELF_STRING_MAX - 1);

    for (size_t i = 0; i < n; i++)
        to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '.';
    to[n] = 0;
}

static int read_number_note(struct elf_reader *r, const struct note *note, const u8 *desc, u64 size)
{
    u64 value;

    if (!note_number(desc, size, &value))
        return elf_fail(r, -XEN_EINVAL, "note %s: %lu bytes, expected 4 or 8", note->name, size);
    if (note->kind == NOTE_FLAG)
        *(bool *)field(r, note->value) = value != 0;
    else if (note->kind == NOTE_SUPPORTED)
        r->image->features_supported |= (u32)value;
    else
        *(u64 *)field(r, note->value) = value;
    if (note->has != 0)
        *(bool *)field(r, note->has) = true;
    return 0;
}

/* Mask and value of 4 or 8 bytes each, possibly several pairs: the first counts. */
static int read_pair_note(struct elf_reader *r, const u8 *desc, u64 size)
{
    if (size == 8) {
        note_number(desc, 4, &r->image->l1_valid_mask);
        note_number(desc + 4, 4, &r->image->l1_valid_value);
    } else if (size >= 16 && size % 16 == 0) {
        note_number(desc, 8, &r->image->l1_valid_mask);
        note_number(desc + 8, 8, &r->image->l1_valid_value);
    } else {
        return elf_fail(r, -XEN_EINVAL, "note L1_MFN_VALID: %lu bytes, expected pairs of 16", size);
    }
    return 0;
}

static int read_note(struct elf_reader *r, u32 type, const u8 *desc, u64 size)
{
    r->described = true;
    if (type >= ARRAY_SIZE(notes_table))
        return 0;
    const struct note *note = &notes_table[type];
    switch (note->kind) {
    case NOTE_IGNORED:
        break;
    case NOTE_NUMBER:
    case NOTE_FLAG:
    case NOTE_SUPPORTED:
        return read_number_note(r, note, desc, size);
    case NOTE_STRING:
        copy_string(field(r, note->value), (const char *)desc, size);
        break;
    case NOTE_YES:
        *(bool *)field(r, note->value) = size >= 3 && memcmp(desc, "yes", 3) == 0;
        break;
    case NOTE_FEATURES:
        return read_features(r, (const char *)desc, size);
    case NOTE_PAIR:
        return read_pair_note(r, desc, size);
    }
    return 0;
}

/* Each: sizes of name and description, type, then both, each padded to the alignment (4, or 8 where it says
 * so). */
int elf_read_notes(struct elf_reader *r, const u8 *notes, u64 size, u64 align)
{
    struct {
        u32 name_size, desc_size, type;
    } head;
    u64 at = 0;

    align = align == 8 ? 8 : 4;
    while (size - at >= sizeof(head)) {
        memcpy(&head, notes + at, sizeof(head));
        u64 name = at + sizeof(head);
        u64 desc = at + align_up(sizeof(head) + head.name_size, align); /* 32-bit sizes: no overflow */
        u64 next = desc + align_up(head.desc_size, align);
        if (head.name_size > size - name || desc > size || head.desc_size > size - desc)
            return elf_fail(r, -XEN_EINVAL,
                            "note at offset %#lx of %#lx: sizes %#x and %#x reach beyond the end", at, size,
                            head.name_size, head.desc_size);
        if (head.name_size == 4 && memcmp(notes + name, "Xen", 4) == 0) {
            int rc = read_note(r, head.type, notes + desc, head.desc_size);
            if (rc != 0)
                return rc;
        }
        if (next > size)
            break; /* the last one's padding may be missing */
        at = next;
    }
    return 0;
}

/* __xen_guest
 * ---------------------------------------------------------------------------------------------------------*/

#define GUEST_VALUE_MAX 256

static const struct {
    const char *key;
    u32 type; /* the note that says the same */
} guest_keys[] = {
    {"LOADER", XEN_ELFNOTE_LOADER},
    {"GUEST_OS", XEN_ELFNOTE_GUEST_OS},
    {"GUEST_VER", XEN_ELFNOTE_GUEST_VERSION},
    {"XEN_VER", XEN_ELFNOTE_XEN_VERSION},
    {"VIRT_BASE", XEN_ELFNOTE_VIRT_BASE},
    {"VIRT_ENTRY", XEN_ELFNOTE_ENTRY},
    {"ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET},
    {"HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE},
    {"FEATURES", XEN_ELFNOTE_FEATURES},
    {"BSD_SYMTAB", XEN_ELFNOTE_BSD_SYMTAB},
};

static int read_guest_key(struct elf_reader *r, u32 type, const char *key, const char *value)
{
    u64 number;

    if (type == XEN_ELFNOTE_BSD_SYMTAB)
        return read_note(r, type, (const u8 *)"yes", 3);
    if (notes_table[type].kind != NOTE_NUMBER)
        return read_note(r, type, (const u8 *)value, strlen(value));
    if (!parse_u64(value, &number))
        return elf_fail(r, -XEN_EINVAL, "__xen_guest %s: found '%.40s', expected a number", key, value);
    if (type == XEN_ELFNOTE_HYPERCALL_PAGE)
        r->hypercall_pfn_given = true;
    return read_note(r, type, (const u8 *)&number, sizeof(number));
}

static int read_guest_pair(struct elf_reader *r, char *pair)
{
    char *equals = strchr(pair, '=');
    const char *value = "";

    if (equals != NULL) {
        *equals = 0;
        value = equals + 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(guest_keys); i++)
        if (strcmp(guest_keys[i].key, pair) == 0)
            return read_guest_key(r, guest_keys[i].type, pair, value);
    return 0;
}

int elf_read_guest_section(struct elf_reader *r, const char *text, u64 size)
{
    char pair[GUEST_VALUE_MAX];
    u64 at = 0;

    r->described = true;
    r->image->from_guest_section = true;
    while (at < size && text[at] != 0) {
        u64 n = 0;
        while (at + n < size && text[at + n] != 0 && text[at + n] != ',')
            n++;
        if (n >= sizeof(pair))
            return elf_fail(r, -XEN_EINVAL, "__xen_guest: an entry of %lu characters, expected at most %zu",
                            n, sizeof(pair) - 1);
        memcpy(pair, text + at, n);
        pair[n] = 0;
        int rc = read_guest_pair(r, pair);
        if (rc != 0)
            return rc;
        at += n;
        if (at < size && text[at] == ',')
            at++;
    }
    return 0;
}
