/* SPDX-License-Identifier: MIT
 * A guest out of Debian's libxen-dev and nothing else: it prints, reads start_info, changes its page tables
 * by both hypercalls, handles a trap, waits for a timer event, and shuts down. README.md says why it stands
 * alone. */
#include <stdint.h>
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define MILLISECOND 1000000ull

extern char virt_base[], hypercall_page[], undefined_entry[], event_entry[];
extern volatile uint32_t undefined_count;

void guest_main(const start_info_t *start);
void upcall(void);

static char page_one[4096] __attribute__((aligned(4096))) = "page one";
static char page_two[4096] __attribute__((aligned(4096))) = "page two";
static char shared_page[4096] __attribute__((aligned(4096)));
static shared_info_t *const shared = (shared_info_t *)shared_page;
static volatile unsigned int timer_events;
static evtchn_port_t timer_port;
static int failures;

static long call(unsigned int number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    register uint64_t r10 __asm__("r10") = d;
    long result;

    __asm__ volatile("call *%%rax"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10)
                     : "0"(hypercall_page + number * 32u)
                     : "memory");
    return result;
}

static uint64_t address_of(const volatile void *object)
{
    return (uint64_t)object;
}

static void print(const char *text)
{
    unsigned int length = 0;

    while (text[length] != '\0')
        length++;
    call(__HYPERVISOR_console_io, CONSOLEIO_write, length, address_of(text), 0);
}

static void check(const char *what, int holds)
{
    char line[100];
    unsigned int length = 0;

    for (const char *c = holds ? "ok: " : "FAILURE: "; *c != '\0'; c++)
        line[length++] = *c;
    for (; *what != '\0' && length < sizeof(line) - 2; what++)
        line[length++] = *what;
    line[length++] = '\n';
    line[length] = '\0';
    print(line);
    failures += !holds;
}

static unsigned long pfn_of(const volatile void *object)
{
    return (unsigned long)(address_of(object) - address_of(virt_base)) >> 12;
}

/* The entry that maps page, found by walking the tables that the domain builder made. */
static uint64_t *entry_of(const start_info_t *start, const void *page)
{
    uint64_t *table = (uint64_t *)start->pt_base;

    for (unsigned int shift = 39; shift > 12; shift -= 9) {
        uint64_t entry = table[address_of(page) >> shift & 511];

        table = (uint64_t *)(virt_base + (machine_to_phys_mapping[(entry & 0xffffffffff000) >> 12] << 12));
    }
    return &table[address_of(page) >> 12 & 511];
}

static uint64_t flush(void)
{
    return UVMF_INVLPG | UVMF_LOCAL;
}

static void changes_page_tables(const start_info_t *start)
{
    const uint64_t *frames = (const uint64_t *)start->mfn_list;
    const volatile char *seen = page_one;
    uint64_t entry = *entry_of(start, page_two);
    uint64_t number =
        frames[pfn_of(entry_of(start, page_one))] << 12 | (address_of(entry_of(start, page_one)) & 4095);
    mmu_update_t update = {.ptr = number | MMU_NORMAL_PT_UPDATE,
                           .val = frames[pfn_of(page_two)] << 12 | (entry & 0xfff)};

    check("the first page reads \"page one\"", seen[5] == 'o');
    check("mmu_update puts the second in its place",
          call(__HYPERVISOR_mmu_update, address_of(&update), 1, 0, DOMID_SELF) == 0);
    check("update_va_mapping maps shared_info", call(__HYPERVISOR_update_va_mapping, address_of(shared_page),
                                                     start->shared_info | 0x67, flush(), 0) == 0);
    call(__HYPERVISOR_update_va_mapping, address_of(page_one), update.val, UVMF_TLB_FLUSH | UVMF_LOCAL, 0);
    check("the first page reads \"page two\"", seen[5] == 't');
}

static void handles_a_trap(void)
{
    trap_info_t table[2] = {
        {.vector = 6, .cs = FLAT_KERNEL_CS, .address = address_of(undefined_entry)},
        {.address = 0},
    };

    check("set_trap_table", call(__HYPERVISOR_set_trap_table, address_of(table), 0, 0, 0) == 0);
    __asm__ volatile("ud2" : : : "memory");
    check("#UD came once, and the guest went on", undefined_count == 1);
}

/* The event callback. */
void upcall(void)
{
    uint64_t bit = 1ull << timer_port % 64;

    shared->vcpu_info[0].evtchn_upcall_pending = 0;
    __atomic_exchange_n(&shared->vcpu_info[0].evtchn_pending_sel, 0ul, __ATOMIC_SEQ_CST);
    if ((__atomic_fetch_and(&shared->evtchn_pending[timer_port / 64], ~bit, __ATOMIC_SEQ_CST) & bit) != 0)
        timer_events++;
}

static uint64_t system_time(void)
{
    const volatile vcpu_time_info_t *time = &shared->vcpu_info[0].time;
    uint32_t version, low, high;
    uint64_t now, ticks;

    do {
        version = time->version;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
        ticks = ((uint64_t)high << 32 | low) - time->tsc_timestamp;
        ticks = time->tsc_shift < 0 ? ticks >> -time->tsc_shift : ticks << time->tsc_shift;
        now = time->system_time + (uint64_t)((unsigned __int128)ticks * time->tsc_to_system_mul >> 32);
        __asm__ volatile("" : : : "memory");
    } while ((version & 1) != 0 || version != time->version);
    return now;
}

static void waits_for_a_timer(void)
{
    struct callback_register callback = {.type = CALLBACKTYPE_event, .address = address_of(event_entry)};
    struct evtchn_bind_virq bind = {.virq = VIRQ_TIMER, .vcpu = 0};
    uint64_t deadline;

    check("the event callback is registered",
          call(__HYPERVISOR_callback_op, CALLBACKOP_register, address_of(&callback), 0, 0) == 0);
    check("the periodic timer is stopped",
          call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0) == 0);
    check("VIRQ_TIMER is bound",
          call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, address_of(&bind), 0, 0) == 0);
    timer_port = bind.port;
    shared->evtchn_mask[timer_port / 64] &= ~(1ul << timer_port % 64);
    deadline = system_time() + 20 * MILLISECOND;
    check("set_timer_op", call(__HYPERVISOR_set_timer_op, deadline, 0, 0, 0) == 0);
    while (timer_events == 0)
        call(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0);
    check("the timer event came, once", timer_events == 1);
    check("and not before its time", system_time() + MILLISECOND >= deadline);
}

void guest_main(const start_info_t *start)
{
    sched_shutdown_t shutdown = {.reason = SHUTDOWN_poweroff};

    print("--- libxen_hello: Debian's libxen-dev and nothing else ---\n");
    check("start_info has Xen's magic",
          start->magic[0] == 'x' && start->magic[1] == 'e' && start->magic[2] == 'n');
    check("it has memory", start->nr_pages >= 1024);
    changes_page_tables(start);
    handles_a_trap();
    waits_for_a_timer();
    print(failures == 0 ? "Test result: SUCCESS\n" : "Test result: FAILURE\n");
    if (failures != 0)
        shutdown.reason = SHUTDOWN_crash;
    for (;;)
        call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, address_of(&shutdown), 0, 0);
}
