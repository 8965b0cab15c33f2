/* SPDX-License-Identifier: MIT */
/* The pseudo-physical map of a domain in rewrite mode (see p2m.h), one array of 32-bit machine frame numbers. */
#include "arch/x86/paging/p2m.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/paging.h>
#include <xen/errno.h>

static u64 p2m_pages(u64 count)
{
    return align_up(count * sizeof(u32), PAGE_SIZE) >> PAGE_SHIFT;
}

int p2m_create(struct domain *d, u64 count)
{
    struct x86_domain *xd = x86_domain(d);
    BUG_ON(xd->p2m);
    mfn_t mfn = frame_alloc_host_run(p2m_pages(count));
    if (mfn_is_invalid(mfn))
        return -XEN_ENOMEM;
    xd->p2m = mfn_to_ptr(mfn);
    xd->p2m_count = count;
    memset(xd->p2m, 0xff, p2m_pages(count) << PAGE_SHIFT);
    return 0;
}

void p2m_destroy(struct domain *d)
{
    struct x86_domain *xd = x86_domain(d);
    if (!xd->p2m)
        return;
    frame_free_host(ptr_to_mfn(xd->p2m), p2m_pages(xd->p2m_count));
    xd->p2m = NULL;
}

bool arch_domain_translated(const struct domain *d)
{
    return x86_domain_const(d)->p2m != NULL;
}

mfn_t arch_gfn_to_mfn(const struct domain *d, gfn_t gfn)
{
    return gfn_to_mfn(d, gfn);
}

static u32 p2m_value(mfn_t mfn)
{
    return mfn_is_invalid(mfn) ? P2M_NONE : (u32)mfn.n;
}

/*
 * The way back stands before the way there. That of a frame which leaves its number stays until it is freed: live entries
 * that name it can still be turned back.
 */
bool arch_p2m_swap(struct domain *d, gfn_t gfn, mfn_t from, mfn_t to)
{
    struct x86_domain *xd = x86_domain(d);
    u32 seen = p2m_value(from);
    if (!xd->p2m || gfn.n >= xd->p2m_count)
        return false;
    u64 before = mfn_is_invalid(to) ? 0 : m2p_table[to.n];
    if (!mfn_is_invalid(to))
        write_once(m2p_table[to.n], gfn.n);
    if (atomic_compare_exchange_strong((_Atomic u32 *)&xd->p2m[gfn.n], &seen, p2m_value(to)))
        return true;
    if (!mfn_is_invalid(to))
        write_once(m2p_table[to.n], before);
    return false;
}

int arch_p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn)
{
    struct x86_domain *xd = x86_domain(d);
    if (!xd->p2m)
        return -XEN_EOPNOTSUPP;
    if (gfn.n >= xd->p2m_count)
        return -XEN_EINVAL;
    if (!mfn_is_invalid(mfn))
        return arch_p2m_swap(d, gfn, MFN_INVALID, mfn) ? 0 : -XEN_EEXIST;
    write_once(xd->p2m[gfn.n], P2M_NONE);
    return 0;
}

struct frame *arch_get_gfn(struct domain *d, gfn_t gfn)
{
    mfn_t mfn = gfn_to_mfn(d, gfn);
    if (mfn_is_invalid(mfn) || !frame_get(frame_of(mfn), d->id))
        return NULL;
    return frame_of(mfn);
}
