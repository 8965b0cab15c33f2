/* SPDX-License-Identifier: MIT */
/*
 * Frame numbers of a domain. Direct mode: the guest speaks of machine frames, nothing is translated. Rewrite mode: the
 * guest speaks of pseudo-physical frames; p2m[pfn] is the machine frame, and the machine-to-physical table the way
 * back. Binding is injective: a machine frame stands at one pfn.
 */
#ifndef XL_X86_PAGING_P2M_H
#define XL_X86_PAGING_P2M_H

#include "arch/x86/cpu/vcpu.h"
#include "common/frame.h"

/* The machine frame behind the guest's number; MFN_INVALID: no such frame. The caller takes a reference. */
static inline mfn_t gfn_to_mfn(const struct domain *d, gfn_t gfn)
{
    const struct x86_domain *xd = x86_domain_const(d);
    if (xd->p2m) {
        u32 n = gfn.n < xd->p2m_count ? read_once(xd->p2m[gfn.n]) : P2M_NONE;
        return n == P2M_NONE ? MFN_INVALID : mfn_make(n);
    }
    return likely(gfn.n < frame_count) ? mfn_make(gfn.n) : MFN_INVALID;
}

/* The guest's number of a machine frame it owns: the number itself in direct mode. */
static inline u64 mfn_to_guest(const struct domain *d, mfn_t mfn)
{
    return x86_domain_const(d)->p2m ? m2p_table[mfn.n] : mfn.n;
}

/* Gives d a table of count entries, all empty: rewrite mode from now on. -XEN_ENOMEM. */
int p2m_create(struct domain *d, u64 count);
void p2m_destroy(struct domain *d);

#endif
