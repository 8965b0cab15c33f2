/* SPDX-License-Identifier: MIT
 * second_vcpu: a guest describes, starts, stops and starts again its second vcpu. Descriptions that cannot be
 * are refused with an exact error and leave nothing behind; each vcpu has its own registers, page tables,
 * vcpu_info, events and timers, and each wakes the other. With the word "down" both go down, and the domain
 * ends. */
#include "guest/console.h"
#include "guest/event.h"
#include "guest/guest.h"
#include "guest/hypercall.h"
#include "guest/paging.h"
#include "guest/report.h"
#include "guest/string.h"
#include "second.h"

#define SLACK        200000ull /* Xen fires timers that are this close together, so one may come a little early */
#define NONCANONICAL 0x0000800000000000ul
#define HYPERVISOR   0xffff830000000000ul

static struct vcpu_guest_context context;
static uint64_t *root;
static evtchn_port_t ipi[2], timer[2]; /* by the vcpu that they are bound to */

static long vcpu_op(unsigned int command, unsigned int vcpu)
{
    return hypercall_vcpu_op(command, vcpu, NULL);
}

static int vcpu_state(unsigned int vcpu)
{
    struct vcpu_runstate_info info = {.state = -1};

    hypercall_vcpu_op(VCPUOP_get_runstate_info, vcpu, &info);
    return info.state;
}

/* --- before it exists
 * -------------------------------------------------------------------------------------------- */

static void numbers_refused(void)
{
    static const unsigned int wrong[] = {2, 8192, 0xffffffff};

    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        printf("vcpu %u\n", wrong[i]);
        report_answer("refused: initialise", hypercall_vcpu_op(VCPUOP_initialise, wrong[i], &context),
                      -XEN_ENOENT);
        report_answer("refused: up", vcpu_op(VCPUOP_up, wrong[i]), -XEN_ENOENT);
        report_answer("refused: down", vcpu_op(VCPUOP_down, wrong[i]), -XEN_ENOENT);
        report_answer("refused: is_up", vcpu_op(VCPUOP_is_up, wrong[i]), -XEN_ENOENT);
    }
    report_answer("refused: an operation that does not exist", vcpu_op(1000, 1), -XEN_ENOSYS);
}

static void refused(const char *what, long expected)
{
    report_answer(what, hypercall_vcpu_op(VCPUOP_initialise, 1, &context), expected);
    report_quiet("it is not up", vcpu_op(VCPUOP_is_up, 1), 0);
    report_quiet("it cannot go up", vcpu_op(VCPUOP_up, 1), -XEN_EINVAL);
    second_describe(&context, root);
}

static void addresses_refused(void)
{
    context.user_regs.rip = NONCANONICAL;
    refused("refused: rip is not canonical", -XEN_EINVAL);
    context.user_regs.rsp = NONCANONICAL;
    refused("refused: rsp is not canonical", -XEN_EINVAL);
    context.kernel_sp = NONCANONICAL;
    refused("refused: the kernel's stack is not canonical", -XEN_EINVAL);
    context.fs_base = NONCANONICAL;
    refused("refused: the base of fs is not canonical", -XEN_EINVAL);
    context.gs_base_kernel = NONCANONICAL;
    refused("refused: the kernel's base of gs is not canonical", -XEN_EINVAL);
    context.gs_base_user = NONCANONICAL;
    refused("refused: the user's base of gs is not canonical", -XEN_EINVAL);
    context.event_callback_eip = NONCANONICAL;
    refused("refused: the event callback is not canonical", -XEN_EINVAL);
    context.failsafe_callback_eip = NONCANONICAL;
    refused("refused: the failsafe callback is not canonical", -XEN_EINVAL);
    context.syscall_callback_eip = NONCANONICAL;
    refused("refused: the syscall callback is not canonical", -XEN_EINVAL);
    context.trap_ctxt[200].address = NONCANONICAL;
    refused("refused: the handler of a trap is not canonical", -XEN_EINVAL);
    context.ldt_base = HYPERVISOR;
    context.ldt_ents = 8;
    refused("refused: an LDT in the hypervisor", -XEN_EINVAL);
}

/* Every frame here is one that the guest can name without knowing a machine address. */
static void roots_refused(void)
{
    uint64_t *plain = page_alloc();

    context.flags = 0;
    refused("refused: it starts in user mode and has no user root", -XEN_EINVAL);
    context.ctrlreg[3] = 0x000ffffffffff000;
    refused("refused: a root in a frame that does not exist", -XEN_EINVAL);
    context.ctrlreg[3] = virt_to_frame(plain) << 12;
    refused("refused: a root in a page that is mapped writable", -XEN_EINVAL);
    context.ctrlreg[3] = virt_to_frame(pfn_to_virt(entry_pfn_registered(root[511]))) << 12;
    refused("refused: a root that is a table of level 3", -XEN_EINVAL);
    context.ctrlreg[1] = virt_to_frame(plain) << 12;
    refused("refused: a user root in a page that is mapped writable", -XEN_EINVAL);
    context.gdt_frames[0] = virt_to_frame(root);
    context.gdt_ents = 16;
    refused("refused: a GDT in a page table", -XEN_EINVAL);
    context.gdt_ents = 100000;
    refused("refused: a GDT of 100000 entries", -XEN_EINVAL);
    page_free(plain);
}

static void before_it_exists(void)
{
    report_answer("vcpu 0 is up", vcpu_op(VCPUOP_is_up, 0), 1);
    report_answer("vcpu 1 is not", vcpu_op(VCPUOP_is_up, 1), 0);
    report_answer("refused: up before initialise", vcpu_op(VCPUOP_up, 1), -XEN_EINVAL);
    report_answer("down, which it is", vcpu_op(VCPUOP_down, 1), 0);
    report_answer("refused: initialise from nothing", hypercall_vcpu_op(VCPUOP_initialise, 1, NULL),
                  -XEN_EFAULT);
    report_answer("refused: initialise from the hypervisor",
                  hypercall_vcpu_op(VCPUOP_initialise, 1, (void *)HYPERVISOR), -XEN_EFAULT);
    report_answer("refused: initialise vcpu 0, which runs", hypercall_vcpu_op(VCPUOP_initialise, 0, &context),
                  -XEN_EEXIST);
    numbers_refused();
    addresses_refused();
    roots_refused();
}

/* --- it starts
 * --------------------------------------------------------------------------------------------------- */

static bool has_started(void)
{
    return second_start.rdi != 0;
}

static bool starts(void)
{
    report_answer("initialise", hypercall_vcpu_op(VCPUOP_initialise, 1, &context), 0);
    report_answer("refused: initialise again", hypercall_vcpu_op(VCPUOP_initialise, 1, &context),
                  -XEN_EEXIST);
    report_answer("it is not up yet", vcpu_op(VCPUOP_is_up, 1), 0);
    report_equal("its state is offline", (unsigned long)vcpu_state(1), RUNSTATE_offline);
    for (unsigned int i = 0; i < 10; i++)
        second_yield();
    report_true("it does not run yet", !has_started());
    memset(&context, 0xff, sizeof(context)); /* the description was read, and counts no more */
    report_answer("up", vcpu_op(VCPUOP_up, 1), 0);
    report_answer("up once more", vcpu_op(VCPUOP_up, 1), 0);
    report_answer("it is up", vcpu_op(VCPUOP_is_up, 1), 1);
    if (!report_true("it runs", second_wait(has_started)))
        return false;
    second_order(second_yield);
    if (!report_true("it obeys", second_done()))
        return false;
    report_equal("its rdi", second_start.rdi, 0x1111111111111111);
    report_equal("its rbx", second_start.rsi, 0x2222222222222222);
    report_equal("its r15", second_start.rdx, 0x3333333333333333);
    report_true("its own fs", second_start.fs != 0);
    report_true("its own gs", second_start.gs != 0);
    report_true("its own root", second_start.cr3 == virt_to_frame(root) << 12);
    report_true("its upcalls are masked", second_start.mask);
    report_answer("unpin its root", table_unpin(root), 0);
    report_answer("refused: make writable what it runs on", page_writable(root), -XEN_EBUSY);
    report_answer("pin it again", table_pin(4, root), 0);
    return true;
}

/* --- events
 * ------------------------------------------------------------------------------------------------------ */

static long bind(unsigned int vcpu, unsigned int virq, bool is_ipi)
{
    struct evtchn_bind_ipi to_ipi = {.vcpu = vcpu};
    struct evtchn_bind_virq to_virq = {.virq = virq, .vcpu = vcpu};
    long answer = is_ipi ? hypercall_event_channel_op(EVTCHNOP_bind_ipi, &to_ipi)
                         : hypercall_event_channel_op(EVTCHNOP_bind_virq, &to_virq);

    if (answer != 0)
        return answer;
    event_unmask(is_ipi ? to_ipi.port : to_virq.port);
    return is_ipi ? to_ipi.port : to_virq.port;
}

static bool ports_bound(void)
{
    struct evtchn_bind_vcpu move;
    struct evtchn_status status;
    long port[4] = {bind(0, 0, true), bind(1, 0, true), bind(0, VIRQ_TIMER, false),
                    bind(1, VIRQ_TIMER, false)};

    for (unsigned int i = 0; i < 4; i++)
        if (port[i] <= 0 || port[i] >= PORTS) {
            report_failure("binding %u of 4: %ld", i + 1, port[i]);
            return false;
        }
    for (unsigned int i = 0; i < 2; i++) {
        ipi[i] = (evtchn_port_t)port[i];
        timer[i] = (evtchn_port_t)port[2 + i];
        second_ports[i] = 1ul << ipi[i] | 1ul << timer[i];
    }
    report_answer("refused: an IPI to vcpu 2", bind(2, 0, true), -XEN_ENOENT);
    report_answer("refused: the timer of vcpu 2", bind(2, VIRQ_TIMER, false), -XEN_ENOENT);
    report_answer("refused: vcpu 1's timer a second time", bind(1, VIRQ_TIMER, false), -XEN_EEXIST);
    report_answer("refused: a virtual interrupt of the domain, to vcpu 1", bind(1, VIRQ_DOM_EXC, false),
                  -XEN_EINVAL);
    move = (struct evtchn_bind_vcpu){.port = ipi[1], .vcpu = 0};
    report_answer("refused: move vcpu 1's IPI to vcpu 0",
                  hypercall_event_channel_op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    move.port = timer[1];
    report_answer("refused: move vcpu 1's timer to vcpu 0",
                  hypercall_event_channel_op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    status = (struct evtchn_status){.dom = DOMID_SELF, .port = ipi[1]};
    report_answer("status of vcpu 1's IPI", hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
    report_equal("it is an IPI", status.status, EVTCHNSTAT_ipi);
    report_equal("of vcpu 1", status.vcpu, 1);
    return true;
}

static void order_upcalls_on(void)
{
    second_info[1]->evtchn_upcall_mask = 0;
    hypercall_xen_version(XENVER_version, NULL); /* its return delivers */
}

static bool second_ipi_came(void)
{
    return second_came[1][ipi[1]] != 0;
}

static void events_arrive(void)
{
    second_info[0]->evtchn_upcall_mask = 0;
    report_answer("send to vcpu 1, whose upcalls are masked", event_send(ipi[1]), 0);
    report_equal("its vcpu_info says so", second_info[1]->evtchn_upcall_pending, 1);
    report_equal("and which word", second_info[1]->evtchn_pending_sel, 1);
    report_equal("vcpu 0's does not", second_info[0]->evtchn_upcall_pending, 0);
    report_true("the port is pending", event_pending(ipi[1]));
    second_order(order_upcalls_on);
    report_true("it unmasks upcalls", second_done());
    report_true("it came", second_wait(second_ipi_came));
    report_equal("once, on vcpu 1", second_came[1][ipi[1]], 1);
    report_answer("send to vcpu 1, unmasked", event_send(ipi[1]), 0);
    second_order(second_yield);
    report_true("it obeys", second_done());
    report_equal("it came as well", second_came[1][ipi[1]], 2);
    report_equal("none came to vcpu 0", second_came[0][ipi[1]], 0);
    report_answer("send to itself", event_send(ipi[0]), 0);
    report_equal("it came, on vcpu 0", second_came[0][ipi[0]], 1);
    report_equal("none came to vcpu 1", second_came[1][ipi[0]], 0);
}

/* --- block and wake
 * ---------------------------------------------------------------------------------------------- */

static void order_block(void)
{
    second_block_for(1, ipi[1]);
}

static bool second_is_blocked(void)
{
    return vcpu_state(1) == RUNSTATE_blocked;
}

static bool first_is_blocked(void)
{
    return vcpu_state(0) == RUNSTATE_blocked;
}

static volatile bool saw_first_blocked;

static void order_wake_first(void)
{
    saw_first_blocked = second_wait(first_is_blocked);
    event_send(ipi[0]);
}

static void wake_each_other(void)
{
    second_came[1][ipi[1]] = second_came[0][ipi[0]] = 0;
    second_order(order_block);
    report_true("vcpu 1 blocks", second_wait(second_is_blocked));
    report_answer("it is up nevertheless", vcpu_op(VCPUOP_is_up, 1), 1);
    report_answer("wake it", event_send(ipi[1]), 0);
    report_true("it goes on", second_done());
    second_order(order_wake_first);
    second_block_for(0, ipi[0]);
    report_true("vcpu 0 blocked, and vcpu 1 woke it", saw_first_blocked);
    report_true("vcpu 1 goes on as well", second_done());
}

/* --- timers
 * ------------------------------------------------------------------------------------------------------ */

static long set_single_shot(unsigned int vcpu, uint64_t deadline)
{
    struct vcpu_set_singleshot_timer timeout = {.timeout_abs_ns = deadline};

    return hypercall_vcpu_op(VCPUOP_set_singleshot_timer, vcpu, &timeout);
}

static volatile uint64_t second_deadline, second_woke;
static volatile long second_answer;

static void order_timer(void)
{
    second_answer = set_single_shot(1, second_deadline);
    second_block_for(1, timer[1]);
    second_woke = event_system_time();
}

static void order_stop_periodic(void)
{
    second_answer = vcpu_op(VCPUOP_stop_periodic_timer, 1);
}

static void order_tick(void)
{
    struct vcpu_set_periodic_timer period = {.period_ns = 5 * MILLISECOND};
    uint64_t limit = event_system_time() + PATIENCE;

    second_info[1]->evtchn_upcall_mask = 0;
    second_answer = hypercall_vcpu_op(VCPUOP_set_periodic_timer, 1, &period);
    while (second_came[1][timer[1]] < 3 && event_system_time() < limit)
        second_yield();
    vcpu_op(VCPUOP_stop_periodic_timer, 1);
}

static void no_timers(void)
{
    for (unsigned int vcpu = 0; vcpu < 2; vcpu++) {
        event_clear(timer[vcpu]);
        second_came[0][timer[vcpu]] = second_came[1][timer[vcpu]] = 0;
    }
}

static void timers(void)
{
    uint64_t deadline;

    second_order(order_stop_periodic);
    report_true("it obeys", second_done());
    report_answer("stop the periodic timer of vcpu 0", vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
    report_answer("stop the periodic timer of vcpu 1", second_answer, 0);
    no_timers();
    report_answer("refused: vcpu 0 sets vcpu 1's single shot", set_single_shot(1, 1), -XEN_EINVAL);
    report_answer("refused: vcpu 0 stops vcpu 1's single shot", vcpu_op(VCPUOP_stop_singleshot_timer, 1),
                  -XEN_EINVAL);

    deadline = event_system_time() + 30 * MILLISECOND;
    second_deadline = deadline - 20 * MILLISECOND;
    second_order(order_timer);
    report_answer("a single shot of vcpu 0, in 30 ms", set_single_shot(0, deadline), 0);
    second_block_for(0, timer[0]);
    report_true("vcpu 0 not before its time", event_system_time() + SLACK >= deadline);
    report_true("vcpu 1 woke up too", second_done());
    report_answer("its own single shot, in 10 ms", second_answer, 0);
    report_true("vcpu 1 not before its time", second_woke + SLACK >= second_deadline);
    report_equal("vcpu 0's timer came to vcpu 0, once", second_came[0][timer[0]], 1);
    report_equal("vcpu 1's timer came to vcpu 1, once", second_came[1][timer[1]], 1);
    report_equal("vcpu 0's timer never to vcpu 1", second_came[1][timer[0]], 0);
    report_equal("vcpu 1's timer never to vcpu 0", second_came[0][timer[1]], 0);

    no_timers();
    second_order(order_tick);
    report_true("vcpu 1 lets its periodic timer tick", second_done());
    report_answer("its period of 5 ms", second_answer, 0);
    report_true("three of them came to vcpu 1", second_came[1][timer[1]] >= 3);
    report_equal("none to vcpu 0", second_came[0][timer[1]] + second_came[0][timer[0]], 0);
}

/* --- a vcpu_info of its own
 * -------------------------------------------------------------------------------------- */

static uint8_t *info_page;
static volatile long register_answer[3];

static long register_info(unsigned int vcpu, unsigned long frame, uint32_t offset)
{
    struct vcpu_register_vcpu_info info = {.mfn = frame, .offset = offset};

    return hypercall_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &info);
}

static void order_register(void)
{
    unsigned long frame = virt_to_frame(info_page);

    second_info[1]->evtchn_upcall_mask = 1;
    register_answer[0] = register_info(1, frame, PAGE_SIZE - 32);
    register_answer[1] = register_info(1, frame, 256);
    second_info[1] = (struct vcpu_info *)(info_page + 256);
    register_answer[2] = register_info(1, frame, 512);
}

static void own_vcpu_info(void)
{
    struct vcpu_info *old = second_info[1];

    info_page = page_alloc();
    report_answer("refused: vcpu 0 moves the vcpu_info of vcpu 1, which is up",
                  register_info(1, virt_to_frame(info_page), 0), -XEN_EINVAL);
    second_order(order_register);
    report_true("vcpu 1 moves its own", second_done());
    report_answer("refused: over the end of the page", register_answer[0], -XEN_ENXIO);
    report_answer("registered", register_answer[1], 0);
    report_answer("refused: a second time", register_answer[2], -XEN_EINVAL);
    report_equal("the mask came along", second_info[1]->evtchn_upcall_mask, 1);
    report_equal("it is told to look at its ports", second_info[1]->evtchn_upcall_pending, 1);
    report_equal("at all of them", second_info[1]->evtchn_pending_sel, ~0ul);
    report_true("the time is there", second_info[1]->time.tsc_to_system_mul != 0);
    memset(old, 0, sizeof(*old));

    second_came[1][ipi[1]] = 0;
    second_order(order_block);
    report_true("vcpu 1 blocks", second_wait(second_is_blocked));
    report_answer("wake it", event_send(ipi[1]), 0);
    report_true("it goes on", second_done());
    report_equal("the event came once", second_came[1][ipi[1]], 1);
    report_equal("the old place: no upcall", old->evtchn_upcall_pending, 0);
    report_equal("the old place: no word", old->evtchn_pending_sel, 0);
    report_equal("the old place: no time", old->time.version, 0);
    report_answer("refused: make the page a table", table_pin(1, info_page), -XEN_EINVAL);
}

/* --- down and up again
 * ------------------------------------------------------------------------------------------- */

static volatile unsigned int steps;

static void order_down(void)
{
    steps = 1;
    vcpu_op(VCPUOP_down, 1);
    steps = 2;
}

static void order_count(void)
{
    for (steps = 1; steps < 0x80000000u; steps++)
        second_yield();
}

static bool second_is_down(void)
{
    return vcpu_op(VCPUOP_is_up, 1) == 0;
}

static bool second_counts(void)
{
    return steps > 3;
}

static void down_and_up(void)
{
    unsigned int before;

    steps = 0;
    second_order(order_down);
    report_true("vcpu 1 goes down", second_wait(second_is_down));
    report_equal("its state is offline", (unsigned long)vcpu_state(1), RUNSTATE_offline);
    report_answer("refused: initialise, it is that", hypercall_vcpu_op(VCPUOP_initialise, 1, &context),
                  -XEN_EEXIST);
    second_came[1][ipi[1]] = 0;
    report_answer("send to it", event_send(ipi[1]), 0);
    for (unsigned int i = 0; i < 10; i++)
        second_yield();
    report_equal("it stands where it went down", steps, 1);
    report_equal("no event came to it", second_came[1][ipi[1]], 0);
    report_answer("up", vcpu_op(VCPUOP_up, 1), 0);
    report_true("it goes on from there", second_done());
    report_equal("behind its call", steps, 2);
    second_order(order_upcalls_on);
    report_true("it unmasks upcalls", second_done());
    report_equal("the event comes", second_came[1][ipi[1]], 1);

    steps = 0;
    second_order(order_count);
    report_true("vcpu 1 counts", second_wait(second_counts));
    report_answer("vcpu 0 takes it down", vcpu_op(VCPUOP_down, 1), 0);
    before = steps;
    for (unsigned int i = 0; i < 10; i++)
        second_yield();
    report_equal("it counts no more", steps, before);
    report_answer("up", vcpu_op(VCPUOP_up, 1), 0);
    while (steps == before)
        second_yield();
    report_true("it counts on", steps > before);
    steps = 0x80000000u;
    report_true("it ends", second_done());
}

static void root_make(void)
{
    root = page_alloc();
    root_copy_kernel(root);
    report_answer("a root for vcpu 1", table_register(4, root), 0);
}

void guest_main(void)
{
    report_title("second_vcpu", "described, refused, started, woken, stopped: each vcpu has what is its own");
    second_events_init();
    root_make();
    second_describe(&context, root);
    if (!guest_has_option("down"))
        before_it_exists();
    if (!starts())
        return;
    if (guest_has_option("down")) {
        second_order(order_down);
        report_true("vcpu 1 goes down", second_wait(second_is_down));
        printf("vcpu 0 goes down too\n");
        vcpu_op(VCPUOP_down, 0);
        report_failure("vcpu 0 runs on, and is down");
        return;
    }
    if (!ports_bound())
        return;
    events_arrive();
    wake_each_other();
    timers();
    own_vcpu_info();
    down_and_up();
}
