/* SPDX-License-Identifier: MIT
 * XSA-342: a 32-bit guest has room for 1024 ports in shared_info and was given 4096, so that its events were set behind the
 * bitmap.
 * Tried: events on the highest port that a 64-bit guest may have, and ports beyond. Right: the very last bit of the
 * bitmap and of the selector, nothing behind them, and no port beyond. */
#include "attempt.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/report.h"
#include "guest/string.h"
#include <stddef.h>

#define PORTS 4096u
#define WORDS (PORTS / 64)

static struct shared_info before, after;

static unsigned long words_changed(void)
{
    const uint64_t *old = (const uint64_t *)&before, *new = (const uint64_t *)&after;
    unsigned long changed = 0;

    for (unsigned int i = 0; i < sizeof(before) / sizeof(*old); i++)
        changed += old[i] != new[i];
    return changed;
}

void guest_main(void)
{
    volatile struct vcpu_info *vcpu = &guest_shared_info->vcpu_info[0];
    unsigned long last;

    attempt_begin("xsa_342", "the highest port is the last bit");
    while (event_alloc_unbound(DOMID_SELF) < PORTS - 2)
        ;
    report_answer("the highest port is an IPI", event_bind_ipi(NULL), PORTS - 1);
    vcpu->evtchn_upcall_pending = 0;
    vcpu->evtchn_pending_sel = 0;
    memcpy(&before, guest_shared_info, sizeof(before));
    report_answer("an event on it", event_send(PORTS - 1), 0);
    memcpy(&after, guest_shared_info, sizeof(after));
    last = after.evtchn_pending[WORDS - 1] ^ before.evtchn_pending[WORDS - 1];
    report_equal("the last bit of the bitmap", last, 1ul << 63);
    report_equal("the last bit of the selector", after.vcpu_info[0].evtchn_pending_sel, 1ul << 63);
    report_equal("an upcall is due", after.vcpu_info[0].evtchn_upcall_pending, 1);
    after.vcpu_info[0] = before.vcpu_info[0];
    memcpy(&after.wc_version, &before.wc_version, sizeof(before) - offsetof(struct shared_info, wc_version));
    report_equal("words that changed besides", words_changed() - 1, 0);
    report_answer("refused: an event on port 4096", event_send(PORTS), -XEN_EINVAL);
    report_answer("refused: unmask it", event_unmask(PORTS), -XEN_EINVAL);
    report_answer("refused: one more port", event_alloc_unbound(DOMID_SELF), -XEN_ENOSPC);
    report_answer("all are closed", event_reset(), 0);
    vcpu->evtchn_upcall_pending = 0;
    vcpu->evtchn_pending_sel = 0;
    attempt_end();
}
