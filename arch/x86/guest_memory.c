/* SPDX-License-Identifier: MIT */
/*
 * Guest memory through the guest's own tables, which are loaded while the hypervisor works for it: the address is
 * checked against the hypervisor's range, and a fault on the way is an error (guest_copy.asm), not a crash.
 */
#include "arch/x86/cpu/layout.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>

size_t guest_copy(void *to, const void *from, size_t n); /* entry/guest_copy.asm: bytes not copied */

int copy_from_guest(void *to, vaddr_t from, size_t n)
{
    if (unlikely(!is_guest_range(from, n)))
        return -XEN_EFAULT;
    return likely(guest_copy(to, (const void *)from, n) == 0) ? 0 : -XEN_EFAULT;
}

int copy_to_guest(vaddr_t to, const void *from, size_t n)
{
    if (unlikely(!is_guest_range(to, n)))
        return -XEN_EFAULT;
    return likely(guest_copy((void *)to, from, n) == 0) ? 0 : -XEN_EFAULT;
}

size_t copy_from_guest_partial(void *to, vaddr_t from, size_t n)
{
    if (!is_guest_range(from, 1))
        return 0;
    u64 room = GUEST_SPAN - (from - HYPERVISOR_END);
    if (n > room)
        n = (size_t)room;
    return n - guest_copy(to, (const void *)from, n);
}

bool guest_range_ok(vaddr_t address, size_t n)
{
    return is_guest_range(address, n);
}

bool guest_element(vaddr_t base, u64 index, size_t size, vaddr_t *out)
{
    u64 offset;
    if (__builtin_mul_overflow(index, (u64)size, &offset) || offset > GUEST_SPAN)
        return false;
    *out = base + offset;
    u64 from_end = base - HYPERVISOR_END;
    return from_end < GUEST_SPAN && offset < GUEST_SPAN - from_end && is_guest_range(*out, size);
}
