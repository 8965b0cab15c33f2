/* SPDX-License-Identifier: MIT */
/*
 * The making of a domain, from its records to its first registers, with each allocation failing in turn: it is made or it is
 * refused, and in the end every frame is there again. A program of its own: with tables of their true size, and with the
 * sanitizers of the unit tests.
 */
#include "common/elf_image.h"
#include "common/elf.h"
#include "common/domain.h"
#include "tests/assurance/sweep/sweep.h"
#include "tests/unit/builder/image.h"
#include "tests/unit/support/tables.h"
#include <arch/domain.h>
#include <stdio.h>
#include <string.h>

static const struct image_spec spec = {.virt_base = 0xffffffff80000000, .start = 0x100000, .zeroes = 5000, .supported = 1u << 2};

/* True: the domain was made. Gives all of it back. */
static bool make(enum domain_paging paging, const struct elf_image *image)
{
    static u8 ramdisk[5000];
    static struct domain_config config;
    char error[160] = "";

    memset(&config, 0, sizeof(config));
    strcpy(config.name, "guest");
    config.vcpus = 2;
    config.paging = paging;
    config.memory = config.maxmem = MIB(3);
    failures.on = true;
    struct domain *d = domain_create(&config);
    int rc = d ? arch_domain_build(d, image, ramdisk, sizeof(ramdisk), error, sizeof(error)) : 0;
    failures.on = false;
    if (arch_audit())
        fake_fail("the audit finds something in a domain that is %s: %s", !d ? "refused" : rc ? "half made" : "made", error);
    if (d)
        domain_destroy(d);
    return d && rc == 0;
}

int main(void)
{
    struct elf_image image;
    char error[160];
    size_t size;
    u64 failed = 0;

    for (enum domain_paging paging = PAGING_DIRECT; paging <= PAGING_REWRITE; paging++) {
        bool made;
        failures.kind = FAIL_ALLOC;
        failures.at = 0;
        do {
            tables_reset(2048);
            const u8 *file = image_make(&spec, &size);
            if (elf_parse(file, size, &image, error, sizeof(error)))
                fake_fail("the image: %s", error);
            const u64 free = frame_free_count();
            memset(failures.count, 0, sizeof(failures.count));
            made = make(paging, &image);
            if (frame_free_count() != free)
                fake_fail("making a domain: %lu frames are free after its end, expected %lu", frame_free_count(), free);
            if (failures.at && made)
                break; /* none was left to fail */
            failed += failures.at > 0;
            failures.at++;
        } while (failures.at < 100000);
    }
    printf("sweep: domains made with each of %lu allocations failing in turn\nfigure builder_fault_points %lu\n", failed, failed);
    return failed ? 0 : 1;
}
