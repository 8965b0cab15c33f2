/* SPDX-License-Identifier: MIT
 * The smallest useful guest: says hello, and what it was given. Read this one first. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/report.h"

static void print_version(void)
{
    long version = hypercall_xen_version(XENVER_version, NULL);
    xen_extraversion_t extra = {0};

    hypercall_xen_version(XENVER_extraversion, extra);
    printf("Xen interface version %ld.%ld%.16s\n", version >> 16, version & 0xffff, extra);
}

void guest_main(void)
{
    report_title("hello", "a paravirtualized guest says what it sees");
    print_version();
    printf("page tables: %s mode\n", guest_mode());
    printf("memory: %lu MiB\n", guest_start_info->nr_pages >> 8);
    printf("command line: \"%s\"\n", guest_command_line());
    printf("Hello, world, from ring 3!\n");
}
