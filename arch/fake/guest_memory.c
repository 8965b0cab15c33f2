/* SPDX-License-Identifier: MIT */
/*
 * Guest memory of the fake machine: ranges of the test program's own memory under guest addresses, and behind
 * them whatever the tables in CR3 map, with ring 3's rights and the processor's accessed and dirty bits.
 */
#include <arch/guest_memory.h>
#include "arch/fake/fake.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/walk.h"
#include "lib/string.h"
#include <xen/errno.h>

#define RANGES_MAX 256

struct range {
    vaddr_t address;
    u8 *host;
    size_t size;
    bool writable;
};
static struct range ranges[RANGES_MAX];
static unsigned range_count;

void (*fake_guest_before_read)(vaddr_t address, size_t n);
void (*fake_guest_before_write)(vaddr_t address, const void *from, size_t n);
u64 fake_guest_reads, fake_guest_writes;

void fake_guest_forget(void)
{
    range_count = 0;
    fake_guest_before_read = NULL;
    fake_guest_before_write = NULL;
    fake_guest_reads = fake_guest_writes = 0;
}

void fake_guest_range(vaddr_t address, void *host, size_t n, bool writable)
{
    if (range_count == RANGES_MAX)
        fake_fail("more than %u guest ranges", RANGES_MAX);
    ranges[range_count++] = (struct range){address, host, n, writable};
}

vaddr_t fake_guest_pointer(void *host, size_t n)
{
    fake_guest_range((vaddr_t)host, host, n, true);
    return (vaddr_t)host;
}

/* Where a byte of a range is and how many follow it there; NULL: in no range, or (room 0) not to be written. */
static u8 *range_find(vaddr_t address, bool write, size_t *room)
{
    for (unsigned i = range_count; i-- > 0;) {
        struct range *r = &ranges[i];
        if (address - r->address < r->size) {
            *room = 0;
            if (write && !r->writable)
                return NULL;
            *room = r->size - (address - r->address);
            return r->host + (address - r->address);
        }
    }
    return NULL;
}

static void mark_entry(const struct pt_walk *walk, unsigned level, vaddr_t address, u64 bits)
{
    u64 *table = mfn_to_ptr(walk->table[level]);
    __atomic_fetch_or(&table[pt_index(address, level)], bits, __ATOMIC_RELAXED);
}

/* The same by way of the tables. */
static u8 *table_find(vaddr_t address, bool write, size_t *room)
{
    struct pt_walk walk;
    mfn_t root = mfn_make(fake_processor.cr3 >> PAGE_SHIFT);

    if (root.n == 0 || !mfn_valid(root))
        return NULL;
    pt_walk(&pt_format_x86_64, root, address, &walk);
    if (!walk.mapped || !walk.user || (write && !walk.writable) || !mfn_valid(walk.frame))
        return NULL;
    for (unsigned level = PT_LEVELS; level >= walk.level; level--)
        mark_entry(&walk, level, address, PTE_ACCESSED);
    if (write)
        mark_entry(&walk, walk.level, address, PTE_DIRTY);
    *room = PAGE_SIZE - address % PAGE_SIZE;
    return (u8 *)mfn_to_ptr(walk.frame) + address % PAGE_SIZE;
}

/* Bytes copied before the first that is not there. */
static size_t copy(vaddr_t address, u8 *buffer, size_t n, bool write)
{
    size_t done = 0, room;

    while (done < n && is_guest_range(address + done, 1)) {
        room = PAGE_SIZE;
        u8 *host = range_find(address + done, write, &room);
        if (host == NULL && room != 0)
            host = table_find(address + done, write, &room);
        if (host == NULL)
            break;
        size_t part = room < n - done ? room : n - done;
        memmove(write ? host : buffer + done, write ? buffer + done : host, part);
        done += part;
    }
    return done;
}

size_t copy_from_guest_partial(void *to, vaddr_t from, size_t n)
{
    if (fake_guest_before_read != NULL)
        fake_guest_before_read(from, n);
    fake_guest_reads++;
    return copy(from, to, n, false);
}

int copy_from_guest(void *to, vaddr_t from, size_t n)
{
    if (!guest_range_ok(from, n))
        return -XEN_EFAULT;
    return copy_from_guest_partial(to, from, n) == n ? 0 : -XEN_EFAULT;
}

int copy_to_guest(vaddr_t to, const void *from, size_t n)
{
    if (!guest_range_ok(to, n))
        return -XEN_EFAULT;
    if (fake_guest_before_write != NULL)
        fake_guest_before_write(to, from, n);
    fake_guest_writes++;
    return copy(to, (u8 *)from, n, true) == n ? 0 : -XEN_EFAULT;
}

bool guest_range_ok(vaddr_t address, size_t n)
{
    return is_guest_range(address, n);
}

bool guest_element(vaddr_t base, u64 index, size_t size, vaddr_t *out)
{
    u64 offset;

    if (!is_guest_range(base, 0) || __builtin_mul_overflow(index, (u64)size, &offset))
        return false;
    if (offset > GUEST_SPAN || !is_guest_range(base, offset) || !is_guest_range(base + offset, size))
        return false;
    *out = base + offset;
    return true;
}
