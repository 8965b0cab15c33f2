/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: an image's file into the ELF reader, and what it takes into the builder of domains. The input: one
 * byte of how to build, two of the file's size in units of 4 bytes, then how the file begins; the rest of it is zero.
 */
#include "arch/fake/fake.h"
#include "common/cmdline.h"
#include "common/domain.h"
#include "common/elf.h"
#include "common/frame.h"
#include "common/heap.h"
#include "common/printk_internal.h"
#include "tests/fuzz/check.h"
#include <arch/domain.h>
#include <arch/paging.h>
#include <string.h>
#include <xen/errno.h>

#define FILE_MAX 20480u
#define FRAMES   1400u /* of the machine; 768 for the domain, and it must be able to be too large */

static struct elf_image image;
static char error[160];
static struct domain_config config;

static void check_segments(const u8 *file, size_t size)
{
    u64 end = 0;

    CHECK(image.segment_count > 0 && image.segment_count <= ELF_SEGMENTS_MAX);
    for (u32 i = 0; i < image.segment_count; i++) {
        const struct elf_segment *s = &image.segment[i];
        CHECK(s->memory_size > 0 && s->file_size <= s->memory_size);
        CHECK(s->file_size == 0 || (s->file >= file && s->file_size <= size && (size_t)(s->file - file) <= size - s->file_size));
        CHECK(s->paddr >= end && s->paddr + s->memory_size > s->paddr);
        end = s->paddr + s->memory_size;
    }
    CHECK(image.paddr_start == image.segment[0].paddr && image.paddr_end == end);
    CHECK(image.entry >= image.virt_start && image.entry < image.virt_end);
    CHECK((image.features_required & ~image.features_supported) == 0);
    CHECK(memchr(image.guest_os, 0, sizeof(image.guest_os)) && memchr(image.loader, 0, sizeof(image.loader)));
}

/* A page at every border of a segment. */
static void check_copy(void)
{
    u8 page[4096];

    for (u32 i = 0; i < image.segment_count; i++) {
        const struct elf_segment *s = &image.segment[i];
        const u64 borders[] = {s->paddr, s->paddr + s->file_size, s->paddr + s->memory_size};
        for (unsigned b = 0; b < 3; b++)
            CHECK(elf_copy(&image, borders[b] - (borders[b] ? 1 : 0), page, sizeof(page)) <= sizeof(page));
    }
}

struct building {
    const u8 *ramdisk;
    size_t ramdisk_size;
    int rc;
};

static void build(void *data)
{
    struct building *b = data;
    struct domain *d = domain_create(&config);

    CHECK(d != NULL);
    memset(error, 0xee, sizeof(error));
    b->rc = arch_domain_build(d, &image, b->ramdisk, b->ramdisk_size, error, sizeof(error));
    CHECK(b->rc == 0 || memchr(error, 0, sizeof(error)));
    CHECK(b->rc || d->vcpu[0]->initialised);
    CHECK(arch_audit() == 0);
    domain_destroy(d);
    CHECK(arch_audit() == 0);
}

static void check_build(u8 how, const u8 *file, size_t size)
{
    struct building b = {how & 4 ? file : NULL, how & 4 ? size : 0, 0};

    fake_reset(FRAMES);
    memset(&config, 0, sizeof(config));
    strcpy(config.name, "guest");
    config.vcpus = 1;
    config.paging = how & 1 ? PAGING_REWRITE : how & 2 ? PAGING_AUTO : PAGING_DIRECT;
    config.memory = (u64)(how >> 4 ? how >> 4 : 3) << 18;
    config.maxmem = config.memory + (how & 8 ? 1u << 20 : 0);
    enum fake_end how_it_ended = fake_end_of(build, &b);
    if (how_it_ended != FAKE_RETURNED)
        fprintf(stderr, "%s", fake_console_text());
    CHECK(how_it_ended == FAKE_RETURNED);
    CHECK(frame_free_count() + heap_frames() == FRAMES - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    u8 how = data[0];
    size_t file_size = (data[1] | (size_t)data[2] << 8) * 4;
    data += 3;
    size -= 3;
    file_size = file_size < size ? size : file_size > FILE_MAX ? FILE_MAX : file_size;
    u8 *file = calloc(1, file_size ? file_size : 1); /* exactly so long: the sanitizer sees a byte too far */
    CHECK(file != NULL);
    memcpy(file, data, size);
    memset(error, 0xee, sizeof(error));
    int rc = elf_parse(file, file_size, &image, error, sizeof(error));
    CHECK(rc == 0 || rc == -XEN_ENOEXEC || rc == -XEN_EINVAL);
    CHECK(rc == 0 || memchr(error, 0, sizeof(error)));
    if (rc == 0) {
        check_segments(file, file_size);
        check_copy();
        check_build(how, file, file_size);
    }
    free(file);
    return 0;
}
