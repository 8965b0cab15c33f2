/* SPDX-License-Identifier: MIT */
/*
 * GRUB's modules: a string that begins with "domain" is a domain whose image is the module, one that begins with
 * "ramdisk" belongs to the domain before it. Each is built by itself; an error names the module and ends only that one.
 */
#include "common/domain_builder.h"
#include "common/domain.h"
#include "common/elf.h"
#include "common/frame.h"
#include "common/printk.h"
#include "lib/bug.h"
#include "lib/format.h"
#include "lib/string.h"
#include <arch/domain.h>
#include <xen/errno.h>

/* What a domain is built from; kept, because a domain may be built again when it reboots. */
struct source {
    const struct boot_module *image, *ramdisk; /* ramdisk: NULL if none */
    u32 number;                                /* of the module, from 1, for messages */
};

static struct source sources[DOMAINS_MAX];
static struct elf_image image; /* too large for the stack; one domain is built at a time */

static const void *module_data(const struct boot_module *m)
{
    return direct_map + m->start;
}

static const char *paging_name(enum domain_paging p)
{
    return p == PAGING_REWRITE ? "rewrite" : p == PAGING_DIRECT ? "direct" : "auto";
}

static struct domain *domain_build(const struct domain_config *config, const void *source)
{
    const struct source *s = source;
    char error[160];

    if (elf_parse(module_data(s->image), s->image->size, &image, error, sizeof(error))) {
        log_error("module %u (%s): %s\n", s->number, config->name, error);
        return NULL;
    }
    struct domain *d = domain_create(config);
    if (!d)
        return NULL;
    d->rebuild = domain_build;
    d->rebuild_source = source;
    if (arch_domain_build(d, &image, s->ramdisk ? module_data(s->ramdisk) : NULL, s->ramdisk ? s->ramdisk->size : 0,
                          error, sizeof(error))) {
        log_error("module %u (%s): %s\n", s->number, config->name, error);
        domain_destroy(d);
        return NULL;
    }
    log_info("d%u:%s: PV, paging=%s, %llu KiB, %u vcpu%s, entry %#llx\n", d->id, d->config.name,
             paging_name(d->config.paging), (unsigned long long)(d->config.memory >> 10), d->vcpu_count,
             d->vcpu_count == 1 ? "" : "s", (unsigned long long)image.entry);
    domain_start(d);
    return d;
}

static bool begins_with_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 && (text[n] == 0 || text[n] == ' ');
}

static void domain_from_module(const struct boot_info *info, u32 i, struct source *s)
{
    static struct domain_config config;
    char error[160];

    *s = (struct source){.image = &info->modules[i], .number = i + 1};
    if (i + 1 < info->module_count && begins_with_word(info->modules[i + 1].string, "ramdisk"))
        s->ramdisk = &info->modules[i + 1];
    if (domain_config_parse(info->modules[i].string, &config, error, sizeof(error))) {
        log_error("module %u: %s\n", i + 1, error);
        domain_note_failed_start();
        return;
    }
    if (!domain_build(&config, s))
        domain_note_failed_start();
}

void domains_from_modules(const struct boot_info *info)
{
    u32 domains = 0;

    for (u32 i = 0; i < info->module_count; i++) {
        const char *string = info->modules[i].string;
        if (begins_with_word(string, "ramdisk")) {
            if (i == 0 || !begins_with_word(info->modules[i - 1].string, "domain"))
                log_warning("module %u (%s): no domain stands before this ramdisk\n", i + 1, string);
        } else if (!begins_with_word(string, "domain")) {
            log_warning("module %u: \"%s\" begins neither with \"domain\" nor with \"ramdisk\": not used\n", i + 1,
                        string);
        } else if (domains == DOMAINS_MAX) {
            log_error("module %u (%s): there are %u domains already\n", i + 1, string, domains);
            domain_note_failed_start();
        } else {
            domain_from_module(info, i, &sources[domains++]);
        }
    }
    if (domains == 0)
        log_error("no domain: give GRUB a module whose string begins with \"domain\" (see README.md)\n");
}
