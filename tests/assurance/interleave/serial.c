/* SPDX-License-Identifier: MIT */
/* See serial.h. */
#include "tests/assurance/interleave/serial.h"
#include "tests/assurance/step/steps.h"
#include "tests/assurance/step/tlb.h"
#include "tests/unit/mmu_random/oracle.h"
#include <string.h>

#define OUTCOMES_MAX 4096

KEPT static struct outcome serial[OUTCOMES_MAX] = {{.digest = 0}}, seen[OUTCOMES_MAX] = {{.digest = 0}};
KEPT static unsigned serial_count = 0, seen_count = 0;
KEPT static u64 ends = 0;

struct outcome outcome_now(void)
{
    struct outcome o;
    memset(&o, 0, sizeof(o));
    o.digest = realm_digest();
    memcpy(o.rc, cpus_run.rc, sizeof(o.rc));
    memcpy(o.skipped, cpus_run.skipped, sizeof(o.skipped));
    return o;
}

u64 outcome_ends(void)
{
    return ends;
}
void outcome_forget(void)
{
    seen_count = 0;
}

static bool seen_before(const struct outcome *o)
{
    for (unsigned i = 0; i < seen_count; i++)
        if (memcmp(&seen[i], o, sizeof(*o)) == 0)
            return true;
    if (seen_count < OUTCOMES_MAX)
        seen[seen_count++] = *o;
    return false;
}

static void check_end(void)
{
    if (arch_audit())
        breach("the audit finds something");
    const char *wrong = oracle_reachable(LOOK_ALL_SLOTS);
    if (wrong)
        breach("%s", wrong);
    realm_end();
    if (arch_audit())
        breach("the audit finds something after the end of the domains");
    if (frame_free_count() != realm_free_at_start)
        breach("%lu frames are free after the end of the domains, expected %lu", frame_free_count(), realm_free_at_start);
    ends++;
}

bool outcome_check(const struct outcome *saw)
{
    const char *left = realm_unfinished();
    if (left)
        breach("%s", left);
    if (seen_before(saw))
        return false;
    check_end();
    return true;
}

/* What a serial order skips may have been refused here. */
static bool answer_explained(const struct outcome *saw, const struct outcome *by, unsigned i)
{
    if (!by->skipped[i])
        return saw->rc[i] == by->rc[i];
    return saw->rc[i] < 0 || realm_may_do_nothing(&cpus_run.operation[i / PARTS_MAX]->part[i % PARTS_MAX]);
}

static bool explained_by(const struct outcome *saw, const struct outcome *by)
{
    bool same = saw->digest == by->digest;
    for (unsigned i = 0; i < PARTS_ALL && same; i++)
        same = answer_explained(saw, by, i);
    return same;
}

static bool skips_nothing(const struct outcome *o)
{
    for (unsigned i = 0; i < PARTS_ALL; i++)
        if (o->skipped[i])
            return false;
    return true;
}

enum explanation serial_explains(const struct outcome *saw)
{
    enum explanation best = OUTCOME_WRONG;
    for (unsigned i = 0; i < serial_count && best != OUTCOME_SERIAL; i++)
        if (explained_by(saw, &serial[i]))
            best = skips_nothing(&serial[i]) ? OUTCOME_SERIAL : OUTCOME_REFUSED;
    return best;
}

bool serial_comes_to(u64 digest)
{
    for (unsigned i = 0; i < serial_count; i++)
        if (serial[i].digest == digest)
            return true;
    return false;
}

void serial_orders(void)
{
    unsigned fixed = 0;
    cpus_run.grain = GRAIN_REQUEST;
    serial_count = 0;
    outcome_forget();
    do {
        cpus_go(fixed);
        if (serial_count == OUTCOMES_MAX)
            fake_fail("more than %d serial orders", OUTCOMES_MAX);
        serial[serial_count] = outcome_now();
        outcome_check(&serial[serial_count++]);
        fixed = next_choices();
    } while (fixed);
}

unsigned next_choices(void)
{
    for (unsigned n = cpus_choice_count; n > 0; n--) {
        struct choice *c = &cpus_choices[n - 1];
        if (c->taken + 1u < c->of && !(c->preempts && c->before >= cpus_run.bound)) {
            c->taken++;
            return n;
        }
    }
    return 0;
}
