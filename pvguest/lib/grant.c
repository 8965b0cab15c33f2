/* SPDX-License-Identifier: MIT
 * Grant tables of grant.h. */
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"

#define TABLE_PAGES 8u

static uint8_t table_pages[TABLE_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));

volatile struct grant_entry_v1 *grant_table;

static long answer_of(long answer, int16_t status)
{
    return answer != 0 ? answer : status;
}

/* In rewrite mode the table's frames have no numbers of the guest's until they are given some: those of the
 * pages that they are to stand at. */
static long table_place(unsigned int page, uint64_t *frame)
{
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = page, .gpfn = virt_to_pfn(table_pages[page])};

    *frame = add.gpfn;
    return hypercall_memory_op(XENMEM_add_to_physmap, &add);
}

long grant_setup(unsigned int pages)
{
    uint64_t frames[TABLE_PAGES];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = pages};
    long answer;

    if (pages == 0 || pages > TABLE_PAGES)
        return -XEN_EINVAL;
    set_xen_guest_handle(setup.frame_list, frames);
    answer = answer_of(hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1), setup.status);
    for (unsigned int i = 0; i < pages && answer == 0; i++) {
        if (guest_is_rewrite())
            answer = table_place(i, &frames[i]);
        if (answer == 0)
            answer = hypercall_update_va_mapping((uintptr_t)table_pages[i],
                                                 frames[i] << 12 | ENTRY_RW | ENTRY_NX, UVMF_INVLPG);
    }
    if (answer == 0)
        grant_table = (volatile struct grant_entry_v1 *)table_pages;
    return answer;
}

void grant_access(grant_ref_t ref, domid_t domain, const volatile void *address, bool readonly)
{
    grant_table[ref].frame = (uint32_t)virt_to_frame(address);
    grant_table[ref].domid = domain;
    __asm__ volatile("" ::: "memory");
    grant_table[ref].flags = readonly ? GTF_permit_access | GTF_readonly : GTF_permit_access;
}

bool grant_end_access(grant_ref_t ref)
{
    uint16_t flags = grant_table[ref].flags;

    do {
        if ((flags & (GTF_reading | GTF_writing)) != 0)
            return false;
    } while (!__atomic_compare_exchange_n(&grant_table[ref].flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return true;
}

long grant_map(domid_t domain, grant_ref_t ref, void *address, uint32_t flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref map = {
        .host_addr = (uintptr_t)address, .flags = GNTMAP_host_map | flags, .ref = ref, .dom = domain};
    long answer = hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);

    *handle = map.handle;
    answer = answer_of(answer, map.status);
    /* The page that stood there may be in the TLB, and the hypervisor leaves that to us. */
    if (answer == 0)
        page_flush(address);
    return answer;
}

long grant_unmap(grant_handle_t handle, void *address)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (uintptr_t)address, .handle = handle};
    long answer = hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);

    return answer_of(answer, unmap.status);
}

static struct gnttab_copy_ptr grant_side(domid_t domain, grant_ref_t ref, unsigned int offset)
{
    return (struct gnttab_copy_ptr){.u.ref = ref, .domid = domain, .offset = (uint16_t)offset};
}

static struct gnttab_copy_ptr own_side(const void *address)
{
    return (struct gnttab_copy_ptr){.u.gmfn = virt_to_frame(address), .domid = DOMID_SELF,
                                    .offset = (uint16_t)((uintptr_t)address % PAGE_SIZE)};
}

static long copy(struct gnttab_copy *op, unsigned int bytes)
{
    long answer;

    op->len = (uint16_t)bytes;
    answer = hypercall_grant_table_op(GNTTABOP_copy, op, 1);
    return answer_of(answer, op->status);
}

long grant_copy_from(domid_t domain, grant_ref_t ref, unsigned int offset, void *to, unsigned int bytes)
{
    struct gnttab_copy op = {
        .source = grant_side(domain, ref, offset), .dest = own_side(to), .flags = GNTCOPY_source_gref};

    return copy(&op, bytes);
}

long grant_copy_to(domid_t domain, grant_ref_t ref, unsigned int offset, const void *from, unsigned int bytes)
{
    struct gnttab_copy op = {
        .source = own_side(from), .dest = grant_side(domain, ref, offset), .flags = GNTCOPY_dest_gref};

    return copy(&op, bytes);
}
