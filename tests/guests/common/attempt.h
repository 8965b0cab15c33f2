/* SPDX-License-Identifier: MIT
 * What the guests of the published advisories (xsa_*) share: begin and end of an attempt, a tree of tables to try
 * it with, requests for memory, and frames that are not the guest's. An attempt expects an exact answer; the end
 * then shows that the domain has what it had and that the hypervisor still serves it. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include "guest/hypercall.h"
#include "guest/paging.h"

#define NO_FRAME     0xfffffffffeul /* a frame number that no machine and no domain has */
#define HYPERVISOR   0xffff830000000000ul /* an address of the hypervisor's, present or not */
#define NONCANONICAL 0x0000800000000000ul

/* The title; remembers how much memory the domain has. */
void attempt_begin(const char *name, const char *story);

/* The domain has what it had; a page can be taken out of the map and brought back, a tree of four levels is
 * pinned, changed and unpinned. Pages must have gone back before. */
void attempt_end(void);

/* So many pages less are right at the end: given up on purpose. */
void attempt_gave(long pages);

/* The word NAME=NUMBER of the command line, or otherwise. */
unsigned long attempt_option(const char *name, unsigned long otherwise);

/* The domain beside this one (neighbour=N), and what a request that names it is answered by: -XEN_EPERM. Where none is
 * named, a number that no domain has, and -XEN_ESRCH. */
domid_t attempt_neighbour(void);
long attempt_neighbour_refused(void);

/* The number of this domain, as requests take it that know no DOMID_SELF. */
domid_t attempt_own_number(void);

/* A privileged domain, as the first one on Xen: it may do more. */
bool attempt_privileged(void);

/* A frame that is some other domain's, else one that is the hypervisor's, as the machine-to-physical table shows them
 * in direct mode; in rewrite mode a number beyond the domain's own. */
unsigned long frame_foreign(void);
bool frame_is_own(unsigned long frame);

/* --- a tree of tables ------------------------------------------------------------------------------------------- */

/* One table of each level, each named by the one above in slot TREE_SLOT, so that TREE_ADDRESS leads to `page`. A
 * tree can have more L1 tables, so that to register it is long work: `full` of them, in the L2's slots from TREE_FULL on,
 * each with 512 read-only entries that name `page`. */
struct tree {
    uint64_t *table[5]; /* by level, 1 to 4 */
    uint8_t *page;
    unsigned int full_count;
    uint64_t *full[64];
};

#define TREE_FULL 16u /* slot of the L2 */

#define TREE_SLOT    3u
#define TREE_ADDRESS                                                                                         \
    ((uint64_t)TREE_SLOT << 39 | (uint64_t)TREE_SLOT << 30 | (uint64_t)TREE_SLOT << 21 | (uint64_t)TREE_SLOT << 12)

/* Fresh tables, ordinary and writable so far; the root has the kernel's slot too, so it can be loaded. */
void tree_make(struct tree *tree);
void tree_make_full(struct tree *tree, unsigned int full);
/* All read-only in the running address space: ready to be pinned. Answers of the hypervisor are reported. */
void tree_readonly(struct tree *tree);
/* Writable again and back to the pool; nothing of it may be in use. */
void tree_free(struct tree *tree);

/* An entry that names a page or table, as tables above level 1 want it. */
static inline uint64_t entry_table(const volatile void *table)
{
    return entry_make(table, ENTRY_TABLE);
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

/* XENMEM_increase_, decrease_reservation, populate_physmap: answers the extents done. */
long reservation(unsigned int command, xen_pfn_t *list, unsigned long count, unsigned int order,
                 unsigned int flags, domid_t domain);

/* XENMEM_exchange of the domain's own extents. *done comes back: extents of `in` that are gone. */
long exchange(xen_pfn_t *in, unsigned long in_count, unsigned int in_order, xen_pfn_t *out, unsigned long out_count,
              unsigned int out_order, unsigned long *done);

/* What the domain has, in pages. */
long reservation_now(void);

/* A page of the pool leaves the map and the domain; and a new frame comes to its place. 0 or the first refusal; to
 * give back what is still in use is answered by -XEN_EBUSY. */
long page_give(void *page);
long page_take(void *page);

/* One mmuext_op, with all that it may need. */
long mmuext(unsigned int command, unsigned long arg1, unsigned long arg2, domid_t domain);

#endif
