/* SPDX-License-Identifier: MIT */
/*
 * The machine of the unit tests: RAM is an array, a TLB flush a counter, the clock is turned by hand. It
 * answers the contract (xen-lite/include/arch) and stands in for the parts of arch/x86 that only a processor
 * can run; common/, hypercalls/, arch/x86/paging and arch/x86/pv are linked with it unchanged. A test program
 * calls fake_reset() before each test (fake_setup is a cmocka setup function that does).
 */
#ifndef XL_FAKE_FAKE_H
#define XL_FAKE_FAKE_H

#include "arch/fake/processor.h"
#include "lib/types.h"

/* Everything as after power-on: RAM of that many frames, one cpu, the clock at 0, an empty console, no
 * domains; the hypervisor's command line is $XL_FAKE_OPTIONS. */
void fake_reset(u64 frames);
#define FAKE_FRAMES 4096
int fake_setup(void **state); /* fake_reset(FAKE_FRAMES) */

/* The machine was used as it cannot be: says so and ends the test program. */
__noreturn void fake_fail(const char *fmt, ...) __printf(1, 2);

/* RAM
 * --------------------------------------------------------------------------------------------------------------*/

/*
 * Sets frame_table, frame_count, m2p_table, direct_map and gives all frames but number 0 to the allocator.
 * They hold garbage, so that what is not cleared shows. fake_reset() does it.
 */
void fake_ram_init(u64 frames);
extern void *fake_ram_bitmap; /* the allocator's, of frame_alloc_bitmap_bytes(frame_count) bytes */

/* Console and the end of the machine
 * -------------------------------------------------------------------------------*/

const char *fake_console_text(void); /* all that was written */
void fake_console_clear(void);
bool fake_console_has(const char *text);
void fake_console_type(const char *text); /* for arch_console_read() */

enum fake_end {
    FAKE_RETURNED, /* none of the following */
    FAKE_POWER_OFF,
    FAKE_REBOOT,
    FAKE_HALT,
    FAKE_GUEST /* a guest would run now: arch_return_to_guest(), softirqs done */
};
/*
 * Calls fn(data) and tells how it ended. What it left locked stays locked: for ends that the code means, such
 * as domain_finish(). Where no fake_end_of() is under way the machine's end is the test program's failure.
 */
enum fake_end fake_end_of(void (*fn)(void *), void *data);
/*
 * Calls fn(data) in a process of its own, for what must be caught as our own mistake. True: it ended in BUG
 * or panic; what it printed is then the console's text here. Nothing else of what it did is seen.
 */
bool fake_panics(void (*fn)(void *), void *data);
/* For the fakes themselves. */
__noreturn void fake_end(enum fake_end how);
extern int fake_exit_status; /* last arch_debug_exit(); -1: none */

/* Clock
 * ------------------------------------------------------------------------------------------------------------*/

/* Moves system time on; if the programmed time has come, SOFTIRQ_TIMER is raised as the interrupt would. */
void fake_clock_advance(u64 ns);
void fake_clock_set(u64 ns);
u64 fake_timer_programmed(void); /* ~0: never */
/* Called when the machine is about to idle until the timer: a test may wake somebody. NULL: off. */
extern void (*fake_on_idle)(void);

/* Processors
 * -------------------------------------------------------------------------------------------------------*/

#define FAKE_CPUS 4
/* this_cpu() of the calling thread is that one from now on. */
void fake_cpu_select(unsigned n);

/* Guest memory
 * -----------------------------------------------------------------------------------------------------*/

/*
 * Guest addresses [address, address + n) are host[0, n). Ranges given later come first. What no range covers
 * is looked up in the tables that fake_processor.cr3 points to, with the rights that ring 3 has.
 */
void fake_guest_range(vaddr_t address, void *host, size_t n, bool writable);
/* The same at the host's own address: a local variable can be given to a hypercall. Returns the address. */
vaddr_t fake_guest_pointer(void *host, size_t n);
void fake_guest_forget(void);
/* Called before each copy from a guest: memory that changes between two reads. NULL: off. */
extern void (*fake_guest_before_read)(vaddr_t address, size_t n);
/* The same before each copy to a guest, with what is about to be copied. */
extern void (*fake_guest_before_write)(vaddr_t address, const void *from, size_t n);
extern u64 fake_guest_reads, fake_guest_writes; /* copies, not bytes */

/* Calls that would come from parts that do not run here
 * ------------------------------------------------------------*/

extern u64 fake_flushes_before_reuse; /* arch_flush_before_reuse() */
extern u64 fake_dumps;                /* arch_vcpu_dump(), arch_dump_stack() */
extern u64 fake_time_updates;         /* arch_update_vcpu_time() */

#endif
