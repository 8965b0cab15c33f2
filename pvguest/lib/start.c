/* SPDX-License-Identifier: MIT
 * From the entry code to guest_main() and out again: finds out the mode, maps shared_info, installs the
 * traps. */
#include <stdint.h>
#include <xen/features.h>
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"
#include "guest/trap.h"

struct start_info *guest_start_info;
struct shared_info *guest_shared_info;

static uint8_t shared_info_page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint32_t features;

bool guest_has_feature(unsigned int feature)
{
    return (features >> feature & 1) != 0;
}

bool guest_is_rewrite(void)
{
    return guest_has_feature(XENFEAT_auto_translated_physmap);
}

const char *guest_mode(void)
{
    return guest_is_rewrite() ? "rewrite" : "direct";
}

const char *guest_command_line(void)
{
    return (const char *)guest_start_info->cmd_line;
}

bool guest_has_option(const char *word)
{
    const char *text = guest_command_line();
    size_t length = strlen(word);

    while (*text != '\0') {
        size_t span = 0;

        while (text[span] != '\0' && text[span] != ' ')
            span++;
        if (span == length && strncmp(text, word, length) == 0)
            return true;
        text += span;
        while (*text == ' ')
            text++;
    }
    return false;
}

_Noreturn void guest_shutdown(unsigned int reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    console_flush();
    for (;;)
        hypercall_sched_op(SCHEDOP_shutdown, &shutdown);
}

/* shared_info is handed over as an address in the guest's numbers: it needs a mapping like any other frame.
 */
static void shared_info_map(void)
{
    uint64_t entry = (guest_start_info->shared_info & ENTRY_FRAME) | ENTRY_RW | ENTRY_NX;
    long answer = hypercall_update_va_mapping((uintptr_t)shared_info_page, entry, UVMF_INVLPG);

    if (answer != 0) {
        printf("cannot map shared_info 0x%lx: %ld %s\n", guest_start_info->shared_info, answer,
               error_name(answer));
        guest_shutdown(SHUTDOWN_crash);
    }
    guest_shared_info = (struct shared_info *)shared_info_page;
}

_Noreturn void guest_start(struct start_info *info)
{
    struct xen_feature_info submap = {.submap_idx = 0};

    guest_start_info = info;
    if (hypercall_xen_version(XENVER_get_features, &submap) == 0)
        features = submap.submap;
    trap_init();
    shared_info_map();
    guest_main();
    report_finish();
}
