/* SPDX-License-Identifier: MIT */
/* The fake machine's console, its cpus, and the ways in which it ends. */
#include "arch/fake/fake.h"
#include "arch/x86/cpu/percpu.h"
#include "common/cmdline.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/keyhandler.h"
#include "common/printk.h"
#include "common/printk_internal.h"
#include "common/sched.h"
#include "common/spinlock.h"
#include "common/timer.h"
#include "lib/string.h"
#include <arch/machine.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLE_SIZE (4u << 20)

/* Shared with the child of fake_panics(). */
struct console {
    size_t fill;
    char text[CONSOLE_SIZE + 1];
};
static struct console *console;
static const char *typed = "";

/* As on the real machine the guest's registers lie right below the struct. */
static struct {
    struct regs regs;
    struct x86_cpu cpu;
} cpus[FAKE_CPUS];
static u64 scratch[FAKE_CPUS][PAGE_SIZE / sizeof(u64)] __attribute__((aligned(4096)));
static u64 gdt_l1[FAKE_CPUS][32];

_Thread_local struct cpu *fake_this_cpu;
u64 fake_interrupt_after;
void (*fake_on_interrupt)(void);
void (*fake_on_flush_others)(void);
int fake_exit_status = -1;
u64 fake_dumps;

static jmp_buf *end_handler;
static bool in_child;

void fake_fail(const char *fmt, ...)
{
    va_list args;

    fflush(stdout);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nconsole so far:\n%s\n", console != NULL ? console->text : "");
    abort();
}

/* Console
 * ----------------------------------------------------------------------------------------------------------*/

void arch_console_write(const char *text, size_t n)
{
    if (n > CONSOLE_SIZE - console->fill)
        fake_fail("the console overflows");
    memcpy(console->text + console->fill, text, n);
    console->fill += n;
    console->text[console->fill] = 0;
}

int arch_console_read(void)
{
    return *typed != 0 ? (unsigned char)*typed++ : -1;
}

void fake_console_type(const char *text)
{
    typed = text;
}

const char *fake_console_text(void)
{
    return console->text;
}

void fake_console_clear(void)
{
    console->fill = 0;
    console->text[0] = 0;
}

bool fake_console_has(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= console->fill; i++)
        if (memcmp(console->text + i, text, n) == 0)
            return true;
    return false;
}

/* Cpus
 * -------------------------------------------------------------------------------------------------------------*/

void fake_cpu_select(unsigned n)
{
    if (n >= FAKE_CPUS)
        fake_fail("cpu %u", n);
    fake_this_cpu = &cpus[n].cpu.cpu;
}

void fake_interrupt(void)
{
    if (fake_on_interrupt)
        fake_on_interrupt();
    else
        softirq_raise(SOFTIRQ_TIMER);
}

static void cpus_reset(void)
{
    fake_interrupt_after = 0;
    fake_on_interrupt = NULL;
    fake_on_flush_others = NULL;
    memset(cpus, 0, sizeof(cpus));
    memset(gdt_l1, 0, sizeof(gdt_l1));
    for (u32 i = 0; i < FAKE_CPUS; i++) {
        cpus[i].cpu.cpu.id = i;
        cpus[i].cpu.cpu.scratch = scratch[i];
        cpus[i].cpu.apic_id = i;
        cpus[i].cpu.gdt_l1 = gdt_l1[i];
    }
    fake_cpu_select(0);
    lock_order_checked = true;
}

void fake_reset(u64 frames)
{
    if (console == NULL) {
        console = mmap(NULL, sizeof(*console), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (console == MAP_FAILED)
            abort();
    }
    fake_console_clear();
    typed = "";
    panic_under_way = false;
    fake_exit_status = -1;
    fake_dumps = 0;
    fake_flushes_before_reuse = 0;
    cpus_reset();
    fake_processor_reset();
    fake_clock_set(0);
    fake_guest_forget();
    cmdline_parse(getenv("XL_FAKE_OPTIONS") != NULL ? getenv("XL_FAKE_OPTIONS") : "");
    for (struct domain *d; (d = domain_next(NULL)) != NULL;)
        domain_table_remove(d);
    heap_init();
    timers_init();
    sched_init();
    domains_init();
    keyhandler_init();
    fake_ram_init(frames);
}

int fake_setup(void **state)
{
    (void)state;
    fake_reset(FAKE_FRAMES);
    return 0;
}

/* Ends
 * -------------------------------------------------------------------------------------------------------------*/

void __gcov_dump(void) __attribute__((weak));

void fake_end(enum fake_end how)
{
    if (in_child) {
        if (__gcov_dump != NULL)
            __gcov_dump();
        _exit(panic_under_way ? 100 + (int)how : (int)how);
    }
    if (end_handler != NULL)
        longjmp(*end_handler, (int)how);
    fake_fail("the machine ends (%s)", how == FAKE_POWER_OFF ? "power off"
                                       : how == FAKE_REBOOT  ? "reboot"
                                                             : "halt");
}

enum fake_end fake_end_of(void (*fn)(void *), void *data)
{
    jmp_buf here, *outer = end_handler;
    int how;

    end_handler = &here;
    how = setjmp(here);
    if (how == 0)
        fn(data);
    end_handler = outer;
    return (enum fake_end)how;
}

bool fake_panics(void (*fn)(void *), void *data)
{
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        fake_fail("fork");
    if (child == 0) {
        in_child = true;
        end_handler = NULL;
        fn(data);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child)
        fake_fail("waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) >= 100 && WEXITSTATUS(status) <= 100 + FAKE_GUEST)
        return true;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fprintf(stderr, "the child of fake_panics() ended with status %#x\n", (unsigned)status);
    return false;
}

void arch_power_off(void)
{
    fake_end(FAKE_POWER_OFF);
}
void arch_reboot(void)
{
    fake_end(FAKE_REBOOT);
}
void arch_halt(void)
{
    fake_end(FAKE_HALT);
}
void arch_debug_exit(u8 status)
{
    fake_exit_status = status;
}
void arch_dump_stack(void)
{
    fake_dumps++;
}

/* Interrupts come when a test says so (<arch/impl.h>), and none is unexpected. */
void arch_interrupts_on(void)
{
}

void arch_interrupts_off(void)
{
}

void arch_irq_report(void)
{
}
