/* SPDX-License-Identifier: MIT
 * Page tables of paging.h: number conversions that hold in both modes, a pool of pages, and the registering
 * calls. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/paging.h"
#include "guest/string.h"

#define POOL_PAGES 512u

static uint8_t pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t *pool_free[POOL_PAGES];
static unsigned int pool_fresh; /* pages of the pool that were never given out start here */
static unsigned int pool_free_count;

void *page_alloc(void)
{
    uint8_t *page;

    if (pool_free_count > 0) {
        page = pool_free[--pool_free_count];
    } else if (pool_fresh < POOL_PAGES) {
        page = pool[pool_fresh++];
    } else {
        printf("FATAL: the pool of %u pages is used up\n", POOL_PAGES);
        guest_shutdown(SHUTDOWN_crash);
    }
    memset(page, 0, PAGE_SIZE);
    return page;
}

void page_free(void *page)
{
    pool_free[pool_free_count++] = page;
}

static const uint64_t *frame_list(void)
{
    return (const uint64_t *)guest_start_info->mfn_list;
}

unsigned long pfn_to_frame(unsigned long pfn)
{
    return frame_list()[pfn];
}

unsigned long mfn_to_pfn(unsigned long mfn)
{
    return machine_to_phys_mapping[mfn];
}

unsigned long frame_to_pfn(unsigned long frame)
{
    return guest_is_rewrite() ? frame : mfn_to_pfn(frame);
}

unsigned long virt_to_frame(const volatile void *address)
{
    return pfn_to_frame(virt_to_pfn(address));
}

uint64_t *paging_boot_root(void)
{
    return (uint64_t *)guest_start_info->pt_base;
}

uint64_t entry_make(const volatile void *address, uint64_t flags)
{
    return virt_to_frame(address) << 12 | flags;
}

unsigned long entry_pfn_registered(uint64_t entry)
{
    return mfn_to_pfn((entry & ENTRY_FRAME) >> 12);
}

unsigned long entry_pfn_plain(uint64_t entry)
{
    return frame_to_pfn((entry & ENTRY_FRAME) >> 12);
}

uint64_t entry_for_plain(uint64_t registered)
{
    return pfn_to_frame(entry_pfn_registered(registered)) << 12 | (registered & ~ENTRY_FRAME);
}

uint64_t entry_address(const volatile uint64_t *entry)
{
    return virt_to_frame(entry) << 12 | ((uintptr_t)entry & (PAGE_SIZE - 1));
}

long page_readonly(void *page)
{
    return hypercall_update_va_mapping((uintptr_t)page, entry_make(page, ENTRY_RO | ENTRY_NX), UVMF_INVLPG);
}

long page_writable(void *page)
{
    return hypercall_update_va_mapping((uintptr_t)page, entry_make(page, ENTRY_RW | ENTRY_NX), UVMF_INVLPG);
}

static long mmuext_frame(unsigned int command, unsigned long frame)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = frame};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

long table_pin(unsigned int level, void *table)
{
    return mmuext_frame(MMUEXT_PIN_L1_TABLE + level - 1, virt_to_frame(table));
}

long table_unpin(void *table)
{
    return mmuext_frame(MMUEXT_UNPIN_TABLE, virt_to_frame(table));
}

long table_register(unsigned int level, void *table)
{
    long answer = page_readonly(table);

    return answer != 0 ? answer : table_pin(level, table);
}

long table_unregister(void *table)
{
    long answer = table_unpin(table);

    return answer != 0 ? answer : page_writable(table);
}

long entry_update(volatile uint64_t *entry, uint64_t value)
{
    struct mmu_update request = {.ptr = entry_address(entry) | MMU_NORMAL_PT_UPDATE, .val = value};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

long root_load(void *root)
{
    return mmuext_frame(MMUEXT_NEW_BASEPTR, virt_to_frame(root));
}

long root_load_user(void *root)
{
    return mmuext_frame(MMUEXT_NEW_USER_BASEPTR, root == NULL ? 0 : virt_to_frame(root));
}

long page_flush(const volatile void *address)
{
    struct mmuext_op op = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = (uintptr_t)address};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

long paging_flush(void)
{
    return mmuext_frame(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

void root_copy_kernel(uint64_t *root)
{
    unsigned int slot = table_index((uintptr_t)GUEST_VIRT_BASE, 4);

    root[slot] = entry_for_plain(paging_boot_root()[slot]);
}
