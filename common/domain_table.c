/* SPDX-License-Identifier: MIT */
/*
 * Who is there: domains by number. Number n has its place at n % DOMAINS_MAX; a new domain gets the next
 * number whose place is free, so a number comes back only after all others were used. Looking up takes no
 * lock: a place changes by one store. Domains are created and destroyed by one cpu at a time
 * (LOCK_DOMAIN_TABLE).
 */
#include "common/domain.h"
#include "common/spinlock.h"
#include "lib/bug.h"
#include <xen/errno.h>

static struct spinlock lock = SPINLOCK(LOCK_DOMAIN_TABLE);
static struct domain *_Atomic table[DOMAINS_MAX];
static u16 last_id; /* guarded by lock */

static struct domain *at(unsigned place)
{
    return atomic_load_explicit(&table[place], memory_order_acquire);
}

struct domain *domain_find(u16 id)
{
    struct domain *d = at(id % DOMAINS_MAX);

    return d != NULL && d->id == id ? d : NULL;
}

int domain_table_add(struct domain *d)
{
    int rc = -XEN_ENOSPC;

    spinlock_lock(&lock);
    u16 id = last_id;
    for (unsigned tries = 0; tries < 2 * DOMAINS_MAX; tries++) {
        id = id + 1u < DOMID_FIRST_RESERVED ? (u16)(id + 1) : 1;
        if (at(id % DOMAINS_MAX) == NULL) {
            d->id = last_id = id;
            atomic_store_explicit(&table[id % DOMAINS_MAX], d, memory_order_release);
            rc = 0;
            break;
        }
    }
    spinlock_unlock(&lock);
    return rc;
}

void domain_table_init(void)
{
    last_id = 0;
}

void domain_table_remove(struct domain *d)
{
    spinlock_lock(&lock);
    BUG_ON(at(d->id % DOMAINS_MAX) != d);
    atomic_store_explicit(&table[d->id % DOMAINS_MAX], NULL, memory_order_release);
    spinlock_unlock(&lock);
}

struct domain *domain_next(const struct domain *after)
{
    struct domain *best = NULL;

    for (unsigned place = 0; place < DOMAINS_MAX; place++) {
        struct domain *d = at(place);
        if (d != NULL && (after == NULL || d->id > after->id) && (best == NULL || d->id < best->id))
            best = d;
    }
    return best;
}
