/* SPDX-License-Identifier: MIT */
/* See calls.h. */
#include "tests/fuzz/calls.h"
#include "tests/fuzz/machine.h"
#include "tests/unit/mmu_random/oracle.h"
#include <arch/time.h>
#include <string.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define Z128 "z8z8z8z8z8z8z8z8z8z8z8z8z8z8z8"
#define RESERVATION "r8k8o4x4d2z6"
#define EXCHANGED   "r8C8o4z4d2z6" /* as many on either side */
const struct call calls[] = {
    /* The first FUZZ_MEMORY_CALLS are chosen more often. A new row stands last: the corpus names rows by their number. */
    {__HYPERVISOR_mmu_update, 0, 0, "SCod", "U8E8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L4_TABLE, "SCod", "c4z4n8z8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_UNPIN_TABLE, MMUEXT_NEW_BASEPTR, "SCod", "c4z4n8z8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_SET_LDT, "SCod", "c4z4a8k8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_SET_LDT, MMUEXT_SET_LDT, "SCod", "c4z4a8e8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI, "SCod", "c4z4a8r8", "x8"},
    {__HYPERVISOR_mmuext_op, MMUEXT_NEW_USER_BASEPTR, MMUEXT_NEW_USER_BASEPTR, "SCod", "c4z4n8z8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_CLEAR_PAGE, MMUEXT_COPY_PAGE, "SCod", "c4z4n8n8", ""},
    {__HYPERVISOR_mmuext_op, MMUEXT_FLUSH_CACHE_GLOBAL, MMUEXT_UNMARK_SUPER + 1, "SCod", "c4z4n8n8", ""},
    {__HYPERVISOR_update_va_mapping, 0, 0, "aEk", "", ""},
    {__HYPERVISOR_update_va_mapping_otherdomain, 0, 0, "aEkd", "", ""},
    {__HYPERVISOR_set_gdt, 0, 0, "re", "", "n8"},
    {__HYPERVISOR_update_descriptor, 0, 0, "Uq", "", ""},
    {__HYPERVISOR_set_trap_table, 0, 0, "S", "x1f1j2z4a8", ""},
    {__HYPERVISOR_stack_switch, 0, 0, "ja", "", ""},
    {__HYPERVISOR_set_callbacks, 0, 0, "aaa", "", ""},
    {__HYPERVISOR_fpu_taskswitch, 0, 0, "k", "", ""},
    {__HYPERVISOR_set_debugreg, 0, 0, "ka", "", ""},
    {__HYPERVISOR_get_debugreg, 0, 0, "k", "", ""},
    {__HYPERVISOR_set_segment_base, 0, 3, "ca", "", ""},
    {__HYPERVISOR_memory_op, XENMEM_increase_reservation, XENMEM_decrease_reservation, "ms", RESERVATION, "n8"},
    {__HYPERVISOR_memory_op, XENMEM_populate_physmap, XENMEM_populate_physmap, "ms", RESERVATION, "n8"},
    {__HYPERVISOR_memory_op, XENMEM_exchange, XENMEM_exchange, "ms", EXCHANGED EXCHANGED "z8", "n8"},
    {__HYPERVISOR_memory_op, 24 /* claim_pages */, 24, "ms", "z8x8o4x4d2z6", ""},
    {__HYPERVISOR_memory_op, XENMEM_maximum_ram_page, XENMEM_maximum_reservation, "ms", "d2", ""},
    {__HYPERVISOR_memory_op, XENMEM_maximum_gpfn, XENMEM_maximum_gpfn, "ms", "d2", ""},
    {__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, XENMEM_machphys_mfn_list, "ms", "k4z4r8z4z4", "z8"},
    {__HYPERVISOR_memory_op, XENMEM_memory_map, XENMEM_machine_memory_map, "ms", "k4z4r8", "z8"},
    {__HYPERVISOR_memory_op, XENMEM_machphys_mapping, 19 /* get_sharing_shared_pages */, "ms", "d2z6n8", ""},
    {__HYPERVISOR_memory_op, XENMEM_add_to_physmap, XENMEM_add_to_physmap, "ms", "d2k2k4k8n8", ""},
    {__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, XENMEM_add_to_physmap_batch, "ms", "d2k2k2d2r8r8r8", "n8"},
    {__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, XENMEM_remove_from_physmap, "ms", "d2z6n8", ""},
    {__HYPERVISOR_memory_op, 0, 30, "ms", "x8x8x8x8x8", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, GNTTABOP_map_grant_ref, "cSC", "U8f4g4d2z2z4z8", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, GNTTABOP_map_grant_ref, "cSC", "a8f4g4d2z2z4z8", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, GNTTABOP_unmap_grant_ref, "cSC", "a8z8g4z2z2", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, GNTTABOP_unmap_grant_ref, "cSC", "U8z8g4z2z2", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, GNTTABOP_setup_table, "cSC", "d2z2k4z8r8", "z8"},
    {__HYPERVISOR_grant_table_op, GNTTABOP_copy, GNTTABOP_copy, "cSC", "g8d2y2z4n8d2y2z4y2f2z2z2", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_copy, GNTTABOP_copy, "cSC", "n8d2y2z4g8d2y2z4y2f2z2z2", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_query_size, GNTTABOP_query_size, "cSC", "d2z2z4z4z4", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace, GNTTABOP_unmap_and_replace, "cSC", "a8a8g4z4", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_set_version, GNTTABOP_cache_flush, "cSC", "k4g4d2z2z8", ""},
    {__HYPERVISOR_grant_table_op, GNTTABOP_dump_table, GNTTABOP_transfer, "cSC", "n8d2z2g4z8", ""},
    {__HYPERVISOR_vcpu_op, VCPUOP_up, VCPUOP_get_runstate_info, "cvs", "z8", ""},
    {__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, VCPUOP_register_runstate_memory_area, "cvs", "a8", ""},
    {__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, VCPUOP_register_vcpu_time_memory_area, "cvs", "a8", ""},
    {__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, VCPUOP_stop_singleshot_timer, "cvs", "t8k4z4", ""},
    {__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, VCPUOP_register_vcpu_info, "cvs", "n8y4z4", ""},
    {__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, VCPUOP_get_physid, "cvs", "z8z8", ""},
    {__HYPERVISOR_set_timer_op, 0, 0, "t", "", ""},
    {__HYPERVISOR_sched_op, SCHEDOP_yield, SCHEDOP_block, "c", "", ""},
    {__HYPERVISOR_sched_op, SCHEDOP_shutdown, SCHEDOP_shutdown, "cs", "k4", ""},
    {__HYPERVISOR_sched_op, SCHEDOP_poll, SCHEDOP_poll, "cs", "r8k4z4t8", "p4"},
    {__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, SCHEDOP_remote_shutdown, "cs", "d2z2k4", ""},
    {__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, SCHEDOP_pin_override + 1, "cs", "k4z4", ""},
    {__HYPERVISOR_callback_op, CALLBACKOP_register, CALLBACKOP_unregister, "cs", "k2f2z4a8", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, EVTCHNOP_bind_interdomain, "cs", "d2z2p4z4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, EVTCHNOP_bind_virq, "cs", "k4v4z4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_close, EVTCHNOP_send, "cs", "p4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_status, EVTCHNOP_status, "cs", "d2z2p4z8z8", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, EVTCHNOP_alloc_unbound, "cs", "d2d2z4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, EVTCHNOP_bind_ipi, "cs", "v4z4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu, EVTCHNOP_bind_vcpu, "cs", "p4v4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, EVTCHNOP_unmask, "cs", "p4", ""},
    {__HYPERVISOR_event_channel_op, EVTCHNOP_reset, EVTCHNOP_reset, "cs", "d2", ""},
    {__HYPERVISOR_event_channel_op, 0, 15, "cs", "x8x8x8", ""},
    {__HYPERVISOR_xen_version, 0, XENVER_build_id + 1, "cs", "k4z4r8z8", "z8"},
    {__HYPERVISOR_console_io, 0, 2, "cks", "x8x8x8x8x8", ""},
    {__HYPERVISOR_vm_assist, 0, 2, "ck", "", ""},
    {__HYPERVISOR_physdev_op, 0, 31, "cs", "k8x8x8", ""},
    {__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, PHYSDEVOP_set_iopl, "cs", "k4", ""},
    {__HYPERVISOR_xsm_op, 0, 0, "x", "", ""},
    {__HYPERVISOR_sysctl, XEN_SYSCTL_physinfo, XEN_SYSCTL_debug_keys, "s", "c4w4r8k4" Z128, "x1x1"},
};
_Static_assert(ARRAY_SIZE(calls) <= FUZZ_CALLS_MAX, "every row can be named");
const unsigned call_count = ARRAY_SIZE(calls);

u64 fuzz_literal[FUZZ_LITERALS];

u8 choose(struct choices *c)
{
    if (c->left == 0)
        return 0;
    c->left--;
    return *c->bytes++;
}

/* ---- kinds of values ---------------------------------------------------------------------------------------------- */

u64 choose_number(struct choices *c)
{
    const struct realm *me = realm_running(), *other = realm_other();
    u8 b = choose(c);

    switch (b) {
    case 0 ... FUZZ_PFNS - 1:
        return realm_number(me, b);
    case FUZZ_PFNS ... 2 * FUZZ_PFNS - 1:
        return realm_number(other, b % FUZZ_PFNS);
    case 0x40: /* its shared_info */
        return me->paging == PAGING_REWRITE ? FUZZ_PFNS : me->d->shared_info_mfn.n;
    case 0x41:
        return other->d ? other->d->shared_info_mfn.n : 0;
    case 0x42 ... 0x45: /* numbers in rewrite mode without a frame */
        return FUZZ_PFNS + b - 0x41u;
    case 0x46 ... 0x49:
        return frame_count - 2 + b - 0x46u;
    case 0x4a ... 0x4b:
        return ~0ull >> (b - 0x4a) * 12;
    case 0x4c: /* the machine's number, in whatever mode */
        return other->frame[choose(c) % FUZZ_PFNS].n;
    case 0x50 ... 0x50 + FUZZ_LITERALS - 1:
        return fuzz_literal[b - 0x50];
    case 0x60 ... 0x7f: /* whatever it is */
        return (b - 0x60u) * 8u + choose(c) % 8;
    default: /* one of its tables, or what these map, more often than others */
        return realm_number(me, b % 8);
    }
}

u64 choose_entry(struct choices *c)
{
    static const u64 flags[] = {RW_FLAGS, RO_FLAGS, RW_FLAGS | PTE_NX, RO_FLAGS | PTE_NX, P, P | RW, 0, RW | US,
                                RW_FLAGS | PTE_ACCESSED | PTE_DIRTY, RO_FLAGS | PTE_ACCESSED, RW_FLAGS | PTE_AVAIL,
                                RO_FLAGS | 1ull << 52, RW_FLAGS | PTE_GLOBAL, RO_FLAGS | PTE_PCD, RW_FLAGS | PTE_PSE,
                                ~0ull & 0xfff};
    u64 number = choose_number(c);
    u8 b = choose(c);

    if (b < 0x60)
        return b % 4 == 3 ? 0 : number << PAGE_SHIFT | flags[b % 4 == 0 ? 1 : 0];
    if (b >= 0xf8)
        return b == 0xff ? 0 : fuzz_literal[b % FUZZ_LITERALS];
    return number << PAGE_SHIFT | flags[b % ARRAY_SIZE(flags)];
}

static unsigned choose_slot(u8 b)
{
    return oracle_slots[b % oracle_slot_count];
}

u64 choose_slot_address(struct choices *c)
{
    u64 number = choose_number(c);
    u8 b = choose(c);

    return (number << PAGE_SHIFT) + choose_slot(b & 15) * 8u + (b >> 4 & 3) + (b >> 6 == 3 ? 4 : 0);
}

u64 choose_address(struct choices *c)
{
    static const u64 edges[] = {0, 0x00007ffffffff000, 0x00007fffffffffff, 0x0000800000000000, 0xffff7fffffffffff,
                                0xffff800000000000, 0xffff880000000000, 0xffffffffffffffff, 0xffff87ffffffffff, 8};
    u8 b = choose(c);

    if (b < 0x80) { /* behind the first entries of L4 to L2, some bytes into the page */
        static const u16 into[] = {0, 8, 0x7f8, 0xff8, 0xfff, 0x800, 0x810, 3};
        return ((u64)choose_slot(b & 15) << PAGE_SHIFT) + into[b >> 4];
    }
    if (b < 0xa0)
        return ROOM_ADDRESS + (b & 31) * 0x200u;
    if (b < 0xb0)
        return edges[b % ARRAY_SIZE(edges)];
    if (b < 0xb8)
        return fuzz_literal[b % FUZZ_LITERALS];
    if (b < 0xc0) /* one of its tables, as linear tables would be */
        return HANDLERS_AT + b;
    u8 high = choose(c);
    u64 va = (u64)choose_slot(b & 7) << 39 | (u64)choose_slot(b >> 3 & 7) << 30 | (u64)choose_slot(high & 15) << 21 |
             (u64)choose_slot(high >> 4) << 12;
    return va >> 47 ? va | 0xffff000000000000ull : va;
}

static u64 choose_domain(struct choices *c)
{
    u8 b = choose(c);

    switch (b) {
    case 0x80 ... 0x87: /* the one that is not running, the running one by its number */
        return realm_other()->d ? realm_other()->d->id : 7;
    case 0x88 ... 0x8f:
        return current_vcpu()->domain->id;
    case 0x90 ... 0x9f: /* tables of another, for mmu_update */
        return DOMID_SELF | (realm_other()->d ? realm_other()->d->id + 1ull : 1) << 16;
    case 0xa0 ... 0xbf:
        return b;
    case 0xc0 ... 0xcf:
        return DOMID_FIRST_RESERVED + b % 16;
    case 0xd0 ... 0xd7:
        return fuzz_literal[b % FUZZ_LITERALS];
    default:
        return DOMID_SELF;
    }
}

u64 choose_value(struct choices *c)
{
    static const u64 values[] = {0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 127, 128, 511, 512, 4095, 4096, 0x7fffffff, 0x80000000,
                                 0xffffffff, 1ull << 32, 1ull << 52, 1ull << 62, 1ull << 63, ~0ull, ~0ull - 84, ~0ull - 4095};
    u8 b = choose(c);

    if (b < 0x40)
        return values[b % ARRAY_SIZE(values)];
    if (b < 0x80)
        return b - 0x40u;
    if (b < 0xa0)
        return fuzz_literal[b % FUZZ_LITERALS];
    return b < 0xc0 ? choose_address(c) : b < 0xe0 ? choose_number(c) : choose_entry(c);
}

static u64 choose_time(u8 b)
{
    return b < 0x10 ? b : b < 0xf0 ? system_time() + (b & 15u) * (1ull << (b >> 4) * 3) : b & 1 ? ~0ull : 1ull << 62;
}

static u64 choose_descriptor(u8 b)
{
    static const u64 descriptors[] = {0, 0x00cffb000000ffff, 0x00affa000000ffff, 0x0000890000000067, 0x00cff3000000ffff,
                                      0x00cf9b000000ffff, 0x0000ec0000080000, 0x0000820000000067};
    return b < 0xf0 ? descriptors[b % ARRAY_SIZE(descriptors)] : fuzz_literal[b % FUZZ_LITERALS];
}

static u64 choose_selector(u8 b)
{
    static const u16 selectors[] = {SEL_RING3_CS64, SEL_RING3_DS, SEL_RING3_CS32, 0, 3, SEL_RING0_CS, SEL_RING0_DS, SEL_TSS,
                                    SEL_LDT, 0xb, 0x13, 7, 0xfffb, 0xdffb};
    return selectors[b % ARRAY_SIZE(selectors)];
}

static u64 choose_descriptors(u8 b)
{
    return b < 0xe0 ? (b % 4) * 512u + (b >> 4 & 1) : 7168 + (b & 7u) * 256;
}

static u64 choose_offset(u8 b)
{
    static const u16 offsets[] = {0, 8, 64, 4032, 4033, 4095, 4096, 1, 2048, 100, 0xffff};
    return offsets[b % ARRAY_SIZE(offsets)];
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

struct making {
    const struct call *call;
    struct choices *choices;
    u32 command, count;
    u32 *at; /* in the room, behind what is used */
};

static u64 make_struct(struct making *m, const char *fields, u32 count);

/* A value of the kind; *known: there is such a kind. */
static u64 value_of(struct making *m, char kind)
{
    struct choices *c = m->choices;

    switch (kind) {
    case 'n':
        return choose_number(c);
    case 'E':
        return choose_entry(c);
    case 'U':
        return choose_slot_address(c);
    case 'a':
        return choose_address(c);
    case 'd':
        return choose_domain(c);
    case 't':
        return choose_time(choose(c));
    case 'k':
        return choose(c) % 10;
    case 'p':
        return choose(c) % 24;
    case 'v':
        return choose(c) % (FUZZ_VCPUS + 1);
    case 'g':
        return choose(c) % 18;
    case 'j':
        return choose_selector(choose(c));
    case 'q':
        return choose_descriptor(choose(c));
    case 'e':
        return choose_descriptors(choose(c));
    case 'y':
        return choose_offset(choose(c));
    case 'f':
        return choose(c) % 64;
    case 'x':
        return choose_value(c);
    case 'c':
        return m->command;
    case 'z':
        return 0;
    case 'w':
        return XEN_SYSCTL_INTERFACE_VERSION;
    case 'r':
        return make_struct(m, m->call->list, 4);
    case 's':
        return make_struct(m, m->call->fields, 1);
    case 'S':
        return make_struct(m, m->call->fields, m->count);
    case 'C':
        return m->count;
    case 'o': /* as a field: an order */
        return choose(c) % 4;
    default:
        fuzz_wrong("a letter of calls.c that means nothing");
    }
}

/* Its address. Where the room is used up what stands there already serves. */
static u64 make_struct(struct making *m, const char *fields, u32 count)
{
    u8 made[512] = {0};
    u32 size = 0;

    for (u32 i = 0; i < count; i++)
        for (const char *f = fields; *f; f += 2) {
            u64 value = value_of(m, *f);
            u32 n = (u32)(f[1] - '0');
            if (size + n > sizeof(made))
                break;
            memcpy(&made[size], &value, n);
            size += n;
        }
    u32 start = *m->at;
    if (start + size + 64 > ROOM_SIZE)
        return ROOM_ADDRESS + SCRIBBLE_AT;
    memcpy(&fuzz_room[start], made, size);
    memset(&fuzz_room[start + size], 0, 64); /* lists that end with a zero; room for an answer */
    *m->at = (start + size + 64 + 7) & ~7u;
    return ROOM_ADDRESS + start;
}

static u64 argument_of(struct making *m, char kind)
{
    u8 b;

    switch (kind) {
    case 'o': /* where to say how many were done */
        b = choose(m->choices);
        return b < 0x80 ? 0 : b < 0xc0 ? ROOM_ADDRESS : choose_address(m->choices);
    case 'm':
        b = choose(m->choices);
        return m->command | (b < 0xe0 ? 0u : (b & 15u) << 6);
    default:
        return value_of(m, kind);
    }
}

void call_make(const struct call *call, u8 extra, struct choices *c, u32 *at, u64 args[5])
{
    u32 commands = call->last - call->first + 1u;
    struct making m = {call, c, call->first + extra % commands, 1 + (extra >> 5) % 6, at};

    if (extra >= 0xfc) /* counts near the end of their type */
        m.count = 1;
    memset(args, 0, 5 * sizeof(args[0]));
    for (unsigned i = 0; call->args[i]; i++)
        args[i] = argument_of(&m, call->args[i]);
    for (unsigned i = 0; extra >= 0xfc && call->args[i]; i++)
        if (call->args[i] == 'C')
            args[i] = extra == 0xfc ? 0 : extra == 0xfd ? 0xffffffff : extra == 0xfe ? 0x80000001 : ~0ull;
}
