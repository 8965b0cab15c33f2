/* SPDX-License-Identifier: MIT
 * XSA-122: xen_version copied buffers out whose bytes behind the text had never been written: a part of the hypervisor's
 * stack.
 * Tried: each of its texts and structures, into a buffer of poison, twice with different poison. Right: exactly the bytes of
 * the structure are written, all of them, the same both times, and behind a text there are zeros. */
#include "attempt.h"
#include "surroundings.h"
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

static const struct {
    const char *name;
    unsigned int command;
    unsigned int size;
    bool text;
} buffers[] = {
    {"extraversion", XENVER_extraversion, sizeof(xen_extraversion_t), true},
    {"compile_info", XENVER_compile_info, sizeof(struct xen_compile_info), false},
    {"capabilities", XENVER_capabilities, sizeof(xen_capabilities_info_t), true},
    {"changeset", XENVER_changeset, sizeof(xen_changeset_info_t), true},
    {"platform_parameters", XENVER_platform_parameters, sizeof(struct xen_platform_parameters), false},
    {"guest_handle", XENVER_guest_handle, sizeof(xen_domain_handle_t), false},
};

static void is_whole(unsigned int n)
{
    static uint8_t first[SURROUNDINGS_ROOM];
    const unsigned int size = buffers[n].size;
    uint8_t *buffer = poisoned(0x5a);

    printf("%s\n", buffers[n].name);
    report_quiet("the call", hypercall_xen_version(buffers[n].command, buffer), 0);
    report_quiet("bytes outside of it that were written", (long)bytes_spilt(0x5a, size), 0);
    memcpy(first, buffer, size);
    buffer = poisoned(0xa5);
    report_quiet("the call again", hypercall_xen_version(buffers[n].command, buffer), 0);
    report_quiet("bytes outside of it that were written", (long)bytes_spilt(0xa5, size), 0);
    report_quiet("both times the same", memcmp(first, buffer, size), 0);
    if (buffers[n].text)
        report_quiet("bytes behind the text that are not zero", (long)bytes_not(0, strlen((char *)buffer), size), 0);
}

void guest_main(void)
{
    attempt_begin("xsa_122", "every byte of an answer is one of the answer");
    for (unsigned int i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        is_whole(i);
    report_answer("refused: a number that is none", hypercall_xen_version(100, poisoned(0x5a)), -XEN_ENOSYS);
    report_equal("nothing is written", bytes_spilt(0x5a, 0), 0);
    attempt_end();
}
