/* SPDX-License-Identifier: MIT
 * grants: what grant_table_op answers, asked by a domain that lends pages to itself, so that the same lines can be had from
 * Xen (make oracle GUEST=grants). A map takes what the entry allows and no more, an unmap names exactly what was mapped,
 * and what is refused changes nothing. */
#include "guest/console.h"
#include "guest/event.h"
#include "guest/grant.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"

#define NOBODY  0x7000u
#define HOST    GNTMAP_host_map
#define HOST_RO (GNTMAP_host_map | GNTMAP_readonly)
#define BY_PTE  GNTMAP_contains_pte
#define REF     16u /* the entry that most attempts are about */
#define EMPTY   17u

static domid_t self;
static uint8_t *lent, *place, *second_place;
static grant_handle_t handle;
static uint64_t bus;

static uint64_t *entry_of(const void *address)
{
    uint64_t *table = paging_boot_root();

    for (unsigned int level = 4; level > 1; level--)
        table = pfn_to_virt(entry_pfn_registered(table[table_index((uintptr_t)address, level)]));
    return &table[table_index((uintptr_t)address, 1)];
}

static long map(domid_t domain, grant_ref_t ref, uint64_t address, uint32_t flags)
{
    struct gnttab_map_grant_ref op = {.host_addr = address, .flags = flags, .ref = ref, .dom = domain, .status = 99};
    long answer = hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);

    handle = op.handle;
    bus = op.dev_bus_addr;
    return answer != 0 ? answer : op.status;
}

static long unmap(grant_handle_t which, uint64_t address, uint64_t bus_address)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = address, .dev_bus_addr = bus_address, .handle = which, .status = 99};
    long answer = hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);

    return answer != 0 ? answer : op.status;
}

static long replace(grant_handle_t which, const void *address, const void *new_address)
{
    struct gnttab_unmap_and_replace op = {
        .host_addr = HYPERCALL_PTR(address), .new_addr = HYPERCALL_PTR(new_address), .handle = which, .status = 99};
    long answer = hypercall_grant_table_op(GNTTABOP_unmap_and_replace, &op, 1);

    return answer != 0 ? answer : op.status;
}

static void bits_are(const char *what, uint16_t expected)
{
    report_equal(what, grant_table[REF].flags & (GTF_reading | GTF_writing), expected);
}

/* ---- a whole table -------------------------------------------------------------------------------------------- */

static long setup_table(domid_t domain, uint32_t frames)
{
    static uint64_t list[64];
    struct gnttab_setup_table op = {.dom = domain, .nr_frames = frames, .status = 99};
    long answer;

    set_xen_guest_handle(op.frame_list, list);
    answer = hypercall_grant_table_op(GNTTABOP_setup_table, &op, 1);
    return answer != 0 ? answer : op.status;
}

static unsigned long frames_now(void)
{
    struct gnttab_query_size op = {.dom = DOMID_SELF, .status = 99};

    report_quiet("query_size", hypercall_grant_table_op(GNTTABOP_query_size, &op, 1), 0);
    report_quiet("its status", op.status, GNTST_okay);
    return op.nr_frames;
}

static void whole_table(void)
{
    struct gnttab_get_version version = {.dom = NOBODY};
    struct gnttab_swap_grant_ref swap = {.ref_a = 0xffffffff, .ref_b = 1};

    report_equal("frames before anything", frames_now(), 1);
    report_answer("refused: a table of 65 frames", setup_table(DOMID_SELF, 65), GNTST_general_error);
    report_answer("refused: another's table", setup_table(NOBODY, 1), GNTST_bad_domain);
    report_equal("frames still", frames_now(), 1);
    report_answer("a table of 2 frames, mapped", grant_setup(2), GNTST_okay);
    report_equal("frames", frames_now(), 2);
    report_answer("refused: the version of nobody's", hypercall_grant_table_op(GNTTABOP_get_version, &version, 1),
                  -XEN_ESRCH);
    version.dom = DOMID_SELF;
    report_answer("the version", hypercall_grant_table_op(GNTTABOP_get_version, &version, 1), 0);
    report_equal("is", version.version, 1);
    report_answer("swap", hypercall_grant_table_op(GNTTABOP_swap_grant_ref, &swap, 1), 0);
    report_answer("its status: no such entry", swap.status, GNTST_bad_gntref);
    report_answer("refused: no such command", hypercall_grant_table_op(13, &swap, 1), -XEN_ENOSYS);
    report_answer("refused: dump_table", hypercall_grant_table_op(GNTTABOP_dump_table, &swap, 1), -XEN_ENOSYS);
    report_answer("refused: two tables at once", hypercall_grant_table_op(GNTTABOP_setup_table, &swap, 2), -XEN_EINVAL);
    report_answer("refused: less than none", hypercall_grant_table_op(GNTTABOP_copy, &swap, 0x80000000u), -XEN_EINVAL);
    report_answer("refused: arguments of the hypervisor's",
                  hypercall_grant_table_op(GNTTABOP_map_grant_ref, (void *)0xffff830000000000ul, 1), -XEN_EFAULT);
}

/* ---- maps ----------------------------------------------------------------------------------------------------- */

static void refused_maps(void)
{
    uint64_t at = HYPERCALL_PTR(place);

    report_answer("refused: neither host nor device", map(self, REF, at, 0), GNTST_bad_gntref);
    report_answer("refused: DOMID_SELF", map(DOMID_SELF, REF, at, HOST), GNTST_bad_domain);
    report_answer("refused: nobody", map(NOBODY, REF, at, HOST), GNTST_bad_domain);
    report_answer("refused: beyond the table", map(self, 1024, at, HOST), GNTST_bad_gntref);
    report_answer("refused: an empty entry", map(self, EMPTY, at, HOST), GNTST_general_error);
    report_answer("refused: nothing maps the address", map(self, REF, 0x10, HOST), GNTST_general_error);
    report_answer("refused: the hypervisor's address", map(self, REF, 0xffff830000000000ul, HOST), GNTST_general_error);
    report_answer("refused: not canonical", map(self, REF, 1ul << 63, HOST), GNTST_general_error);
    report_answer("refused: no whole entry", map(self, REF, entry_address(entry_of(place)) - 2, HOST | BY_PTE),
                  GNTST_general_error);
    report_answer("refused: no table", map(self, REF, virt_to_frame(lent) << 12, HOST | BY_PTE), GNTST_general_error);
    bits_are("nothing is in use", 0);
}

static void rights(void)
{
    static const struct {
        uint16_t flags;
        long writing, reading;
    } kinds[] = {
        {0, GNTST_general_error, GNTST_general_error},
        {GTF_permit_access, GNTST_okay, GNTST_okay},
        {GTF_permit_access | GTF_readonly, GNTST_general_error, GNTST_okay},
        {GTF_accept_transfer, GNTST_general_error, GNTST_general_error},
        {GTF_transitive, GNTST_general_error, GNTST_general_error},
        {GTF_permit_access | GTF_sub_page, GNTST_general_error, GNTST_general_error},
        {GTF_permit_access | GTF_PWT | GTF_PCD | GTF_PAT, GNTST_okay, GNTST_okay},
        {GTF_permit_access | GTF_writing, GNTST_okay, GNTST_okay},
    };

    for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        grant_table[REF].flags = kinds[i].flags;
        printf("an entry of flags 0x%x\n", kinds[i].flags);
        if (report_answer("  for writing", map(self, REF, HYPERCALL_PTR(place), HOST), kinds[i].writing) &&
            kinds[i].writing == GNTST_okay)
            report_quiet("  unmap", unmap(handle, HYPERCALL_PTR(place), 0), GNTST_okay);
        grant_table[REF].flags = kinds[i].flags;
        if (report_answer("  for reading", map(self, REF, HYPERCALL_PTR(place), HOST_RO), kinds[i].reading) &&
            kinds[i].reading == GNTST_okay)
            report_quiet("  unmap", unmap(handle, HYPERCALL_PTR(place), 0), GNTST_okay);
        printf("  flags are 0x%x\n", grant_table[REF].flags);
    }
    grant_access(REF, self, lent, false);
}

static void maps(void)
{
    grant_handle_t writing;

    report_answer("map for writing", map(self, REF, HYPERCALL_PTR(place), HOST), GNTST_okay);
    writing = handle;
    page_flush(place);
    report_equal("it is the page", place[100], 0x64);
    report_true("not executable, and writable", (*entry_of(place) & (ENTRY_NX | ENTRY_WRITE)) == (ENTRY_NX | ENTRY_WRITE));
    bits_are("in use for both", GTF_reading | GTF_writing);
    report_answer("and for reading", map(self, REF, HYPERCALL_PTR(second_place), HOST_RO), GNTST_okay);
    report_answer("refused: the writing one at the other's place", unmap(writing, HYPERCALL_PTR(second_place), 0),
                  GNTST_general_error);
    report_answer("refused: the reading one at the other's place", unmap(handle, HYPERCALL_PTR(place), 0),
                  GNTST_general_error);
    report_answer("nothing asked for", unmap(writing, 0, 0), GNTST_okay);
    report_answer("unmap the writing one", unmap(writing, HYPERCALL_PTR(place), 0), GNTST_okay);
    bits_are("in use for reading", GTF_reading);
    report_answer("refused: once more", unmap(writing, HYPERCALL_PTR(place), 0), GNTST_bad_handle);
    report_answer("unmap the other", unmap(handle, HYPERCALL_PTR(second_place), 0), GNTST_okay);
    bits_are("not in use", 0);
    report_answer("map by the entry's address", map(self, REF, entry_address(entry_of(place)), HOST | BY_PTE), GNTST_okay);
    report_answer("refused: unmap by the page's", unmap(handle, HYPERCALL_PTR(place), 0), GNTST_general_error);
    report_answer("refused: move something there", replace(handle, place, second_place), GNTST_general_error);
    report_answer("unmap", unmap(handle, entry_address(entry_of(place)), 0), GNTST_okay);
    report_quiet("writable", page_writable(second_place), 0);
    report_answer("map", map(self, REF, HYPERCALL_PTR(place), HOST), GNTST_okay);
    report_answer("move another page there", replace(handle, place, second_place), GNTST_okay);
    report_equal("it is there", entry_pfn_registered(*entry_of(place)), virt_to_pfn(second_place));
    report_equal("and gone from where it was", *entry_of(second_place), 0);
}

static void devices_and_tables(void)
{
    uint8_t *table = page_alloc();

    report_answer("for a device alone", map(self, REF, 0, GNTMAP_device_map), GNTST_okay);
    report_answer("refused: another bus address", unmap(handle, 0, bus + PAGE_SIZE), GNTST_bad_dev_addr);
    report_answer("unmap", unmap(handle, 0, bus), GNTST_okay);
    bits_are("not in use", 0);
    report_answer("a table", table_register(1, table), 0);
    grant_access(EMPTY, self, table, false);
    report_answer("refused: for writing", map(self, EMPTY, HYPERCALL_PTR(place), HOST), GNTST_general_error);
    report_answer("for reading", map(self, EMPTY, HYPERCALL_PTR(place), HOST_RO), GNTST_okay);
    report_answer("unmap", unmap(handle, HYPERCALL_PTR(place), 0), GNTST_okay);
    report_true("end it", grant_end_access(EMPTY));
    report_answer("ordinary memory again", table_unregister(table), 0);
}

/* ---- copies --------------------------------------------------------------------------------------------------- */

static long copy(domid_t from, grant_ref_t ref, unsigned int offset, domid_t to, uint64_t frame, unsigned int bytes,
                 unsigned int flags)
{
    struct gnttab_copy op = {.source = {.u.ref = ref, .domid = from, .offset = (uint16_t)offset},
                             .dest = {.u.gmfn = frame, .domid = to},
                             .len = (uint16_t)bytes,
                             .flags = (uint16_t)flags,
                             .status = 99};
    long answer = hypercall_grant_table_op(GNTTABOP_copy, &op, 1);

    return answer != 0 ? answer : op.status;
}

static void copies(void)
{
    uint8_t *to = page_alloc();
    uint64_t frame = virt_to_frame(to);

    report_answer("copy a page", copy(self, REF, 0, DOMID_SELF, frame, PAGE_SIZE, GNTCOPY_source_gref), GNTST_okay);
    report_true("it is there", memcmp(to, lent, PAGE_SIZE) == 0);
    report_answer("nothing", copy(self, REF, PAGE_SIZE, DOMID_SELF, frame, 0, GNTCOPY_source_gref), GNTST_okay);
    report_answer("refused: one byte too many", copy(self, REF, 1, DOMID_SELF, frame, PAGE_SIZE, GNTCOPY_source_gref),
                  GNTST_bad_copy_arg);
    report_answer("refused: an empty entry", copy(self, EMPTY, 0, DOMID_SELF, frame, 8, GNTCOPY_source_gref),
                  GNTST_general_error);
    report_answer("refused: beyond the table", copy(self, 1024, 0, DOMID_SELF, frame, 8, GNTCOPY_source_gref),
                  GNTST_bad_gntref);
    report_answer("refused: a frame by a domain's number", copy(self, REF, 0, self, frame, 8, GNTCOPY_source_gref),
                  GNTST_permission_denied);
    report_answer("refused: nobody's frame", copy(self, REF, 0, NOBODY, frame, 8, GNTCOPY_source_gref),
                  GNTST_bad_domain);
    report_answer("refused: no frame", copy(self, REF, 0, DOMID_SELF, ~0ul, 8, GNTCOPY_source_gref), GNTST_bad_page);
    report_answer("refused: into a table",
                  copy(self, REF, 0, DOMID_SELF, virt_to_frame(entry_of(place)), 8, GNTCOPY_source_gref), GNTST_general_error);
    bits_are("not in use", 0);
}

void guest_main(void)
{
    report_title("grants", "what grant_table_op answers");
    self = event_own_domain();
    lent = page_alloc();
    place = page_alloc();
    second_place = page_alloc();
    for (unsigned int i = 0; i < PAGE_SIZE; i++)
        lent[i] = (uint8_t)i;
    whole_table();
    grant_access(REF, self, lent, false);
    refused_maps();
    rights();
    maps();
    devices_and_tables();
    copies();
    report_true("end the grant", grant_end_access(REF));
}
