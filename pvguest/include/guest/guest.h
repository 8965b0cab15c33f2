/* SPDX-License-Identifier: MIT
 * What a guest knows of itself, and the one function that each guest writes: guest_main(). */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>

/* The guest's program. Before it: trap table, callbacks, shared_info and console are ready, events are
 * masked. When it returns, report_finish() prints the result and shuts the domain down. */
void guest_main(void);

/* Handed over by the domain builder; see <xen/xen.h>. */
extern struct start_info *guest_start_info;

/* Mapped by the SDK before guest_main(). */
extern struct shared_info *guest_shared_info;

/* XENFEAT_auto_translated_physmap: entries of registered tables are rewritten by the hypervisor; every frame
 * number that crosses the interface is the guest's own. Otherwise ("direct") it is a machine frame. */
bool guest_is_rewrite(void);

/* "direct" or "rewrite". */
const char *guest_mode(void);

/* Bit n of feature submap 0 (XENFEAT_..., <xen/features.h>). */
bool guest_has_feature(unsigned int feature);

/* The text after the image's name in the domain's description; "" if none. */
const char *guest_command_line(void);

/* True if the word stands alone in the command line. */
bool guest_has_option(const char *word);

/* Ends the domain with a SHUTDOWN_... reason (<xen/sched.h>). */
_Noreturn void guest_shutdown(unsigned int reason);

/* Called by the entry code. */
_Noreturn void guest_start(struct start_info *info);

#endif
