/* SPDX-License-Identifier: MIT */
/* What can fail for reasons that are not the request's own: linked in between (--wrap), so that it fails when it is told to. */
#include "common/frame.h"
#include "tests/assurance/step/steps.h"
#include "tests/assurance/sweep/sweep.h"
#include <arch/guest_memory.h>
#include <xen/errno.h>

KEPT struct failures failures = {.on = false};

static bool fails(enum failure kind)
{
    return failures.on && ++failures.count[kind] == failures.at && kind == failures.kind;
}

mfn_t __real_frame_alloc_host(void);
mfn_t __wrap_frame_alloc_host(void);
mfn_t __real_frame_alloc_host_run(u64 count);
mfn_t __wrap_frame_alloc_host_run(u64 count);
int __real_copy_from_guest(void *to, vaddr_t from, size_t n);
int __wrap_copy_from_guest(void *to, vaddr_t from, size_t n);
int __real_copy_to_guest(vaddr_t to, const void *from, size_t n);
int __wrap_copy_to_guest(vaddr_t to, const void *from, size_t n);
size_t __real_copy_from_guest_partial(void *to, vaddr_t from, size_t n);
size_t __wrap_copy_from_guest_partial(void *to, vaddr_t from, size_t n);

mfn_t __wrap_frame_alloc_host(void)
{
    return fails(FAIL_ALLOC) ? MFN_INVALID : __real_frame_alloc_host();
}
mfn_t __wrap_frame_alloc_host_run(u64 count)
{
    return fails(FAIL_ALLOC) ? MFN_INVALID : __real_frame_alloc_host_run(count);
}
int __wrap_copy_from_guest(void *to, vaddr_t from, size_t n)
{
    return fails(FAIL_COPY_FROM) ? -XEN_EFAULT : __real_copy_from_guest(to, from, n);
}
size_t __wrap_copy_from_guest_partial(void *to, vaddr_t from, size_t n)
{
    return fails(FAIL_COPY_FROM) ? 0 : __real_copy_from_guest_partial(to, from, n);
}
int __wrap_copy_to_guest(vaddr_t to, const void *from, size_t n)
{
    return fails(FAIL_COPY_TO) ? -XEN_EFAULT : __real_copy_to_guest(to, from, n);
}
