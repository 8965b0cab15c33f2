/* SPDX-License-Identifier: MIT */
/*
 * The guest's debug registers (AMD APM vol. 2 §13.1, Intel SDM vol. 3 §18.2). The processor holds them while the vcpu
 * is loaded and DR7 enables one; DR6 is the guest's own copy, filled when a #DB is given to it. A breakpoint never
 * covers the hypervisor's addresses, and never a port: what the hypervisor does by itself cannot raise #DB, except
 * where it reads memory that the guest watches, which its #DB handler lets pass.
 */
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/pv/pv.h"
#include "common/printk.h"
#include <arch/pv.h>
#include <xen/errno.h>

#define BREAKPOINTS      4
#define BREAKPOINT_BYTES 8 /* the longest range of one */

#define DR6_ONES   0xffff0ff0ull /* reserved, read as 1 */
#define DR6_ZEROES 0x1000ull     /* reserved, read as 0 */

#define DR7_ENABLE       0xffull   /* L0 G0 ... L3 G3 */
#define DR7_ONES         0x400ull  /* reserved, read as 1 */
#define DR7_ZEROES       0xd800ull /* reserved, read as 0 */
#define DR7_GD           0x2000ull /* access to a debug register raises #DB: would hit the hypervisor's own */
#define DR7_RW(dr7, n)   ((dr7) >> (16 + 4 * (n)) & 3)
#define DR7_RW_IO        2u

#define CR4_DE (1ull << 3)

/* DR4 and DR5 are other names of DR6 and DR7 unless CR4.DE is set. ~0: no such register. */
static u32 register_number(const struct x86_vcpu *v, u32 reg)
{
    if (reg == 4 || reg == 5)
        return v->cr4 & CR4_DE ? ~0u : reg + 2;
    return reg <= 7 ? reg : ~0u;
}

static bool is_loaded(const struct x86_vcpu *v)
{
    return current_vcpu() == &v->vcpu;
}

static void addresses_load(const struct x86_vcpu *v)
{
    insn_write_dr(0, v->dr[0]);
    insn_write_dr(1, v->dr[1]);
    insn_write_dr(2, v->dr[2]);
    insn_write_dr(3, v->dr[3]);
}

static void dr7_load(u64 dr7)
{
    insn_write_dr(7, dr7);
    this_x86_cpu()->dr7 = dr7;
}

/* With no breakpoint enabled the addresses of another vcpu may stay: nothing reads them from the processor. */
void pv_debug_load(struct x86_vcpu *v)
{
    u64 dr7 = v->dr7 & DR7_ENABLE ? v->dr7 : DR7_ONES;
    if (dr7 & DR7_ENABLE) {
        /* While the addresses change, no mixture of old and new may fire. */
        if (this_x86_cpu()->dr7 & DR7_ENABLE)
            dr7_load(DR7_ONES);
        addresses_load(v);
    }
    if (dr7 != this_x86_cpu()->dr7)
        dr7_load(dr7);
}

static long address_set(struct x86_vcpu *v, u32 reg, u64 value)
{
    bool reaches_ours = value - (HYPERVISOR_START - BREAKPOINT_BYTES) <
                        HYPERVISOR_END - HYPERVISOR_START + BREAKPOINT_BYTES;
    if (!is_canonical(value) || reaches_ours)
        return guest_refuse(v->vcpu.domain, XEN_EPERM, "set_debugreg: DR%u = %#llx: not an address of the guest\n",
                            reg, (unsigned long long)value);
    v->dr[reg] = value;
    if (is_loaded(v) && (v->dr7 & DR7_ENABLE))
        addresses_load(v);
    return 0;
}

static long control_set(struct x86_vcpu *v, u64 value)
{
    if (value >> 32)
        return guest_refuse(v->vcpu.domain, XEN_EINVAL, "set_debugreg: DR7 = %#llx: upper half is not 0\n",
                            (unsigned long long)value);
    if (value & DR7_GD)
        return guest_refuse(v->vcpu.domain, XEN_EPERM, "set_debugreg: DR7 = %#llx: GD is not for guests\n",
                            (unsigned long long)value);
    for (u32 n = 0; n < BREAKPOINTS && (value & DR7_ENABLE); n++) {
        if (DR7_RW(value, n) == DR7_RW_IO)
            return guest_refuse(v->vcpu.domain, XEN_EPERM, "set_debugreg: DR7 = %#llx: %u is an I/O breakpoint\n",
                                (unsigned long long)value, n);
    }
    v->dr7 = (value & ~DR7_ZEROES) | DR7_ONES;
    if (is_loaded(v))
        pv_debug_load(v);
    return 0;
}

static long status_set(struct x86_vcpu *v, u64 value)
{
    if (value >> 32)
        return guest_refuse(v->vcpu.domain, XEN_EINVAL, "set_debugreg: DR6 = %#llx: upper half is not 0\n",
                            (unsigned long long)value);
    v->dr6 = (value & ~DR6_ZEROES) | DR6_ONES;
    return 0;
}

long arch_set_debugreg(struct vcpu *v, u32 reg, u64 value)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    u32 number = register_number(xv, reg);
    if (number < BREAKPOINTS)
        return address_set(xv, number, value);
    if (number == 6)
        return status_set(xv, value);
    if (number == 7)
        return control_set(xv, value);
    return -XEN_ENODEV;
}

long arch_get_debugreg(struct vcpu *v, u32 reg, u64 *value)
{
    const struct x86_vcpu *xv = x86_vcpu(v);
    u32 number = register_number(xv, reg);
    if (number < BREAKPOINTS)
        *value = xv->dr[number];
    else if (number == 6)
        *value = xv->dr6 | DR6_ONES;
    else if (number == 7)
        *value = xv->dr7 | DR7_ONES;
    else
        return -XEN_ENODEV;
    return 0;
}
