/* SPDX-License-Identifier: MIT */
/* The walker for all that is not the path of one entry's update: dumps, descriptor tables, tests, second levels. */
#include "arch/x86/paging/walk.h"

static bool is_leaf(const struct pt_format *format, unsigned level, u64 entry)
{
    return level == 1 || ((level == 2 || level == 3) && (entry & format->large));
}

static void note_rights(const struct pt_format *format, u64 entry, struct pt_walk *out)
{
    out->writable = out->writable && (entry & format->writable) == format->writable;
    out->user = out->user && (entry & format->user) == format->user;
    out->exec = out->exec && !(entry & format->no_exec) && (entry & format->exec) == format->exec;
}

void pt_walk(const struct pt_format *format, mfn_t root, u64 address, struct pt_walk *out)
{
    *out = (struct pt_walk){.writable = true, .user = true, .exec = true, .frame = MFN_INVALID};
    mfn_t table = root;

    for (unsigned level = PT_LEVELS; level >= 1; level--) {
        out->level = level;
        out->table[level] = table;
        if (!mfn_valid(table))
            return;
        u64 entry = read_once(((u64 *)mfn_to_ptr(table))[pt_index(address, level)]);
        out->entry[level] = entry;
        if (!(entry & format->present))
            return;
        note_rights(format, entry, out);
        u64 frame = (entry & format->address) >> PAGE_SHIFT;
        if (is_leaf(format, level, entry)) {
            u64 pages = pt_span(level) >> PAGE_SHIFT;
            out->mapped = true;
            out->frame = mfn_make((frame & ~(pages - 1)) | ((address >> PAGE_SHIFT) & (pages - 1)));
            return;
        }
        table = mfn_make(frame);
    }
}
