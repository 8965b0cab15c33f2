/* SPDX-License-Identifier: MIT */
/*
 * The machine that the fuzzer of hypercalls drives: two domains of two vcpus on arch/fake, with the hypervisor's own
 * scheduler, timers and way out to the guest. What must hold after every step is looked at here; a breach prints what
 * led to it and aborts.
 */
#ifndef XL_FUZZ_MACHINE_H
#define XL_FUZZ_MACHINE_H

#include "tests/unit/support/tables.h"

#define FUZZ_FRAMES 232 /* of the machine: room for both domains, a few frames more */
#define FUZZ_PFNS   32  /* of a domain; its part in a tree of tables is pfn % 8: 0 L4, 1 L3, 2 L2, 3 L1, above data */
#define FUZZ_VCPUS  2

/* Guest memory beside what the guests' tables map: one room for arguments, the same for both, and the code that traps. */
#define ROOM_ADDRESS 0x200000000ull
#define ROOM_SIZE    0x4000u
#define CODE_ADDRESS 0x300000000ull
#define SYSCALL_AT   (CODE_ADDRESS + 0x100) /* where guests knock; 2 bytes long */
#define HANDLERS_AT  (CODE_ADDRESS + 0x200) /* exception n goes to HANDLERS_AT + n; events and system calls behind them */

extern u8 fuzz_room[ROOM_SIZE];
extern u8 fuzz_code[64];

/* What stands for a guest across its restarts. */
struct realm {
    struct domain *d;        /* NULL: gone for good */
    mfn_t frame[FUZZ_PFNS];  /* direct mode: machine frames by pfn, as the guest knows them */
    enum domain_paging paging;
    bool privileged, bare, second_vcpu, grants;
};
extern struct realm realms[2];

/* The first bytes of a program. */
struct fuzz_start {
    /* bits 0, 1: paging of either; 2: the first is privileged; 3, 4: no tree to start with; 5: second vcpus; 6: grants */
    u8 modes;
    u8 scatter; /* of the frame allocator */
};

/* Everything as after power-on, both domains running. */
void machine_begin(const struct fuzz_start *start);
/* Both domains are destroyed; every frame must be there again. */
void machine_end(void);
/* Calls fn() and says how the machine ended meanwhile, if it did; aborts where it was a panic. */
enum fake_end machine_run(void (*fn)(void));

/* The realm whose vcpu is on the processor. */
struct realm *realm_running(void);
struct realm *realm_other(void);
u64 realm_number(const struct realm *r, u64 pfn);

/* The guest executes SYSCALL with the registers it has; and again as long as the hypervisor moves it back to it. */
void machine_syscall(void);
/* A trap other than SYSCALL was answered: what follows, up to the next instruction of a guest. */
void machine_way_out(void);
/* A store by the guest that runs, through its own tables, with all that follows from a fault. */
void machine_store(vaddr_t address, u64 value, unsigned instruction);
/* Only so many frames are left to allocate. */
void machine_hog(u64 leave);
/* Ends a domain as reboot would, and lets it be built again. */
void machine_restart(struct realm *r);
/* Everything that must hold. */
void machine_check(void);

/* How requests are disturbed: kept until the next step. */
struct disturbance {
    u8 interrupt; /* bits 0-4: at that look for preemption, 0: never; 5: again after each restart; 6: the guest does not
                     come back to it; 7: the other vcpus' turn */
    u8 scribble;  /* 0: nobody; else at read 1 + bits 0, 1: word (bits 2-7) of the room's argument part becomes the value */
    u64 value;
};
extern struct disturbance disturb;
#define SCRIBBLE_AT 4096u /* where in the room typed arguments stand */

/* Says what was done, if XL_FUZZ_TRACE is set. */
void fuzz_trace(const char *fmt, ...) __printf(1, 2);
__noreturn void fuzz_wrong(const char *what);
extern u64 fuzz_operations; /* steps so far */
extern u64 fuzz_digest;     /* of all that was answered and changed: the same program twice gives the same */

#endif
