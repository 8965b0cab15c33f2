/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_xen_version(command, buffer): what the hypervisor is and can do. Buffers are filled to their last byte. */
#include "common/cmdline.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include "lib/string.h"
#include <arch/guest_memory.h>
#include <arch/paging.h>
#include <xen/errno.h>
#include <xen/version.h>

/* The interface spoken here is Xen's of this version. */
#define INTERFACE_MAJOR 4
#define INTERFACE_MINOR 17

/* Which compiler; everything else about the build is left out, so that the same sources give the same image. */
#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

union version_buffer {
    xen_extraversion_t extraversion;
    struct xen_compile_info compile_info;
    xen_capabilities_info_t capabilities;
    xen_changeset_info_t changeset;
    struct xen_platform_parameters platform_parameters;
    struct xen_feature_info features;
    xen_domain_handle_t handle;
    xen_commandline_t commandline;
};

static void text_set(char *to, size_t size, const char *text)
{
    memcpy(to, text, min_u64(strlen(text), size - 1));
}

/*
 * Page tables are read-only to every guest, so writable_page_tables is never claimed, in rewrite mode neither.
 * highmem_assist means MMUEXT_CLEAR_PAGE and COPY_PAGE.
 * gnttab_map_avail_bits is about entries of grant mappings: true of all that can be made (stock Linux asks for it).
 */
static long get_features(const struct domain *d, struct xen_feature_info *f)
{
    if (f->submap_idx >= XENFEAT_NR_SUBMAPS)
        return guest_refuse(d, XEN_EINVAL, "get_features: word %u, expected less than %d\n", f->submap_idx,
                            XENFEAT_NR_SUBMAPS);
    f->submap = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                1u << XENFEAT_gnttab_map_avail_bits;
    if (arch_domain_translated(d))
        f->submap |= 1u << XENFEAT_auto_translated_physmap | 1u << XENFEAT_not_direct_mapped;
    else
        f->submap |= 1u << XENFEAT_direct_mapped;
    if (d->privileged)
        f->submap |= 1u << XENFEAT_dom0;
    return 0;
}

/* Fills the buffer of a command that has one; *size: how much of it is the guest's. */
static long version_fill(const struct domain *d, u32 command, union version_buffer *b, size_t *size)
{
    memset(b, 0, sizeof(*b));
    switch (command) {
    case XENVER_extraversion: /* doc: ".0-xen-lite" */
        *size = sizeof(b->extraversion);
        text_set(b->extraversion, *size, ".0-xen-lite");
        return 0;
    case XENVER_compile_info: /* doc: the compiler; the other fields are empty */
        *size = sizeof(b->compile_info);
        text_set(b->compile_info.compiler, sizeof(b->compile_info.compiler), COMPILER);
        return 0;
    case XENVER_capabilities: /* doc: "xen-3.0-x86_64 " */
        *size = sizeof(b->capabilities);
        text_set(b->capabilities, *size, "xen-3.0-x86_64 ");
        return 0;
    case XENVER_changeset: /* doc: "unavailable" */
        *size = sizeof(b->changeset);
        text_set(b->changeset, *size, "unavailable");
        return 0;
    case XENVER_platform_parameters: /* doc: where the hypervisor's addresses begin */
        *size = sizeof(b->platform_parameters);
        b->platform_parameters.virt_start = HYPERVISOR_VIRT_START;
        return 0;
    case XENVER_guest_handle: /* doc: all zeros */ /* given by toolstacks; a domain without one has all zeros, as Xen's dom0 */
        *size = sizeof(b->handle);
        return 0;
    case XENVER_commandline: /* doc: to privileged domains; "<denied>" to others */
        *size = sizeof(b->commandline);
        text_set(b->commandline, *size, d->privileged ? cmdline_kept : "<denied>");
        return 0;
    default: /* doc: -ENOSYS */
        return guest_refuse(d, XEN_ENOSYS, "xen_version %u is not one of ours\n", command);
    }
}

static long version_features(const struct domain *d, vaddr_t buffer)
{
    struct xen_feature_info f;
    long rc;

    if (copy_from_guest(&f, buffer, sizeof(f)))
        return -XEN_EFAULT;
    rc = get_features(d, &f);
    if (rc == 0 && copy_to_guest(buffer, &f, sizeof(f)))
        rc = -XEN_EFAULT;
    return rc;
}

long hypercall_xen_version(u64 command, u64 buffer, u64 a3, u64 a4, u64 a5)
{
    const struct domain *d = current_vcpu()->domain;
    union version_buffer b;
    size_t size;
    long rc;
    (void)a3, (void)a4, (void)a5;

    switch ((u32)command) {
    case XENVER_version: /* doc: 4.17 */
        return INTERFACE_MAJOR << 16 | INTERFACE_MINOR;
    case XENVER_pagesize: /* doc: 4096; -EINVAL a buffer is given */
        return buffer ? -XEN_EINVAL : (long)PAGE_SIZE;
    case XENVER_get_features: /* doc: -EINVAL a submap other than 0 */
        return version_features(d, buffer);
    case XENVER_build_id: /* doc: refused: -EPERM, to a privileged domain -ENODATA (there is none) */
        return d->privileged ? -XEN_ENODATA : -XEN_EPERM;
    default:
        break;
    }
    rc = version_fill(d, (u32)command, &b, &size);
    if (rc == 0 && copy_to_guest(buffer, &b, size))
        rc = -XEN_EFAULT;
    return rc;
}
