/* SPDX-License-Identifier: MIT */
/* Multiboot2 information: see the header. Tags are read within the bounds that they and the whole state. */
#include "arch/x86/boot/multiboot2.h"
#include "arch/x86/paging/memory_map.h"
#include "lib/string.h"

enum tag_type {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI32 = 11,
    TAG_EFI64 = 12,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MEMORY_MAP = 17,
};

struct tag {
    u32 type;
    u32 size; /* with this head, without the padding to 8 */
};
struct tag_module {
    struct tag tag;
    u32 start, end;
    char string[];
};
struct tag_memory_map {
    struct tag tag;
    u32 entry_size, entry_version;
};
struct memory_entry {
    u64 start, size;
    u32 type, zero;
};
struct tag_framebuffer {
    struct tag tag;
    u64 address;
    u32 pitch, width, height;
    u8 depth, type; /* type 2: text */
};
#define MEMORY_USABLE    1
#define FRAMEBUFFER_TEXT 2

/* A copy of the text of at most `room` bytes at `from`; NULL: no space left for it. */
static const char *keep_text(struct multiboot2 *out, const char *from, size_t room)
{
    size_t length = strnlen(from, room);

    if (length >= sizeof(out->text) - out->text_used)
        return NULL;
    char *to = &out->text[out->text_used];
    memcpy(to, from, length);
    to[length] = 0;
    out->text_used += (u32)length + 1;
    return to;
}

static const char *read_module(struct multiboot2 *out, const struct tag *tag)
{
    const struct tag_module *m = (const struct tag_module *)tag;

    if (tag->size < sizeof(*m) || m->end < m->start)
        return "a module with an impossible size";
    if (out->info.module_count == BOOT_MODULES_MAX)
        return "more modules than this hypervisor takes (BOOT_MODULES_MAX)";
    struct boot_module *to = &out->info.modules[out->info.module_count++];
    to->start = m->start;
    to->size = m->end - m->start;
    to->string = keep_text(out, m->string, tag->size - sizeof(*m));
    return to->string ? NULL : "the strings of the modules are too long together";
}

static void read_memory_map(const struct tag *tag, bool usable)
{
    const struct tag_memory_map *map = (const struct tag_memory_map *)tag;

    if (tag->size < sizeof(*map) || map->entry_size < sizeof(struct memory_entry))
        return;
    for (u64 at = sizeof(*map); at + map->entry_size <= tag->size; at += map->entry_size) {
        struct memory_entry e;
        memcpy(&e, (const u8 *)tag + at, sizeof(e));
        if ((e.type == MEMORY_USABLE) != usable)
            continue;
        if (usable)
            memory_map_usable(e.start, e.size);
        else
            memory_map_unusable(e.start, e.size);
    }
}

static void read_rsdp(struct multiboot2 *out, const struct tag *tag)
{
    u32 size = tag->size - (u32)sizeof(*tag);

    /* The newer of the two wins, in whichever order they come. */
    if (tag->type == TAG_RSDP_OLD && (out->rsdp_size || size < 20))
        return;
    if (tag->type == TAG_RSDP_NEW && size < sizeof(out->rsdp))
        return;
    out->rsdp_size = tag->type == TAG_RSDP_OLD ? 20 : sizeof(out->rsdp);
    memcpy(out->rsdp, tag + 1, out->rsdp_size);
}

/* NULL, or what is wrong. */
static const char *read_tag(struct multiboot2 *out, const struct tag *tag)
{
    const char *text = (const char *)(tag + 1);
    size_t room = tag->size - sizeof(*tag);

    switch (tag->type) {
    case TAG_CMDLINE:
        out->info.cmdline = keep_text(out, text, room);
        return out->info.cmdline ? NULL : "the command line is too long";
    case TAG_LOADER:
        out->info.loader = keep_text(out, text, room);
        return out->info.loader ? NULL : "the boot loader's name is too long";
    case TAG_MODULE:
        return read_module(out, tag);
    case TAG_FRAMEBUFFER:
        if (tag->size >= offsetof(struct tag_framebuffer, type) + 1)
            out->screen = ((const struct tag_framebuffer *)tag)->type == FRAMEBUFFER_TEXT ? SCREEN_TEXT
                                                                                          : SCREEN_GRAPHICS;
        return NULL;
    case TAG_EFI32:
    case TAG_EFI64:
    case TAG_EFI_MEMORY_MAP:
        out->info.uefi = true;
        return NULL;
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW:
        read_rsdp(out, tag);
        return NULL;
    default:
        return NULL;
    }
}

bool multiboot2_parse(const void *data, u64 size, struct multiboot2 *out, const char **error)
{
    const struct tag *map = NULL;

    memset(out, 0, sizeof(*out));
    out->info.cmdline = out->info.loader = "";
    *error = NULL;
    for (u64 at = 8; at + sizeof(struct tag) <= size;) {
        const struct tag *tag = (const struct tag *)((const u8 *)data + at);
        if (tag->type == TAG_END)
            break;
        if (tag->size < sizeof(*tag) || tag->size > size - at) {
            *error = "a tag that is longer than the boot information";
            return false;
        }
        if (tag->type == TAG_MEMORY_MAP)
            map = tag;
        *error = read_tag(out, tag);
        if (*error)
            return false;
        at += align_up(tag->size, 8);
    }
    if (!map) {
        *error = "there is no memory map in the boot information";
        return false;
    }
    read_memory_map(map, true);
    read_memory_map(map, false);
    return true;
}
