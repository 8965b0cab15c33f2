/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_console_io(command, bytes, buffer). Every domain may write; its lines come out with its name before them.
 * What is typed goes to one domain: the first that is privileged, or else the first, among those that still run.
 */
#include "common/console.h"
#include "common/cpu.h"
#include "common/domain.h"
#include "common/keyhandler.h"
#include "common/printk.h"
#include "common/vcpu.h"
#include "hypercalls/hypercalls.h"
#include <arch/guest_memory.h>
#include <arch/machine.h>
#include <xen/errno.h>
#include <xen/xen.h>

#define STEP 64 /* bytes between two looks at whether something else is due */

static long console_io_write(struct vcpu *v, u32 count, vaddr_t buffer)
{
    char text[STEP];

    while (count) {
        u32 n = count < STEP ? count : STEP;
        if (copy_from_guest(text, buffer, n))
            return -XEN_EFAULT;
        console_guest_write(v->domain, text, n);
        buffer += n;
        count -= n;
        if (count && preempt_pending())
            return vcpu_restart(v, __HYPERVISOR_console_io, CONSOLEIO_write, count, buffer, 0, 0);
    }
    return 0;
}

static const struct domain *console_reader(void)
{
    const struct domain *first = NULL;

    for (const struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        if (d->is_shut_down)
            continue;
        if (d->privileged)
            return d;
        if (!first)
            first = d;
    }
    return first;
}

/* The bytes that were typed so far, at most count; their number. A byte that cannot be stored is lost. */
static long console_io_read(struct vcpu *v, u32 count, vaddr_t buffer)
{
    u32 done = 0;
    int c;

    if (console_reader() != v->domain)
        return guest_refuse(v->domain, XEN_EPERM, "console_io read: the console belongs to another domain\n");
    if (count > 0x7fffffff)
        return guest_refuse(v->domain, XEN_E2BIG, "console_io read: %u bytes\n", count);
    console_guest_flush(v->domain);
    while (done < count && done < PAGE_SIZE && (c = keyhandler_read()) >= 0) {
        char byte = (char)c;
        if (copy_to_guest(buffer + done, &byte, 1))
            return -XEN_EFAULT;
        done++;
    }
    return done;
}

long hypercall_console_io(u64 command, u64 count, u64 buffer, u64 a4, u64 a5)
{
    struct vcpu *v = current_vcpu();
    (void)a4, (void)a5;

    switch ((u32)command) {
    case CONSOLEIO_write: /* doc: for every domain; whole lines come out, with the domain's name before them, at a limited rate */
        return console_io_write(v, (u32)count, buffer);
    case CONSOLEIO_read: /* doc: what was typed, at most a page; -EPERM the console is another's; -E2BIG from 2 GiB */
        return console_io_read(v, (u32)count, buffer);
    default: /* doc: -ENOSYS */
        return guest_refuse(v->domain, XEN_ENOSYS, "console_io %u is not one of ours\n", (u32)command);
    }
}
