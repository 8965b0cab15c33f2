/* SPDX-License-Identifier: MIT
 * Grant tables: pages lent to other domains, and those of others used here. The lender writes an entry of its
 * table; whoever it names maps the page or copies from and to it, by the entry's number (the reference).
 * Answers are the hypercall's error, else the operation's GNTST_... (<xen/grant_table.h>): 0 or negative. */
#ifndef GUEST_GRANT_H
#define GUEST_GRANT_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/grant_table.h>

#define GRANTS_PER_PAGE 512u

/* The guest's own table, once grant_setup() has answered 0. */
extern volatile struct grant_entry_v1 *grant_table;

/* Makes the table that many pages long (1 to 8) and maps it, in both modes. Once. */
long grant_setup(unsigned int pages);

/* Writes entry ref: that domain may use the page at address, only to read where readonly is set. */
void grant_access(grant_ref_t ref, domid_t domain, const volatile void *address, bool readonly);

/* Takes entry ref back. False: the page is still in use, and the entry stays as it was. */
bool grant_end_access(grant_ref_t ref);

/* Maps what the domain has granted as ref at the address of a page of one's own, which gives way. flags:
 * GNTMAP_readonly or 0. */
long grant_map(domid_t domain, grant_ref_t ref, void *address, uint32_t flags, grant_handle_t *handle);

/* Ends the mapping; nothing is mapped at the address then (page_writable() brings the own page back). */
long grant_unmap(grant_handle_t handle, void *address);

/* Copies bytes within a page: from a grant of that domain into a page of one's own, and the other way. */
long grant_copy_from(domid_t domain, grant_ref_t ref, unsigned int offset, void *to, unsigned int bytes);
long grant_copy_to(domid_t domain, grant_ref_t ref, unsigned int offset, const void *from, unsigned int bytes);

#endif
