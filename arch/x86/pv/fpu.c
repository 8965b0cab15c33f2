/* SPDX-License-Identifier: MIT */
/*
 * FPU, SSE and AVX state of vcpus. It changes hands as a whole at each switch from one vcpu to another, so that no
 * register of one, upper halves included, is ever in the processor while another runs; a vcpu that comes back to a
 * processor that still holds its state loads nothing. CR0.TS in the processor is the guest's own.
 *
 * All offered parts are saved and loaded whatever the guest's XCR0 enables: what it has switched off is still there.
 */
#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/percpu.h"
#include "arch/x86/pv/pv.h"
#include "common/frame.h"
#include "lib/bug.h"
#include "lib/string.h"
#include <arch/pv.h>
#include <xen/errno.h>

#define CR0_MP         (1ull << 1)
#define CR0_EM         (1ull << 2)
#define CR0_TS         (1ull << 3)
#define CR0_NE         (1ull << 5)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_OSXSAVE    (1ull << 18)

#define CPUID_1_ECX_XSAVE (1u << 26)

/* The image that FXSAVE writes, and the first 576 bytes of what XSAVE writes (Intel SDM vol. 1 §10.5, §13.4). */
struct fpu_image {
    u16 fcw, fsw;
    u8 ftw, spare;
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    u8 registers[480];
    u64 xstate_bv, xcomp_bv; /* XSAVE only from here */
    u64 header[6];
};
_Static_assert(offsetof(struct fpu_image, mxcsr) == 24, "MXCSR stands at byte 24");
_Static_assert(offsetof(struct fpu_image, xstate_bv) == 512, "the XSAVE header follows the FXSAVE image");
_Static_assert(sizeof(struct fpu_image) == 576, "a legacy image and a header");

#define FXSAVE_SIZE   512
#define FCW_INIT      0x037f
#define MXCSR_INIT    0x1f80
#define MXCSR_DEFINED 0xffffu

static u64 xcr0_offered;
static size_t area_size = FXSAVE_SIZE;

size_t fpu_area_size(void)
{
    return area_size;
}
u64 fpu_xcr0_offered(void)
{
    return xcr0_offered;
}

static u64 xcr0_decide(void)
{
    u32 eax, ebx, ecx, edx;
    insn_cpuid(0xd, 0, &eax, &ebx, &ecx, &edx);
    u64 has = (u64)edx << 32 | eax;
    u64 offer = XCR0_X87 | XCR0_SSE | (has & XCR0_AVX);
    if ((has & XCR0_AVX) && (has & XCR0_AVX512) == XCR0_AVX512)
        offer |= XCR0_AVX512;
    return offer;
}

void fpu_cpu_init(void)
{
    u32 eax, ebx, ecx, edx;
    insn_cpuid(1, 0, &eax, &ebx, &ecx, &edx);
    bool xsave = ecx & CPUID_1_ECX_XSAVE;

    insn_write_cr0((insn_read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    insn_write_cr4(insn_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (xsave ? CR4_OSXSAVE : 0));
    if (!xsave) {
        xcr0_offered = 0;
        area_size = FXSAVE_SIZE;
        return;
    }
    xcr0_offered = xcr0_decide();
    insn_xsetbv(0, xcr0_offered);
    this_x86_cpu()->xcr0 = xcr0_offered;
    insn_cpuid(0xd, 0, &eax, &ebx, &ecx, &edx); /* ebx: size for what XCR0 enables now */
    area_size = ebx;
    BUG_ON(area_size < sizeof(struct fpu_image) || area_size > PAGE_SIZE);
}

/* The state after power-on, as far as an operating system finds it: masks set, registers empty. */
static void image_init(struct fpu_image *image)
{
    memset(image, 0, area_size);
    image->fcw = FCW_INIT;
    image->mxcsr = MXCSR_INIT;
}

int pv_fpu_init(struct x86_vcpu *v)
{
    mfn_t page = frame_alloc_host();
    if (mfn_is_invalid(page))
        return -XEN_ENOMEM;
    v->fpu = mfn_to_ptr(page);
    v->task_switched = false;
    v->xcr0 = XCR0_X87;
    image_init(v->fpu);
    return 0;
}

void pv_fpu_free(struct x86_vcpu *v)
{
    if (this_x86_cpu()->loaded_fpu == v)
        this_x86_cpu()->loaded_fpu = NULL;
    if (v->fpu)
        frame_free_host(ptr_to_mfn(v->fpu), 1);
    v->fpu = NULL;
}

void pv_fpu_import(struct x86_vcpu *v, const void *fxsave)
{
    struct fpu_image *image = v->fpu;
    BUG_ON(this_x86_cpu()->loaded_fpu == v);
    image_init(image);
    memcpy(image, fxsave, FXSAVE_SIZE);
    /* Undefined bits of MXCSR would make the load fault, and the whole state be lost. */
    image->mxcsr &= MXCSR_DEFINED;
    image->mxcsr_mask = 0;
    if (xcr0_offered)
        image->xstate_bv = XCR0_X87 | XCR0_SSE;
}

/* All that is offered while an area is saved or loaded; the guest's own while it runs. */
static void xcr0_load(u64 value)
{
    struct x86_cpu *cpu = this_x86_cpu();
    if (xcr0_offered && cpu->xcr0 != value) {
        insn_xsetbv(0, value);
        cpu->xcr0 = value;
    }
}

/* Before the vcpu runs again it is loaded again: XCR0 and TS are left as they are here. */
void pv_fpu_save(struct x86_vcpu *v)
{
    if (this_x86_cpu()->loaded_fpu != v)
        return;
    if (v->task_switched)
        insn_clts();
    xcr0_load(xcr0_offered);
    if (xcr0_offered)
        insn_xsave(v->fpu, xcr0_offered);
    else
        insn_fxsave(v->fpu);
}

static bool image_load(const struct fpu_image *image)
{
    /*
     * AMD's FXRSTOR and XRSTOR leave the address and opcode of the last x87 instruction as they are unless an
     * exception is pending: without this they would still be the vcpu's of before.
     */
    insn_fpu_forget_pointers();
    return xcr0_offered ? insn_xrstor(image, xcr0_offered) : insn_fxrstor(image);
}

void pv_fpu_load(struct x86_vcpu *v)
{
    struct x86_cpu *cpu = this_x86_cpu();
    bool ts = insn_read_cr0() & CR0_TS;

    if (cpu->loaded_fpu != v) {
        if (ts)
            insn_clts();
        ts = false;
        xcr0_load(xcr0_offered);
        if (!image_load(v->fpu)) {
            image_init(v->fpu);
            BUG_ON(!image_load(v->fpu));
        }
        cpu->loaded_fpu = v;
    }
    xcr0_load(v->xcr0);
    if (v->task_switched && !ts)
        insn_stts();
    else if (!v->task_switched && ts)
        insn_clts();
}

bool pv_fpu_set_xcr0(struct x86_vcpu *v, u64 value)
{
    u64 avx512 = value & XCR0_AVX512;
    if (!(value & XCR0_X87) || (value & ~xcr0_offered))
        return false;
    if ((value & XCR0_AVX) && !(value & XCR0_SSE))
        return false;
    if (avx512 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX)))
        return false;
    if (!insn_xsetbv_safe(0, value))
        return false;
    v->xcr0 = this_x86_cpu()->xcr0 = value;
    return true;
}

long arch_fpu_taskswitch(struct vcpu *v, bool set)
{
    struct x86_vcpu *xv = x86_vcpu(v);
    if (xv->task_switched != set) {
        xv->task_switched = set;
        if (set)
            insn_stts();
        else
            insn_clts();
    }
    return 0;
}

/* TS is cleared as the trap is delivered (guest ABI), which saves the handler a hypercall. */
void pv_fpu_device_not_available(struct x86_vcpu *v, struct regs *r)
{
    bool guests = v->task_switched;
    v->task_switched = false;
    insn_clts();
    if (guests)
        pv_inject_trap(v, r, VECTOR_NM, 0);
}
