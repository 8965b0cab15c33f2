/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: what stands in grub.cfg. The input's first byte says where the rest stands: on a module's line
 * (common/domain_config.c) or on the hypervisor's (common/cmdline.c).
 */
#include "arch/fake/fake.h"
#include "common/cmdline.h"
#include "common/domain.h"
#include "common/domain_config.h"
#include "common/printk.h"
#include "tests/fuzz/check.h"
#include <string.h>
#include <xen/errno.h>

static void check_module(const char *text)
{
    struct domain_config config;
    char error[160];
    u64 bytes;

    memset(&config, 0xee, sizeof(config));
    memset(error, 0xee, sizeof(error));
    int rc = domain_config_parse(text, &config, error, sizeof(error));
    CHECK(rc == 0 || rc == -XEN_EINVAL);
    if (parse_size(text, strlen(text), &bytes))
        CHECK(text[0] >= '0' && text[0] <= '9');
    if (rc) {
        CHECK(memchr(error, 0, sizeof(error)) && error[0]);
        return;
    }
    CHECK(memchr(config.name, 0, sizeof(config.name)) && memchr(config.cmdline, 0, sizeof(config.cmdline)));
    CHECK(config.name[0] != 0 && config.vcpus > 0 && config.vcpus <= DOMAIN_VCPUS_MAX);
    CHECK(config.memory > 0 && config.memory % PAGE_SIZE == 0 && config.maxmem >= config.memory);
    CHECK(config.paging <= PAGING_REWRITE && config.on_crash <= ACTION_PRESERVE && config.on_reboot <= ACTION_PRESERVE);
}

static void check_line(const char *text)
{
    fake_console_clear();
    cmdline_parse(text);
    CHECK(memchr(cmdline_kept, 0, sizeof(cmdline_kept)));
    CHECK(options.com1.baud >= 50 && options.com1.baud <= 115200 && 115200 % options.com1.baud == 0);
    CHECK(options.com1.data_bits >= 5 && options.com1.data_bits <= 8);
    CHECK(options.com1.stop_bits >= 1 && options.com1.stop_bits <= 2 && strchr("neo", options.com1.parity));
    CHECK(log_threshold <= LOG_DEBUG && guest_log_threshold <= LOG_DEBUG);
    CHECK(options.idle <= IDLE_REBOOT);
    log_threshold = LOG_WARNING;
    CHECK((cmdline_print_warnings() != 0) == (fake_console_text()[0] != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;

    if (!ready)
        fake_reset(64);
    ready = true;
    if (size < 1)
        return 0;
    char *text = malloc(size); /* exactly so long */
    CHECK(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] & 1)
        check_line(text);
    else
        check_module(text);
    free(text);
    return 0;
}
